"""A routing problem in PyVRP's words, and its solutions back in ours.

How each of our rules is said there:

- Store of an order: where some orders may not be served by every store, one load dimension per
  store, of which only couriers of that store have any capacity; an order with several stores
  becomes a group of clients, one per store, of which at most one is visited. Where couriers
  choose among stores, capacity cannot tell trips apart, and each client of the group gets a
  location of its own that has no way from the clients and the depots of other stores.
- Courier with one store: starts at that store; what it costs and takes to get there is constant
  and goes into fixed cost, start of shift and limits. Courier with several: starts where it
  stands, with a full dummy load that only a store takes off it.
- Stops per trip, and skills: one load dimension each.
- No way: an arc that is longer than any route may be.
- Open start or end: a depot at no distance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.routing.engines._pyvrp_fleet import NO_LIMIT, Clock, Depots, Fleet, Places
from dispatchopt.routing.picking import has_picking
from dispatchopt.routing.problem import (
    MANDATORY,
    NO_STORE,
    UNREACHABLE,
    Route,
    RoutingProblem,
    RoutingSolution,
    Trip,
)
from dispatchopt.routing.reach import servable_orders
from dispatchopt.routing.schedule import best_route


@dataclass(frozen=True, kw_only=True)
class _Client:
    """A client of PyVRP: an order, and the one store it is tied to (``NO_STORE``: to none)."""

    order: int
    store: int


@dataclass
class Model:
    """PyVRP's data with the maps back."""

    problem: RoutingProblem
    data: Any
    clients: list[_Client]
    shipments: list[int]
    depot_store: list[int]
    type_courier: list[int]
    type_store: list[int]
    #: Cost that PyVRP counts and the definition does not (negative: the other way round).
    surplus: int
    client_of: dict[tuple[int, int], int] = field(default_factory=dict)

    def solution(self, found: Any) -> RoutingSolution | None:
        """Return PyVRP's solution in our terms; None if a route cannot keep its times."""
        routes = []
        for route in found.routes():
            courier = self.type_courier[route.vehicle_type()]
            timed = best_route(self.problem, courier, self._trips(route))
            if timed is None:
                return None
            routes.append(timed)
        return RoutingSolution(routes=tuple(routes))

    def _trips(self, route: Any) -> tuple[Trip, ...]:
        store = self.type_store[route.vehicle_type()]
        trips: list[Trip] = []
        stops: list[int] = []
        for activity in route:
            if activity.is_client():
                stops.append(self.clients[activity.idx].order)
            elif activity.is_shipment():
                stops.append(self.shipments[activity.idx])
            else:
                if stops:
                    trips.append(Trip(store=store, stops=tuple(stops)))
                    stops = []
                store = self.depot_store[activity.idx]
        return tuple(trips)

    def start(self, solution: RoutingSolution) -> Any:
        """Return a solution of ours in PyVRP's terms, or None if it has no counterpart there."""
        import pyvrp

        try:
            routes = [self._route(pyvrp, route) for route in solution.routes]
            found = pyvrp.Solution(self.data, routes)
        except (KeyError, ValueError, RuntimeError, IndexError):
            return None
        return found if found.is_feasible() else None

    def _route(self, pyvrp: Any, route: Route) -> Any:
        kind = pyvrp.ActivityType
        first = route.trips[0].store
        choices = [t for t, courier in enumerate(self.type_courier) if courier == route.courier]
        vehicle = next(t for t in choices if self.type_store[t] in (first, NO_STORE))
        is_bound = self.type_store[vehicle] == first
        activities = []
        for number, trip in enumerate(route.trips):
            if number or not is_bound:
                activities.append(pyvrp.Activity(kind.DEPOT, self.depot_store.index(trip.store)))
            picked: set[int] = set()
            for order in trip.stops:
                if self.problem.orders.has_pickup[order]:
                    what = kind.DELIVERY if order in picked else kind.PICKUP
                    picked.add(order)
                    activities.append(pyvrp.Activity(what, self.shipments.index(order)))
                    continue
                client = self.client_of.get((order, trip.store))
                if client is None:
                    client = self.client_of[order, NO_STORE]
                activities.append(pyvrp.Activity(kind.CLIENT, client))
        return pyvrp.Route(self.data, activities, vehicle)


