"""Routing solutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dispatchopt.geography.matrix import UNREACHABLE
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues
from dispatchopt.io.kinds._pairs import names_or_numbers
from dispatchopt.io.schema.solution import RoutingDecisions
from dispatchopt.io.solutions.base import Feature, Names, SolutionKind, Unserved
from dispatchopt.routing.explain import Reason, Trial, least_remedy, trials
from dispatchopt.routing.problem import (
    ANYWHERE,
    NO_STORE,
    Route,
    RoutingProblem,
    RoutingSolution,
    Trip,
)

#: Codes of reasons in solution documents, where they differ.
_CODES = {
    Reason.NO_STOCK: "no-store-holds-it",
    Reason.SKILL: "no-courier-with-the-skills",
    Reason.LOAD: "too-large-for-every-courier",
    Reason.READY_TOO_LATE: "too-late-for-its-window",
    Reason.OUT_OF_REACH: "too-late-for-its-window",
    Reason.DEARER: "dearer-than-refusal",
    Reason.LEFT_OUT: "left-out",
}


def _names(instance: Instance, table: str) -> Any:
    sizes = {
        "orders": len(instance.problem.orders),
        "stores": len(instance.problem.stores),
        "couriers": len(instance.problem.couriers),
    }
    return names_or_numbers(instance.names.get(table), sizes[table])


def decisions(instance: Instance, made: RoutingSolution) -> dict[str, Any]:
    """Return routes by name."""
    orders, stores, couriers = (_names(instance, each) for each in ("orders", "stores", "couriers"))
    picks = [
        {"store": stores[store], "orders": [orders[order] for order in sequence]}
        for store, sequence in enumerate(made.picks)
        if sequence
    ]
    return {
        "routes": [
            {
                "courier": couriers[route.courier],
                "start_s": int(route.start_s),
                "trips": [
                    {
                        "store": None if trip.store == NO_STORE else stores[trip.store],
                        "stops": [orders[order] for order in trip.stops],
                    }
                    for trip in route.trips
                ],
                **({"breaks": list(route.breaks)} if route.breaks else {}),
            }
            for route in made.routes
        ],
        **({"picks": picks} if picks else {}),
    }


def solution(instance: Instance, made: Any, issues: Issues) -> RoutingSolution:
    """Return the solution that decisions describe."""
    finders = {
        table: Names(table, _names(instance, table), issues)
        for table in ("orders", "stores", "couriers")
    }
    routes = []
    for at, route in enumerate(made.routes):
        where = f"/decisions/routes/{at}"
        trips = []
        for number, trip in enumerate(route.trips):
            there = f"{where}/trips/{number}"
            store = NO_STORE
            if trip.store is not None:
                store = finders["stores"].row(trip.store, f"{there}/store")
            stops = tuple(
                finders["orders"].row(name, f"{there}/stops/{stop}")
                for stop, name in enumerate(trip.stops)
            )
            trips.append(Trip(store=store, stops=stops))
        courier = finders["couriers"].row(route.courier, f"{where}/courier")
        timed = Route(
            courier=courier,
            trips=tuple(trips),
            start_s=route.start_s,
            breaks=tuple(route.breaks),
        )
        routes.append(timed)
    return RoutingSolution(routes=tuple(routes), picks=_picks(instance, made, finders, issues))


def _picks(
    instance: Instance, made: Any, finders: Mapping[str, Names], issues: Issues
) -> tuple[tuple[int, ...], ...]:
    """Return the sequences of picking per store, or nothing if there are none."""
    picks: list[tuple[int, ...]] = [()] * len(instance.problem.stores)
    seen: set[str] = set()
    for at, each in enumerate(made.picks):
        where = f"/decisions/picks/{at}"
        store = finders["stores"].row(each.store, f"{where}/store")
        if each.store in seen:
            issues.add("duplicate-id", f"{where}/store", each.store, "each store once")
        seen.add(each.store)
        sequence = tuple(
            finders["orders"].row(name, f"{where}/orders/{stop}")
            for stop, name in enumerate(each.orders)
        )
        if 0 <= store < len(picks):
            picks[store] = sequence
    return tuple(picks) if made.picks else ()


def unserved(instance: Instance, made: RoutingSolution) -> Sequence[Unserved]:
    """Return orders on no route, and why."""
    problem: RoutingProblem = instance.problem
    names, served = _names(instance, "orders"), made.served()
    refused = [order for order in range(len(problem.orders)) if order not in served]
    tried: dict[int, list[Trial]] = {}
    for trial in trials(problem, made, refused):
        tried.setdefault(trial.order, []).append(trial)
    stores = _names(instance, "stores")
    result = []
    for order in refused:
        if order in tried:
            own_reason, remedy = least_remedy(problem, tried[order], stores)
            reason = _CODES.get(own_reason, str(own_reason))
        else:
            reason, remedy = _reason(problem, order)
        result.append(Unserved(what="order", id=names[order], reason=reason, remedy=remedy))
    return result


def _reason(problem: RoutingProblem, order: int) -> tuple[str, str]:
    orders, couriers = problem.orders, problem.couriers
    has_skills = (couriers.skills & orders.skills[order]) == orders.skills[order]
    if not has_skills.any():
        return "no-courier-with-the-skills", "a courier with the skills it wants"
    can_carry = has_skills & (couriers.capacity >= orders.load[order]).all(axis=1)
    if not can_carry.any():
        return "too-large-for-every-courier", "a courier with more capacity, or two orders"
    origins = problem.stores.place[problem.stores_of_order(order)]
    if orders.pickup_place[order] != ANYWHERE:
        origins = orders.pickup_place[order : order + 1]
    if not len(origins):
        return "no-store-holds-it", "a store that holds the basket"
    seconds = np.min(
        [travel.duration_s[origins, orders.place[order]] for travel in problem.travel], axis=0
    )
    if (seconds >= UNREACHABLE).all():
        return "no-way", "a road from a store to the customer"
    begin = max(int(orders.release_s[order]), int(couriers.earliest_s[can_carry].min()))
    if begin + int(seconds.min()) > orders.latest_s[order]:
        return "too-late-for-its-window", "a later end of its window, or an earlier release"
    return "dearer-than-refusal", "a higher price of refusal, or more couriers"


def rows(instance: Instance, made: RoutingSolution) -> Sequence[Mapping[str, Any]]:
    """Return one row per stop."""
    result: list[dict[str, Any]] = []
    for number, route in enumerate(decisions(instance, made)["routes"]):
        for trip_number, trip in enumerate(route["trips"]):
            for stop, order in enumerate(trip["stops"]):
                result.append(
                    {
                        "route": number,
                        "courier": route["courier"],
                        "trip": trip_number,
                        "store": trip["store"] or "",
                        "stop": stop,
                        "order": order,
                    }
                )
    return result


def features(instance: Instance, made: RoutingSolution) -> Sequence[Feature]:
    """Return trips as lines from the store over the stops, and orders as points."""
    places = instance.places.get("places")
    if places is None:
        return []
    problem: RoutingProblem = instance.problem
    names, served = _names(instance, "orders"), made.served()
    result = [
        Feature(
            shape="point",
            places=places[np.array([place])],
            properties={"layer": "orders", "id": names[row], "is_served": row in served},
        )
        for row, place in enumerate(problem.orders.place.tolist())
    ]
    plain = decisions(instance, made)["routes"]
    for number, route in enumerate(made.routes):
        for trip_number, trip in enumerate(route.trips):
            way = _way(problem, trip)
            result.append(
                Feature(
                    shape="line" if len(way) > 1 else "point",
                    places=places[np.array(way)],
                    properties={
                        "layer": "trips",
                        "route": number,
                        "courier": plain[number]["courier"],
                        "trip": trip_number,
                        "store": plain[number]["trips"][trip_number]["store"],
                        "orders": len(set(trip.stops)),
                    },
                )
            )
    return result


def _way(problem: RoutingProblem, trip: Trip) -> list[int]:
    way = [] if trip.store == NO_STORE else [int(problem.stores.place[trip.store])]
    seen: set[int] = set()
    for order in trip.stops:
        pickup = int(problem.orders.pickup_place[order])
        is_first = order not in seen
        seen.add(order)
        way.append(pickup if pickup != ANYWHERE and is_first else int(problem.orders.place[order]))
    return way


SOLUTION = SolutionKind(
    name="routing",
    model=RoutingDecisions,
    decisions=decisions,
    solution=solution,
    unserved=unserved,
    rows=rows,
    features=features,
)
