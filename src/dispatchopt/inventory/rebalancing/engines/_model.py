"""All transfers as one linear or whole-number model in HiGHS.

Columns: units of a SKU on a lane, single units that leave a store, single units that come to one,
and lanes that cost something. Rows: balance of every pair that is touched, units that may leave it,
room on lanes, and units on lanes that cost something, of each SKU at most what could go on an open
one. All columns are whole in the whole-number model, as the presolve of HiGHS 1.14
may cut off optima of models that mix whole and continuous columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.inventory.engines._highs import Limits, run_watched
from dispatchopt.inventory.rebalancing.engines._columns import Columns
from dispatchopt.inventory.rebalancing.engines._flow import Flows


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Columns that a whole-number model may use, their bounds, and a known answer, (n,) each."""

    keep: BoolArray
    lower: FloatArray
    upper: FloatArray
    start: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """What a solver found: values of columns (None without any), objective, and more.

    Parameters
    ----------
    value
        Values of the columns, (n,).
    bound
        Proven bound on the objective: of a linear relaxation that of its prices, whatever they are.
    price
        Price of each lane's whole room, (L,); zeros from a whole-number model.
    reduced
        Reduced cost of each column, (n,); zeros from a whole-number model.
    is_done
        Whether the solver ended by itself.
    """

    value: FloatArray | None
    bound: float
    price: FloatArray
    reduced: FloatArray
    is_done: bool


