"""Our dispatcher: plan over a rolling horizon every tick, commit only what cannot wait."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
from dispatchopt.dispatch.keeping import Keep, kept
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
    begun only if its courier is free and would arrive too late by leaving a tick later; who would
    wait for goods anyhow drives there without them; idle couriers drive to where orders are
    expected.

    Parameters
    ----------
    horizon_s, courier_horizon_s
        Orders ready within this time, and couriers free within it, take part.
    merge_window_s, merge_soon_s
        Orders of a bundle are ready within this time of each other, or all within ``soon``.
    merge_rounds
        How often bundles are merged and matched again; 2 allows four orders.
    most_orders
        Orders of a store that take part at most, the most urgent first.
    most_couriers, most_pairs
        Couriers looked at per store at most, unless the pairs of all are few.
    late_weight, late_s
        Price of lateness, per second and once; none where the rules put no price on it and
        customers never give up.
    hard_late_s
        What the price once rises by where customers give up as soon as an order is late; nothing
        where they wait for ``patience_s``, and in proportion between. Twice as fast the price per
        second falls to nothing, unless the rules name one: late is then late, and couriers are
        better on orders that can still be in time.
    inbound_weight, duration_weight, merge_weight
        Price of courier time at full load; it falls with the load.
    wait_weight
        Price of a courier's standing at a store at full load, where ready times are not known;
        it falls with the load and does not rise in overload.
    overload_weight, most_overload
        What each price of time but the last rises by when there are twice as many orders as
        couriers, and how many times as much at most.
    pay_s
        Price of an order that raises the courier's pay; under a guaranteed wage not all do.
    open_s, open_least_s
        Price of leaving an order open.
    age_weight
        What this price rises by per second that the order has been ready, when there are twice as
        many orders as couriers.
    beyond_s
        What leaving an order open costs at least beyond the cheapest trip for it, where nobody can
        be at the store by the time it is ready; so orders far from all couriers do not starve.
    missing_s
        Seconds that a missing line counts when a store is chosen.
    way_weight
        Further weight of the way from the store when it is chosen.
    keep_s
        What a trip of the last plan is better by, for each of its orders, so that plans change
        only where something is gained.
    move_far_s, move_weight
        Longest drive of a waiting courier to where orders are expected; 0 lets nobody wait
        elsewhere. Seconds of waiting that each second of it must save, on top of the price of
        the way where lateness has a price to weigh it against.
    move_late_s
        Seconds of waiting that a late order counts there where customers give up as soon as it is
        late; nothing where they wait for ``patience_s``, and in proportion between.
    speed_m_s
        Rough speed to weigh distance against time when looking for near couriers.
    """

    name: str = "rolling"
    horizon_s: int = 2400
    courier_horizon_s: int = 3600
    merge_window_s: int = 900
    merge_soon_s: int = 720
    merge_rounds: int = 2
    most_orders: int = 60
    most_couriers: int = 60
    most_pairs: int = 3000
    late_weight: float = 1.0
    late_s: float = 300.0
    hard_late_s: float = 6000.0
    patience_s: int = 1800
    inbound_weight: float = 0.5
    duration_weight: float = 0.6
    merge_weight: float = 0.6
    wait_weight: float = 0.15
    overload_weight: float = 0.3
    most_overload: float = 3.0
    pay_s: float = 360.0
    open_s: float = 3600.0
    open_least_s: float = 300.0
    age_weight: float = 0.2
    beyond_s: float = 600.0
    missing_s: int = 600
    way_weight: float = 1.0
    keep_s: float = 5.0
    move_far_s: int = 1200
    move_weight: float = 0.05
    move_late_s: float = 3000.0
    speed_m_s: float = 5.0

    def decide(self, state: DispatchState, *, stop: Stop, seed: int) -> Decision:
        """Decide at a tick; nothing is drawn, so the seed is of no use."""
        del seed
        clock, orders = stop.start(), state.orders
        options = Options(state)
        hopeless = options.hopeless(state)
        rows = self._waiting(state)
        stores, wanted = self._stores(state, options, rows)
        near = inbound(
            state, stores, wanted, horizon_s=self.courier_horizon_s, speed_m_s=self.speed_m_s
        )
        sourcing, refused = Sourcing(state, options, near, self.missing_s, self.way_weight).decide()
        state = _with_stores(state, sourcing)
        trips, moves, planned, is_used = self._trips(state, self._waiting(state), near, clock)
        if clock.time_left_s > 0:
            is_free = state.couriers.is_free
            how = preposition.Moving(
                far_s=self.move_far_s,
                way_weight=self._way_weight(state),
                late_s=self.move_late_s * self._hardness(state),
            )
            moves += preposition.moves(state, is_free & ~is_used, ~is_free & ~is_used, how)
        refusals = sorted([*hopeless.items(), *refused])
        return Decision(
            sourcing=tuple((int(orders.idx[row]), store) for row, store in sourcing),
            refusals=tuple((int(orders.idx[row]), why) for row, why in refusals),
            trips=tuple(trips),
            moves=tuple(moves),
            planned=tuple(planned),
        )

    def _hardness(self, state: DispatchState) -> float:
        """Return how far being late is as good as being lost, in [0, 1].

        The sooner customers give up on a late order, the more.
        """
        max_late_s = state.rules.max_late_s
        return max(0.0, 1 - max_late_s / self.patience_s) if max_late_s >= 0 else 0.0

    def _way_weight(self, state: DispatchState) -> float:
        """Return seconds of waiting that a second of driving without goods must save."""
        rules = state.rules
        if rules.lateness_cents_per_min == 0:
            return self.move_weight
        # What a kilometre costs, in minutes of lateness, and seconds for which it is driven.
        minutes_per_km = rules.cents_per_km / rules.lateness_cents_per_min
        return self.move_weight + 60 * minutes_per_km * self.speed_m_s / 1000

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
        # The nearest may be wanted elsewhere, so small days look at all; large ones at enough.
        share = self.most_pairs // max(1, len(stores))
        wanted = np.minimum(self.most_couriers, waiting[stores] + 12)
        return stores, np.maximum(wanted, min(share, len(state.couriers)))

    def _trips(
        self, state: DispatchState, rows: IntArray, near: Inbound, clock: StopClock
    ) -> tuple[list[TripPlan], list[tuple[int, int]], list[TripPlan], BoolArray]:
        """Match bundles with couriers; returns trips, moves, plans, and couriers with a plan."""
        is_used = np.zeros(len(state.couriers), dtype=np.bool_)
        if not len(rows) or not len(near.courier):
            return [], [], [], is_used
        work = work_of(state, rows)
        pricing = Pricing(state, work, near, self._prices(state))
        width = min(state.rules.max_bundle, 2**self.merge_rounds)
        units = singles(work, width)
        keep = kept(state, work, self.keep_s)
        unit, every = _candidates(units, near)
        pricing.hold_least(unit, every, pricing.of(taken(units, unit), every))
        pair = _match(units, near, pricing, keep)
        how = Merging(
            max_size=width,
            window_s=self.merge_window_s,
            soon_s=state.now_s + self.merge_soon_s,
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
            pair = _match(units, near, pricing, keep)
        matched = np.flatnonzero(pair >= 0)
        is_used[near.courier[pair[matched]]] = True
        return *_commit(
            state, work, units, near, pair=pair, arrival_s=pricing.arrival_s(units)
        ), is_used

    def _prices(self, state: DispatchState) -> Prices:
        """Return prices of courier time: low when couriers have little to do, high in overload."""
        soon_s = state.now_s + 600
        is_ready = (state.orders.samples_s[state.orders.store >= 0] <= soon_s).mean(axis=1)
        num_free = int((state.couriers.free_s <= soon_s).sum())
        load = float(is_ready.sum()) / max(1, num_free)
        share = min(1.0, load)
        # Each minute of a courier then delays all who queue, so orders that take little go first.
        overload = min(self.most_overload, max(0.0, load - 1.0))
        over = self.overload_weight * overload
        rules, hard = state.rules, self._hardness(state)
        is_priced = rules.lateness_cents_per_min > 0 or rules.max_late_s >= 0
        # Minutes past the due time matter where they have a price, or to customers who wait.
        fading = 1.0 if rules.lateness_cents_per_min > 0 else max(0.0, 1 - 2 * hard)
        return Prices(
            late_weight=self.late_weight * fading * is_priced,
            late_s=(self.late_s + hard * self.hard_late_s) * is_priced,
            inbound_weight=self.inbound_weight * share + over,
            duration_weight=self.duration_weight * share + over,
            merge_weight=self.merge_weight * share + over,
            wait_weight=self.wait_weight * share,
            pay_s=self.pay_s,
            open_s=self.open_s,
            open_least_s=self.open_least_s,
            age_weight=self.age_weight * overload,
            beyond_s=self.beyond_s,
        )


def _candidates(units: Units, near: Inbound) -> tuple[IntArray, IntArray]:
    """Return all combinations of a bundle and a pair in ``near`` of its store."""
    counts = (near.ptr[1:] - near.ptr[:-1])[units.store]
    unit = np.repeat(np.arange(len(units)), counts)
    starts = np.cumsum(counts) - counts
    pair = np.repeat(near.ptr[units.store], counts) + np.arange(len(unit))
    return unit, pair - np.repeat(starts, counts)


def _match(units: Units, near: Inbound, pricing: Pricing, keep: Keep) -> IntArray:
    """Return for each bundle its pair in ``near``, or -1."""
    unit, pair = _candidates(units, near)
    cost = pricing.of(taken(units, unit), pair) - keep.of(units, unit, near.courier[pair])
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
    apart[given] = pricing.of(taken(units, given), pair[given], is_merging=True)
    new = merged(work, units, left, right, how)
    together = np.full(len(left), np.inf)
    for side in (left, right):
        can = np.flatnonzero(pair[side] >= 0)
        cost = pricing.of(taken(new, can), pair[side[can]], is_merging=True)
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
    state: DispatchState,
    work: Work,
    units: Units,
    near: Inbound,
    *,
    pair: IntArray,
    arrival_s: IntArray,
) -> tuple[list[TripPlan], list[tuple[int, int]], list[TripPlan]]:
    """Return trips and moves of couriers who must leave before the next tick, and later trips.

    A courier who would wait for the goods anyhow, or nobody knows, is sent without them: what is
    ready first, or best, on arrival is decided then.
    """
    is_known = (units.samples_s == units.samples_s[:, :1]).all(axis=1)
    trips: list[TripPlan] = []
    moves: list[tuple[int, int]] = []
    planned: list[TripPlan] = []
    tick_s, couriers, park_s = state.rules.tick_s, state.couriers, state.rules.park_s
    for unit in np.flatnonzero(pair >= 0).tolist():
        courier, store = int(near.courier[pair[unit]]), int(units.store[unit])
        here_s, ready_s = int(near.here_s[pair[unit]]), int(units.ready_s[unit])
        rows = work.row[units.member[unit, : units.size[unit]]]
        plan = TripPlan(
            courier=int(couriers.idx[courier]),
            store=store,
            orders=tuple(state.orders.idx[rows].tolist()),
        )
        if not (couriers.is_free[courier] and here_s + tick_s > arrival_s[unit]):
            planned.append(plan)
            continue
        name, place = plan.courier, int(state.stores.place_idx[store])
        is_there = couriers.place_idx[courier] == place
        pickup_s = max(here_s, ready_s)
        if is_there:
            asked_s = state.now_s + tick_s
        else:
            slack_s = _SURE * state.rules.travel_noise_sd * near.drive_s[pair[unit]]
            asked_s = -(-int(here_s - park_s + slack_s) // tick_s) * tick_s
        if not is_known[unit] or asked_s <= pickup_s < couriers.off_s[courier]:
            if not is_there:
                moves.append((name, place))
            planned.append(plan)
            continue
        trips.append(plan)
    return trips, moves, planned


def _with_stores(state: DispatchState, sourcing: list[tuple[int, int]]) -> DispatchState:
    """Return the state with new choices of stores, where ready times are given with the orders."""
    orders, store = state.orders, state.orders.store.copy()
    for row, chosen in sourcing:
        if orders.ready_s[row] >= 0:
            store[row] = chosen
    return replace(state, orders=replace(orders, store=store))


#: Standard deviations of slack that a courier sent ahead needs.
_SURE = 2.0

POLICY = Rolling()
