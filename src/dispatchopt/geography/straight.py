"""Straight lines times a stated detour factor."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.geography.coverage import Coverage
from dispatchopt.geography.distance import LocalPlane, arc_m, chord_m, earth_xyz
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.geography.points import Points
from dispatchopt.geography.profiles import E_BIKE, Profile

#: Rows of a matrix that are worked on at once hold about this many pairs.
_PAIRS_AT_ONCE = 4_000_000


def _whole(values: FloatArray) -> IntArray:
    """Round half up, the one rounding of lengths and times in this layer."""
    whole: IntArray = np.floor(values + 0.5).astype(np.int64)
    return whole


@dataclass(frozen=True, kw_only=True)
class StraightRouter:
    """Travel in straight lines, lengthened by a factor that stands for the roads.

    The factor is a guess about a city: on four real networks the median of road over straight
    length is 1.4 to 1.7 and a tenth of the pairs exceed 1.9 to 2.6. Use roads where there are any.

    Parameters
    ----------
    profile
        Vehicle; only its ``speed_m_s`` and hourly factors count.
    detour_factor
        Length of the way over length of the straight line, in [1, 10].

    Raises
    ------
    ValueError
        If the detour factor is out of range.
    """

    profile: Profile = E_BIKE
    detour_factor: float = 1.4

    def __post_init__(self) -> None:
        if not 1 <= self.detour_factor <= 10:
            raise ValueError(f"detour_factor must lie in [1, 10], not {self.detour_factor}")

    @property
    def source(self) -> str:
        """``straight`` with the factor."""
        return f"straight x {self.detour_factor:g}"

    def pairs_of(self, origins_xyz: FloatArray, targets_xyz: FloatArray) -> tuple[IntArray, ...]:
        """Return metres and seconds between earth-centred coordinates, broadcast on (..., 3)."""
        difference = origins_xyz - targets_xyz
        chord = np.sqrt(np.einsum("...i,...i->...", difference, difference))
        length = arc_m(chord) * self.detour_factor
        return _whole(length), _whole(length / self.profile.speed_m_s)

    def matrix(self, origins: Points, targets: Points) -> TravelMatrix:
        """Return travel from every origin to every target."""
        left, right = earth_xyz(origins), earth_xyz(targets)
        distance = np.empty((len(left), len(right)), dtype=np.int64)
        duration = np.empty_like(distance)
        step = max(1, _PAIRS_AT_ONCE // max(1, len(right)))
        for first in range(0, len(left), step):
            rows = slice(first, first + step)
            distance[rows], duration[rows] = self.pairs_of(left[rows, None], right[None])
        distance.setflags(write=False)
        duration.setflags(write=False)
        return TravelMatrix(
            distance_m=distance, duration_s=duration, source=self.source, profile=self.profile.name
        )

    def within(self, sites: Points, customers: Points, cutoff_m: int) -> Coverage:
        """Return the customers whose distance, in whole metres, is at most ``cutoff_m``.

        A pair is in reach exactly where ``matrix`` gives a distance of at most the cut-off.
        """
        from scipy.spatial import cKDTree

        here, there = earth_xyz(sites), earth_xyz(customers)
        site_idx = customer_idx = np.empty(0, dtype=np.int64)
        if len(here) and len(there):
            # The tree gives candidates with slack; the exact rule is applied to them below.
            radius = chord_m((cutoff_m + 1) / self.detour_factor) + 0.01
            found = cKDTree(here).sparse_distance_matrix(
                cKDTree(there), radius, output_type="ndarray"
            )
            site_idx, customer_idx = found["i"], found["j"]
        distance, _ = self.pairs_of(here[site_idx], there[customer_idx])
        inside = distance <= cutoff_m
        return Coverage.from_pairs(
            site_idx=site_idx[inside],
            customer_idx=customer_idx[inside],
            distance_m=distance[inside],
            num_sites=len(here),
            num_customers=len(there),
            cutoff_m=cutoff_m,
        )

    def path(self, origin: Points, target: Points) -> FloatArray | None:
        """Return the two ends of the straight line as (2, 2) lon, lat."""
        both = Points.concatenate(origin[:1], target[:1])
        return np.column_stack([both.lon, both.lat])

    def travel(self, places: Points) -> StraightTravel:
        """Return travel among places; nothing is stored, each pair is computed when asked."""
        return StraightTravel(self, places)

    def service_area(self, site: Points, cutoff_m: int) -> object:
        """Return the disc in reach, a shapely polygon in WGS84."""
        import shapely

        plane = LocalPlane.around(site[:1])
        disc = shapely.Point(0.0, 0.0).buffer(cutoff_m / self.detour_factor, quad_segs=32)
        return shapely.transform(disc, plane.to_lonlat)


@dataclass(frozen=True, eq=False)
class StraightTravel:
    """Travel among places in straight lines."""

    router: StraightRouter
    places: Points
    _xyz: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_xyz", earth_xyz(self.places))

    @property
    def num_places(self) -> int:
        """Number of places."""
        return len(self.places)

    def block(self, origins: IntArray, targets: IntArray) -> TravelMatrix:
        """Return travel from every origin to every target, by index."""
        return self.router.matrix(
            self.places[np.asarray(origins, dtype=np.int64)],
            self.places[np.asarray(targets, dtype=np.int64)],
        )

    def pairs(self, origins: IntArray, targets: IntArray) -> tuple[IntArray, IntArray]:
        """Return distance (m) and duration (s) of each pair, by index."""
        distance, duration = self.router.pairs_of(self._xyz[origins], self._xyz[targets])
        return distance, duration

    def slowdown(self, second: int) -> float:
        """Return the factor on durations for a departure at a second of the day."""
        return self.router.profile.slowdown(second)
