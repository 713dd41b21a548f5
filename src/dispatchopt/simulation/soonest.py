"""The soonest that each order could have been at its door: the floor under click to door."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.dispatch.timing import drive_s
from dispatchopt.geography.matrix import UNREACHABLE
from dispatchopt.simulation.day import Day


def soonest_s(day: Day) -> IntArray:
    """Return the soonest second at which each order could be delivered, shape (n,).

    A courier waits at the store, a picker begins at once, and nobody else wants them: ready time,
    take-over, direct way, hand-over, from the best of the stores that may serve it, at the best
    pace of all couriers and without noise. An order that no store may serve has -1.

    With ready times given and one store each, the mean of this less the placement is the floor
    under the mean click to door of the meal delivery routing problem.
    """
    orders, stores, rules = day.orders, day.stores, day.rules
    row = np.repeat(np.arange(len(orders)), np.diff(orders.option_ptr))
    store = orders.option_store
    picked_s = stores.pick_base_s[store] + stores.pick_line_s[store] * orders.num_lines[row]
    given_s = orders.ready_s[row]
    start_s = np.maximum(orders.placed_s[row], stores.open_s[store])
    ready_s = np.where(given_s >= 0, np.maximum(given_s, start_s), start_s + picked_s)
    _, free_s = day.travel.pairs(stores.place_idx[store], orders.place_idx[row])
    leaves_s = ready_s + rules.pickup_s
    times, inverse = np.unique(leaves_s, return_inverse=True)
    slowdown: FloatArray = np.array([day.travel.slowdown(int(at)) for at in times], dtype=float)
    pace = float(day.couriers.pace.min(initial=np.inf)) if len(day.couriers) else 1.0
    door_s = leaves_s + drive_s(free_s, slowdown[inverse] * pace) + rules.dropoff_s
    best = np.full(len(orders), np.iinfo(np.int64).max)
    can = free_s < UNREACHABLE
    np.minimum.at(best, row[can], door_s[can])
    soonest: IntArray = np.where(best < np.iinfo(np.int64).max, best, -1)
    return soonest
