"""A pool of routes that a search has met, and the best plan that can be put together from them.

A local search forgets most of the good routes that it sees. Each is a column of a set-partitioning
problem (Balinski and Quandt 1964; the idea of a pool from a heuristic is Rochat and Taillard's,
1995): every order is in one chosen route or refused, and no vehicle type is used more often than
there are vehicles. The linear relaxation tells which columns a better plan may hold; the integer
programme over these is solved for a limited time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.routing.engines._pyvrp_model import Model

#: Routes beyond which no more are kept: the linear relaxation has to be solved in a second or so.
MOST_ROUTES = 30_000
#: Columns of the integer programme.
_MOST_COLUMNS = 4_000
_MOST_NODES = 2_000


@dataclass(frozen=True)
class _Column:
    route: Any
    cost: int
    rows: tuple[int, ...]


@dataclass
class Pool:
    """Feasible routes, each once.

    Parameters
    ----------
    model
        Whose routes they are.
    """

    model: Model
    _columns: list[_Column] = field(default_factory=list)
    _seen: set[tuple[int, ...]] = field(default_factory=set)
    _num_solved: int = 0

    def __len__(self) -> int:
        return len(self._columns)

    def add(self, solution: Any) -> None:
        """Keep the feasible routes of a solution of PyVRP."""
        if len(self._columns) >= MOST_ROUTES:
            return
        for route in solution.routes():
            # Two routes alike in all of these are taken for one; the loss of one is no harm.
            mark = (
                route.distance(),
                route.duration(),
                route.num_clients(),
                route.vehicle_type(),
                route.start_time(),
            )
            if mark in self._seen:
                continue
            self._seen.add(mark)
            if route.is_feasible():
                self._columns.append(self._column(route))

    def _column(self, route: Any) -> _Column:
        rows = set()
        for activity in route:
            if activity.is_client():
                rows.add(self.model.clients[activity.idx].order)
            elif activity.is_shipment():
                rows.add(self.model.shipments[activity.idx])
        cost = route.distance_cost() + route.duration_cost() + route.fixed_vehicle_cost()
        return _Column(route=route, cost=int(cost), rows=tuple(sorted(rows)))

    def has_news(self) -> bool:
        """Whether enough routes are new since the last plan."""
        return len(self._columns) > 1.05 * self._num_solved

    def best(
        self, known: Any, *, time_s: float, seed: int, should_stop: Callable[[], bool]
    ) -> Any | None:
        """Return a plan from the pool that is better than a known one, or None.

        Parameters
        ----------
        known
            The best solution of PyVRP so far, feasible.
        time_s
            Limit; with none (infinity) the nodes of the search tree are limited.
        should_stop
            Asked while the solver works.
        """
        self._num_solved = len(self._columns)
        columns = [*self._columns, *(self._column(route) for route in known.routes())]
        partition = _Partition(self.model, columns, list(known.routes()))
        chosen = partition.solve(time_s=time_s, seed=seed, should_stop=should_stop)
        if chosen is None:
            return None
        return self._once([columns[at].route for at in chosen])

    def _once(self, routes: list[Any]) -> Any | None:
        """Return the plan of routes in which no order is served twice, or None if there is none.

        An order is left to the route where it costs least.
        """
        import pyvrp

        data = self.model.data
        visits = [[each for each in route if not each.is_depot()] for route in routes]
        seen: dict[tuple[bool, int], list[int]] = {}
        for at, stops in enumerate(visits):
            for key in dict.fromkeys(self._key(stop) for stop in stops):
                seen.setdefault(key, []).append(at)
        # What PyVRP tells of a route begins and ends with its depots; a new one has them anyway.
        made = [list(route)[1:-1] for route in routes]
        try:
            for key, owners in seen.items():
                while len(owners) > 1:
                    savings = []
                    for at in owners:
                        kind = routes[at].vehicle_type()
                        less = self._route_of(pyvrp, self._without(made[at], key), kind)
                        now = self._route_of(pyvrp, made[at], kind)
                        savings.append((_price(now) - _price(less), at))
                    at = max(savings)[1]
                    made[at] = self._without(made[at], key)
                    owners.remove(at)
            kept = [
                self._route_of(pyvrp, stops, route.vehicle_type())
                for stops, route in zip(made, routes, strict=True)
                if any(not each.is_depot() for each in stops)
            ]
            found = pyvrp.Solution(data, kept)
        except (ValueError, RuntimeError):
            return None
        return found if found.is_feasible() else None

    def _key(self, stop: Any) -> tuple[bool, int]:
        """Return the order of a stop: alternatives of an order are one."""
        if stop.is_client():
            return True, self.model.clients[stop.idx].order
        return False, stop.idx

    def _without(self, stops: list[Any], key: tuple[bool, int]) -> list[Any]:
        return [each for each in stops if each.is_depot() or self._key(each) != key]

    def _route_of(self, pyvrp: Any, stops: list[Any], kind: int) -> Any:
        """Return a route of stops, with no depot visited twice in a row."""
        inner = [
            stop
            for stop, after in zip(stops, [*stops[1:], None], strict=True)
            if not (stop.is_depot() and after is not None and after.is_depot())
        ]
        return pyvrp.Route(self.model.data, inner, kind)


def _price(route: Any) -> int:
    return int(route.distance_cost() + route.duration_cost() + route.fixed_vehicle_cost())


class _Partition:
    """The set-covering problem of some columns; the last ones are a known plan.

    An order may be in several chosen routes, from all but one of which it is taken out later: far
    more routes fit together so, and where detours are no short cuts that costs nothing.
    """

    def __init__(self, model: Model, columns: list[_Column], known: list[Any]) -> None:
        orders = model.problem.orders
        in_model = sorted({c.order for c in model.clients} | set(model.shipments))
        row_of = {order: row for row, order in enumerate(in_model)}
        refusable = [order for order in in_model if not orders.is_mandatory[order]]
        num_orders, types = len(in_model), model.data.num_vehicle_types
        lists = [
            [*(row_of[order] for order in each.rows), num_orders + each.route.vehicle_type()]
            for each in columns
        ]
        lists += [[row_of[order]] for order in refusable]
        self.num_routes = len(columns)
        self.lengths = np.array([len(each) for each in lists], dtype=np.int64)
        self.indices = np.array([row for each in lists for row in each], dtype=np.int64)
        self.cost = np.array(
            [*(each.cost for each in columns), *orders.refusal_cost[refusable]], dtype=np.float64
        )
        counts = [model.data.vehicle_type(at).num_available for at in range(types)]
        self.lower = np.concatenate([np.ones(num_orders), np.zeros(types)])
        many = np.full(num_orders, np.inf)
        self.upper = np.concatenate([many, np.array(counts, dtype=np.float64)])
        served = {order for each in columns[self.num_routes - len(known) :] for order in each.rows}
        self.known = np.zeros(len(lists))
        self.known[self.num_routes - len(known) : self.num_routes] = 1.0
        for at, order in enumerate(refusable):
            self.known[self.num_routes + at] = float(order not in served)

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
