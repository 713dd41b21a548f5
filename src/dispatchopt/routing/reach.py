"""Which orders no courier can serve, proven by driving each alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.routing.picking import without_picking
from dispatchopt.routing.problem import ANYWHERE, UNREACHABLE, RoutingProblem

#: Couriers x stores x orders up to which single trips are driven; beyond, only loads are compared.
_MAX_PROBES = 2_000_000
#: Entries of matrices that searches for detours may look at in all; then orders pass unproven.
_MAX_DETOUR_WORK = 200_000_000
_NO_WAY_S = 1 << 50


def servable_orders(problem: RoutingProblem) -> BoolArray:
    """Return which orders are not proven to be beyond every courier, shape (num_orders,).

    Each order is tried as the only one of a courier, with the quickest ways through any places, so
    that an order left out here is in no feasible solution.
    """
    return _Probe(without_picking(problem)).servable()


def proof_of_infeasibility(problem: RoutingProblem) -> str | None:
    """Return why no solution can exist, or None if that is not proven."""
    must = problem.orders.is_mandatory
    if not must.any():
        return None
    beyond = np.flatnonzero(must & ~servable_orders(problem))
    if len(beyond):
        named = ", ".join(f"order {order}" for order in beyond[:5])
        more = f" and {len(beyond) - 5} more" if len(beyond) > 5 else ""
        return f"no courier can serve {named}{more}"
    return None


class _Probe:
    """Single trips, driven for many orders at once."""

    def __init__(self, problem: RoutingProblem) -> None:
        self.problem = problem
        self._quickest: dict[tuple[int, int], IntArray] = {}
        self._detours_left = _MAX_DETOUR_WORK // max(1, problem.num_places**2)

    def servable(self) -> BoolArray:
        orders, couriers = self.problem.orders, self.problem.couriers
        good: BoolArray = np.maximum(orders.earliest_s, orders.release_s) <= orders.deadline_s
        good &= ~orders.has_pickup | (
            np.maximum(orders.pickup_earliest_s, orders.release_s) <= orders.pickup_latest_s
        )
        found = np.zeros(len(orders), dtype=np.bool_)
        rows = self._courier_classes()
        # Very large problems skip the drive: then only loads and skills are looked at.
        size = len(rows) * max(1, len(self.problem.stores)) * len(orders)
        is_timed = size <= _MAX_PROBES
        for row in rows:
            fits = (orders.load <= couriers.capacity[row]).all(axis=1)
            fits &= (orders.skills & ~couriers.skills[row]) == 0
            left = np.flatnonzero(good & fits & ~found)
            if is_timed and len(left):
                left = left[[self._may_reach(row, int(order)) for order in left]]
            found[left] = True
        return found

    def _courier_classes(self) -> list[int]:
        """Return one row of each set of couriers that differ only in number and price."""
        couriers = self.problem.couriers
        columns: list[Any] = [couriers.start_place, couriers.end_place, couriers.earliest_s]
        columns += [couriers.latest_s, couriers.profile, couriers.skills, couriers.max_duration_s]
        columns += [couriers.max_distance_m, *couriers.capacity.T]
        seen: dict[tuple[object, ...], int] = {}
        for row in np.flatnonzero(couriers.count > 0).tolist():
            own = tuple(self.problem.stores_of_courier(row).tolist())
            seen.setdefault((own, *(int(column[row]) for column in columns)), row)
        return list(seen.values())

    def _may_reach(self, row: int, order: int) -> bool:
        """Whether it reaches the order directly, or may by way of other places."""
        if self._reaches(row, order, self._direct):
            return True
        if self._detours_left <= 0:
            return True
        return self._reaches(row, order, self._quickest_way)

    def _reaches(self, row: int, order: int, way: Callable[[int, int, int], int]) -> bool:
        orders, couriers = self.problem.orders, self.problem.couriers
        profile = int(couriers.profile[row])
        place = int(orders.place[order])
        if orders.has_pickup[order]:
            gates = [self._gate_of_pickup(order)]
        else:
            gates = self._gates(row, order)
        start, end = int(couriers.start_place[row]), int(couriers.end_place[row])
        for gate, earliest_s, latest_s, service_s in gates:
            at_gate = int(couriers.earliest_s[row])
            if start != ANYWHERE:
                at_gate += way(profile, start, gate)
            at_gate = max(at_gate, earliest_s)
            at_door = max(
                at_gate + service_s + way(profile, gate, place), int(orders.earliest_s[order])
            )
            done = at_door + int(orders.service_s[order])
            home = done if end == ANYWHERE else done + way(profile, place, end)
            in_time = at_gate <= latest_s and at_door <= int(orders.deadline_s[order])
            if in_time and home <= int(couriers.latest_s[row]):
                return True
        return False

    def _gate_of_pickup(self, order: int) -> tuple[int, int, int, int]:
        orders = self.problem.orders
        earliest_s = max(int(orders.pickup_earliest_s[order]), int(orders.release_s[order]))
        return (
            int(orders.pickup_place[order]),
            earliest_s,
            int(orders.pickup_latest_s[order]),
            int(orders.pickup_service_s[order]),
        )

    def _gates(self, row: int, order: int) -> list[tuple[int, int, int, int]]:
        stores, ready_s = self.problem.stores, int(self.problem.orders.release_s[order])
        common = np.intersect1d(
            self.problem.stores_of_courier(row), self.problem.stores_of_order(order)
        )
        return [
            (
                int(stores.place[store]),
                max(int(stores.earliest_s[store]), ready_s),
                int(stores.latest_s[store]),
                int(stores.service_s[store]),
            )
            for store in common
        ]

    def _direct(self, profile: int, origin: int, target: int) -> int:
        """Return the seconds of the direct way; many if there is none."""
        travel = self.problem.travel[profile]
        has_way = travel.distance_m[origin, target] < UNREACHABLE
        return int(travel.duration_s[origin, target]) if has_way else _NO_WAY_S

    def _quickest_way(self, profile: int, origin: int, target: int) -> int:
        """Return the seconds of the quickest way, by way of any places; many if there is none."""
        key = (profile, target)
        if key not in self._quickest:
            self._detours_left -= 1
            self._quickest[key] = _quickest_to(self.problem, profile, target)
        return int(self._quickest[key][origin])


def _quickest_to(problem: RoutingProblem, profile: int, target: int) -> IntArray:
    """Return the seconds of the quickest way from every place (Dijkstra on the full matrix)."""
    travel = problem.travel[profile]
    far = _NO_WAY_S
    leg = np.where(travel.distance_m >= UNREACHABLE, far, travel.duration_s)
    leg[leg >= UNREACHABLE] = far
    best = leg[:, target].copy()
    is_open = np.ones(len(best), dtype=np.bool_)
    for _ in range(len(best)):
        place = int(np.where(is_open, best, far + 1).argmin())
        if not is_open[place] or best[place] >= far:
            break
        is_open[place] = False
        np.minimum(best, best[place] + leg[:, place], out=best)
    return best
