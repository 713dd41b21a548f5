"""What the policy may see of the world at a tick: copies of what is known, nothing of later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.dispatch.state import (
    CourierStates,
    DispatchState,
    OpenOrders,
    StoreStates,
    TripPlan,
)
from dispatchopt.simulation.ledger import OPEN
from dispatchopt.simulation.world import World

#: Couriers whose shift begins within this many seconds are shown.
COMING_S = 3600


def observe(world: World) -> DispatchState:
    """Return the dispatch state at the world's present second."""
    day, now_s = world.day, world.clock.now_s
    world.hall.expect(now_s)
    stores = day.stores
    open_s = stores.open_s
    if len(day.incidents.closure_store):
        # A store that is shut opens again when it is said to.
        every = np.arange(len(stores))
        until_s = day.incidents.closed_until_s(every, np.full(len(stores), now_s))
        open_s = np.where(until_s > now_s, until_s, open_s)
    return DispatchState(
        now_s=now_s,
        orders=_open_orders(world),
        couriers=_couriers(world),
        stores=StoreStates(
            place_idx=stores.place_idx,
            open_s=open_s,
            close_s=stores.close_s,
            pickers=stores.pickers,
            pick_base_s=stores.pick_base_s,
            pick_line_s=stores.pick_line_s,
            picker_free_s=np.maximum(world.hall.picker_free_s, now_s),
            recent_orders=world.recent_orders.copy(),
        ),
        rules=day.rules,
        travel=day.travel,
        places=day.places,
        last=_last(world),
    )


def _last(world: World) -> tuple[TripPlan, ...]:
    """Return what was planned of orders that are still open."""
    status, found = world.ledger.status, []
    for plan in world.planned:
        orders = tuple(order for order in plan.orders if status[order] == OPEN)
        if orders:
            found.append(replace(plan, orders=orders))
    return tuple(found)


def _open_orders(world: World) -> OpenOrders:
    table, ledger = world.day.orders, world.ledger
    idx = np.flatnonzero(ledger.status == OPEN)
    ptr, option_store = _rows(table.option_ptr, table.option_store, idx)
    missing, is_empty = _missing(world, idx, ptr, option_store)
    declined: list[list[int]] = [[]] * len(idx)
    if ledger.declined:
        declined = [ledger.declined.get(order, []) for order in idx.tolist()]
    return OpenOrders(
        idx=idx,
        place_idx=table.place_idx[idx],
        placed_s=table.placed_s[idx],
        due_s=table.due_s[idx],
        load_ml=table.load_ml[idx],
        num_lines=table.line_ptr[idx + 1] - table.line_ptr[idx],
        store=ledger.store[idx],
        ready_s=world.expected_ready_s(idx),
        option_ptr=ptr,
        option_store=option_store,
        option_missing=missing,
        option_is_empty=is_empty,
        declined_ptr=np.cumsum([0, *(len(row) for row in declined)]),
        declined_courier=np.array([c for row in declined for c in row], dtype=np.int64),
        ready_samples_s=world.ready_samples_s(idx),
    )


def _rows(ptr: IntArray, values: IntArray, idx: IntArray) -> tuple[IntArray, IntArray]:
    """Return the rows of a CSR table that are asked for."""
    lengths = ptr[idx + 1] - ptr[idx]
    new_ptr = np.concatenate([[0], np.cumsum(lengths)])
    take = np.arange(new_ptr[-1]) + np.repeat(ptr[idx] - new_ptr[:-1], lengths)
    return new_ptr, values[take]


def _missing(
    world: World, idx: IntArray, ptr: IntArray, option_store: IntArray
) -> tuple[IntArray, BoolArray]:
    """Return what each option lacks; only orders without a store are looked at."""
    missing = np.zeros(len(option_store), dtype=np.int64)
    is_empty = np.zeros(len(option_store), dtype=np.bool_)
    for row in np.flatnonzero(world.ledger.store[idx] < 0):
        span = slice(int(ptr[row]), int(ptr[row + 1]))
        found = world.shelves.missing(int(idx[row]), option_store[span])
        missing[span], is_empty[span] = found
    return missing, is_empty


def _couriers(world: World) -> CourierStates:
    table, fleet, now_s = world.day.couriers, world.fleet, world.clock.now_s
    is_there = (table.on_s <= now_s + COMING_S) & (table.off_s > now_s) & ~fleet.has_left
    idx = np.flatnonzero(is_there)
    is_busy, on_s = fleet.is_busy[idx], table.on_s[idx]
    expected_s = np.maximum(fleet.free_s[idx], now_s + 1)
    return CourierStates(
        idx=idx,
        is_free=~is_busy & (on_s <= now_s),
        free_s=np.where(is_busy, expected_s, np.maximum(on_s, now_s)),
        place_idx=fleet.place_idx[idx],
        parked_s=fleet.parked_s[idx],
        taken_orders=fleet.taken_orders[idx],
        store_idx=table.store_idx[idx],
        on_s=table.on_s[idx],
        off_s=table.off_s[idx],
        capacity_orders=table.capacity_orders[idx],
        capacity_ml=table.capacity_ml[idx],
        pace=table.pace[idx],
    )
