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
    courier: int = -1  # row of the courier who keeps it, -1 while it is free to be matched


#: Positions of the orders that a courier (a row) keeps at a store, and the pair of both.
_Held = dict[tuple[int, int], tuple[list[int], int]]


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
        kept = list(state.last)
        if state.now_s % max(self.match_s, state.rules.tick_s) < state.rules.tick_s:
            trips, moves, kept = self._match(state)
        return Decision(
            sourcing=tuple(
                (int(orders.idx[row]), int(options.store[option])) for row, option in chosen.items()
            ),
            refusals=tuple((int(orders.idx[row]), why) for row, why in sorted(hopeless.items())),
            trips=tuple(trips),
            moves=tuple(moves),
            planned=tuple(kept),
        )

    def _match(
        self, state: DispatchState
    ) -> tuple[list[TripPlan], list[tuple[int, int]], list[TripPlan]]:
        """Return trips, moves, and who keeps which orders until both are at the store."""
        orders, couriers, now_s = state.orders, state.couriers, state.now_s
        rows = np.flatnonzero((orders.store >= 0) & (orders.ready_s <= now_s + self.horizon_s))
        rows = rows[np.lexsort((orders.idx[rows], orders.ready_s[rows], orders.store[rows]))]
        if not len(rows):
            return [], [], []
        work = work_of(state, rows)
        num_free = int((couriers.free_s <= now_s + self.load_s).sum())
        target = min(max(1, math.ceil(len(rows) / max(1, num_free))), state.rules.max_bundle)
        stores = np.unique(work.store)
        every = np.full(len(stores), len(couriers), dtype=np.int64)
        near = inbound(state, stores, every, horizon_s=self.load_s, speed_m_s=5.0)
        held = _held(state, work, near)
        bundles = [
            bundle
            for store in stores.tolist()
            for bundle in self._bundles(state, work, near, store, target=target, held=held)
        ]
        is_left = np.ones(len(couriers), dtype=np.bool_)
        chosen = []
        for bundle in bundles:
            if bundle.courier >= 0:
                is_left[bundle.courier] = False
                chosen.append((bundle, held[bundle.store, bundle.courier][1]))
        free = [bundle for bundle in bundles if bundle.courier < 0]
        for group in self._groups(state, work, free, near):
            for bundle, pair in self._assign(state, work, group, near, is_left):
                is_left[near.courier[pair]] = False
                chosen.append((bundle, pair))
        return self._commit(state, work, near, chosen)

    def _commit(
        self, state: DispatchState, work: Work, near: Inbound, chosen: list[tuple[_Bundle, int]]
    ) -> tuple[list[TripPlan], list[tuple[int, int]], list[TripPlan]]:
        """Return trips where courier and goods meet soon, else moves, and the orders kept."""
        orders, couriers = state.orders, state.couriers
        trips: list[TripPlan] = []
        moves: list[tuple[int, int]] = []
        kept: list[TripPlan] = []
        for bundle, pair in chosen:
            courier = int(near.courier[pair])
            listed = tuple(orders.idx[work.row[list(bundle.members)]].tolist())
            plan = TripPlan(courier=int(couriers.idx[courier]), store=bundle.store, orders=listed)
            if not couriers.is_free[courier]:
                if bundle.courier >= 0:
                    kept.append(plan)
            elif self._is_final(state, work, bundle, near, pair):
                trips.append(plan)
            else:
                kept.append(plan)
                place = int(state.stores.place_idx[bundle.store])
                if couriers.place_idx[courier] != place:
                    moves.append((plan.courier, place))
        return trips, moves, kept

    def _bundles(
        self,
        state: DispatchState,
        work: Work,
        near: Inbound,
        store: int,
        *,
        target: int,
        held: _Held,
    ) -> list[_Bundle]:
        """Insert the orders of a store one by one where they cost least.

        What couriers keep stays with them, and may grow.
        """
        members = np.flatnonzero(work.store == store).tolist()
        here = state.couriers.place_idx[state.couriers.is_free] == state.stores.place_idx[store]
        keepers = [courier for at, courier in held if at == store]
        routes = [list(held[store, courier][0]) for courier in keepers]
        placed = {member for route in routes for member in route}
        count = min(len(members), max(int(here.sum()), math.ceil(len(members) / target)))
        routes += [[] for _ in range(min(count - len(routes), len(members) - len(placed)))]
        for member in members:
            if member in placed:
                continue
            best: tuple[float, int, int] | None = None
            for number, route in enumerate(routes):
                if len(route) >= target:
                    continue
                if number < len(keepers):
                    pair = np.array([held[store, keepers[number]][1]])
                    if not _is_legal(state, work, near, [*route, member], pair).all():
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
                courier=keepers[number] if number < len(keepers) else -1,
            )
            for number, route in enumerate(routes)
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
            legal = _is_legal(state, work, near, list(bundle.members), span)
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


def _held(state: DispatchState, work: Work, near: Inbound) -> _Held:
    """Return what couriers keep from before, as far as it can still be done."""
    order_at = {int(order): at for at, order in enumerate(state.orders.idx[work.row].tolist())}
    row_of = {name: row for row, name in enumerate(state.couriers.idx.tolist())}
    found: _Held = {}
    for plan in state.last:
        members = [order_at[order] for order in plan.orders if order in order_at]
        span = np.arange(near.ptr[plan.store], near.ptr[plan.store + 1])
        pairs = span[near.courier[span] == row_of.get(plan.courier, -1)]
        if members and len(pairs) and _is_legal(state, work, near, members, pairs).all():
            found[plan.store, int(near.courier[pairs[0]])] = (members, int(pairs[0]))
    return found


def _is_legal(
    state: DispatchState, work: Work, near: Inbound, members: list[int], pairs: IntArray
) -> BoolArray:
    """Whether the courier of each pair may take some orders of one store."""
    couriers, orders, rows = state.couriers, state.orders, work.row[members]
    courier, here_s = near.courier[pairs], near.here_s[pairs]
    pickup_s = np.maximum(work.ready_s[members].max(), here_s)
    legal: BoolArray = pickup_s <= couriers.off_s[courier]
    legal &= pickup_s - here_s <= state.rules.max_wait_s
    legal &= couriers.capacity_orders[courier] >= len(rows)
    legal &= couriers.capacity_ml[courier] >= orders.load_ml[rows].sum()
    for row in rows:
        span = slice(int(orders.declined_ptr[row]), int(orders.declined_ptr[row + 1]))
        legal &= ~np.isin(couriers.idx[courier], orders.declined_courier[span])
    return legal


POLICY = Reyes()
