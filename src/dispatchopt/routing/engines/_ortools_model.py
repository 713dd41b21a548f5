"""A routing problem as a model of OR-Tools' routing library.

How each rule is said there:

- Times: a dimension whose slack is waiting; promises are soft upper bounds, breaks are intervals.
- Ready times: a dimension that holds, along a trip, a time not after its loading began; doors ask
  for at least their release.
- Loads: what was delivered since loading, set back at loading nodes; with pick-up places what is
  on board, free where a trip is loaded and nothing where it ends.
- Numbers of stops and trips, lengths and legs without a way: dimensions with a capacity.
- Skills, locks and stores: which vehicles may visit a node.
- Refusal: a node that may be left out at a price; if it may not, the price exceeds all others.
- Minimum pay: a soft lower bound on a dimension of pay. Pay by the second is not part of it, so
  that the search (not the checker) is blind to topping up where couriers are paid by time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.routing.engines._ortools_fleet import NO_LIMIT, Nodes
from dispatchopt.routing.problem import (
    ANYWHERE,
    MANDATORY,
    NO_STORE,
    Route,
    RoutingProblem,
    RoutingSolution,
    Trip,
)
from dispatchopt.routing.reach import servable_orders
from dispatchopt.routing.schedule import best_route

#: Horizon of all times, far beyond any, with room for sums.
_HORIZON = 1 << 42
_MOST_PRICE = 1 << 44


class Model:
    """The model, and its solutions in our terms."""

    def __init__(self, problem: RoutingProblem) -> None:
        from ortools.constraint_solver import pywrapcp

        self.problem = problem
        self.nodes = Nodes(problem, np.flatnonzero(servable_orders(problem)))
        self.is_empty = not self.nodes.vehicles or not len(self.nodes.kept)
        if self.is_empty:
            return
        vehicles = self.nodes.vehicles
        self.zero_s = self.nodes.clock_start_s()
        self.manager = pywrapcp.RoutingIndexManager(
            len(self.nodes.place),
            len(vehicles),
            [vehicle.start for vehicle in vehicles],
            [vehicle.end for vehicle in vehicles],
        )
        self.routing = pywrapcp.RoutingModel(self.manager)
        self.solver = self.routing.solver()
        profiles = sorted({int(problem.couriers.profile[each.courier]) for each in vehicles})
        self._legs = {profile: self.nodes.matrices(profile) for profile in profiles}
        self._place_orders()
        self._add_costs()
        self._add_times()
        self._add_loads()
        self._add_limits()

    def solution(self) -> RoutingSolution | None:
        """Return the solution that the solver stands at; None if a route cannot keep its times.

        Only inside of a callback.
        """
        routes: list[Route] = []
        for number, vehicle in enumerate(self.nodes.vehicles):
            trips: list[Trip] = []
            stops: list[int] = []
            index = self.routing.Start(number)
            while True:
                index = self.routing.NextVar(index).Value()
                is_end = self.routing.IsEnd(index)
                node = self.manager.IndexToNode(index)
                if is_end or node in self.nodes.reloads:
                    if stops:
                        trips.append(Trip(store=vehicle.store, stops=tuple(stops)))
                    stops = []
                if is_end:
                    break
                if self.nodes.order[node] >= 0:
                    stops.append(self.nodes.order[node])
            if trips:
                timed = best_route(self.problem, vehicle.courier, trips)
                if timed is None:
                    return None
                routes.append(timed)
        return RoutingSolution(routes=tuple(routes))

    def _index(self, node: int) -> int:
        return int(self.manager.NodeToIndex(node))

    def _matrix(self, values: IntArray) -> int:
        return int(self.routing.RegisterTransitMatrix(values.tolist()))

    def _profile(self, courier: int) -> int:
        return int(self.problem.couriers.profile[courier])

    def _place_orders(self) -> None:
        """Say who may serve what, and what it costs to serve it not."""
        orders, couriers, routing = self.problem.orders, self.problem.couriers, self.routing
        vehicles = self.nodes.vehicles
        store = np.array([vehicle.store for vehicle in vehicles])
        row = np.array([vehicle.courier for vehicle in vehicles])
        dearest = max(int(legs[0].max(initial=0)) for legs in self._legs.values())
        dearest *= max(1, int(couriers.cost_per_m.max()))
        known = int(orders.refusal_cost.max(initial=0)) + int(couriers.fixed_cost.max(initial=0))
        forced = min(_MOST_PRICE, 1_000 + known + 4 * dearest * (1 + len(orders)))
        for order in self.nodes.kept.tolist():
            price = int(orders.refusal_cost[order])
            price = forced if price == MANDATORY else price
            may = (orders.skills[order] & ~couriers.skills[row]) == 0
            if orders.locked_courier[order] != ANYWHERE:
                may &= row == orders.locked_courier[order]
            if not orders.has_pickup[order]:
                may &= np.isin(store, self.problem.stores_of_order(order)) & (store != NO_STORE)
            delivery = self._index(self.nodes.delivery[order])
            routing.AddDisjunction([delivery], price)
            # -1 is the vehicle of what is left out.
            routing.VehicleVar(delivery).SetValues([-1, *np.flatnonzero(may).tolist()])
            if order in self.nodes.pickup:
                pickup = self._index(self.nodes.pickup[order])
                routing.AddDisjunction([pickup], 0)
                routing.AddPickupAndDelivery(pickup, delivery)
                self.solver.Add(routing.VehicleVar(pickup) == routing.VehicleVar(delivery))
        for node, own in self.nodes.reloads.items():
            index = self._index(node)
            routing.AddDisjunction([index], 0)
            repeats = (store == own) & (couriers.max_trips[row] > 1)
            routing.VehicleVar(index).SetValues([-1, *np.flatnonzero(repeats).tolist()])
        self._share_couriers(row)

    def _share_couriers(self, row: IntArray) -> None:
        """Let no more vehicles of a class go out than it has couriers."""
        for courier in np.unique(row).tolist():
            own = np.flatnonzero(row == courier).tolist()
            count = int(self.problem.couriers.count[courier])
            if len(own) > count:
                active = [self.routing.ActiveVehicleVar(each) for each in own]
                self.solver.Add(self.solver.Sum(active) <= count)

    def _per_order(self, courier: int) -> IntArray:
        """Return what leaving each node costs, for the order that was delivered there."""
        price = np.zeros(len(self.nodes.place), dtype=np.int64)
        price[list(self.nodes.delivery.values())] = self.problem.couriers.cost_per_order[courier]
        return price

    def _of_changes(self, courier: int, store: int) -> IntArray:
        """Return what leaving each node costs, for the change of the order delivered there."""
        price = np.zeros(len(self.nodes.place), dtype=np.int64)
        nodes = self.nodes.delivery
        price[list(nodes.values())] = self.problem.orders.changes(courier, store)[list(nodes)]
        return price

    def _add_costs(self) -> None:
        couriers = self.problem.couriers
        has_changes = self.problem.orders.has_changes
        evaluators: dict[tuple[int, ...], int] = {}
        for number, vehicle in enumerate(self.nodes.vehicles):
            row = vehicle.courier
            key = (
                self._profile(row),
                int(couriers.cost_per_m[row]),
                int(couriers.cost_per_order[row]),
                *((row, vehicle.store) if has_changes else ()),
            )
            if key not in evaluators:
                cost = self._legs[key[0]][0] * key[1] + self._per_order(row)[:, None]
                cost = cost + self._of_changes(row, vehicle.store)[:, None]
                evaluators[key] = self._matrix(cost)
            self.routing.SetArcCostEvaluatorOfVehicle(evaluators[key], number)
            self.routing.SetFixedCostOfVehicle(int(couriers.fixed_cost[row]), number)
        if couriers.min_pay.any():
            self._add_pay()

    def _add_pay(self) -> None:
        couriers, registered = self.problem.couriers, []
        made: dict[int, int] = {}
        for vehicle in self.nodes.vehicles:
            row = vehicle.courier
            if row not in made:
                pay = self._legs[self._profile(row)][0] * int(couriers.cost_per_m[row])
                pay = pay + self._per_order(row)[:, None]
                pay[vehicle.start] += int(couriers.fixed_cost[row])
                pay[vehicle.start, vehicle.end] = int(couriers.min_pay[row])
            # The way to the first store differs between vehicles of a row.
            registered.append(self._matrix(pay) if row not in made else made[row])
            if len(self.problem.stores_of_courier(row)) <= 1:
                made[row] = registered[-1]
        self.routing.AddDimensionWithVehicleTransits(registered, 0, _HORIZON, True, "pay")
        pay_dim = self.routing.GetDimensionOrDie("pay")
        for number, vehicle in enumerate(self.nodes.vehicles):
            least = int(couriers.min_pay[vehicle.courier])
            pay_dim.SetCumulVarSoftLowerBound(self.routing.End(number), least, 1)

    def _by_profile(self, which: int) -> list[int]:
        made = {profile: self._matrix(legs[which]) for profile, legs in self._legs.items()}
        return [made[self._profile(vehicle.courier)] for vehicle in self.nodes.vehicles]

    def _add_times(self) -> None:
        problem, orders, couriers = self.problem, self.problem.orders, self.problem.couriers
        routing = self.routing
        routing.AddDimensionWithVehicleTransits(
            self._by_profile(1), _HORIZON, _HORIZON, False, "time"
        )
        time = self.time = routing.GetDimensionOrDie("time")
        for order, node in self.nodes.delivery.items():
            index = self._index(node)
            window = int(orders.earliest_s[order]), int(orders.deadline_s[order])
            self._within(time.CumulVar(index), *window)
            # The library has room for one price of lateness: of several, for the first.
            for moment, rates in orders.hinges:
                promise_s, rate = int(moment[order]), int(rates[order])
                if rate and promise_s < NO_LIMIT:
                    time.SetCumulVarSoftUpperBound(index, max(0, promise_s - self.zero_s), rate)
                    break
        for order, node in self.nodes.pickup.items():
            early_s = max(int(orders.pickup_earliest_s[order]), int(orders.release_s[order]))
            pickup = time.CumulVar(self._index(node))
            self._within(pickup, early_s, int(orders.pickup_latest_s[order]))
            delivery = time.CumulVar(self._index(self.nodes.delivery[order]))
            self.solver.Add(pickup <= delivery)
        for node, store in self.nodes.reloads.items():
            loading = time.CumulVar(self._index(node))
            stores = problem.stores
            self._within(loading, int(stores.earliest_s[store]), int(stores.latest_s[store]))
        for number, vehicle in enumerate(self.nodes.vehicles):
            row = vehicle.courier
            for index in (routing.Start(number), routing.End(number)):
                self._within(
                    time.CumulVar(index), int(couriers.earliest_s[row]), int(couriers.latest_s[row])
                )
                routing.AddVariableMinimizedByFinalizer(time.CumulVar(index))
            most_s = int(couriers.max_duration_s[row])
            if most_s < NO_LIMIT:
                time.SetSpanUpperBoundForVehicle(most_s, number)
            if couriers.cost_per_s[row]:
                time.SetSpanCostCoefficientForVehicle(int(couriers.cost_per_s[row]), number)
        self._add_releases()
        self._add_breaks()

    def _within(self, variable: Any, early_s: int, late_s: int) -> None:
        low = 0 if early_s <= -NO_LIMIT else max(0, early_s - self.zero_s)
        high = _HORIZON if late_s >= NO_LIMIT else late_s - self.zero_s
        variable.SetRange(low, max(low, high))

    def _add_releases(self) -> None:
        """Loading at a store begins when it is open, and when all orders of the trip are ready."""
        problem, orders, stores = self.problem, self.problem.orders, self.problem.stores
        routing, solver, time = self.routing, self.solver, self.time
        routing.AddConstantDimensionWithSlack(0, _HORIZON, _HORIZON, False, "loaded")
        loaded = routing.GetDimensionOrDie("loaded")
        for number, vehicle in enumerate(self.nodes.vehicles):
            index = routing.Start(number)
            loaded.CumulVar(index).SetValue(0)
            if vehicle.store == NO_STORE:
                loaded.SlackVar(index).SetValue(0)
                continue
            begins = time.CumulVar(index) + time.SlackVar(index) + vehicle.lead_s
            solver.Add(loaded.SlackVar(index) <= begins)
            opens_s = int(stores.earliest_s[vehicle.store])
            if opens_s > -NO_LIMIT:
                solver.Add(begins >= opens_s - self.zero_s)
            closes_s = int(stores.latest_s[vehicle.store])
            if closes_s < NO_LIMIT:
                # Waiting may also be at the first door, so this only keeps the arrival in time.
                arrives = time.CumulVar(index) + vehicle.lead_s
                solver.Add(arrives <= closes_s - self.zero_s)
                loaded.SlackVar(index).SetMax(max(0, closes_s - self.zero_s))
        for node in self.nodes.reloads:
            index = self._index(node)
            sum_ = loaded.CumulVar(index) + loaded.SlackVar(index)
            solver.Add(sum_ <= time.CumulVar(index))
        for nodes in (self.nodes.delivery, self.nodes.pickup):
            for order, node in nodes.items():
                index = self._index(node)
                loaded.SlackVar(index).SetValue(0)
                release_s = int(orders.release_s[order])
                if not problem.orders.has_pickup[order] and release_s > self.zero_s:
                    loaded.CumulVar(index).SetMin(release_s - self.zero_s)

    def _add_breaks(self) -> None:
        breaks = self.problem.breaks
        for number, vehicle in enumerate(self.nodes.vehicles):
            rows = breaks.of_courier(vehicle.courier)
            if not rows:
                continue
            visits = self._legs[self._profile(vehicle.courier)][3].tolist()
            per_index = [
                visits[self.manager.IndexToNode(index)] for index in range(self.routing.Size())
            ]
            intervals = []
            for row in rows:
                early_s, late_s = int(breaks.earliest_s[row]), int(breaks.latest_s[row])
                low = 0 if early_s <= -NO_LIMIT else max(0, early_s - self.zero_s)
                high = _HORIZON if late_s >= NO_LIMIT else max(low, late_s - self.zero_s)
                duration_s = int(breaks.duration_s[row])
                name = f"break {row} of {number}"
                intervals.append(
                    self.solver.FixedDurationIntervalVar(low, high, duration_s, False, name)
                )
            self.time.SetBreakIntervalsOfVehicle(intervals, number, per_index)

    def _add_loads(self) -> None:
        couriers, orders = self.problem.couriers, self.problem.orders
        for dim in range(self.problem.num_dims):
            amounts = np.zeros(len(self.nodes.place), dtype=np.int64)
            most = [int(couriers.capacity[each.courier, dim]) for each in self.nodes.vehicles]
            if self.nodes.pickup:
                for order, node in self.nodes.delivery.items():
                    amounts[node] = -int(orders.load[order, dim])
                for order, node in self.nodes.pickup.items():
                    amounts[node] = int(orders.load[order, dim])
                self._on_board(amounts, most, f"load {dim}")
            else:
                for order, node in self.nodes.delivery.items():
                    amounts[node] = int(orders.load[order, dim])
                self._delivered(amounts, most, f"load {dim}")
        if self.nodes.pickup and self.nodes.reloads:
            # What is picked up in a trip is delivered in it.
            amounts = np.zeros(len(self.nodes.place), dtype=np.int64)
            for order, node in self.nodes.pickup.items():
                amounts[node], amounts[self.nodes.delivery[order]] = 1, -1
            many = [len(self.nodes.kept)] * len(self.nodes.vehicles)
            self._on_board(amounts, many, "pairs", starts_empty=True)

    def _add_limits(self) -> None:
        couriers, vehicles = self.problem.couriers, self.nodes.vehicles
        stops = [int(couriers.max_stops[each.courier]) for each in vehicles]
        if min(stops) < len(self.nodes.kept):
            amounts = np.zeros(len(self.nodes.place), dtype=np.int64)
            amounts[list(self.nodes.delivery.values())] = 1
            self._delivered(amounts, stops, "stops")
        if self.nodes.reloads:
            amounts = np.zeros(len(self.nodes.place), dtype=np.int64)
            amounts[list(self.nodes.reloads)] = 1
            more = [min(_HORIZON, int(couriers.max_trips[each.courier]) - 1) for each in vehicles]
            self._plain(amounts, more, "trips")
        metres = [int(couriers.max_distance_m[each.courier]) for each in vehicles]
        if min(metres) < NO_LIMIT:
            self.routing.AddDimensionWithVehicleTransitAndCapacity(
                self._by_profile(0), 0, metres, True, "metres"
            )
        if any(legs[2].any() for legs in self._legs.values()):
            none = [0] * len(vehicles)
            self.routing.AddDimensionWithVehicleTransitAndCapacity(
                self._by_profile(2), 0, none, True, "ways"
            )

    def _plain(self, amounts: IntArray, most: list[int], name: str) -> None:
        callback = self.routing.RegisterUnaryTransitVector(amounts.tolist())
        self.routing.AddDimensionWithVehicleCapacity(callback, 0, most, True, name)

    def _delivered(self, amounts: IntArray, most: list[int], name: str) -> None:
        """Count since the last loading: loading nodes set back to nothing."""
        if not self.nodes.reloads:
            self._plain(amounts, most, name)
            return
        most = [min(each, int(amounts.sum())) for each in most]
        all_of_it = max(most)
        amounts = amounts.copy()
        amounts[list(self.nodes.reloads)] = -all_of_it
        callback = self.routing.RegisterUnaryTransitVector(amounts.tolist())
        self.routing.AddDimensionWithVehicleCapacity(callback, all_of_it, most, True, name)
        dimension = self.routing.GetDimensionOrDie(name)
        self._no_slack(dimension)

    def _on_board(
        self, amounts: IntArray, most: list[int], name: str, *, starts_empty: bool = False
    ) -> None:
        """Count what is on board: free where a trip is loaded, nothing where it ends."""
        most = [min(each, int(np.abs(amounts).sum())) for each in most]
        callback = self.routing.RegisterUnaryTransitVector(amounts.tolist())
        slack = 0 if starts_empty else max(most)
        self.routing.AddDimensionWithVehicleCapacity(callback, slack, most, starts_empty, name)
        dimension = self.routing.GetDimensionOrDie(name)
        for number, vehicle in enumerate(self.nodes.vehicles):
            dimension.CumulVar(self.routing.End(number)).SetValue(0)
            if vehicle.store == NO_STORE:
                dimension.CumulVar(self.routing.Start(number)).SetValue(0)
        for node in self.nodes.reloads:
            dimension.CumulVar(self._index(node)).SetValue(0)
        self._no_slack(dimension)

    def _no_slack(self, dimension: Any) -> None:
        for number in range(len(self.nodes.vehicles)):
            dimension.SlackVar(self.routing.Start(number)).SetValue(0)
        for nodes in (self.nodes.delivery, self.nodes.pickup):
            for node in nodes.values():
                dimension.SlackVar(self._index(node)).SetValue(0)
