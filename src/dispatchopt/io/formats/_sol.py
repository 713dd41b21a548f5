"""Routes as solution files of the field hold them: ``Route #1: 3 1 2`` and ``Cost 27.5``.

Numbers are names of orders. One that is the name of a store begins a new trip there. Of an order
``3-75``, 3 is the pick-up and 75 the delivery. Where vehicles differ, the first route is the first
vehicle's, and so on; a route may be empty.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray, digest
from dispatchopt.core.result import Result, Status, StopReason
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, Said, single
from dispatchopt.io.kinds._pairs import names_or_numbers
from dispatchopt.routing import check
from dispatchopt.routing.problem import FAR, NO_STORE, Route, RoutingProblem, RoutingSolution, Trip
from dispatchopt.routing.schedule import best_route

_ROUTE = re.compile(r"\s*route\s*#?\s*\d+\s*:(.*)", re.IGNORECASE)
_COST = re.compile(r"\s*cost\s*:?\s+(\S+)\s*", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,18}(\.\d{0,12})?")


def holds_routes(text: str) -> bool:
    """Whether a text is a list of routes, not JSON."""
    if text.lstrip()[:1] in {"{", "["}:
        return False
    return any(_ROUTE.fullmatch(line) for line in text.splitlines())


def parse_routes(text: str, instance: Instance, source: str) -> Result[Any]:
    """Return the result that a list of routes describes.

    Each route starts at its cheapest moment; one that cannot keep its times starts at the begin of
    the shift, so that the checker tells what is late.

    Raises
    ------
    InputError
        Listing every line that is wrong.
    """
    if instance.kind != "routing":
        found = Said("routes")
        raise single("wrong-kind", source, found, f"a solution of a {instance.kind} problem")
    issues = Issues()
    reader = _Reader(instance, source, issues)
    cost = ""
    has_route = False
    for number, line in enumerate(text.splitlines(), start=1):
        place = f"{source} line {number}"
        route, costs = _ROUTE.fullmatch(line), _COST.fullmatch(line)
        if route:
            has_route = True
            reader.route(route.group(1).split(), place)
        elif costs:
            cost = costs.group(1)
            if not _NUMBER.fullmatch(cost):
                issues.add("not-a-number", place, cost, "a cost of 0 or more")
        elif has_route and line.strip() and not re.match(r"\s*[A-Za-z]+\b.*", line):
            issues.add("bad-text", place, line.strip(), "a route, or the cost", "", source)
    issues.raise_if_any()
    solution = RoutingSolution(routes=tuple(reader.routes))
    return Result(
        status=Status.FEASIBLE,
        stopped_by=StopReason.COMPLETED,
        solution=solution,
        objective=_claimed(cost, instance, solution) if cost else None,
        bound=None,
        engine="file",
        seed=0,
        elapsed_s=0.0,
        iterations=0,
        digest=digest(instance.problem),
    )


class _Reader:
    """Builds routes from their words."""

    def __init__(self, instance: Instance, source: str, issues: Issues) -> None:
        self.problem: RoutingProblem = instance.problem
        self.source, self.issues = source, issues
        self.routes: list[Route] = []
        self.num_seen = 0
        self.order_of: dict[str, int] = {}
        orders, stores = _names(instance, "orders"), _names(instance, "stores")
        for row, name in enumerate(orders):
            self.order_of[name] = row
            if self.problem.orders.has_pickup[row] and name.count("-") == 1:
                self.order_of.update(dict.fromkeys(name.split("-"), row))
        self.store_of = {name: row for row, name in enumerate(stores) if name not in self.order_of}
        counts = np.minimum(self.problem.couriers.count, max(1, len(self.problem.orders)))
        self.ends = np.cumsum(counts)

    def route(self, words: Sequence[str], place: str) -> None:
        """Keep the route of the next vehicle; an empty one only counts."""
        last = len(self.problem.couriers) - 1
        if last < 0:
            raise single("conflict", place, Said("a route"), "none: the instance has no couriers")
        courier = min(int(np.searchsorted(self.ends, self.num_seen, side="right")), last)
        self.num_seen += 1
        trips: list[Trip] = []
        store = self._first_store(courier)
        stops: list[int] = []
        for word in words:
            if word in self.order_of:
                stops.append(self.order_of[word])
                continue
            if word not in self.store_of:
                wanted = "the name of an order or a store"
                self.issues.add("unknown-reference", place, word, wanted, "", self.source)
                continue
            # Some lists call at the depot twice in a row, or begin and end with it.
            if stops:
                trips.append(self._trip(store, stops))
            store, stops = self.store_of[word], []
        if stops:
            trips.append(self._trip(store, stops))
        if trips:
            self.routes.append(self._timed(courier, trips))

    def _first_store(self, courier: int) -> int:
        stores: IntArray = self.problem.stores_of_courier(courier)
        home = [
            int(store)
            for store in stores
            if self.problem.stores.place[store] == self.problem.couriers.start_place[courier]
        ]
        return home[0] if home else (int(stores[0]) if len(stores) else NO_STORE)

    def _trip(self, store: int, stops: Sequence[int]) -> Trip:
        is_paired = bool(self.problem.orders.has_pickup[list(stops)].all())
        return Trip(store=NO_STORE if is_paired else store, stops=tuple(stops))

    def _timed(self, courier: int, trips: list[Trip]) -> Route:
        timed = best_route(self.problem, courier, trips)
        if timed is not None:
            return timed
        begin = int(self.problem.couriers.earliest_s[courier])
        return Route(courier=courier, trips=tuple(trips), start_s=begin if begin > -FAR else 0)


def _names(instance: Instance, table: str) -> list[str]:
    rows = getattr(instance.problem, table)
    return [str(name) for name in names_or_numbers(instance.names.get(table), len(rows))]


def _scale(instance: Instance) -> int:
    """Return our units per unit of the file that the instance came from."""
    given = instance.notes.get("scale", 1)
    return given if isinstance(given, int) and 1 <= given <= 10**9 else 1


def _claimed(cost: str, instance: Instance, solution: RoutingSolution) -> float:
    """Return the claimed cost in our units.

    Some files count in units of the instance, some in scaled ones: the one nearer to the truth is
    meant. A number claims a cost up to half a unit of its last digit; distances that were cut off
    add up to a unit of ours per leg.
    """
    report = check(instance.problem, solution)
    scale, value = _scale(instance), float(cost)
    truth = report.objective
    claim = min(value, value * scale, key=lambda each: abs(each - truth))
    digits = len(cost.partition(".")[2])
    slack = 0.5 * 10.0**-digits * scale if "." in cost else 0.0
    if instance.notes.get("rounding") == "double":
        slack += report.figures["orders_served"] * 2 + report.figures["trips"]
    return truth if abs(claim - truth) <= slack else claim


def routes_text(result: Result[Any], instance: Instance) -> str:
    """Return a result as a list of routes with the cost, in units of the instance."""
    if result.solution is None:
        return ""
    problem: RoutingProblem = instance.problem
    orders, stores = _names(instance, "orders"), _names(instance, "stores")
    by_courier: dict[int, list[Route]] = {}
    for route in result.solution.routes:
        by_courier.setdefault(route.courier, []).append(route)
    lines: list[str] = []
    last = max(by_courier, default=-1)
    for courier in range(last + 1):
        own = by_courier.get(courier, [])
        lines += [_words(problem, route, orders, stores) for route in own]
        if courier < last:
            # The next vehicles are of another kind, so those without a route count as well.
            count = min(int(problem.couriers.count[courier]), max(1, len(problem.orders)))
            lines += [""] * (count - len(own))
    text = [f"Route #{number}: {line}".rstrip() for number, line in enumerate(lines, start=1)]
    if result.objective is not None:
        scale = _scale(instance)
        digits = len(str(scale)) - 1
        text.append(f"Cost {result.objective / scale:.{digits}f}")
    return "\n".join(text) + "\n"


def _words(
    problem: RoutingProblem, route: Route, orders: Sequence[str], stores: Sequence[str]
) -> str:
    words: list[str] = []
    for number, trip in enumerate(route.trips):
        if trip.store != NO_STORE and (number or not _is_home(problem, route.courier, trip.store)):
            words.append(stores[trip.store])
        seen: set[int] = set()
        for order in trip.stops:
            name = orders[order]
            if problem.orders.has_pickup[order] and name.count("-") == 1:
                name = name.split("-")[order in seen]
            seen.add(order)
            words.append(name)
    return " ".join(words)


def _is_home(problem: RoutingProblem, courier: int, store: int) -> bool:
    """Whether a reader takes the store for the first one of the courier without being told."""
    own = problem.stores_of_courier(courier).tolist()
    start = problem.couriers.start_place[courier]
    home = [each for each in own if problem.stores.place[each] == start]
    return store == int(home[0] if home else own[0])
