"""Routing problems from the plane: conventions of cost, matrices, and what readers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.errors import InputError
from dispatchopt.geography.matrix import UNREACHABLE, TravelMatrix
from dispatchopt.io.formats._base import take_options
from dispatchopt.io.formats._vrp_text import LARGEST
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, Said, nearest, single
from dispatchopt.routing.problem import FAR, RoutingProblem
from dispatchopt.routing.tables import MAX_COST

#: Places of which a matrix still fits into memory (1.2 GB).
MOST_PLACES = 12_000


@dataclass(frozen=True, kw_only=True)
class Rounding:
    """How figures of a file become whole numbers.

    Parameters
    ----------
    name
        By which users ask for it.
    scale
        Units per unit of the file.
    is_truncated
        Whether digits beyond are cut off, or rounded to the nearest.
    """

    name: str
    scale: int
    is_truncated: bool

    def whole(self, values: npt.ArrayLike) -> IntArray:
        """Return figures in our units."""
        scaled = np.asarray(values, dtype=np.float64) * self.scale
        # With as many digits as no file has, cutting off would only catch errors of doubles.
        is_cut = self.is_truncated and self.scale <= 10
        cut = np.trunc(scaled) if is_cut else np.rint(scaled)
        return cut.astype(np.int64)

    def distances(self, values: FloatArray) -> IntArray:
        """Return distances in our units."""
        scaled = values * self.scale
        cut = np.trunc(scaled) if self.is_truncated else np.rint(scaled)
        whole: IntArray = cut.astype(np.int64)
        return whole


ROUNDINGS = {
    each.name: each
    for each in (
        Rounding(name="dimacs", scale=10, is_truncated=True),
        Rounding(name="exact", scale=1_000, is_truncated=False),
        Rounding(name="round", scale=1, is_truncated=False),
        Rounding(name="trunc", scale=1, is_truncated=True),
        Rounding(name="double", scale=1_000_000, is_truncated=True),
    )
}
OPTIONS: dict[str, tuple[type, Any, float, float]] = {
    "rounding": (str, "", 0, 0),
    "vehicles_first": (int, 0, 0, 1),
}


def option_texts(default: str) -> dict[str, str]:
    """Return what the options mean."""
    return {
        "rounding": "dimacs (one decimal, truncated, times 10), exact (times 1000, rounded), "
        f"round, trunc, or double (times 1000000, truncated) (default {default})",
        "vehicles_first": "1: fewest vehicles, then least distance (default 0)",
    }


def chosen_options(given: Mapping[str, Any], default: str) -> tuple[Rounding, bool]:
    """Return the rounding, and whether vehicles come first."""
    taken = take_options(given, OPTIONS)
    name = taken["rounding"] or default
    if name not in ROUNDINGS:
        wanted = "one of " + ", ".join(ROUNDINGS)
        raise single("bad-choice", "option rounding", name, wanted, nearest(name, ROUNDINGS))
    return ROUNDINGS[name], bool(taken["vehicles_first"])


def euclidean(xy: FloatArray, rounding: Rounding, where: str) -> TravelMatrix:
    """Return straight distances between places; a unit of distance takes a unit of time.

    Raises
    ------
    InputError
        If there are too many places, or the distances leave the range.
    """
    if len(xy) > MOST_PLACES:
        wanted = f"at most {MOST_PLACES}, of which a matrix fits into memory"
        raise single("out-of-range", where, Said(f"{len(xy)} places"), wanted)
    x, y = xy[:, 0], xy[:, 1]
    dx, dy = x[:, None] - x[None, :], y[:, None] - y[None, :]
    dx *= dx
    dy *= dy
    dx += dy
    return travel_of(np.sqrt(dx, out=dx), rounding, where)


def travel_of(values: FloatArray, rounding: Rounding, where: str) -> TravelMatrix:
    """Return a matrix of distances, which are durations as well."""
    whole = rounding.distances(values)
    largest = int(whole.max(initial=0))
    if largest >= UNREACHABLE:
        wanted = f"below {UNREACHABLE} after scaling by {rounding.scale}"
        hint = "choose another rounding" if rounding.scale > 1 else ""
        raise single("out-of-range", where, Said(f"a distance of {largest}"), wanted, hint)
    whole.setflags(write=False)
    return TravelMatrix(distance_m=whole, duration_s=whole, source="euclidean")


def moments(values: FloatArray, rounding: Rounding) -> IntArray:
    """Return times in our units; what is beyond all measure limits nothing."""
    return np.where(values >= LARGEST, FAR, rounding.whole(values))


def vehicle_price(travel: TravelMatrix, depot: int) -> int:
    """Return a fixed cost that exceeds the way of any sensible plan: all orders on their own."""
    there_and_back = travel.distance_m[depot].sum() + travel.distance_m[:, depot].sum()
    price = 1 + int(there_and_back)
    if price > MAX_COST:
        hint = "choose a rounding with fewer digits"
        found, wanted = Said(f"a cost per vehicle of {price}"), f"at most {MAX_COST}"
        raise single("out-of-range", "option vehicles_first", found, wanted, hint)
    return price


def instance_of(
    name: str,
    where: str,
    rounding: Rounding,
    *,
    order_names: Sequence[str],
    store_names: Sequence[str] = (),
    notes: Mapping[str, Any] | None = None,
    **parts: Any,
) -> Instance:
    """Return the instance of a file.

    Parameters
    ----------
    name, where
        Name of the instance, and of the file.
    rounding
        How its figures were made whole.
    order_names, store_names
        Names; routes of solution files refer to them.
    notes
        What else is worth saying.
    parts
        Fields of the routing problem.
    """
    try:
        problem = RoutingProblem(**parts)
    except InputError as error:
        issues = Issues()
        for each in error.issues:
            issues.add(each.code, f"{where} {each.where}", Said(each.found), each.wanted, each.hint)
        issues.raise_if_any()
        raise
    said = {"rounding": rounding.name, "scale": rounding.scale, **(notes or {})}
    names = {"orders": tuple(order_names), "stores": tuple(store_names)}
    kept = {table: rows for table, rows in names.items() if rows}
    # A document's name is one line of what can be printed.
    name = "".join(each for each in name if each.isprintable())[:200].strip() or "unnamed"
    return Instance(name=name, kind="routing", problem=problem, names=kept, notes=said)
