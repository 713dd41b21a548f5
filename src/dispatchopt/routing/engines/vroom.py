"""VROOM, an optional extra: local search that serves as many orders as it can and ends by itself.

Coupey, Nicod and Varnier, VROOM, Vehicle Routing Open-source Optimization Machine (through the
package pyvroom).
"""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.errors import MissingPackageError
from dispatchopt.core.run import Run
from dispatchopt.routing.engines._pyvrp_fleet import NO_LIMIT
from dispatchopt.routing.picking import has_picking
from dispatchopt.routing.problem import (
    ANYWHERE,
    NO_STORE,
    RoutingProblem,
    RoutingSolution,
    Trip,
)
from dispatchopt.routing.reach import proof_of_infeasibility, servable_orders
from dispatchopt.routing.schedule import best_route

#: What VROOM can hold of times, costs and lengths in 32 bits.
_MOST = (1 << 31) - 1
_TOP_PRIORITY = 100
#: Skills of VROOM that stand for a store, or for a courier row; ours are bits, below 64.
_STORE_SKILL, _COURIER_SKILL = 1_000, 1_000_000


@dataclass(frozen=True, kw_only=True)
class VroomEngine:
    """VROOM behind the common shape.

    Parameters
    ----------
    exploration
        How hard it tries, 0 to 5; without a limit on time.
    """

    name: str = "vroom"
    packages: tuple[str, ...] = ("pyvroom",)
    exploration: int = 5

    @property
    def is_installed(self) -> bool:
        """Whether the optional package is there."""
        return importlib.util.find_spec("vroom") is not None

    def unsupported(self, problem: RoutingProblem) -> str | None:
        """Return why VROOM cannot take the problem, or None."""
        if not self.is_installed:
            return str(MissingPackageError("pyvroom", "vroom"))
        return _lacks_rule(problem) or _lacks_place(problem)

    def search(self, problem: RoutingProblem, run: Run[RoutingSolution]) -> None:
        """Translate, let VROOM work to its end, and offer what it found."""
        proof = proof_of_infeasibility(problem)
        if proof is None and math.isinf(run.bound):
            proof = "no set of trips reaches every order that must be served"
        if proof is not None:
            run.note(f"No solution exists: {proof}.")
            run.prove_infeasible()
            return
        must = problem.orders.is_mandatory
        kept = np.flatnonzero(servable_orders(problem))
        if not len(kept) or not problem.couriers.count.any() or run.should_stop():
            return
        left_s = run.time_left_s
        timeout = None if math.isinf(left_s) else timedelta(seconds=left_s)
        model = _Model(problem, kept)
        if model.rows:
            found = model.solve(self.exploration, timeout)
            if found is not None and found.served().issuperset(np.flatnonzero(must).tolist()):
                run.offer(found)
        run.step()


def _lacks_rule(problem: RoutingProblem) -> str | None:
    """Return the first rule that VROOM has no word for, or None."""
    orders, couriers = problem.orders, problem.couriers
    used = couriers.count > 0
    paired = orders.has_pickup
    start_s = int(couriers.earliest_s[used].min(initial=NO_LIMIT))
    lacks = {
        "it knows no price of lateness": np.array([bool(orders.hinges)]),
        "it knows no ready times of orders from stores": ~paired & (orders.release_s > start_s),
        "it knows no price of changes": np.array([orders.has_changes]),
        "it knows no minimum pay": couriers.min_pay[used] > 0,
        "it knows no cost per order": couriers.cost_per_order[used] > 0,
        "it prices driving, not time": couriers.cost_per_s[used] > 0,
        "it limits the time of driving, not of a route": couriers.max_duration_s[used] < NO_LIMIT,
        "it makes one trip per courier": couriers.max_trips[used] > 1,
        "it knows no closing times of stores": problem.stores.latest_s < NO_LIMIT,
        "it takes orders to be ready at set times": np.array([has_picking(problem)]),
    }
    return next((why for why, where in lacks.items() if where.any()), None)