class Model:
    """The model of a problem's units and lanes that can pay."""

    def __init__(self, flows: Flows) -> None:
        from scipy import sparse

        self.flows = flows
        worth, problem = flows.worth, flows.problem
        stores, skus, lanes = problem.num_stores, problem.num_skus, problem.num_lanes
        self.lane = worth.lane
        self.sku = np.repeat(np.arange(skus), np.diff(worth.lane_first))
        down, up = worth.down, worth.up
        down_sku = np.repeat(np.arange(skus), np.diff(down.sku_first))
        up_sku = np.repeat(np.arange(skus), np.diff(up.sku_first))
        self.paid = np.flatnonzero(problem.lane_cost > 0)
        tail, head = problem.lane_from[self.lane], problem.lane_to[self.lane]
        moved, leave, come = self.lane.size, down.store.size, up.store.size
        self.cost = np.concatenate(
            [problem.unit_cost[self.lane], down.cost, -up.cost, problem.lane_cost[self.paid]]
        )
        #: Pairs of SKU and store have a row of balance and one of what may leave.
        pairs = stores * skus
        room = problem.movable_units.T.ravel().astype(np.float64)
        volume = problem.stock.volume_ml[self.sku].astype(np.float64)
        capacity = np.full(lanes, np.inf)
        if problem.capacity_ml is not None:
            capacity = problem.capacity_ml.astype(np.float64)
        most = np.bincount(self.lane, problem.movable_units[tail, self.sku] * volume, lanes)
        self.room = np.maximum(np.minimum(capacity, most), 1e-9)
        self.upper_moved = self._most()
        linked = np.flatnonzero(problem.lane_cost[self.lane] > 0)
        first = np.arange(moved)
        rows = np.concatenate(
            [
                self.sku * stores + head,
                self.sku * stores + tail,
                down_sku * stores + down.store,
                up_sku * stores + up.store,
                pairs + self.sku * stores + tail,
                2 * pairs + self.lane,
                2 * pairs + self.paid,
                2 * pairs + lanes + np.arange(linked.size),
                2 * pairs + lanes + np.arange(linked.size),
            ]
        )
        number = np.zeros(lanes, dtype=np.int64)
        number[self.paid] = moved + leave + come + np.arange(self.paid.size)
        columns = np.concatenate(
            [
                first,
                first,
                moved + np.arange(leave),
                moved + leave + np.arange(come),
                first,
                first,
                number[self.paid],
                linked,
                number[self.lane[linked]],
            ]
        )
        one = np.ones(moved)
        values = np.concatenate(
            [one, -one, np.ones(leave), -np.ones(come), one, volume / self.room[self.lane],
             -np.ones(self.paid.size), np.ones(linked.size), -self.upper_moved[linked]]
        )  # fmt: skip
        shape = (2 * pairs + lanes + linked.size, self.cost.size)
        self.matrix: Any = sparse.csc_matrix((values, (rows, columns)), shape=shape)
        free = np.full(pairs + lanes + linked.size, -np.inf)
        self.row_lower = np.concatenate([np.zeros(pairs), free])
        share = np.where(problem.lane_cost > 0, 0.0, 1.0)
        # A lane whose every use fits needs no row of its own unless it costs something.
        share = np.where((most <= capacity) & (problem.lane_cost <= 0), np.inf, share)
        self.row_upper = np.concatenate([np.zeros(pairs), room, share, np.zeros(linked.size)])
        single = np.ones(leave + come + self.paid.size)
        self.upper = np.concatenate([self.upper_moved, single])
        self.lane_rows = slice(2 * pairs, 2 * pairs + lanes)

    def _most(self) -> FloatArray:
        """Return the most units that any good plan has of each SKU on each of its lanes."""
        problem, first = self.flows.problem, self.flows.worth.up.first
        tail, head = problem.lane_from[self.lane], problem.lane_to[self.lane]
        pair = self.sku * problem.num_stores + head
        # What comes stays, where at most these many units pay, or leaves again.
        most = first[pair + 1] - first[pair] + problem.movable_units[head, self.sku]
        most = np.minimum(most, problem.movable_units[tail, self.sku])
        if problem.capacity_ml is not None:
            volume = np.maximum(problem.stock.volume_ml[self.sku], 1)
            fits = problem.capacity_ml[self.lane] // volume
            most = np.minimum(most, np.where(problem.stock.volume_ml[self.sku] > 0, fits, most))
        return np.asarray(most, dtype=np.float64)

    def solve(
        self, limits: Limits, should_stop: Callable[[], bool], only: Part | None = None
    ) -> Found:
        """Solve the linear relaxation, or for whole numbers with some of the columns."""
        keep = np.ones(self.cost.size, dtype=bool) if only is None else only.keep
        lower = np.zeros(keep.size) if only is None else only.lower
        upper = self.upper if only is None else only.upper
        columns = Columns(
            cost=self.cost[keep], lower=lower[keep], upper=upper[keep], matrix=self.matrix[:, keep],
            row_lower=self.row_lower, row_upper=self.row_upper,
        )  # fmt: skip
        # On the way to a vertex of lanes that cost something nearly all links are crossed.
        has_vertex = not self.paid.size
        solver = columns.solver(limits, is_whole=only is not None, has_vertex=has_vertex)
        if only is not None:
            index = np.arange(columns.cost.size, dtype=np.int32)
            solver.setSolution(index.size, index, only.start[keep].astype(np.float64))
        run_watched(solver, should_stop)
        return self._found(solver, keep, columns, is_whole=only is not None)

    def _found(self, solver: Any, keep: BoolArray, columns: Columns, *, is_whole: bool) -> Found:
        import highspy

        info, answer = solver.getInfo(), solver.getSolution()
        value = None
        if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
            value = np.zeros(self.cost.size)
            value[keep] = answer.col_value
        is_done = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        price, reduced = np.zeros(self.flows.problem.num_lanes), np.zeros(self.cost.size)
        bound = -np.inf if not is_whole else float(info.mip_dual_bound)
        if not is_whole and len(answer.row_dual):
            bound, dual, reduced[keep] = columns.proven(np.asarray(answer.row_dual))
            price = np.maximum(-dual[self.lane_rows], 0.0)
        return Found(value=value, bound=bound, price=price, reduced=reduced, is_done=is_done)

    def values(self, units: list[IntArray]) -> FloatArray:
        """Return the columns of known transfers."""
        problem, worth = self.flows.problem, self.flows.worth
        moved = np.concatenate([*units, np.zeros(0, np.int64)]).astype(np.float64)
        shape = (problem.num_skus, problem.num_stores)
        change = np.zeros(shape)
        np.add.at(change, (self.sku, problem.lane_to[self.lane]), moved)
        np.subtract.at(change, (self.sku, problem.lane_from[self.lane]), moved)
        parts = [moved]
        for unit, sign in ((worth.down, -1.0), (worth.up, 1.0)):
            sku = np.repeat(np.arange(problem.num_skus), np.diff(unit.sku_first))
            key = sku * problem.num_stores + unit.store
            # Units of a pair stand in the order in which they leave or come.
            order = np.argsort(key, kind="stable")
            _, first, of = np.unique(key[order], return_index=True, return_inverse=True)
            rank = np.empty(key.size)
            rank[order] = np.arange(key.size) - first[of]
            parts.append((rank < sign * change[sku, unit.store]).astype(np.float64))
        used = np.bincount(self.lane, moved, problem.num_lanes) > 0
        return np.concatenate([*parts, used[self.paid].astype(np.float64)])

    def units(self, value: FloatArray) -> list[IntArray]:
        """Return the transfers of a whole answer, SKU by SKU."""
        moved = np.rint(value[: self.lane.size]).astype(np.int64)
        return np.split(moved, self.flows.worth.lane_first[1:-1])
