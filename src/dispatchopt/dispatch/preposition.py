"""Where idle couriers wait: at stores that have had many orders and have few couriers."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.dispatch.state import RECENT_S, DispatchState


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
        A courier covers a store by ``1 - way / reach_s``, if the way is shorter.
    least_shift_s
        Couriers with less of their shift left stay where they are.
    ahead_s
        The demand of this many seconds is looked at.

    Notes
    -----
    A waiting courier takes up at most one order of the demand around, shared out by coverage.
    Couriers decide in turn, those who cover most where they are first; a drive must cover more of
    the demand that is left than staying, by a least gain and a price of the way.
    """
    stores, couriers = state.stores, state.couriers
    expected = stores.recent_orders * (ahead_s / RECENT_S)
    rows = np.flatnonzero(is_idle)
    wanted = np.flatnonzero(expected > 0)
    if not len(rows) or not len(wanted):
        return []
    # Only the most wanted stores count, so that the tables stay small on large days.
    wanted = np.sort(wanted[np.lexsort((wanted, -expected[wanted]))][:_MOST_STORES])
    # Where many are idle each gets a turn at some tick.
    turn = state.now_s // state.rules.tick_s * _MOST_COURIERS
    rows = np.sort(np.roll(rows, -(turn % len(rows)))[:_MOST_COURIERS])
    here = couriers.place_idx[rows]
    way_s: FloatArray = _ways_s(state, here, wanted) * couriers.pace[rows][:, None]
    home = couriers.store_idx[rows][:, None]
    is_open = (home < 0) | (home == wanted[None, :])
    stays = np.clip(1 - way_s / reach_s, 0, None) * is_open
    between = np.clip(1 - _ways_s(state, stores.place_idx[wanted], wanted) / reach_s, 0, None)
    price = _LEAST_GAIN + _WAY_PRICE * way_s / reach_s
    price[(way_s > _FARTHEST * reach_s) | ~is_open] = np.inf
    price[couriers.off_s[rows] - state.now_s < least_shift_s] = np.inf
    return _decide(state, rows, wanted, expected[wanted].astype(float), (stays, between, price))


def _decide(
    state: DispatchState,
    rows: IntArray,
    wanted: IntArray,
    left: FloatArray,
    tables: tuple[FloatArray, FloatArray, FloatArray],
) -> list[tuple[int, int]]:
    """Let couriers decide in turn; ``left`` is the demand that nobody waits for."""
    stays, between, price = tables
    left = left.copy()
    here, place = state.couriers.place_idx[rows], state.stores.place_idx[wanted]
    decided: list[tuple[int, int]] = []
    for at in np.lexsort((rows, -(stays @ left))).tolist():
        stay = min(1.0, float(stays[at] @ left))
        gain = np.minimum(1.0, between @ left) - price[at] - stay
        best = int(np.argmax(gain))
        row = stays[at]
        if gain[best] > 0 and here[at] != place[best]:
            row = between[best]
            decided.append((int(state.couriers.idx[rows[at]]), int(place[best])))
        taken = row * left
        left -= taken / max(1.0, float(taken.sum()))
    return decided


def _ways_s(state: DispatchState, origin: IntArray, stores: IntArray) -> FloatArray:
    """Expected seconds from places to stores at pace 1."""
    target = state.stores.place_idx[stores]
    start, end = np.repeat(origin, len(target)), np.tile(target, len(origin))
    _, free_s = state.travel.pairs(start, end)
    ways = free_s.reshape(len(origin), len(target)) * state.travel.slowdown(state.now_s)
    return np.asarray(ways, dtype=np.float64)


#: Sizes of the table of couriers and stores.
_MOST_STORES = 100
_MOST_COURIERS = 40
#: In orders covered: the least gain of a drive and its price, for a drive as long as the reach.
_LEAST_GAIN = 0.05
_WAY_PRICE = 0.1
#: Longest drive, over the reach.
_FARTHEST = 10 / 6
