"""A routing result as VROOM would say it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dispatchopt.core.result import Result
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Said, single
from dispatchopt.routing import check
from dispatchopt.routing.problem import ANYWHERE, NO_STORE, Route, RoutingProblem, RoutingSolution


def vroom_text(result: Result[Any], instance: Instance) -> str:
    """Return a result as VROOM's JSON.

    Raises
    ------
    InputError
        If the instance was not read from VROOM's JSON: others have no numbers as names.
    """
    if instance.notes.get("format") != "vroom":
        hint = "choose json"
        raise single("wrong-format", instance.name, Said("another origin"), "a VROOM input", hint)
    if result.solution is None:
        value: dict[str, Any] = {"code": 2, "error": result.reason or "no solution was found"}
        return json.dumps(value, indent=1) + "\n"
    writer = _Writer(instance)
    routes = [writer.route(route) for route in result.solution.routes]
    unassigned = writer.unassigned(result.solution)
    totals = ("cost", "service", "duration", "waiting_time", "priority")
    summary = {key: sum(route[key] for route in routes) for key in totals}
    summary |= {"routes": len(routes), "unassigned": len(unassigned), "setup": 0}
    summary["violations"] = []
    solving_ms = round(1_000 * result.elapsed_s)
    summary["computing_times"] = {"loading": 0, "solving": solving_ms, "routing": 0}
    value = {"code": 0, "summary": summary, "unassigned": unassigned, "routes": routes}
    return json.dumps(value, indent=1) + "\n"


#: Takes leg, time, seconds of the leg and those driven before; returns time and what is left of it.
Rests = Callable[[int, int, int, int], tuple[int, int]]


class _Writer:
    def __init__(self, instance: Instance) -> None:
        self.problem: RoutingProblem = instance.problem
        self.orders, self.couriers = instance.names["orders"], instance.names["couriers"]
        self.points = instance.places.get("places")
        self.scale = int(instance.notes.get("scale", 1))
        self.base = int(instance.notes.get("refusal at priority 0", 1))
        self.break_ids = [int(each) for each in str(instance.notes.get("breaks", "")).split()]

    def location(self, place: int) -> dict[str, Any]:
        """Return a place as the input named it."""
        if self.points is None:
            return {"location_index": place}
        return {"location": [float(self.points.lon[place]), float(self.points.lat[place])]}

    def unassigned(self, solution: RoutingSolution) -> list[dict[str, Any]]:
        """Return what is not served: jobs once, shipments by both ends."""
        served, found = solution.served(), []
        for order, name in enumerate(self.orders):
            if order in served:
                continue
            place = int(self.problem.orders.place[order])
            if "-" not in name:
                found.append({"id": int(name), "type": "job", **self.location(place)})
                continue
            pickup = int(self.problem.orders.pickup_place[order])
            ends = zip(("pickup", "delivery"), name.split("-"), (pickup, place), strict=True)
            found += [{"id": int(i), "type": kind, **self.location(at)} for kind, i, at in ends]
        return found

    def route(self, route: Route) -> dict[str, Any]:
        """Return a route with the times of its steps."""
        problem, orders, trip = self.problem, self.problem.orders, route.trips[0]
        couriers = problem.couriers
        walk = _Walk(problem, route)
        steps: list[dict[str, Any]] = []
        walk.rests = self._rests(route, steps)
        if couriers.start_place[route.courier] != ANYWHERE:
            steps.append({"type": "start", **walk.step(self, ANYWHERE, 0, 0)})
        if trip.store != NO_STORE:
            walk.go(int(problem.stores.place[trip.store]))
        picked: set[int] = set()
        for order in trip.stops:
            name = self.orders[order]
            if orders.has_pickup[order] and order not in picked:
                picked.add(order)
                if "-" in name:
                    at = int(orders.pickup_place[order])
                    early, service = orders.pickup_earliest_s[order], orders.pickup_service_s[order]
                    step = walk.step(self, at, int(early), int(service))
                    steps.append({"type": "pickup", "id": int(name.split("-")[0]), **step})
                else:
                    walk.go(int(orders.pickup_place[order]))
                continue
            early, service = orders.earliest_s[order], orders.service_s[order]
            step = walk.step(self, int(orders.place[order]), int(early), int(service))
            is_pair = "-" in name
            kind, number = ("delivery", name.split("-")[1]) if is_pair else ("job", name)
            steps.append({"type": kind, "id": int(number), **step})
        end = int(couriers.end_place[route.courier])
        if end != ANYWHERE:
            steps.append({"type": "end", **walk.step(self, end, 0, 0)})
        else:
            walk.go(walk.place)
        report = check(problem, RoutingSolution(routes=(route,)))
        cost = report.objective - report.parts["refusal"]
        return {
            "vehicle": int(self.couriers[route.courier]),
            "cost": round(cost / self.scale),
            "service": sum(step["service"] for step in steps),
            "duration": walk.travel_s,
            "waiting_time": sum(step["waiting_time"] for step in steps),
            "priority": self._priority(trip.stops),
            "steps": steps,
            "violations": [],
        }

    def _rests(self, route: Route, steps: list[dict[str, Any]]) -> Rests:
        """Return what a leg with breaks does: it adds a step for each."""
        breaks = self.problem.breaks
        own = list(zip(breaks.of_courier(route.courier), route.breaks, strict=False))

        def rest(leg: int, time_s: int, leg_s: int, driven_s: int) -> tuple[int, int]:
            for row, number in own:
                if number != leg:
                    continue
                begin_s = max(time_s, int(breaks.earliest_s[row]))
                way_s = min(leg_s, begin_s - time_s)
                driven_s, leg_s = driven_s + way_s, leg_s - way_s
                length_s = int(breaks.duration_s[row])
                step = {"type": "break", "id": self.break_ids[row], "arrival": time_s + way_s}
                step |= {"duration": driven_s, "setup": 0, "service": length_s, "violations": []}
                steps.append({**step, "waiting_time": begin_s - time_s - way_s})
                time_s = begin_s + length_s
            return time_s, leg_s

        return rest

    def _priority(self, stops: tuple[int, ...]) -> int:
        # The price of refusal is a base times one more than the priority.
        prices = self.problem.orders.refusal_cost
        return sum(int(prices[order]) // self.base - 1 for order in set(stops))


class _Walk:
    """Where a vehicle is, and when."""

    def __init__(self, problem: RoutingProblem, route: Route) -> None:
        self.travel = problem.travel[int(problem.couriers.profile[route.courier])]
        self.place = int(problem.couriers.start_place[route.courier])
        self.time_s, self.travel_s = route.start_s, 0
        self.leg = 0
        self.rests: Rests = lambda _leg, time_s, leg_s, _driven_s: (time_s, leg_s)

    def go(self, target: int) -> None:
        """Drive the next leg, with the breaks that are taken on it."""
        leg_s = 0
        if ANYWHERE not in (self.place, target):
            leg_s = int(self.travel.duration_s[self.place, target])
        self.time_s, left_s = self.rests(self.leg, self.time_s, leg_s, self.travel_s)
        self.time_s += left_s
        self.travel_s += leg_s
        self.place = target
        self.leg += 1

    def step(self, writer: _Writer, target: int, earliest_s: int, service_s: int) -> dict[str, Any]:
        """Go to a place and serve there; ANYWHERE is the place where the vehicle stands."""
        if target != ANYWHERE:
            self.go(target)
        place = self.place
        arrival, waiting = self.time_s, max(0, earliest_s - self.time_s)
        self.time_s += waiting + service_s
        return {
            **writer.location(place),
            "arrival": arrival,
            "duration": self.travel_s,
            "setup": 0,
            "service": service_s,
            "waiting_time": waiting,
            "violations": [],
        }
