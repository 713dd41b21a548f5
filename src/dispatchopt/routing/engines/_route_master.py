"""The linear programme over routes that have been found so far, and a plan made of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.routing.engines._route_graph import RouteGraph

Stops = tuple[int, ...]

#: Duals are whole multiples of 1 / this, so that sums of reduced costs are exact in 64 bits.
_FINE = 65_536.0
_SHARE = 1e-6
#: Price of an order that no route holds, as a multiple of the dearest way to serve one alone.
_UNCOVERED, _MOST_UNCOVERED = 4.0, 4e3


@dataclass(frozen=True, eq=False)
class Duals:
    """Prices of an optimum: of each order, (n,), >= 0; of a route, <= 0; of each cut, >= 0."""

    order: FloatArray
    route: float
    cut: FloatArray
    value: float


class RouteMaster:
    """Every order at least once, at most so many routes, at the least cost."""

    def __init__(self, graph: RouteGraph, *, seed: int) -> None:
        import highspy

        self.graph, self._highspy = graph, highspy
        self.routes: list[Stops] = []
        self.cuts: list[Stops] = []
        self._is_banned: list[bool] = []
        self._known: set[Stops] = set()
        n = len(graph)
        alone = graph.start + graph.end
        dearest = float(alone[np.isfinite(alone)].max(initial=1.0))
        self._is_priced: BoolArray = np.isfinite(graph.refusal)
        self._uncovered = _UNCOVERED * max(1.0, dearest)
        self._most_uncovered = _MOST_UNCOVERED * max(1.0, dearest)
        self._solver: Any = highspy.Highs()
        for name, value in (
            ("output_flag", False),
            ("threads", 1),
            ("presolve", "off"),
            ("random_seed", seed % (1 << 30)),
        ):
            self._solver.setOptionValue(name, value)
        self._solver.addRows(
            n + 1,
            np.append(np.ones(n), -math.inf),
            np.append(np.full(n, math.inf), float(graph.most_routes)),
            0,
            np.zeros(n + 1, dtype=np.int32),
            np.zeros(0, dtype=np.int32),
            np.zeros(0),
        )
        rows = np.arange(n, dtype=np.int32)
        price = np.where(self._is_priced, graph.refusal, self._uncovered)
        self._solver.addCols(n, price, np.zeros(n), np.full(n, math.inf), n, rows, rows, np.ones(n))
        self.add([(i,) for i in range(n) if math.isfinite(alone[i])])

    def add(self, routes: Sequence[Stops]) -> int:
        """Add routes that are not known; returns how many."""
        starts: list[int] = []
        entries: list[int] = []
        values: list[float] = []
        costs: list[float] = []
        n = len(self.graph)
        for stops in routes:
            if stops in self._known:
                continue
            self._known.add(stops)
            self.routes.append(stops)
            self._is_banned.append(False)
            starts.append(len(entries))
            costs.append(self.graph.cost(stops))
            times = Counter(stops)
            column = {**times, n: 1}
            for number, cut in enumerate(self.cuts):
                column[n + 1 + number] = sum(times[i] for i in cut) // 2
            entries += [row for row, value in column.items() if value]
            values += [float(value) for value in column.values() if value]
        if costs:
            self._solver.addCols(
                len(costs),
                np.array(costs),
                np.zeros(len(costs)),
                np.full(len(costs), math.inf),
                len(entries),
                np.array(starts, dtype=np.int32),
                np.array(entries, dtype=np.int32),
                np.array(values),
            )
            self._solver.setOptionValue("simplex_strategy", 4)
        return len(costs)

    def cut(self, triples: IntArray) -> None:
        """Add subset-row cuts."""
        for triple in triples.tolist():
            self.cuts.append(tuple(triple))
            halves = [sum(map(stops.count, triple)) // 2 for stops in self.routes]
            at = np.flatnonzero(halves)
            self._solver.addRow(
                -math.inf,
                1.0,
                len(at),
                (len(self.graph) + at).astype(np.int32),
                np.array(halves, dtype=np.float64)[at],
            )
        self._solver.setOptionValue("simplex_strategy", 1)

    def forbid(self, near: list[set[int]]) -> None:
        """Leave out routes that come back to a door which they now remember."""
        for number, stops in enumerate(self.routes):
            if not self._is_banned[number] and not _is_route(stops, near):
                self._is_banned[number] = True
                self._solver.changeColBounds(len(self.graph) + number, 0.0, 0.0)

    def solve(self, time_s: float) -> Duals | None:
        """Return the prices of the optimum; None if there was no time."""
        if time_s <= 0:
            return None
        while True:
            if not math.isinf(time_s):
                limit_s = float(self._solver.getRunTime()) + time_s
                self._solver.setOptionValue("time_limit", limit_s)
            self._solver.run()
            if self._solver.getModelStatus() != self._highspy.HighsModelStatus.kOptimal:
                return None
            if not self._is_too_cheap():
                break
        n = len(self.graph)
        dual = np.array(self._solver.getSolution().row_dual, dtype=np.float64)
        # Rounded towards less, so that no known route seems to pay.
        dual = np.floor(dual * _FINE) / _FINE
        return Duals(
            order=np.maximum(0.0, dual[:n]),
            route=min(0.0, float(dual[n])),
            cut=-np.minimum(0.0, dual[n + 1 :]),
            value=float(self._solver.getInfo().objective_function_value),
        )

    def _is_too_cheap(self) -> bool:
        """Raise the price of an order without a route where one that must be served has none."""
        left = np.array(self._solver.getSolution().col_value[: len(self.graph)])
        if self._uncovered >= self._most_uncovered or len(self.routes) <= len(self.graph):
            return False
        if not ((left > _SHARE) & ~self._is_priced).any():
            return False
        self._uncovered *= 10
        for row in np.flatnonzero(~self._is_priced).tolist():
            self._solver.changeColCost(row, self._uncovered)
        return True

    def chosen(self) -> tuple[FloatArray, FloatArray]:
        """Return which orders the chosen routes hold, (routes, n), and how much of each."""
        n = len(self.graph)
        share = np.array(self._solver.getSolution().col_value, dtype=np.float64)[n:]
        used = np.flatnonzero(share > _SHARE)
        holds = np.zeros((len(used), n))
        for row, number in enumerate(used.tolist()):
            holds[row, list(self.routes[number])] = 1.0
        return holds, share[used]

    def plan(self, time_s: float, seed: int, most_nodes: int) -> list[Stops] | None:
        """Return the cheapest routes found that hold every order once; None if none was found."""
        graph, n = self.graph, len(self.graph)
        own = [stops for stops in self.routes if len(set(stops)) == len(stops)]
        if not own or time_s <= 0:
            return None
        solver = self._highspy.Highs()
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("threads", 1)
        solver.setOptionValue("random_seed", seed % (1 << 30))
        solver.setOptionValue("mip_max_nodes", most_nodes)
        if not math.isinf(time_s):
            solver.setOptionValue("time_limit", time_s)
        sides = np.append(np.ones(n), 0.0), np.append(np.ones(n), float(graph.most_routes))
        nothing = np.zeros(0, dtype=np.int32)
        solver.addRows(n + 1, *sides, 0, np.zeros(n + 1, dtype=np.int32), nothing, np.zeros(0))
        refused = np.flatnonzero(self._is_priced)
        lists: list[Sequence[int]] = [[i] for i in refused.tolist()]
        lists += [[*stops, n] for stops in own]
        cost = np.append(graph.refusal[refused], [graph.cost(stops) for stops in own])
        flat = np.array([row for each in lists for row in each], dtype=np.int32)
        starts = np.cumsum([0, *map(len, lists)])[:-1].astype(np.int32)
        count = len(lists)
        solver.addCols(
            count,
            cost,
            np.zeros(count),
            np.ones(count),
            len(flat),
            starts,
            flat,
            np.ones(len(flat)),
        )
        whole = [self._highspy.HighsVarType.kInteger] * count
        solver.changeColsIntegrality(count, np.arange(count, dtype=np.int32), whole)
        solver.run()
        if not math.isfinite(solver.getInfo().mip_gap):
            return None
        taken = np.array(solver.getSolution().col_value)[len(refused) :] > 0.5
        return [own[number] for number in np.flatnonzero(taken)]


def _is_route(stops: Stops, near: list[set[int]]) -> bool:
    """Whether a route never comes back to a door that it remembers."""
    known: set[int] = set()
    for stop in stops:
        if stop in known:
            return False
        known = (known & near[stop]) | {stop}
    return True
