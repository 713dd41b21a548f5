"""Where idle couriers wait: at stores that have had many orders and have few couriers."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray
from dispatchopt.dispatch.state import RECENT_S, DispatchState
from dispatchopt.dispatch.timing import drive_s


def moves(
    state: DispatchState, is_idle: BoolArray, *, reach_s: int, least_shift_s: int, ahead_s: int
) -> list[tuple[int, int]]:
    """Return (courier index, place) moves of idle couriers to stores.

    Parameters
    ----------
    state
        The state.
    is_idle
        Rows of couriers who are free and get no trip now.
    reach_s
        Longest move.
    least_shift_s
        Couriers with less of their shift left stay where they are.
    ahead_s
        The demand of this many seconds is looked at.

    Notes
    -----
    A store that expects w orders and has n couriers waiting is worth w / (n + 1) to one more, less
    ``travel / reach_s`` of that; the best store of each courier is taken while it is worth
    more than the place at hand, with the counts brought up to date.
    """
    stores, couriers = state.stores, state.couriers
    expected = stores.recent_orders * (ahead_s / RECENT_S)
    rows = np.flatnonzero(is_idle & (couriers.off_s - state.now_s >= least_shift_s))
    busy_stores = np.flatnonzero(expected > 0)
    if not len(rows) or not len(busy_stores):
        return []
    by_place = np.argsort(stores.place_idx, kind="stable")
    found = np.searchsorted(stores.place_idx[by_place], couriers.place_idx, side="left")
    found = by_place[np.minimum(found, len(by_place) - 1)]
    is_at_store = stores.place_idx[found] == couriers.place_idx
    waiting = np.bincount(found[is_idle & is_at_store], minlength=len(stores))
    away = rows[~is_at_store[rows]]
    if not len(away):
        return []
    # Only the most wanted stores count, so that the table stays small on large days.
    wanted = busy_stores[np.lexsort((busy_stores, -expected[busy_stores]))][:_MOST_STORES]
    # Where many are away each gets a turn at some tick.
    turn = state.now_s // state.rules.tick_s * _MOST_COURIERS
    away = np.sort(np.roll(away, -(turn % len(away)))[:_MOST_COURIERS])
    courier, store = np.repeat(away, len(wanted)), np.tile(wanted, len(away))
    _, free_s = state.travel.pairs(couriers.place_idx[courier], stores.place_idx[store])
    way_s = drive_s(free_s, state.travel.slowdown(state.now_s) * couriers.pace[courier])
    fit = np.clip(1 - way_s / reach_s, 0, None)
    fit[(couriers.store_idx[courier] >= 0) & (couriers.store_idx[courier] != store)] = 0
    fit = fit.reshape(len(away), len(wanted))
    # Waiting couriers only grow in number, so who gains too little now will not move at all.
    worth = (fit * (expected[wanted] / (waiting[wanted] + 1))).max(axis=1) >= _LEAST_GAIN
    decided: list[tuple[int, int]] = []
    for at, row in zip(np.flatnonzero(worth).tolist(), away[worth].tolist(), strict=True):
        gain = fit[at] * expected[wanted] / (waiting[wanted] + 1)
        best = int(np.argmax(gain))
        if gain[best] >= _LEAST_GAIN:
            waiting[wanted[best]] += 1
            place = int(stores.place_idx[wanted[best]])
            decided.append((int(couriers.idx[row]), place))
    return decided


#: Sizes of the table of couriers and stores, and the least gain that is worth a drive.
_MOST_STORES = 100
_MOST_COURIERS = 60
_LEAST_GAIN = 0.2