def unsupported(problem: RoutingProblem) -> str | None:
    """Return what PyVRP cannot say, or None."""
    orders, couriers = problem.orders, problem.couriers
    if orders.hinges:
        return "it knows no price of lateness"
    used = couriers.count > 0
    lacks = {
        "it knows no price of changes": orders.has_changes,
        "it cannot lock orders to couriers": (orders.locked_courier >= 0).any(),
        "it knows no cost per order": couriers.cost_per_order[used].any(),
        "it knows no minimum pay": couriers.min_pay[used].any(),
    }
    for why, is_lacking in lacks.items():
        if is_lacking:
            return why
    if len(problem.breaks):
        return "it knows no breaks"
    if has_picking(problem):
        return "it takes orders to be ready at set times, and some stores pick them in turn"
    if orders.has_pickup.any():
        if not orders.has_pickup.all():
            return "it cannot mix orders from stores with orders that have a pick-up place"
        if (couriers.max_stops < len(orders)).any():
            return "it cannot limit the stops of trips with pick-up places"
    return None


def build(problem: RoutingProblem) -> Model | None:
    """Return the model, or None if there is nothing to decide in it.

    Orders that provably nobody can serve are left out: they are refused.
    """
    builder = _Builder(problem)
    return builder.model() if builder.has_work() else None


