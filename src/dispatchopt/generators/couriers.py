"""Shifts that cover the day's demand, and the vehicles that couriers ride."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.seeds import stream
from dispatchopt.generators.hours import CLOSE_S, OPEN_S, rate_per_hour
from dispatchopt.generators.people import numbered
from dispatchopt.pipeline.city import CourierShifts

#: Orders per courier hour that the shifts are planned for.
ORDERS_PER_HOUR = 2.5
_SLOT_S = 1800
#: Lengths of shifts, seconds.
_LENGTHS_S = np.array([4, 5, 6, 8]) * 3600
#: Below 1, so that long shifts, which couriers prefer, stand a chance against short ones at peaks.
_LENGTH_POWER = 0.85
#: Minutes that couriers stay after the last order.
_AFTER_CLOSE_S = 1800
VEHICLES = ("e-bike", "motorcycle", "bicycle")
_VEHICLE_SHARES = np.array([0.75, 0.15, 0.10])
_CAPACITY_ORDERS = np.array([4, 5, 3])
_CAPACITY_ML = np.array([70_000, 90_000, 45_000])


def generate_couriers(
    *, num_orders: int, num_couriers: int | None, orders_per_hour: float, seed: int
) -> CourierShifts:
    """Return overlapping shifts that follow the expected demand over the day.

    Parameters
    ----------
    num_orders
        Orders of the day.
    num_couriers
        Number of shifts; None for as many as it takes for ``orders_per_hour``.
    orders_per_hour
        Orders per courier hour, > 0.
    seed
        A whole number >= 0.
    """
    slots = np.arange(OPEN_S, CLOSE_S + _AFTER_CLOSE_S, _SLOT_S)
    need = rate_per_hour(num_orders, (slots + _SLOT_S // 2).astype(np.float64)) / orders_per_hour
    starts, lengths = _templates(slots[-1] + _SLOT_S)
    works = (slots >= starts[:, None]) & (slots < (starts + lengths)[:, None])
    if num_couriers is None:
        hours = num_orders / orders_per_hour
        chosen = _cover(need, works, lengths, None, hours * 3600)
    else:
        chosen = _cover(need, works, lengths, num_couriers, np.inf)
    order = np.lexsort((lengths[chosen], starts[chosen]))
    chosen = chosen[order]
    random = stream(seed, "couriers", "vehicles")
    vehicle = random.choice(len(VEHICLES), size=len(chosen), p=_VEHICLE_SHARES)
    # Nobody comes on to the second.
    late = 60 * stream(seed, "couriers", "starts").integers(0, 10, len(chosen))
    return CourierShifts(
        ids=numbered("R", len(chosen)),
        vehicles=tuple(VEHICLES[each] for each in vehicle.tolist()),
        points=None,
        on_s=starts[chosen] + late,
        off_s=starts[chosen] + lengths[chosen],
        capacity_orders=_CAPACITY_ORDERS[vehicle],
        capacity_ml=_CAPACITY_ML[vehicle],
    )


def _templates(end_s: int) -> tuple[IntArray, IntArray]:
    """Return starts and lengths of all shifts that fit in the day."""
    starts, lengths = (
        part.ravel()
        for part in np.meshgrid(np.arange(OPEN_S, end_s, _SLOT_S), _LENGTHS_S, indexing="ij")
    )
    fits = starts + lengths <= end_s
    return starts[fits].astype(np.int64), lengths[fits].astype(np.int64)


def _cover(
    need: FloatArray, works: BoolArray, lengths: IntArray, count: int | None, limit_s: float
) -> IntArray:
    """Take shift after shift, each where couriers lack most relative to the need.

    The value of a further courier in a slot is the need there over those at work already, plus
    one; so the cover keeps the shape of the need however many couriers there are.
    """
    at_work = np.zeros(len(need))
    chosen: list[int] = []
    total_s = 0
    wanted = np.inf if count is None else count
    while len(chosen) < wanted and total_s + lengths.min() / 2 <= limit_s:
        value = works @ (need / (at_work + 1)) / lengths**_LENGTH_POWER
        best = int(np.argmax(value))
        chosen.append(best)
        at_work += works[best]
        total_s += int(lengths[best])
    return np.array(chosen, dtype=np.int64)