def _lacks_place(problem: RoutingProblem) -> str | None:
    """Return why places or figures do not fit, or None."""
    orders, couriers = problem.orders, problem.couriers
    used = np.flatnonzero(couriers.count > 0).tolist()
    if orders.has_pickup.any() and not orders.has_pickup.all():
        return "a courier of it does not go to its store first, so that only pick-ups mix"
    if not orders.has_pickup.any():
        if any(len(problem.stores_of_courier(row)) != 1 for row in used):
            return "its couriers start at one store each"
        own = {int(problem.stores_of_courier(row)[0]) for row in used}
        for order in range(len(orders)):
            options = own.intersection(problem.stores_of_order(order).tolist())
            if 1 < len(options) < len(own):
                return "its orders come from one store, or from any"
    if (
        any(couriers.start_place[row] == couriers.end_place[row] == ANYWHERE for row in used)
        and orders.has_pickup.any()
    ):
        return "its vehicles start or end somewhere"
    if any(not travel.is_reachable.all() for travel in problem.travel):
        return "it takes a way between any two places"
    dearest = max(int(couriers.cost_per_m.max(initial=0)), 1)
    if any(int(travel.distance_m.max(initial=0)) * dearest > _MOST for travel in problem.travel):
        return "its costs of legs have 31 bits"
    return None


