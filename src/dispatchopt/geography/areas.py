"""From the population of areas to places inside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.core.seeds import stream
from dispatchopt.geography.distance import LocalPlane
from dispatchopt.geography.points import Points

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Squares laid over all areas together; beyond, memory and time are not enough.
MOST_SQUARES = 5_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Spread:
    """Places inside areas that share the areas' units.

    Parameters
    ----------
    points
        The places, in WGS84.
    units
        Units at each place, int64, >= 1; over the places of an area they sum to its units.
    area
        Index of the area that each place lies in, int64, rising.
    """

    points: Points
    units: IntArray
    area: IntArray


def spread(
    areas: Sequence[Any],
    units: npt.ArrayLike,
    *,
    every_m: float = 250.0,
    seed: int = 1,
    towards: Points | None = None,
    towards_weight: npt.ArrayLike | None = None,
) -> Spread:
    """Spread the units of areas over places inside them.

    A grid of squares, whose origin the seed shifts, is laid over each area; each piece of the area
    that a square cuts out gets a place inside itself and units in proportion to its size. Where an
    area holds places of ``towards``, its units go to those, in proportion to their weights.
    Units stay whole and are shared by largest remainders, so that no unit is lost. Areas without
    units, and places that would get none, are left out.

    Parameters
    ----------
    areas
        Valid shapely polygons or multipolygons in WGS84, not empty.
    units
        Whole units of each area, >= 0.
    every_m
        Side of the squares, metres, >= 1.
    seed
        Seed of the grid's origin.
    towards
        Places where people are known to be, such as buildings; each counts for the first area that
        it lies in.
    towards_weight
        Weights of those places, finite, >= 0; 1 by default.

    Raises
    ------
    InputError
        If a value is out of range, or squares would be too many.
    """
    whole = np.asarray(units)
    _refuse(areas, whole, every_m, towards, towards_weight)
    whole = whole.astype(np.int64)
    found = [np.flatnonzero(whole > 0)]
    parts: list[tuple[Points, IntArray, FloatArray]] = []
    if towards is not None and len(found[0]):
        places, area, weight = _at_places(areas, towards, towards_weight)
        parts.append((places, area, weight))
        found[0] = np.setdiff1d(found[0], area)
    if len(found[0]):
        parts.append(_in_squares([areas[at] for at in found[0].tolist()], found[0], every_m, seed))
    if not parts:
        none = np.zeros(0)
        return Spread(
            points=Points(lon=none, lat=none),
            units=none.astype(np.int64),
            area=none.astype(np.int64),
        )
    points = Points.concatenate(*(each[0] for each in parts))
    area = np.concatenate([each[1] for each in parts])
    share = share_out(whole, area, np.concatenate([each[2] for each in parts]))
    kept = np.flatnonzero(share > 0)
    kept = kept[np.argsort(area[kept], kind="stable")]
    return Spread(points=points[kept], units=share[kept], area=area[kept])


def share_out(units: IntArray, group: IntArray, weight: FloatArray) -> IntArray:
    """Share the units of groups over their members by weight, whole and without loss.

    Parameters
    ----------
    units
        Units of each group, int64, shape (g,).
    group
        Group of each member, int64, shape (k,).
    weight
        Weight of each member, > 0 in the sum over each group that has members.

    Returns
    -------
    IntArray
        Units of each member. Each gets its share rounded down; what is left goes one by one to the
        members with the largest remainders, of equal ones the first.
    """
    total = np.bincount(group, weights=weight, minlength=len(units))
    exact = units[group] * (weight / total[group])
    least = np.floor(exact).astype(np.int64)
    left = units - np.bincount(group, weights=least, minlength=len(units)).astype(np.int64)
    order = np.lexsort((np.arange(len(group)), -(exact - least), group))
    begin = np.searchsorted(group[order], np.arange(len(units)))
    rank = np.arange(len(order)) - begin[group[order]]
    count = np.bincount(group, minlength=len(units))
    # Rounding may leave a group one more than its members; and each round gives one to all.
    rounds, rest = np.divmod(np.maximum(left, 0), np.maximum(count, 1))
    least[order] += rounds[group[order]] + (rank < rest[group[order]])
    for each in np.flatnonzero((left < 0) & (count > 0)):
        # A share that rounding lifted to the next whole number: the largest one gives it back.
        members = np.flatnonzero(group == each)
        least[members[np.argmax(least[members])]] += left[each]
    shares: IntArray = least
    return shares


def _in_squares(
    areas: Sequence[Any], index: IntArray, every_m: float, seed: int
) -> tuple[Points, IntArray, FloatArray]:
    """Return a place in each piece that squares cut out of areas, the area, and the size (m2)."""
    import shapely

    shapes = np.array(areas, dtype=object)
    plane = _plane(shapes)
    flat = shapely.transform(shapes, lambda lonlat: plane.to_xy(_points(lonlat)))
    shift = stream(seed, "areas").random(2) * every_m
    low = np.floor((shapely.bounds(flat)[:, :2] - shift) / every_m).astype(np.int64)
    high = np.floor((shapely.bounds(flat)[:, 2:] - shift) / every_m).astype(np.int64)
    counts = (high - low + 1).prod(axis=1)
    if counts.astype(float).sum() > MOST_SQUARES:
        raise InputError(
            Issue(
                code="too-large",
                where="every_m",
                found=f"{every_m:g} m, more than {MOST_SQUARES:,} squares over all areas",
                wanted="larger squares",
            )
        )
    owner = np.repeat(np.arange(len(flat)), counts)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    column, row = np.divmod(place, (high - low + 1)[owner, 1])
    corner = (low[owner] + np.column_stack([column, row])) * every_m + shift
    squares = shapely.box(*corner.T, *(corner + every_m).T)
    shapely.prepare(flat)
    near = shapely.intersects(flat[owner], squares)
    owner = owner[near]
    pieces = shapely.intersection(flat[owner], squares[near])
    size = shapely.area(pieces)
    # A sliver thinner than the precision of the plane has no place that is surely inside.
    kept = size > 1e-6
    pieces, owner, size = pieces[kept], owner[kept], size[kept]
    lonlat = plane.to_lonlat(shapely.get_coordinates(shapely.point_on_surface(pieces)))
    inside = shapely.contains_xy(shapes[owner], lonlat[:, 0], lonlat[:, 1])
    owner, size, lonlat = owner[inside], size[inside], lonlat[inside]
    bare = np.setdiff1d(np.arange(len(areas)), owner)
    if len(bare):
        # Areas that are slivers altogether: one place each, as surely inside as it can be.
        extra = shapely.get_coordinates(shapely.point_on_surface(shapes[bare]))
        owner, lonlat = np.concatenate([owner, bare]), np.concatenate([lonlat, extra])
        size = np.concatenate([size, np.ones(len(bare))])
    return _points(lonlat), index[owner], size


def _at_places(
    areas: Sequence[Any], towards: Points, weights: npt.ArrayLike | None
) -> tuple[Points, IntArray, FloatArray]:
    import shapely

    weight = np.ones(len(towards)) if weights is None else np.asarray(weights, dtype=np.float64)
    tree = shapely.STRtree(np.array(areas, dtype=object))
    place, area = tree.query(shapely.points(towards.lon, towards.lat), predicate="intersects")
    order = np.lexsort((area, place))
    place, area = place[order], area[order]
    first = np.ones(len(place), dtype=bool)
    first[1:] = np.diff(place) != 0
    first &= weight[place] > 0
    place, area = place[first].astype(np.int64), area[first].astype(np.int64)
    return towards[place], area, weight[place]


def _plane(shapes: npt.NDArray[np.object_]) -> LocalPlane:
    import shapely

    bounds = shapely.bounds(shapes)
    return LocalPlane.around(_points(np.concatenate([bounds[:, :2], bounds[:, 2:]])))


def _points(lonlat: FloatArray) -> Points:
    return Points(lon=lonlat[:, 0], lat=lonlat[:, 1])


def _refuse(
    areas: Sequence[Any],
    units: npt.NDArray[np.generic],
    every_m: float,
    towards: Points | None,
    weights: npt.ArrayLike | None,
) -> None:
    issues = []
    is_number = np.issubdtype(units.dtype, np.number) and not np.iscomplexobj(units)
    wanted = f"a whole number in [0, 2**53) for each of {len(areas)} areas"
    if units.shape != (len(areas),) or not is_number:
        issues.append(_issue("wrong-shape", "units", f"{units.dtype} {units.shape}", wanted))
    else:
        values = units.astype(np.float64)
        is_fit = (values >= 0) & (values < 2**53) & (values == np.floor(values))
        issues += [
            _issue("bad-value", f"units[{at}]", units[at], wanted)
            for at in np.flatnonzero(~is_fit)[:20]
        ]
    if not (np.isfinite(every_m) and every_m >= 1):
        issues.append(_issue("out-of-range", "every_m", every_m, "metres >= 1"))
    if weights is not None:
        size = 0 if towards is None else len(towards)
        given = np.asarray(weights, dtype=np.float64)
        if given.shape != (size,) or not ((given >= 0) & np.isfinite(given)).all():
            wanted = f"a finite weight >= 0 for each of {size} places"
            issues.append(_issue("bad-value", "towards_weight", given.shape, wanted))
    issues += [
        _issue("bad-polygon", f"areas[{at}]", fault, "a polygon or multipolygon in WGS84")
        for at, fault in enumerate(map(fault_of, areas))
        if fault
    ][:20]
    if issues:
        raise InputError(issues)


def fault_of(area: Any) -> str:
    """Return what is wrong with an area, or an empty text."""
    import shapely

    if area is None or getattr(area, "geom_type", "") not in ("Polygon", "MultiPolygon"):
        return "no geometry" if area is None else f"a {getattr(area, 'geom_type', type(area))}"
    if area.is_empty:
        return "an empty polygon"
    if not np.isfinite(shapely.get_coordinates(area)).all():
        return "a coordinate that is not a finite number"
    low_lon, low_lat, high_lon, high_lat = area.bounds
    if not (-180 <= low_lon <= high_lon <= 180 and -90 <= low_lat <= high_lat <= 90):
        return "coordinates beyond [-180, 180] and [-90, 90] degrees"
    if not area.is_valid:
        return str(shapely.is_valid_reason(area))
    return "" if area.area > 0 else "a polygon without area"


def _issue(code: str, where: str, found: object, wanted: str) -> Issue:
    shown = repr(found.item()) if isinstance(found, np.generic) else str(found)
    return Issue(code=code, where=where, found=shown[:80], wanted=wanted)
