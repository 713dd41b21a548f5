"""Travel from a matrix that was given."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.geography.coverage import Coverage
from dispatchopt.geography.matrix import UNREACHABLE, TravelMatrix
from dispatchopt.geography.points import Points
from dispatchopt.geography.profiles import FLAT_DAY, Profile


@dataclass(frozen=True, kw_only=True, eq=False)
class MatrixTravel:
    """Travel among the places of a square matrix, by index.

    Parameters
    ----------
    matrix
        Shape (n, n).
    profile
        Gives the hourly factors; none means that every hour is alike.

    Raises
    ------
    ValueError
        If the matrix is not square.
    """

    matrix: TravelMatrix
    profile: Profile | None = None

    def __post_init__(self) -> None:
        if self.matrix.shape[0] != self.matrix.shape[1]:
            raise ValueError(f"travel among places needs a square matrix, not {self.matrix.shape}")

    @property
    def num_places(self) -> int:
        """Number of places."""
        return self.matrix.shape[0]

    def block(self, origins: IntArray, targets: IntArray) -> TravelMatrix:
        """Return travel from every origin to every target, by index."""
        cells = np.ix_(np.asarray(origins, dtype=np.int64), np.asarray(targets, dtype=np.int64))
        return TravelMatrix(
            distance_m=self.matrix.distance_m[cells],
            duration_s=self.matrix.duration_s[cells],
            source=self.matrix.source,
            profile=self.matrix.profile,
        )

    def pairs(self, origins: IntArray, targets: IntArray) -> tuple[IntArray, IntArray]:
        """Return distance (m) and duration (s) of each pair, by index."""
        return self.matrix.distance_m[origins, targets], self.matrix.duration_s[origins, targets]

    def slowdown(self, second: int) -> float:
        """Return the factor on durations for a departure at a second of the day."""
        return self.profile.slowdown(second) if self.profile else FLAT_DAY[0]


@dataclass(frozen=True, kw_only=True, eq=False)
class MatrixRouter:
    """Travel among known places, looked up by their exact coordinates.

    A place that is asked for must be one of ``places``, to within 1e-7 degrees (1 cm). Who has
    indices rather than coordinates uses ``by_index``.

    Parameters
    ----------
    places
        The places of the matrix, shape (n,).
    table
        Travel from every place to every place, shape (n, n).
    profile
        Gives the hourly factors.

    Raises
    ------
    InputError
        If the numbers differ, or if two places have one pair of coordinates and unlike rows.
    """

    places: Points
    table: TravelMatrix
    profile: Profile | None = None
    _index: dict[tuple[int, int], int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        size = len(self.places)
        if self.table.shape != (size, size):
            raise InputError(
                Issue(
                    code="matrix-shape",
                    where="matrix",
                    found=f"{self.table.shape[0]} x {self.table.shape[1]}",
                    wanted=f"{size} x {size}, one row and one column for each place",
                )
            )
        index: dict[tuple[int, int], int] = {}
        issues = []
        for idx, key in enumerate(_keys(self.places)):
            first = index.setdefault(key, idx)
            if first != idx and not self._are_alike(first, idx):
                issues.append(
                    Issue(
                        code="ambiguous-place",
                        where=f"places row {idx + 1}",
                        found=f"the coordinates of row {first + 1} with other distances",
                        wanted="one row of distances for one pair of coordinates",
                        hint="move one of the places by a metre, or ask by index",
                    )
                )
        if issues:
            raise InputError(issues)
        object.__setattr__(self, "_index", index)

    def _are_alike(self, first: int, second: int) -> bool:
        """Whether two places have one distance and duration to and from all others."""
        others = np.ones(len(self.places), dtype=bool)
        others[[first, second]] = False
        for values in (self.table.distance_m, self.table.duration_s):
            if (values[first, others] != values[second, others]).any():
                return False
            if (values[others, first] != values[others, second]).any():
                return False
        return True

    @property
    def source(self) -> str:
        """Where the matrix came from."""
        return self.table.source

    @property
    def by_index(self) -> MatrixTravel:
        """Travel among all places of the matrix, by their index in it."""
        return MatrixTravel(matrix=self.table, profile=self.profile)

    def locate(self, points: Points, where: str = "places") -> IntArray:
        """Return the index of each point in the matrix.

        Raises
        ------
        InputError
            Lists every point that is not a place of the matrix.
        """
        found = [self._index.get(key, -1) for key in _keys(points)]
        issues = [
            Issue(
                code="unknown-place",
                where=f"{where} row {row + 1}",
                found=f"lon {points.lon[row]:.7f} lat {points.lat[row]:.7f}",
                wanted=f"one of the {len(self.places)} places of the given matrix",
                hint="a given matrix knows only its own places; take roads or straight lines",
            )
            for row, idx in enumerate(found)
            if idx < 0
        ]
        if issues:
            raise InputError(issues)
        return np.array(found, dtype=np.int64)

    def matrix(self, origins: Points, targets: Points) -> TravelMatrix:
        """Return travel from every origin to every target."""
        return self.by_index.block(self.locate(origins, "origins"), self.locate(targets, "targets"))

    def within(self, sites: Points, customers: Points, cutoff_m: int) -> Coverage:
        """Return which customers are at most ``cutoff_m`` metres from which site."""
        found = self.matrix(sites, customers)
        site_idx, customer_idx = np.nonzero((found.distance_m <= cutoff_m) & found.is_reachable)
        return Coverage.from_pairs(
            site_idx=site_idx,
            customer_idx=customer_idx,
            distance_m=found.distance_m[site_idx, customer_idx],
            num_sites=len(sites),
            num_customers=len(customers),
            cutoff_m=cutoff_m,
        )

    def path(self, origin: Points, target: Points) -> FloatArray | None:
        """Return both ends: a matrix does not know the way between them; None if there is none."""
        ends = Points.concatenate(origin[:1], target[:1])
        idx = self.locate(ends, "path")
        if self.table.distance_m[idx[0], idx[1]] >= UNREACHABLE:
            return None
        return np.column_stack([ends.lon, ends.lat])

    def travel(self, places: Points) -> MatrixTravel:
        """Return travel among some of the places."""
        idx = self.locate(places)
        return MatrixTravel(matrix=self.by_index.block(idx, idx), profile=self.profile)

    def service_area(self, site: Points, cutoff_m: int) -> object:
        """Return the convex hull of the places within reach, a shapely geometry in WGS84."""
        import shapely

        idx = self.locate(site[:1], "site")
        near = self.table.distance_m[idx[0]] <= cutoff_m
        return shapely.convex_hull(
            shapely.MultiPoint(np.column_stack([self.places.lon[near], self.places.lat[near]]))
        )


def _keys(points: Points) -> list[tuple[int, int]]:
    lon, lat = np.rint(points.lon * 1e7), np.rint(points.lat * 1e7)
    return list(zip(lon.astype(np.int64).tolist(), lat.astype(np.int64).tolist(), strict=True))
