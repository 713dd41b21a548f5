"""Why an open order starts no trip now, and what would have to change."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.dispatch.state import Decision, DispatchState
from dispatchopt.dispatch.timing import NEVER_S, at_goods_s, drive_s
from dispatchopt.geography.matrix import UNREACHABLE


class Wait(enum.StrEnum):
    """What an open order waits for."""

    STORE = "store"  # no store is chosen: none that may serve it is open and has goods
    PICKING = "picking"  # it is not ready, and nobody needs to set off yet
    PLANNED = "planned"  # a courier is planned for it, who is still busy or need not leave yet
    COURIER = "courier"  # no courier in sight may take it, or it is ready and none is free for it
    BETTER = "better"  # couriers who may take it are free, but do better elsewhere or later


_REMEDY = {
    Wait.STORE: "a store within reach that is open and has the goods",
    Wait.PICKING: "faster picking, or more pickers at its store",
    Wait.PLANNED: "nothing; its courier comes by plan",
    Wait.COURIER: "one more courier on shift near its store",
    Wait.BETTER: "a courier nearer to its store, or a looser bundle limit",
}


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One open order that waits.

    Parameters
    ----------
    order
        Index in the day.
    why
        What it waits for.
    remedy
        What would have to change.
    courier
        The courier planned for it, or -1.
    """

    order: int
    why: Wait
    remedy: str
    courier: int = -1


def waiting(state: DispatchState, decision: Decision) -> tuple[Waiting, ...]:
    """Return an entry for every open order that is neither refused nor on a trip by now."""
    orders, couriers = state.orders, state.couriers
    done = {order for trip in decision.trips for order in trip.orders}
    done |= {order for order, _ in decision.refusals}
    sourced = dict(decision.sourcing)
    planned = {order: plan.courier for plan in decision.planned for order in plan.orders}
    used = {trip.courier for trip in decision.trips} | {name for name, _ in decision.moves}
    used |= {plan.courier for plan in decision.planned}
    is_idle = couriers.is_free & ~np.isin(couriers.idx, list(used))
    at_store: dict[int, IntArray] = {}
    found = []
    for row, order in enumerate(orders.idx.tolist()):
        if order in done:
            continue
        store = int(orders.store[row]) if orders.store[row] >= 0 else sourced.get(order, -1)
        why, lacks = Wait.STORE, ""
        if order in planned:
            why = Wait.PLANNED
        elif store >= 0:
            if store not in at_store:
                at_store[store] = _at_store_s(state, store)
            can, lacks = _able(state, row, store, at_store[store])
            if lacks:
                why = Wait.COURIER
            elif orders.ready_s[row] < 0 or orders.ready_s[row] > state.now_s:
                why = Wait.PICKING
            else:
                why = Wait.BETTER if (can & is_idle).any() else Wait.COURIER
        remedy = lacks or _REMEDY[why]
        found.append(Waiting(order=order, why=why, remedy=remedy, courier=planned.get(order, -1)))
    return tuple(found)


def _at_store_s(state: DispatchState, store: int) -> IntArray:
    """Return when each courier could take over goods at a store, ``NEVER_S`` without a way."""
    couriers = state.couriers
    place = np.repeat(state.stores.place_idx[[store]], len(couriers))
    _, way_s = state.travel.pairs(couriers.place_idx, place)
    parked_s = np.where(couriers.place_idx == place, couriers.parked_s, NEVER_S)
    drives_s = drive_s(way_s, state.travel.slowdown(state.now_s) * couriers.pace)
    here_s = at_goods_s(couriers.free_s, drives_s, state.rules.park_s, parked_s)
    return np.where(way_s >= UNREACHABLE, NEVER_S, here_s)


def _able(state: DispatchState, row: int, store: int, here_s: IntArray) -> tuple[BoolArray, str]:
    """Return which couriers may ever take an order, free or not, and who is lacking if none may."""
    orders, couriers = state.orders, state.couriers
    can: BoolArray = np.ones(len(couriers), dtype=np.bool_)
    if not len(couriers):
        return can, _REMEDY[Wait.COURIER]
    declined = orders.declined_courier[orders.declined_ptr[row] : orders.declined_ptr[row + 1]]
    carries = (couriers.capacity_ml >= orders.load_ml[row]) & (couriers.capacity_orders > 0)
    pickup_s = np.maximum(here_s, orders.ready_s[row])
    # The rules of the checker of decisions, from what changes least to what changes most.
    for is_kept, lacks in (
        (np.isin(couriers.store_idx, [-1, store]), "a courier who may load at its store"),
        (carries, "a courier who can carry as much"),
        (here_s < NEVER_S, "a courier with a way to its store"),
        (pickup_s <= couriers.off_s, "a courier whose shift ends later"),
        (~np.isin(couriers.idx, declined), "a courier who has not declined it"),
    ):
        can &= is_kept
        if not can.any():
            return can, lacks
    return can, ""