class _Model:
    """The problem in VROOM's words."""

    def __init__(self, problem: RoutingProblem, kept: IntArray) -> None:
        import vroom

        self._vroom, self.problem, self.kept = vroom, problem, kept
        couriers, orders = problem.couriers, problem.orders
        self.is_paired = bool(orders.has_pickup.any())
        told = np.concatenate([couriers.earliest_s, orders.earliest_s, orders.pickup_earliest_s])
        told = told[told > -NO_LIMIT]
        self.zero_s = int(told.min()) if len(told) else 0
        #: Courier row and store of every vehicle.
        self.rows: list[tuple[int, int]] = []
        self.input = vroom.Input()
        self._add_vehicles()
        self._add_orders()

    def solve(self, exploration: int, timeout: timedelta | None) -> RoutingSolution | None:
        """Return VROOM's plan in our terms; None if a route cannot keep its times."""
        try:
            found = self.input.solve(exploration_level=exploration, nb_threads=1, timeout=timeout)
        except self._vroom._vroom.VroomInputException:  # noqa: SLF001 - it is nowhere else
            # Breaks that overlap, for instance: what VROOM takes for an error is no plan here.
            return None
        frame = found.routes
        stops: dict[int, list[int]] = {}
        for vehicle, kind, order in zip(
            frame["vehicle_id"].tolist(), frame["type"].tolist(), frame["id"].tolist(), strict=True
        ):
            if kind in ("job", "pickup", "delivery"):
                stops.setdefault(vehicle, []).append(int(order))
        routes = []
        for vehicle, own in stops.items():
            row, store = self.rows[vehicle]
            timed = best_route(self.problem, row, [Trip(store=store, stops=tuple(own))])
            if timed is None:
                return None
            routes.append(timed)
        return RoutingSolution(routes=tuple(routes))

    def _window(self, early_s: int, late_s: int) -> Any:
        low = 0 if early_s <= -NO_LIMIT else max(0, early_s - self.zero_s)
        high = _MOST if late_s >= NO_LIMIT else min(_MOST, late_s - self.zero_s)
        return self._vroom.TimeWindow(low, max(low, high))

    def _add_vehicles(self) -> None:
        couriers = self.problem.couriers
        profiles: set[tuple[int, int]] = set()
        for row in np.flatnonzero(couriers.count > 0).tolist():
            key = (int(couriers.profile[row]), int(couriers.cost_per_m[row]))
            if key not in profiles:
                profiles.add(key)
                self._add_profile(key)
            made = self._vehicle_of(row)
            if made is None:
                continue
            store, parts = made
            for _ in range(min(int(couriers.count[row]), len(self.kept))):
                vehicle = self._vroom.Vehicle(
                    len(self.rows),
                    profile=_name(key),
                    capacity=self._fit(couriers.capacity[row]),
                    skills=self._skills_of(row, store),
                    breaks=self._breaks_of(row, parts["time_window"]),
                    **parts,
                )
                self.rows.append((row, store))
                self.input.add_vehicle(vehicle)

    def _add_profile(self, key: tuple[int, int]) -> None:
        travel = self.problem.travel[key[0]]
        self.input.set_durations_matrix(_name(key), travel.duration_s)
        self.input.set_distances_matrix(_name(key), travel.distance_m)
        self.input.set_costs_matrix(_name(key), travel.distance_m * key[1])

    def _vehicle_of(self, row: int) -> tuple[int, dict[str, Any]] | None:
        """Return the store of a courier row and what its vehicles are, or None if it is no use.

        The way to the store is the same for every route: it goes into fixed cost and limits.
        """
        problem, couriers, stores = self.problem, self.problem.couriers, self.problem.stores
        start, end = int(couriers.start_place[row]), int(couriers.end_place[row])
        lead_m = lead_s = 0
        early_s, store = int(couriers.earliest_s[row]), NO_STORE
        if not self.is_paired:
            store = int(problem.stores_of_courier(row)[0])
            place = int(stores.place[store])
            travel = problem.travel[int(couriers.profile[row])]
            if start != ANYWHERE:
                lead_m, lead_s = (
                    int(travel.distance_m[start, place]),
                    int(travel.duration_s[start, place]),
                )
            early_s = max(early_s + lead_s, int(stores.earliest_s[store]))
            early_s, start = early_s + int(stores.service_s[store]), place
        most_m = int(couriers.max_distance_m[row]) - lead_m
        if early_s > int(couriers.latest_s[row]) or most_m < 0:
            return None
        fixed = int(couriers.fixed_cost[row]) + lead_m * int(couriers.cost_per_m[row])
        tasks = int(couriers.max_stops[row]) * (2 if self.is_paired else 1)
        return store, {
            "start": None if start == ANYWHERE else start,
            "end": None if end == ANYWHERE else end,
            "time_window": self._window(early_s, int(couriers.latest_s[row])),
            "costs": self._vroom.VehicleCosts(fixed=min(fixed, _MOST)),
            "max_tasks": min(tasks, 2 * len(self.problem.orders)),
            "max_distance": min(most_m, _MOST),
        }

    def _skills_of(self, row: int, store: int) -> set[int]:
        mask = int(self.problem.couriers.skills[row])
        own = {bit for bit in range(mask.bit_length()) if mask >> bit & 1}
        return own | {_COURIER_SKILL + row, _STORE_SKILL + store}

    def _breaks_of(self, row: int, shift: Any) -> list[Any]:
        """Return the breaks that fall on the route; VROOM has none before its start or after it."""
        breaks, made = self.problem.breaks, []
        for number in breaks.of_courier(row):
            early_s, late_s = int(breaks.earliest_s[number]), int(breaks.latest_s[number])
            window, length_s = self._window(early_s, late_s), int(breaks.duration_s[number])
            is_before = window.start + length_s <= shift.start or window.end < shift.start
            if not is_before and window.end < shift.end:
                made.append(self._vroom.Break(number, time_windows=[window], service=length_s))
        return made

    def _fit(self, amounts: IntArray) -> list[int]:
        total = self.problem.orders.load[self.kept].sum(axis=0)
        fitted: list[int] = np.minimum(amounts, total).tolist()
        return fitted

    def _wants(self, order: int) -> set[int]:
        orders = self.problem.orders
        mask = int(orders.skills[order])
        wanted = {bit for bit in range(mask.bit_length()) if mask >> bit & 1}
        if orders.locked_courier[order] != ANYWHERE:
            wanted.add(_COURIER_SKILL + int(orders.locked_courier[order]))
        if not self.is_paired:
            own = {store for _, store in self.rows}
            options = own.intersection(self.problem.stores_of_order(order).tolist())
            if len(options) < len(own):
                # Without any store that couriers load at, nobody has this one.
                wanted.add(_STORE_SKILL + (min(options) if options else len(self.problem.stores)))
        return wanted

    def _priority(self, order: int) -> int:
        """Return a rank of the price of refusal; what must be served comes first."""
        orders = self.problem.orders
        if orders.is_mandatory[order]:
            return _TOP_PRIORITY
        dearest = max(1, int(orders.refusal_cost.max()))
        return int((_TOP_PRIORITY - 1) * int(orders.refusal_cost[order]) // dearest)

    def _add_orders(self) -> None:
        orders, vroom = self.problem.orders, self._vroom
        for order in self.kept.tolist() if self.rows else ():
            common = {"skills": self._wants(order), "priority": self._priority(order)}
            amount = vroom.Amount(self._fit(orders.load[order]))
            early_s, late_s = int(orders.earliest_s[order]), int(orders.deadline_s[order])
            door: dict[str, Any] = {
                "location": int(orders.place[order]),
                "default_service": int(orders.service_s[order]),
                "time_windows": [self._window(early_s, late_s)],
            }
            if not self.is_paired:
                self.input.add_job(vroom.Job(order, delivery=amount, **common, **door))
                continue
            ready_s = max(int(orders.pickup_earliest_s[order]), int(orders.release_s[order]))
            last_s = int(orders.pickup_latest_s[order])
            pickup = vroom.ShipmentStep(
                order,
                location=int(orders.pickup_place[order]),
                default_service=int(orders.pickup_service_s[order]),
                time_windows=[self._window(ready_s, last_s)],
            )
            delivery = vroom.ShipmentStep(order, **door)
            self.input.add_job(vroom.Shipment(pickup, delivery, amount=amount, **common))


def _name(key: tuple[int, int]) -> str:
    return f"profile {key[0]} at {key[1]}"


ENGINE = VroomEngine()
