"""The published rolling-horizon matching for meal delivery, as a reference."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.stop import Stop
from dispatchopt.dispatch.bundles import Work, work_of
from dispatchopt.dispatch.choice import Options, best_options
from dispatchopt.dispatch.inbound import Inbound, inbound
from dispatchopt.dispatch.state import Decision, DispatchState, TripPlan


@dataclass(frozen=True, kw_only=True)
class _Bundle:
    store: int
    members: tuple[int, ...]
    ready_s: int
    ride_s: float


@dataclass(frozen=True, kw_only=True)
class Reyes:
    """Bundles made ahead of a linear assignment, repeated every few minutes.

    After Reyes, Erera, Savelsbergh, Sahasrabudhe and O'Neil, "The Meal Delivery Routing Problem"
    (2018): bundles per store by parallel insertion, matching in three priority groups, additive
    commitment in two stages. They tuned the weights per class of instances and did not publish
    them; the ones here are one set for all.

    Parameters
    ----------
    match_s
        Seconds between two matchings. The published five minutes also let couriers who come free
        in between go on at once, which here only a matching does, so it runs every minute.
    period_s
        Couriers and goods that meet within this time are committed.
    horizon_s, load_s
        Orders ready within the first take part; the size of bundles aims at the orders ready per
        courier free within the second.
    delay_weight
        Weight of waiting goods in the cost of an insertion.
    pickup_weight
        Weight of a minute between ready and take-over in the matching.
    urgent_s
        A bundle with an order that has been ready for so long is committed at once.
    """

    name: str = "reyes"
    match_s: int = 60
    period_s: int = 300
    horizon_s: int = 600
    load_s: int = 600
    delay_weight: float = 0.5
    pickup_weight: float = 0.01
    urgent_s: int = 900

    def decide(self, state: DispatchState, *, stop: Stop, seed: int) -> Decision:
        """Decide at a tick; between two matchings only stores are chosen."""
        del stop, seed
        orders, options = state.orders, Options(state)
        hopeless = options.hopeless(state)
        chosen = best_options(options, options.missing * 10**10 + options.distance_m)
        trips: list[TripPlan] = []
        moves: list[tuple[int, int]] = []
        if state.now_s % max(self.match_s, state.rules.tick_s) < state.rules.tick_s:
            trips, moves = self._match(state)
        return Decision(
            sourcing=tuple(
                (int(orders.idx[row]), int(options.store[option])) for row, option in chosen.items()
            ),
            refusals=tuple((int(orders.idx[row]), why) for row, why in sorted(hopeless.items())),
            trips=tuple(trips),
            moves=tuple(moves),
        )

    def _match(self, state: DispatchState) -> tuple[list[TripPlan], list[tuple[int, int]]]:
        orders, couriers, now_s = state.orders, state.couriers, state.now_s
        rows = np.flatnonzero((orders.store >= 0) & (orders.ready_s <= now_s + self.horizon_s))
        rows = rows[np.lexsort((orders.idx[rows], orders.ready_s[rows], orders.store[rows]))]
        if not len(rows):
            return [], []
        work = work_of(state, rows)
        num_free = int((couriers.free_s <= now_s + self.load_s).sum())
        target = min(max(1, math.ceil(len(rows) / max(1, num_free))), state.rules.max_bundle)
        bundles = [
            bundle
            for store in np.unique(work.store)
            for bundle in self._bundles(state, work, int(store), target)
        ]
        stores = np.unique(work.store)
        every = np.full(len(stores), len(couriers), dtype=np.int64)
        near = inbound(state, stores, every, horizon_s=self.load_s, speed_m_s=5.0)
        trips: list[TripPlan] = []
        moves: list[tuple[int, int]] = []
        is_left = np.ones(len(couriers), dtype=np.bool_)
        for group in self._groups(state, work, bundles, near):
            for bundle, pair in self._assign(state, work, group, near, is_left):
                courier = int(near.courier[pair])
                is_left[courier] = False
                if not couriers.is_free[courier]:
                    continue
                name, place = int(couriers.idx[courier]), int(state.stores.place_idx[bundle.store])
                if self._is_final(state, work, bundle, near, pair):
                    listed = tuple(orders.idx[work.row[list(bundle.members)]].tolist())
                    trips.append(TripPlan(courier=name, store=bundle.store, orders=listed))
                elif couriers.place_idx[courier] != place:
                    moves.append((name, place))
        return trips, moves

    def _bundles(self, state: DispatchState, work: Work, store: int, target: int) -> list[_Bundle]:
        """Insert the orders of a store one by one where they cost least."""
        members = np.flatnonzero(work.store == store).tolist()
        here = state.couriers.place_idx[state.couriers.is_free] == state.stores.place_idx[store]
        count = min(len(members), max(int(here.sum()), math.ceil(len(members) / target)))
        routes: list[list[int]] = [[] for _ in range(count)]
        for member in members:
            best: tuple[float, int, int] | None = None
            for number, route in enumerate(routes):
                if len(route) >= target:
                    continue
                before = self._cost(state, work, route)
                for at in range(len(route) + 1):
                    new = [*route[:at], member, *route[at:]]
                    option = (self._cost(state, work, new) - before, number, at)
                    best = option if best is None or option < best else best
            if best is None:
                routes.append([member])
            else:
                routes[best[1]].insert(best[2], member)
        return [
            _Bundle(
                store=store,
                members=tuple(route),
                ready_s=int(work.ready_s[route].max()),
                ride_s=self._ride_s(state, work, route),
            )
            for route in routes
            if route
        ]

    @staticmethod
    def _ride_s(state: DispatchState, work: Work, route: list[int]) -> float:
        """Seconds from leaving the store to the last delivery."""
        stops = [0, *work.local[route].tolist()]
        ways = work.ways_s[work.slot[route[0]]]
        service_s = state.rules.dropoff_s * len(route) + state.rules.leave_s * (len(route) - 1)
        return float(ways[stops[:-1], stops[1:]].sum()) + service_s

    def _cost(self, state: DispatchState, work: Work, route: list[int]) -> float:
        """Driving, plus the weighted time that goods wait for the last of the bundle."""
        if not route:
            return 0.0
        waits = work.ready_s[route].max() - work.ready_s[route]
        return self._ride_s(state, work, route) + self.delay_weight * float(waits.sum())

    def _groups(
        self, state: DispatchState, work: Work, bundles: list[_Bundle], near: Inbound
    ) -> list[list[_Bundle]]:
        """Bundles late already, those nobody can fetch when ready, and all others."""
        groups: list[list[_Bundle]] = [[], [], []]
        for bundle in bundles:
            listed = list(bundle.members)
            service_s = state.rules.pickup_s + state.rules.dropoff_s
            is_late = work.ready_s[listed] + work.direct_s[listed] + service_s > work.due_s[listed]
            here_s = near.here_s[near.ptr[bundle.store] : near.ptr[bundle.store + 1]]
            can = bool((here_s <= bundle.ready_s).any())
            groups[0 if is_late.any() else (2 if can else 1)].append(bundle)
        return groups

    def _assign(
        self,
        state: DispatchState,
        work: Work,
        bundles: list[_Bundle],
        near: Inbound,
        is_left: BoolArray,
    ) -> list[tuple[_Bundle, int]]:
        """Match bundles with couriers: most orders per time of the courier, fresh goods."""
        from scipy.optimize import linear_sum_assignment

        value = np.zeros((len(bundles), len(is_left)))
        pairs: IntArray = np.full(value.shape, -1, dtype=np.int64)
        for row, bundle in enumerate(bundles):
            span = np.arange(near.ptr[bundle.store], near.ptr[bundle.store + 1])
            span = span[is_left[near.courier[span]]]
            courier = near.courier[span]
            pickup_s = np.maximum(bundle.ready_s, near.here_s[span])
            legal = self._is_legal(state, work, bundle, courier, pickup_s)
            legal &= pickup_s - near.here_s[span] <= state.rules.max_wait_s
            took_s = (
                pickup_s + state.rules.pickup_s + bundle.ride_s - state.couriers.free_s[courier]
            )
            gain: FloatArray = len(bundle.members) / np.maximum(took_s / 60, 1.0)
            gain -= self.pickup_weight * (pickup_s - bundle.ready_s) / 60
            # A bundle left to the dummy courier gains nothing, so all that may ride do.
            value[row, courier[legal]] = gain[legal] + 100
            pairs[row, courier[legal]] = span[legal]
        matched = zip(*linear_sum_assignment(-value), strict=True)
        return [(bundles[row], int(pairs[row, at])) for row, at in matched if pairs[row, at] >= 0]

    @staticmethod
    def _is_legal(
        state: DispatchState, work: Work, bundle: _Bundle, courier: IntArray, pickup_s: IntArray
    ) -> BoolArray:
        couriers, orders, rows = state.couriers, state.orders, work.row[list(bundle.members)]
        legal: BoolArray = pickup_s <= couriers.off_s[courier]
        legal &= couriers.capacity_orders[courier] >= len(rows)
        legal &= couriers.capacity_ml[courier] >= orders.load_ml[rows].sum()
        for row in rows:
            span = slice(int(orders.declined_ptr[row]), int(orders.declined_ptr[row + 1]))
            legal &= ~np.isin(couriers.idx[courier], orders.declined_courier[span])
        return legal

    def _is_final(
        self, state: DispatchState, work: Work, bundle: _Bundle, near: Inbound, pair: int
    ) -> bool:
        """Final where courier and goods are there within the period, else go there and see."""
        until_s, off_s = state.now_s + self.period_s, state.couriers.off_s[near.courier[pair]]
        arrive_s = int(near.here_s[pair]) - state.rules.park_s
        first_s = int(state.orders.ready_s[work.row[list(bundle.members)]].min())
        is_final = max(arrive_s, bundle.ready_s) <= until_s
        is_final |= first_s < state.now_s - self.urgent_s
        # Who could not be asked again within the shift gets the goods now.
        return bool(is_final or max(arrive_s, bundle.ready_s) + self.period_s >= off_s)


POLICY = Reyes()
