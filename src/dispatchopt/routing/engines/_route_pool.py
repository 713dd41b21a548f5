"""A pool of routes that searches have met, and the best plan that can be put together from them.

A local search forgets most of the good routes that it sees. Each is a column of a set-partitioning
problem (Balinski and Quandt 1964; the idea of a pool from a heuristic is Rochat and Taillard's,
1995): every order is in one chosen route or refused, and no class of couriers is used more often
than there are couriers. The linear relaxation tells which columns a better plan may hold; the
integer programme over these is solved for a limited time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.routing.problem import RoutingProblem, RoutingSolution, Trip
from dispatchopt.routing.schedule import best_route

#: Routes beyond which the dearest by order are forgotten: the relaxation has to be solved soon.
MOST_ROUTES = 40_000
#: Columns of the integer programme, and nodes of its search tree.
_MOST_COLUMNS, _MOST_NODES = 4_000, 2_000


@dataclass(frozen=True)
class Column:
    """A route: who drives it, its trips, its cost and its orders."""

    courier: int
    trips: tuple[Trip, ...]
    cost: int
    orders: tuple[int, ...]


@dataclass
class RoutePool:
    """Routes that keep all rules, the cheapest of every set of orders.

    Parameters
    ----------
    problem
        Whose routes they are; costs of routes are those of way and the fixed ones.
    """

    problem: RoutingProblem
    _columns: dict[tuple[int, tuple[int, ...]], Column] = field(default_factory=dict)
    _num_solved: int = 0

    def __len__(self) -> int:
        return len(self._columns)

    def add(self, routes: Iterable[tuple[int, int, tuple[Trip, ...]]]) -> None:
        """Keep routes, each given as courier row, cost and trips."""
        for courier, cost, trips in routes:
            orders = tuple(sorted(order for trip in trips for order in trip.stops))
            known = self._columns.get((courier, orders))
            if known is None or cost < known.cost:
                self._columns[courier, orders] = Column(courier, trips, cost, orders)

    def has_news(self) -> bool:
        """Whether enough routes are new since the last plan."""
        return len(self._columns) > 1.05 * self._num_solved

    def best(
        self, known: RoutingSolution, *, time_s: float, seed: int, should_stop: Callable[[], bool]
    ) -> RoutingSolution | None:
        """Return a plan from the pool that costs less than a known one, or None.

        Parameters
        ----------
        known
            The best plan so far.
        time_s
            Limit; with none (infinity) the nodes of the search tree are limited.
        should_stop
            Asked while the solver works.
        """
        self.add(
            (each.courier, self._cost(each.courier, each.trips), each.trips)
            for each in known.routes
        )
        if len(self._columns) > MOST_ROUTES:
            self._forget()
        self._num_solved = len(self._columns)
        columns = list(self._columns.values())
        partition = _Partition(self.problem, columns, known)
        chosen = partition.solve(time_s=time_s, seed=seed, should_stop=should_stop)
        return None if chosen is None else self._once([columns[at] for at in chosen])

    def _forget(self) -> None:
        by_price = sorted(
            self._columns.items(), key=lambda each: each[1].cost / len(each[1].orders)
        )
        self._columns = dict(by_price[:MOST_ROUTES])

    def _cost(self, courier: int, trips: Iterable[Trip]) -> int:
        """Return what a route costs, its way and what is fixed."""
        problem, couriers = self.problem, self.problem.couriers
        metres = problem.travel[int(couriers.profile[courier])].distance_m
        places: list[int] = []
        for trip in trips:
            places.append(int(problem.stores.place[trip.store]))
            places += problem.orders.place[list(trip.stops)].tolist()
        places.append(int(couriers.end_place[courier]))
        length = int(metres[places[:-1], places[1:]].sum())
        return int(couriers.fixed_cost[courier]) + length * int(couriers.cost_per_m[courier])

    def _once(self, columns: list[Column]) -> RoutingSolution | None:
        """Return the plan of routes in which no order is served twice, or None if there is none.

        An order is left to the route where it costs least.
        """
        made = [each.trips for each in columns]
        owners: dict[int, list[int]] = {}
        for at, column in enumerate(columns):
            for order in column.orders:
                owners.setdefault(order, []).append(at)
        for order, own in owners.items():
            while len(own) > 1:
                savings = []
                for at in own:
                    less = _without(made[at], order)
                    courier = columns[at].courier
                    savings.append((self._cost(courier, made[at]) - self._cost(courier, less), at))
                at = max(savings)[1]
                made[at] = _without(made[at], order)
                own.remove(at)
        routes = []
        for column, trips in zip(columns, made, strict=True):
            if not trips:
                continue
            timed = best_route(self.problem, column.courier, trips)
            if timed is None:
                return None
            routes.append(timed)
        return RoutingSolution(routes=tuple(routes))


def _without(trips: tuple[Trip, ...], order: int) -> tuple[Trip, ...]:
    kept = (
        Trip(store=trip.store, stops=tuple(stop for stop in trip.stops if stop != order))
        for trip in trips
    )
    return tuple(trip for trip in kept if trip.stops)


class _Partition:
    """The set-covering problem of some columns, some of which are a known plan.

    An order may be in several chosen routes, from all but one of which it is taken out later: far
    more routes fit together so, and where detours are no short cuts that costs nothing.
    """

    def __init__(
        self, problem: RoutingProblem, columns: list[Column], known: RoutingSolution
    ) -> None:
        orders, couriers = problem.orders, problem.couriers
        num_orders, classes = len(orders), len(couriers)
        refusable = np.flatnonzero(~orders.is_mandatory)
        self.num_routes = len(columns)
        lists = [(*each.orders, num_orders + each.courier) for each in columns]
        lists += [(order,) for order in refusable.tolist()]
        self.lengths = np.array([len(each) for each in lists], dtype=np.int64)
        self.indices = np.array([row for each in lists for row in each], dtype=np.int64)
        price = orders.refusal_cost[refusable]
        self.cost = np.array([*(each.cost for each in columns), *price], dtype=np.float64)
        self.lower = np.concatenate([np.ones(num_orders), np.zeros(classes)])
        counts = couriers.count.astype(np.float64)
        self.upper = np.concatenate([np.full(num_orders, np.inf), counts])
        own = {
            (each.courier, tuple(sorted(order for trip in each.trips for order in trip.stops)))
            for each in known.routes
        }
        served = known.served()
        self.known = np.array(
            [
                *((each.courier, each.orders) in own for each in columns),
                *(order not in served for order in refusable.tolist()),
            ],
            dtype=np.float64,
        )

    def solve(
        self, *, time_s: float, seed: int, should_stop: Callable[[], bool]
    ) -> IntArray | None:
        """Return the chosen columns that are routes, if they cost less than the known plan."""
        known_cost = float(self.cost @ self.known)
        solver = self._solver(np.arange(len(self.cost)), time_s / 2, seed, is_integer=False)
        solver.run()
        if not solver.getSolution().dual_valid or should_stop():
            return None
        duals = np.array(solver.getSolution().row_dual, dtype=np.float64)
        starts = np.concatenate([[0], np.cumsum(self.lengths)])[:-1]
        reduced = self.cost - np.add.reduceat(duals[self.indices], starts)
        gap = known_cost - float(solver.getInfo().objective_function_value)
        if gap < 1 - 1e-6:
            return None
        return self._whole(
            self._worthwhile(reduced, gap), known_cost, time_s / 2, seed, should_stop
        )

    def _worthwhile(self, reduced: FloatArray, gap: float) -> IntArray:
        """Return the columns that a better plan may hold, the least promising left out."""
        keep = np.flatnonzero((reduced < gap) | (self.known > 0))
        if len(keep) > _MOST_COLUMNS:
            rank = np.where(self.known[keep] > 0, -math.inf, reduced[keep])
            keep = np.sort(keep[np.argsort(rank, kind="stable")[:_MOST_COLUMNS]])
        return keep

    def _whole(
        self,
        columns: IntArray,
        known_cost: float,
        time_s: float,
        seed: int,
        should_stop: Callable[[], bool],
    ) -> IntArray | None:
        import highspy

        solver = self._solver(columns, time_s, seed, is_integer=True)
        start = highspy.HighsSolution()
        start.col_value = self.known[columns].tolist()
        solver.setSolution(start)

        def interrupt(event: Any) -> None:
            if should_stop():
                event.interrupt()

        solver.cbMipInterrupt += interrupt
        solver.run()
        found = solver.getInfo()
        if found.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        if found.objective_function_value > known_cost - 1 + 1e-6:
            return None
        chosen = columns[np.array(solver.getSolution().col_value) > 0.5]
        return chosen[chosen < self.num_routes]

    def _solver(self, columns: IntArray, time_s: float, seed: int, *, is_integer: bool) -> Any:
        import highspy

        starts = np.concatenate([[0], np.cumsum(self.lengths)])
        lengths = self.lengths[columns]
        begin = np.concatenate([[0], np.cumsum(lengths)])
        take = np.repeat(starts[columns] - begin[:-1], lengths) + np.arange(begin[-1])
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(columns), len(self.lower)
        model.col_cost_ = self.cost[columns]
        model.col_lower_ = np.zeros(len(columns))
        model.col_upper_ = np.ones(len(columns))
        model.row_lower_, model.row_upper_ = self.lower, self.upper
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_ = begin.astype(np.int32)
        model.a_matrix_.index_ = self.indices[take].astype(np.int32)
        model.a_matrix_.value_ = np.ones(len(take))
        if is_integer:
            model.integrality_ = [highspy.HighsVarType.kInteger] * len(columns)
        solver = highspy.Highs()
        options = {
            "output_flag": False,
            "threads": 1,
            "random_seed": seed % (1 << 30),
            "mip_abs_gap": 0.999,
            "mip_rel_gap": 0.0,
            "mip_max_nodes": _MOST_NODES,
        }
        for name, value in options.items():
            solver.setOptionValue(name, value)
        if not math.isinf(time_s):
            solver.setOptionValue("time_limit", max(0.01, time_s))
        solver.passModel(model)
        return solver
