"""The linear programme over routes that have been found so far, and a plan made of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray
from dispatchopt.routing.engines._route_graph import RouteGraph

Stops = tuple[int, ...]

#: Duals are whole multiples of 1 / this, so that sums of reduced costs are exact in 64 bits.
FINE = 65_536
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

    def towards(self, centre: Duals, weight: float) -> Duals:
        """Return prices between these and those of a centre, which may know fewer cuts."""
        cut = np.zeros(len(self.cut))
        cut[: len(centre.cut)] = centre.cut[: len(cut)]
        return Duals(
            order=_fine(weight * centre.order + (1 - weight) * self.order),
            route=float(_fine(np.array(weight * centre.route + (1 - weight) * self.route))),
            cut=_fine(weight * cut + (1 - weight) * self.cut),
            value=self.value,
        )


def _fine(price: FloatArray) -> FloatArray:
    """Round prices towards less."""
    return np.asarray(np.floor(price * FINE) / FINE)


class RouteMaster:
    """Every order at least once, at most so many routes, at the least cost."""

    def __init__(self, graph: RouteGraph, *, seed: int) -> None:
        import highspy

        self.graph, self._highspy = graph, highspy
        self.routes: list[Stops] = []
        self.cuts: list[Stops] = []
        self._kept: list[set[int]] = []
        self._cuts_of: list[list[int]] = [[] for _ in range(len(graph))]
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

    def guess(self, routes: Sequence[Stops]) -> Duals:
        """Return prices at which the routes of a plan cost nothing: half of the ways at doors."""
        graph, order = self.graph, np.zeros(len(self.graph))
        for stops in routes:
            way = np.array(stops)
            leg = np.concatenate(
                [graph.start[way[:1]], graph.arc[way[:-1], way[1:]], graph.end[way[-1:]]]
            )
            leg[1:-1] /= 2
            order[way] = leg[:-1] + leg[1:]
        order = np.where(np.isfinite(order), np.minimum(order, graph.refusal), 0.0)
        return Duals(order=_fine(order), route=0.0, cut=np.zeros(0), value=-math.inf)

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
            column = {**Counter(stops), n: 1}
            for number, visits in Counter(c for i in stops for c in self._cuts_of[i]).items():
                if visits > 1:
                    column[n + 1 + number] = self.pairs(stops, number)
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

    def pairs(self, stops: Stops, number: int) -> int:
        """Return how often a route pays for a cut."""
        cut, kept = self.cuts[number], self._kept[number]
        count, is_odd = 0, False
        for stop in stops:
            if stop in cut:
                count += is_odd
                is_odd = not is_odd
            elif stop not in kept:
                is_odd = False
        return count

    def cut(self, triples: Sequence[Stops], kept: Sequence[set[int]]) -> None:
        """Add subset-row cuts, each with the doors where a visit of its own is remembered."""
        for triple, memory in zip(triples, kept, strict=True):
            number = len(self.cuts)
            self.cuts.append(triple)
            self._kept.append(memory)
            for i in triple:
                self._cuts_of[i].append(number)
            pairs = [self.pairs(stops, number) for stops in self.routes]
            at = np.flatnonzero(pairs)
            self._solver.addRow(
                -math.inf,
                1.0,
                len(at),
                (len(self.graph) + at).astype(np.int32),
                np.array(pairs, dtype=np.float64)[at],
            )
        self._solver.setOptionValue("simplex_strategy", 1)

    def forbid(self, near: list[set[int]], *, is_heavy: bool = True) -> None:
        """Leave out routes that come back to a door which they now remember, and heavy ones."""
        load, most = self.graph.load, self.graph.most_load
        for number, stops in enumerate(self.routes):
            if self._is_banned[number]:
                continue
            is_over = is_heavy and int(load[list(stops)].sum()) > most
            if is_over or not _is_route(stops, near):
                self._is_banned[number] = True
                self._solver.changeColBounds(len(self.graph) + number, 0.0, 0.0)

    def reduced(self, stops: Stops, duals: Duals) -> float:
        """Return the reduced cost of a route."""
        paid = sum(
            float(duals.cut[number]) * self.pairs(stops, number)
            for number in {c for i in stops for c in self._cuts_of[i] if duals.cut[c]}
        )
        return self.graph.cost(stops) - float(duals.order[list(stops)].sum()) - duals.route + paid

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
        dual = np.floor(dual * FINE) / FINE
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

    def chosen(self) -> tuple[list[Stops], FloatArray]:
        """Return the routes that the optimum chooses, and how much of each."""
        n = len(self.graph)
        share = np.array(self._solver.getSolution().col_value, dtype=np.float64)[n:]
        used = np.flatnonzero(share > _SHARE)
        return [self.routes[number] for number in used.tolist()], share[used]

    def plan(self, time_s: float, seed: int, most_nodes: int) -> list[Stops] | None:
        """Return the cheapest routes found that hold every order once; None if none was found."""
        graph, n = self.graph, len(self.graph)
        own = [
            stops
            for stops in self.routes
            if len(set(stops)) == len(stops)
            and int(graph.load[list(stops)].sum()) <= graph.most_load
        ]
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


def came_back(routes: Sequence[Stops]) -> list[tuple[int, Stops]]:
    """Return for each route the door that it comes back to soonest, and the doors in between."""
    found = []
    for stops in routes:
        last: dict[int, int] = {}
        best: tuple[int, int] | None = None
        for place, stop in enumerate(stops):
            before = last.get(stop)
            if before is not None and (best is None or place - before < best[1] - best[0]):
                best = before, place
            last[stop] = place
        if best is not None:
            found.append((stops[best[0]], stops[best[0] + 1 : best[1]]))
    return found


def remembered(triple: Stops, routes: Sequence[Stops]) -> set[int]:
    """Return the doors between the first and second, third and fourth visit of three, and so on."""
    kept: set[int] = set()
    for stops in routes:
        at = [place for place, stop in enumerate(stops) if stop in triple]
        for one, two in zip(at[::2], at[1::2], strict=False):
            kept.update(stops[one + 1 : two])
    return kept - set(triple)


def _is_route(stops: Stops, near: list[set[int]]) -> bool:
    """Whether a route never comes back to a door that it remembers."""
    known: set[int] = set()
    for stop in stops:
        if stop in known:
            return False
        known = (known & near[stop]) | {stop}
    return True
