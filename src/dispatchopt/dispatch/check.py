"""The checker of decisions: every rule that a decision breaks, before the world moves."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.result import Violation
from dispatchopt.dispatch.state import Decision, DispatchState, Refusal, TripPlan
from dispatchopt.geography.matrix import UNREACHABLE


def check_decision(state: DispatchState, decision: Decision) -> tuple[Violation, ...]:
    """Return every broken rule of a decision; none for a legal one.

    Rules: ``unknown-order``, ``unknown-courier``, ``unknown-store``, ``unknown-place``,
    ``unknown-reason``, ``decided-twice``, ``sourced-before``, ``store-not-in-reach``,
    ``store-closed``, ``partial-not-allowed``, ``not-sourced``, ``empty-trip``,
    ``courier-not-free``, ``wrong-store``, ``bundle-size``, ``capacity-orders``,
    ``capacity-ml``, ``declined-before``, ``unreachable``, ``pickup-after-shift``,
    ``wait-too-long``; and of plans ``plan-unknown``, ``plan-twice``.
    """
    return _DecisionCheck(state, decision).run()


class _DecisionCheck:
    def __init__(self, state: DispatchState, decision: Decision) -> None:
        self.state = state
        self.decision = decision
        self.violations: list[Violation] = []
        orders, stores = state.orders.idx.tolist(), state.orders.store.tolist()
        self.order_row: dict[int, int] = dict(zip(orders, range(len(orders)), strict=True))
        couriers = state.couriers.idx.tolist()
        self.courier_row: dict[int, int] = dict(zip(couriers, range(len(couriers)), strict=True))
        self.sourced: dict[int, int] = {
            order: store for order, store in zip(orders, stores, strict=True) if store >= 0
        }
        self.slowdown = state.travel.slowdown(state.now_s)

    def run(self) -> tuple[Violation, ...]:
        self._twice()
        for order, reason in self.decision.refusals:
            self._refusal(order, reason)
        for order, store in self.decision.sourcing:
            self._sourcing(order, store)
        for trip in self.decision.trips:
            self._trip(trip)
        for courier, place in self.decision.moves:
            self._move(courier, place)
        self._plans()
        return tuple(self.violations)

    def _broken(self, rule: str, where: str, by: float = 1.0) -> None:
        self.violations.append(Violation(rule=rule, where=where, by=float(by)))

    def _twice(self) -> None:
        decision = self.decision
        riding = [order for trip in decision.trips for order in trip.orders]
        refused = [order for order, _ in decision.refusals]
        sourced = [order for order, _ in decision.sourcing]
        working = [trip.courier for trip in decision.trips]
        working += [courier for courier, _ in decision.moves]
        # An order may be sourced and put on a trip at once, but nothing else goes together.
        for what, group in (
            ("order", riding + refused),
            ("order", sourced + refused),
            ("courier", working),
        ):
            for idx, count in sorted(Counter(group).items()):
                if count > 1:
                    self._broken("decided-twice", f"{what} {idx}", count - 1)

    def _refusal(self, order: int, reason: Refusal) -> None:
        if order not in self.order_row:
            self._broken("unknown-order", f"refusal of order {order}")
        if str(reason) not in set(Refusal):
            self._broken("unknown-reason", f"refusal of order {order}")

    def _sourcing(self, order: int, store: int) -> None:
        where, state = f"sourcing of order {order}", self.state
        if order not in self.order_row:
            self._broken("unknown-order", where)
            return
        if order in self.sourced:
            self._broken("sourced-before", where)
        if not 0 <= store < len(state.stores):
            self._broken("unknown-store", where)
            return
        row, orders = self.order_row[order], state.orders
        span = slice(int(orders.option_ptr[row]), int(orders.option_ptr[row + 1]))
        at = np.flatnonzero(orders.option_store[span] == store)
        if not len(at):
            self._broken("store-not-in-reach", where)
        elif orders.option_missing[span][at[0]] and not state.rules.is_partial_allowed:
            self._broken("partial-not-allowed", where, int(orders.option_missing[span][at[0]]))
        if not state.stores.open_s[store] <= state.now_s < state.stores.close_s[store]:
            self._broken("store-closed", where)
        self.sourced.setdefault(order, store)

    def _trip(self, trip: TripPlan) -> None:
        where, num_found = f"trip of courier {trip.courier}", len(self.violations)
        if not trip.orders:
            self._broken("empty-trip", where)
        for order in trip.orders:
            if order not in self.order_row:
                self._broken("unknown-order", where)
        if not 0 <= trip.store < len(self.state.stores):
            self._broken("unknown-store", where)
        row = self._free_courier(trip.courier, where)
        if len(self.violations) > num_found or row is None:
            return
        for order in trip.orders:
            if self.sourced.get(order) != trip.store:
                self._broken("not-sourced", f"{where}, order {order}")
        self._loads(trip, row, where)
        self._times(trip, row, where)

    def _free_courier(self, courier: int, where: str) -> int | None:
        row = self.courier_row.get(courier)
        if row is None:
            self._broken("unknown-courier", where)
            return None
        if not self.state.couriers.is_free[row]:
            self._broken("courier-not-free", where)
        return row

    def _loads(self, trip: TripPlan, row: int, where: str) -> None:
        couriers, orders, count = self.state.couriers, self.state.orders, len(trip.orders)
        rows = [self.order_row[order] for order in trip.orders]
        if couriers.store_idx[row] not in (-1, trip.store):
            self._broken("wrong-store", where)
        if count > self.state.rules.max_bundle:
            self._broken("bundle-size", where, count - self.state.rules.max_bundle)
        if count > couriers.capacity_orders[row]:
            self._broken("capacity-orders", where, count - couriers.capacity_orders[row])
        load = int(orders.load_ml[rows].sum())
        if load > couriers.capacity_ml[row]:
            self._broken("capacity-ml", where, load - int(couriers.capacity_ml[row]))
        for at, order in zip(rows, trip.orders, strict=True):
            declined = orders.declined_courier[
                orders.declined_ptr[at] : orders.declined_ptr[at + 1]
            ]
            if trip.courier in declined:
                self._broken("declined-before", f"{where}, order {order}")

    def _times(self, trip: TripPlan, row: int, where: str) -> None:
        state, couriers = self.state, self.state.couriers
        rows = [self.order_row[order] for order in trip.orders]
        stops = [
            int(couriers.place_idx[row]),
            int(state.stores.place_idx[trip.store]),
            *(int(place) for place in state.orders.place_idx[rows]),
        ]
        _, free_s = self._pairs(stops[:-1], stops[1:])
        if (free_s >= UNREACHABLE).any():
            self._broken("unreachable", where)
            return
        inbound_s = math.ceil(float(free_s[0]) * self.slowdown * float(couriers.pace[row]) - 1e-6)
        here_s = state.now_s + inbound_s + state.rules.park_s
        if stops[0] == stops[1]:
            # Who came here by a move has been parking since.
            parked_s = int(couriers.parked_s[row]) + state.rules.park_s
            here_s = min(here_s, max(state.now_s, parked_s))
        ready_s = max(self._expected_ready(at, trip.store) for at in rows)
        if max(here_s, ready_s) > couriers.off_s[row]:
            self._broken("pickup-after-shift", where, max(here_s, ready_s) - couriers.off_s[row])
        if ready_s - here_s > state.rules.max_wait_s:
            self._broken("wait-too-long", where, ready_s - here_s - state.rules.max_wait_s)

    def _expected_ready(self, row: int, store: int) -> int:
        state = self.state
        known = int(state.orders.ready_s[row])
        if known >= 0:
            return known
        stores = state.stores
        work_s = stores.pick_base_s[store] + stores.pick_line_s[store] * state.orders.num_lines[row]
        return max(state.now_s, int(stores.picker_free_s[store])) + int(work_s)

    def _move(self, courier: int, place: int) -> None:
        where = f"move of courier {courier}"
        row = self._free_courier(courier, where)
        if not 0 <= place < self.state.travel.num_places:
            self._broken("unknown-place", where)
        elif row is not None:
            _, free_s = self._pairs([int(self.state.couriers.place_idx[row])], [place])
            if free_s[0] >= UNREACHABLE:
                self._broken("unreachable", where)

    def _plans(self) -> None:
        """Plans bind nobody, but they must name what exists, and nothing twice."""
        decision = self.decision
        gone = {order for trip in decision.trips for order in trip.orders}
        gone |= {order for order, _ in decision.refusals}
        couriers = {trip.courier for trip in decision.trips}
        for plan in decision.planned:
            where = f"plan of courier {plan.courier}"
            is_known = all(order in self.order_row for order in plan.orders)
            is_known &= plan.courier in self.courier_row and bool(plan.orders)
            if not is_known or not 0 <= plan.store < len(self.state.stores):
                self._broken("plan-unknown", where)
            if plan.courier in couriers or not gone.isdisjoint(plan.orders):
                self._broken("plan-twice", where)
            couriers.add(plan.courier)
            gone.update(plan.orders)

    def _pairs(self, origins: list[int], targets: list[int]) -> tuple[IntArray, IntArray]:
        return self.state.travel.pairs(
            np.array(origins, dtype=np.int64), np.array(targets, dtype=np.int64)
        )