class _Builder:
    def __init__(self, problem: RoutingProblem) -> None:
        self.problem = problem
        orders, couriers = problem.orders, problem.couriers
        self.kept = np.flatnonzero(servable_orders(problem))
        self.is_paired = bool(orders.has_pickup.any())
        self.clock = Clock(offset_s=self._offset())
        self.stores_of = [
            self._usable_stores(problem.stores_of_courier(row)) for row in range(len(couriers))
        ]
        in_use = {
            store
            for row, stores in enumerate(self.stores_of)
            if couriers.count[row]
            for store in stores
        }
        self.options = {
            int(order): [s for s in problem.stores_of_order(int(order)).tolist() if s in in_use]
            for order in self.kept
        }
        restricted = [o for o, stores in self.options.items() if len(stores) < len(in_use)]
        self.restricted = set() if self.is_paired else set(restricted)
        self.is_free = any(
            len(stores) > 1 for row, stores in enumerate(self.stores_of) if couriers.count[row]
        )
        self.uses_bans = self.is_free and bool(self.restricted) and not self.is_paired
        self.clients = (
            []
            if self.is_paired
            else [
                _Client(order=order, store=store)
                for order, stores in self.options.items()
                for store in (stores if order in self.restricted else [NO_STORE])
            ]
        )
        self.store_dims = sorted(in_use) if self.restricted and not self.uses_bans else []
        self.has_stop_dim = not self.is_paired and (
            self.is_free or bool((couriers.max_stops < len(self.kept)).any())
        )
        bits = int(np.bitwise_or.reduce(orders.skills)) if len(orders) else 0
        self.skill_bits = [bit for bit in range(62) if bits >> bit & 1]

    def has_work(self) -> bool:
        return bool(self.clients or (self.is_paired and len(self.kept)))

    def _offset(self) -> int:
        """Return what is subtracted from times, as PyVRP takes none below zero."""
        orders, couriers = self.problem.orders, self.problem.couriers
        columns = (couriers.earliest_s, orders.earliest_s, orders.release_s)
        times = np.concatenate([*columns, np.zeros(1, dtype=np.int64)])
        return int(times[times > -NO_LIMIT].min())

    def _usable_stores(self, stores: IntArray) -> list[int]:
        table = self.problem.stores
        is_open = table.earliest_s[stores] <= table.latest_s[stores]
        return [int(store) for store in stores[is_open]]

    def model(self) -> Model | None:
        """Return the model, or None if no courier can be put into it."""
        import pyvrp

        places = Places(self.problem, self.uses_bans)
        groups, group_of, surplus = self._groups(pyvrp)
        clients = [] if self.is_paired else self._clients(pyvrp, places, group_of)
        shipments = self._shipments(pyvrp, places) if self.is_paired else []
        depots = Depots(pyvrp, self.problem, self.clock, places)
        fleet = Fleet(
            pyvrp,
            problem=self.problem,
            clock=self.clock,
            depots=depots,
            stores_of=self.stores_of,
            capacities=self.capacities,
            most=len(self.kept),
            is_paired=self.is_paired,
        )
        types, type_courier, type_store = fleet.types()
        if not types or not (clients or shipments):
            return None
        distances, durations, has_gap = places.matrices()
        if has_gap:
            types = [
                each.replace(max_distance=min(each.max_distance, UNREACHABLE - 1)) for each in types
            ]
        in_model = [client.order for client in self.clients] or self.kept
        left_out = np.setdiff1d(np.arange(len(self.problem.orders)), in_model)
        prices = self.problem.orders.refusal_cost[left_out]
        data = pyvrp.ProblemData(
            locations=[pyvrp.Location(0, 0)] * places.size,
            clients=clients,
            depots=depots.depots,
            vehicle_types=types,
            distance_matrices=distances,
            duration_matrices=durations,
            groups=groups,
            shipments=shipments,
        )
        return Model(
            problem=self.problem,
            data=data,
            clients=self.clients,
            shipments=[int(order) for order in self.kept] if self.is_paired else [],
            depot_store=depots.store,
            type_courier=type_courier,
            type_store=type_store,
            surplus=surplus - int(prices[prices > 0].sum()),
            client_of={(c.order, c.store): i for i, c in enumerate(self.clients)},
        )

    def amounts(self, order: int, store: int) -> list[int]:
        """Return the loads of a client in all dimensions."""
        orders = self.problem.orders
        stops = [1] if self.has_stop_dim else []
        skills = [int(orders.skills[order]) >> bit & 1 for bit in self.skill_bits]
        by_store = [int(store == each) for each in self.store_dims]
        return [*orders.load[order].tolist(), *stops, *skills, *by_store]

    def capacities(self, courier: int, store: int) -> list[int]:
        """Return the capacities of a courier in all dimensions."""
        couriers, most = self.problem.couriers, max(1, len(self.kept))
        stops = [min(most, int(couriers.max_stops[courier]))] if self.has_stop_dim else []
        skills = [most * (int(couriers.skills[courier]) >> bit & 1) for bit in self.skill_bits]
        by_store = [most * int(store == each) for each in self.store_dims]
        return [*couriers.capacity[courier].tolist(), *stops, *skills, *by_store]

    def _clients(self, pyvrp: Any, places: Places, group_of: dict[int, int]) -> list[Any]:
        orders = self.problem.orders
        made = []
        for client in self.clients:
            order, price = client.order, int(orders.refusal_cost[client.order])
            made.append(
                pyvrp.Client(
                    location=places.of_client(int(orders.place[order]), client.store),
                    delivery=self.amounts(order, client.store),
                    service_duration=int(orders.service_s[order]),
                    tw_early=self.clock.early(int(orders.earliest_s[order])),
                    tw_late=self.clock.late(int(orders.deadline_s[order])),
                    release_time=self.clock.early(int(orders.release_s[order])),
                    prize=max(0, price),
                    required=price == MANDATORY and order not in group_of,
                    group=group_of.get(order),
                )
            )
        return made

    def _groups(self, pyvrp: Any) -> tuple[list[Any], dict[int, int], int]:
        """Tie the alternatives of an order together.

        Returns the groups, the group of each order, and what PyVRP counts too much: a prize for
        each alternative that is not chosen.
        """
        orders = self.problem.orders
        members: dict[int, list[int]] = {}
        for index, client in enumerate(self.clients):
            members.setdefault(client.order, []).append(index)
        groups: list[Any] = []
        group_of: dict[int, int] = {}
        surplus = 0
        for order, indices in members.items():
            if len(indices) < 2:
                continue
            group_of[order] = len(groups)
            price = int(orders.refusal_cost[order])
            groups.append(pyvrp.ClientGroup(indices, required=price == MANDATORY))
            surplus += (len(indices) - 1) * max(0, price)
        return groups, group_of, surplus

    def _shipments(self, pyvrp: Any, places: Places) -> list[Any]:
        orders = self.problem.orders
        made = []
        for order in self.kept.tolist():
            price = int(orders.refusal_cost[order])
            ready_s = max(int(orders.pickup_earliest_s[order]), int(orders.release_s[order]))
            made.append(
                pyvrp.Shipment(
                    pickup_location=places.of_client(int(orders.pickup_place[order]), NO_STORE),
                    delivery_location=places.of_client(int(orders.place[order]), NO_STORE),
                    pickup_tw_early=self.clock.early(ready_s),
                    pickup_tw_late=self.clock.late(int(orders.pickup_latest_s[order])),
                    pickup_service_duration=int(orders.pickup_service_s[order]),
                    delivery_tw_early=self.clock.early(int(orders.earliest_s[order])),
                    delivery_tw_late=self.clock.late(int(orders.deadline_s[order])),
                    delivery_service_duration=int(orders.service_s[order]),
                    amount=self.amounts(order, NO_STORE),
                    prize=max(0, price),
                    required=price == MANDATORY,
                )
            )
        return made
