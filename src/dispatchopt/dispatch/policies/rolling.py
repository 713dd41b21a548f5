"""Our dispatcher: plan over a rolling horizon every tick, commit only what cannot wait."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.core.stop import Stop, StopClock
from dispatchopt.dispatch import preposition
from dispatchopt.dispatch.bundles import (
    Merging,
    Units,
    Work,
    joined,
    merged,
    pairs_to_merge,
    singles,
    taken,
    work_of,
)
from dispatchopt.dispatch.choice import Options
from dispatchopt.dispatch.inbound import Inbound, inbound
from dispatchopt.dispatch.matching import assign
from dispatchopt.dispatch.pricing import Prices, Pricing
from dispatchopt.dispatch.sourcing import Sourcing
from dispatchopt.dispatch.state import Decision, DispatchState, TripPlan


@dataclass(frozen=True, kw_only=True)
class Rolling:
    """Repeated matching of bundles with couriers who are or will soon be free.

    At every tick: orders get the store from which they are expected at the door soonest;
    orders that wait or will soon be ready are matched one by one with couriers by a linear
    assignment; bundles of one store are merged greedily by saving and matched again; a trip is
    committed only if its courier is free and would arrive too late by leaving a tick later;
    idle couriers drive to stores where orders are expected.

    Parameters
    ----------
    horizon_s
        Orders ready within this time, and couriers free within it, take part.
    merge_window_s
        Orders of a bundle are ready within this time of each other.
    merge_rounds
        How often bundles are merged and matched again; 2 allows four orders.
    most_orders
        Orders of a store that take part at most, the most urgent first.
    most_couriers
        Couriers looked at per store at most.
    late_weight, late_s
        Price of lateness, per second and once.
    inbound_weight, duration_weight
        Price of courier time at full load; it falls with the load.
    open_s, open_least_s
        Price of leaving an order open.
    missing_s
        Seconds that a missing line counts when a store is chosen.
    way_weight
        Further weight of the way from the store when it is chosen.
    move_reach_s
        Longest drive of an idle courier; 0 keeps them where they are.
    speed_m_s
        Rough speed to weigh distance against time when looking for near couriers.
    """

    name: str = "rolling"
    horizon_s: int = 1500
    merge_window_s: int = 600
    merge_rounds: int = 2
    most_orders: int = 60
    most_couriers: int = 60
    late_weight: float = 1.0
    late_s: float = 300.0
    inbound_weight: float = 0.5
    duration_weight: float = 0.6
    open_s: float = 3600.0
    open_least_s: float = 300.0
    missing_s: int = 600
    way_weight: float = 1.0
    move_reach_s: int = 480
    speed_m_s: float = 5.0

    def decide(self, state: DispatchState, *, stop: Stop, seed: int) -> Decision:
        """Decide at a tick; nothing is drawn, so the seed is of no use."""
        del seed
        clock, orders = stop.start(), state.orders
        options = Options(state)
        hopeless = options.hopeless(state)
        rows = self._waiting(state)
        stores, wanted = self._stores(state, options, rows)
        near = inbound(state, stores, wanted, horizon_s=self.horizon_s, speed_m_s=self.speed_m_s)
        sourcing, refused = Sourcing(state, options, near, self.missing_s, self.way_weight).decide()
        trips, is_used = self._trips(state, rows, near, clock)
        moves: list[tuple[int, int]] = []
        if self.move_reach_s > 0 and clock.time_left_s > 0:
            moves = preposition.moves(
                state,
                state.couriers.is_free & ~is_used,
                reach_s=self.move_reach_s,
                least_shift_s=900,
                ahead_s=1200,
            )
        refusals = sorted([*hopeless.items(), *refused])
        return Decision(
            sourcing=tuple((int(orders.idx[row]), store) for row, store in sourcing),
            refusals=tuple((int(orders.idx[row]), why) for row, why in refusals),
            trips=tuple(trips),
            moves=tuple(moves),
        )

    def _waiting(self, state: DispatchState) -> IntArray:
        """Return rows of sourced orders that take part, sorted by store and urgency."""
        orders = state.orders
        soon = (orders.store >= 0) & (orders.ready_s <= state.now_s + self.horizon_s)
        rows = np.flatnonzero(soon)
        rows = rows[np.lexsort((orders.idx[rows], orders.due_s[rows], orders.store[rows]))]
        store = orders.store[rows]
        rank = np.arange(len(rows)) - np.searchsorted(store, store)
        kept: IntArray = rows[rank < self.most_orders]
        return kept

    def _stores(
        self, state: DispatchState, options: Options, rows: IntArray
    ) -> tuple[IntArray, IntArray]:
        """Return stores of interest and how many couriers to look at for each."""
        waiting = np.bincount(state.orders.store[rows], minlength=len(state.stores))
        waiting[np.unique(options.store[options.is_usable])] += 1
        stores = np.flatnonzero(waiting)
        return stores, np.minimum(self.most_couriers, waiting[stores] + 12)

    def _trips(
        self, state: DispatchState, rows: IntArray, near: Inbound, clock: StopClock
    ) -> tuple[list[TripPlan], BoolArray]:
        """Match bundles with couriers; returns trips to begin now, and couriers with a plan."""
        is_used = np.zeros(len(state.couriers), dtype=np.bool_)
        if not len(rows) or not len(near.courier):
            return [], is_used
        work = work_of(state, rows)
        pricing = Pricing(state, work, near, self._prices(state))
        width = min(state.rules.max_bundle, 2**self.merge_rounds)
        units = singles(work, width)
        pair = _match(units, near, pricing)
        how = Merging(
            max_size=width,
            window_s=self.merge_window_s,
            service_s=state.rules.dropoff_s + state.rules.leave_s,
            late_weight=self.late_weight,
        )
        for _ in range(self.merge_rounds):
            if width == 1 or clock.time_left_s <= 0:
                break
            bundled = _merge(units, pair, work, pricing, how)
            if bundled is None:
                break
            units = bundled
            pair = _match(units, near, pricing)
        planned = np.flatnonzero(pair >= 0)
        is_used[near.courier[pair[planned]]] = True
        return _commit(state, work, units, near, pair), is_used

    def _prices(self, state: DispatchState) -> Prices:
        """Return prices of courier time that fall when couriers have little to do."""
        soon_s = state.now_s + 600
        is_ready = (state.orders.store >= 0) & (state.orders.ready_s <= soon_s)
        num_free = int((state.couriers.free_s <= soon_s).sum())
        load = min(1.0, int(is_ready.sum()) / max(1, num_free))
        return Prices(
            late_weight=self.late_weight,
            late_s=self.late_s,
            inbound_weight=self.inbound_weight * load,
            duration_weight=self.duration_weight * load,
            open_s=self.open_s,
            open_least_s=self.open_least_s,
        )


def _match(units: Units, near: Inbound, pricing: Pricing) -> IntArray:
    """Return for each bundle its pair in ``near``, or -1."""
    counts = (near.ptr[1:] - near.ptr[:-1])[units.store]
    unit = np.repeat(np.arange(len(units)), counts)
    starts = np.cumsum(counts) - counts
    pair = np.repeat(near.ptr[units.store], counts) + np.arange(len(unit))
    pair = pair - np.repeat(starts, counts)
    cost = pricing.of(taken(units, unit), pair)
    chosen = assign(unit, near.courier[pair], cost, pricing.left_open(units))
    matched: IntArray = np.where(chosen >= 0, pair[chosen] if len(pair) else -1, -1)
    return matched


def _merge(
    units: Units, pair: IntArray, work: Work, pricing: Pricing, how: Merging
) -> Units | None:
    """Merge bundles greedily by saving; None if nothing is saved.

    The saving of a merger is what both bundles cost apart, with their couriers or left open, less
    what the merged bundle costs with the better of the two couriers.
    """
    left, right = pairs_to_merge(units, how)
    has_courier = (pair[left] >= 0) | (pair[right] >= 0)
    left, right = left[has_courier], right[has_courier]
    if not len(left):
        return None
    apart = pricing.left_open(units)
    given = np.flatnonzero(pair >= 0)
    apart[given] = pricing.of(taken(units, given), pair[given])
    new = merged(work, units, left, right, how)
    together = np.full(len(left), np.inf)
    for side in (left, right):
        can = np.flatnonzero(pair[side] >= 0)
        cost = pricing.of(taken(new, can), pair[side[can]])
        together[can] = np.minimum(together[can], cost)
    saving = apart[left] + apart[right] - together
    useful = np.flatnonzero(saving > 0)
    is_left = np.ones(len(units), dtype=np.bool_)
    chosen: list[int] = []
    for at in useful[np.lexsort((useful, -saving[useful]))].tolist():
        if is_left[left[at]] and is_left[right[at]]:
            is_left[[left[at], right[at]]] = False
            chosen.append(at)
    if not chosen:
        return None
    return joined(units, np.flatnonzero(is_left), taken(new, np.array(chosen)))


def _commit(
    state: DispatchState, work: Work, units: Units, near: Inbound, pair: IntArray
) -> list[TripPlan]:
    """Return the trips whose couriers are free and must leave before the next tick."""
    trips: list[TripPlan] = []
    for unit in np.flatnonzero(pair >= 0).tolist():
        courier, here_s = near.courier[pair[unit]], near.here_s[pair[unit]]
        is_due = here_s + state.rules.tick_s > units.ready_s[unit]
        if state.couriers.is_free[courier] and is_due:
            rows = work.row[units.member[unit, : units.size[unit]]]
            trips.append(
                TripPlan(
                    courier=int(state.couriers.idx[courier]),
                    store=int(units.store[unit]),
                    orders=tuple(state.orders.idx[rows].tolist()),
                )
            )
    return trips


POLICY = Rolling()
