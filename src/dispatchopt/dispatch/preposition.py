"""Where idle couriers wait: so that the orders to come wait least for somebody to fetch them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.dispatch.state import RECENT_S, DispatchState


@dataclass(frozen=True, kw_only=True)
class Moving:
    """When a drive to wait elsewhere is worth it.

    Parameters
    ----------
    ahead_s
        The demand of this many seconds is looked at.
    far_s
        Longest drive; 0 for none.
    least_gain_s
        Expected seconds of waiting, over all orders looked at, that a drive must save at least.
    way_weight
        Further seconds that it must save per second of driving.
    stay_s
        For how long a courier is taken to be without an order. Orders that come within this time
        and during the drive find the courier half-way, and only the others at its end.
    hop_s, detour_s
        Longest drive between two decisions: a courier who goes farther stops at a store on the
        way, which may lengthen it by as much as the detour, and can be used from there. Without a
        store on the way he goes through.
    least_shift_s
        Nobody drives to where less of the shift would be left.
    anywhere_share
        Share of the demand that is expected at all open stores alike, in [0, 1]; an hour is too
        short to tell which of them orders will come from.
    late_s
        Seconds of waiting that an order counts further whose courier is too far away to be in time;
        0 where only the waiting counts.
    late_anywhere_share
        ``anywhere_share`` where ``late_s`` counts: to be in time somebody must be within reach of
        every store, while the mean wait is least where most orders come from.
    """

    ahead_s: int = 1200
    far_s: int = 600
    least_gain_s: float = 10.0
    way_weight: float = 0.05
    stay_s: int = 900
    hop_s: int = 300
    detour_s: int = 60
    least_shift_s: int = 900
    anywhere_share: float = 0.3
    late_s: float = 0.0
    late_anywhere_share: float = 0.8


def moves(
    state: DispatchState, is_idle: BoolArray, is_coming: BoolArray, how: Moving
) -> list[tuple[int, int]]:
    """Return (courier index, place) moves of idle couriers to stores.

    Parameters
    ----------
    state
        The state.
    is_idle
        Rows of couriers who are free and get no trip now.
    is_coming
        Rows of couriers who are busy and will wait for work when they are done.
    how
        When a drive is worth it.

    Notes
    -----
    As many orders are expected as in the last hour, most of them where those were. One comes at a
    store while its goods are prepared: who is near enough then is there in time, each minute of way
    beyond it is waited, and beyond what is left until it is due the order is late. The nearest
    courier may be on another order by then, so the second, third and fourth nearest count by the
    chance that all nearer ones are (as in the expected coverage of Daskin, 1983). Couriers decide
    in turn, the others standing where they are.
    What an arrival saves counts only for the part of the courier's time that the drive leaves.
    Who is on the way gets no instruction, so long ways are driven in hops from store to store.
    """
    expected = expected_orders(state, how)
    rows, wanted = np.flatnonzero(is_idle), np.flatnonzero(expected > 0)
    if how.far_s <= 0 or not len(rows) or not len(wanted):
        return []
    # Only the most wanted stores count, so that the tables stay small on large days.
    wanted = np.sort(wanted[np.lexsort((wanted, -expected[wanted]))][:_MOST_STORES])
    others = np.flatnonzero(is_coming)
    chance = float(expected.sum()) / (len(rows) + len(others))
    # Where many are idle each gets a turn at some tick.
    turn = state.now_s // state.rules.tick_s * _TURNS
    rows = np.roll(rows, -(turn % len(rows)))[:_MOST_COURIERS]
    free_s = state.couriers.free_s[others]
    others = others[np.lexsort((others, free_s))][:_MOST_COURIERS]
    board = _Board(state, np.concatenate([rows, others]), wanted, expected[wanted], chance, how=how)
    decided: list[tuple[int, int]] = []
    for at, row in enumerate(rows[:_TURNS].tolist()):
        best = board.best(at, how)
        if best >= 0:
            place = int(state.stores.place_idx[wanted[board.hop(at, best, how)]])
            decided.append((int(state.couriers.idx[row]), place))
    return decided


def expected_orders(state: DispatchState, how: Moving) -> FloatArray:
    """Return how many orders each store may get within ``how.ahead_s``, shape (m,).

    Shares of stores in the last hour, shrunk towards equal shares of all that are open: most stores
    of a day get less than an order an hour, and one that had none is not without any to come.
    """
    stores = state.stores
    counts = stores.recent_orders.astype(np.float64)
    is_open = (stores.open_s <= state.now_s + how.ahead_s) & (stores.close_s > state.now_s)
    alike = counts.sum() * is_open / max(1, int(is_open.sum()))
    share = how.late_anywhere_share if how.late_s > 0 else how.anywhere_share
    mixed: FloatArray = (1 - share) * counts + share * alike
    return mixed * (how.ahead_s / RECENT_S)


class _Board:
    """Who waits how far from which store, and what that costs the orders expected there."""

    def __init__(
        self,
        state: DispatchState,
        couriers: IntArray,
        wanted: IntArray,
        demand: FloatArray,
        chance: float,
        *,
        how: Moving,
    ) -> None:
        table, target = state.couriers, state.stores.place_idx[wanted]
        self._demand, self._park_s, self._lead_s = demand, state.rules.park_s, _lead_s(state)
        self._late_s = how.late_s
        self._slack_s, self._half_s = _slack_s(state) if how.late_s > 0 else (0.0, 1.0)
        self._way_s = _ways_s(state, table.place_idx[couriers], target)
        self._pace, self._shift_s = table.pace[couriers], table.off_s[couriers] - state.now_s
        self._way_s *= self._pace[:, None]
        self._between_s = _ways_s(state, target, target)
        home = table.store_idx[couriers][:, None]
        self._is_open = (home < 0) | (home == wanted[None, :])
        self._is_here = table.place_idx[couriers][:, None] == target[None, :]
        late_s = np.maximum(0, table.free_s[couriers] - state.now_s)[:, None]
        nobody = np.full((_RANKS + 1, len(wanted)), self._wait_s(np.array(_MOST_S)))
        waits = np.where(self._is_open, self._wait_s(self._way_s + late_s), nobody[0])
        self._waits = np.concatenate([waits, nobody])
        # An order of that time finds, on average, half of the others placed before it.
        busy = min(_MOST_BUSY, chance / 2)
        self._weight = (1 - busy) * busy ** np.arange(_RANKS)
        self._weight[-1] = busy ** (_RANKS - 1)
        self._nearest = self._sorted()

    def _wait_s(self, way_s: FloatArray) -> FloatArray:
        """Expected seconds that an order waits for a courier so far away when it is placed.

        Times of preparation are taken as exponential, and the time left until somebody must be
        there to deliver in time as uniform.
        """
        here_s = np.minimum(way_s, _MOST_S) + self._park_s
        waits: FloatArray = here_s - self._lead_s * (1 - np.exp(-here_s / self._lead_s))
        if self._late_s > 0:
            late = np.clip((here_s - self._slack_s) / (2 * self._half_s) + 0.5, 0, 1)
            waits += self._late_s * late
        return waits

    def _sorted(self) -> FloatArray:
        """Return the least waits at each store, one more of them than count."""
        least: FloatArray = np.sort(np.partition(self._waits, _RANKS, axis=0)[: _RANKS + 1], axis=0)
        return least

    def best(self, at: int, how: Moving) -> int:
        """Return the column of the store where a courier should go, -1 to stay; it is noted."""
        mine, nearest = self._waits[at], self._nearest
        # The others are what is left when one entry equal to one's own is taken out.
        others = np.where(nearest[:-1] >= mine, nearest[1:], nearest[:-1])
        price = how.least_gain_s + how.way_weight * self._way_s[at]
        far_s = min(how.far_s, self._shift_s[at] - how.least_shift_s)
        can = self._is_open[at] & (self._way_s[at] <= far_s) & ~self._is_here[at]
        columns = np.flatnonzero(can)
        if not len(columns):
            return -1
        way_s = self._way_s[at, columns]
        driving_s = np.minimum(way_s, how.stay_s)
        share = driving_s / max(1, how.stay_s)
        cost = (1 - share) * self._cost(others, self._waits_from(at, columns, np.zeros_like(way_s)))
        cost += share * self._cost(others, self._waits_from(at, columns, way_s - driving_s / 2))
        gain = float(self._cost(others, mine[None, :])[0]) - cost - price[columns]
        best = int(np.argmax(gain))
        if gain[best] <= 0:
            return -1
        self._waits[at] = self._waits_from(at, columns[[best]], way_s[[best]])[0]
        self._nearest = self._sorted()
        return int(columns[best])

    def _waits_from(self, at: int, columns: IntArray, rest_s: FloatArray) -> FloatArray:
        """Waits at all stores for a courier who is so far from one of them, a row for each."""
        ways_s = self._between_s[columns] + rest_s[:, None]
        waits: FloatArray = np.where(self._is_open[at], self._wait_s(ways_s), self._waits[-1])
        return waits

    def hop(self, at: int, store: int, how: Moving) -> int:
        """Return the column of the store to stop at on the way to another one."""
        way_s = self._way_s[at]
        if way_s[store] <= how.hop_s:
            return store
        rest_s = self._between_s[:, store] * self._pace[at]
        can = self._is_open[at] & (way_s > 0) & (way_s <= how.hop_s) & (rest_s < way_s[store])
        columns = np.flatnonzero(can & (way_s + rest_s <= way_s[store] + how.detour_s))
        return int(columns[np.argmax(way_s[columns])]) if len(columns) else store

    def _cost(self, others: FloatArray, waits: FloatArray) -> FloatArray:
        """Expected waits of all orders with one more courier; a row of waits for each choice."""
        total, before = np.zeros(waits.shape), np.full(waits.shape[1], -np.inf)
        for rank in range(_RANKS):
            total += self._weight[rank] * np.clip(waits, before, others[rank])
            before = others[rank]
        cost: FloatArray = total @ self._demand
        return cost


def _lead_s(state: DispatchState) -> float:
    """Mean seconds from placement until goods are ready.

    Long ones are open for longer: the mean of exponential times, seen so, is twice their mean.
    """
    orders = state.orders
    given = orders.ready_s >= 0
    if not given.any():
        return _LEAD_S
    return max(60.0, float((orders.ready_s - orders.placed_s)[given].mean()) / 2)


def _slack_s(state: DispatchState) -> tuple[float, float]:
    """Mean, and half the width, of the seconds from placement until goods must be taken over.

    Later ones cannot be at the door in time. Open orders tell, and some more with half of the
    promise, so that one order says little.
    """
    orders, rules = state.orders, state.rules
    rows = np.flatnonzero(orders.store >= 0)
    store_place = state.stores.place_idx[orders.store[rows]]
    _, free_s = state.travel.pairs(store_place, orders.place_idx[rows])
    ride_s = free_s * state.travel.slowdown(state.now_s) + rules.pickup_s + rules.dropoff_s
    left_s = orders.due_s[rows] - orders.placed_s[rows] - ride_s
    slack_s = np.concatenate([np.full(_PRIOR_ORDERS, rules.promise_s / 2), left_s])
    # The standard deviation of a uniform variable is its half width by the root of three.
    return float(slack_s.mean()), max(_LEAST_HALF_S, 3**0.5 * float(slack_s.std()))


def _ways_s(state: DispatchState, origin: IntArray, target: IntArray) -> FloatArray:
    """Expected seconds between places at pace 1."""
    start, end = np.repeat(origin, len(target)), np.tile(target, len(origin))
    _, free_s = state.travel.pairs(start, end)
    ways = free_s.reshape(len(origin), len(target)) * state.travel.slowdown(state.now_s)
    return np.asarray(ways, dtype=np.float64)


#: Sizes of the table of couriers and stores, and how many couriers decide at a tick.
_MOST_STORES = 200
_MOST_COURIERS = 60
_TURNS = 12
#: How many of the nearest couriers count, and the highest chance that one is on another order.
_RANKS = 4
_MOST_BUSY = 0.8
#: Ways beyond this count no more.
_MOST_S = 5400.0
#: Orders with half of the promise left that are added to those that tell, and the least half width.
_PRIOR_ORDERS = 2
_LEAST_HALF_S = 240.0
#: Mean time of preparation where no order tells.
_LEAD_S = 300.0
