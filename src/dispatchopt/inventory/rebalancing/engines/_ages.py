"""Transfers of units of two ages as one whole-number model in HiGHS.

Columns: fresh units and expiring units of a SKU on a lane, units of the levels after the transfers
and of the expiring ones among them (expected costs are convex, so the first units come first), and
lanes that cost something. Rows: balance of all units and of expiring ones in each store, what may
leave of either age and in all, and room on lanes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.engines._highs import Limits, run_watched
from dispatchopt.inventory.rebalancing.engines._columns import Columns
from dispatchopt.inventory.rebalancing.problem import RebalancingProblem, RebalancingSolution

#: Chance of more demand from which units have columns of their own; those beyond share one.
_TAIL = 1e-13
#: Single units of a pair at most; those beyond share a column, which keeps the bound a bound.
_MAX_STEPS = 2_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """What HiGHS found: units on lanes, fresh and expiring, (L, K) each; None without any.

    Parameters
    ----------
    fresh, old
        Units that do not expire before the next replenishment, and those that do.
    bound
        Proven bound on the cost.
    is_done
        Whether the search ended by itself.
    """

    fresh: IntArray | None
    old: IntArray | None
    bound: float
    is_done: bool


class _Rows:
    """Entries of a sparse matrix by column, collected piece by piece."""

    def __init__(self) -> None:
        self.row: list[Any] = []
        self.column: list[Any] = []
        self.value: list[Any] = []

    def add(self, row: Any, column: Any, value: Any) -> None:
        """Add entries; a value may stand for all."""
        row, column = np.asarray(row), np.asarray(column)
        self.row.append(row)
        self.column.append(column)
        self.value.append(np.broadcast_to(np.asarray(value, dtype=np.float64), row.shape))

    def matrix(self, shape: tuple[int, int]) -> Any:
        """Return the matrix by columns."""
        from scipy import sparse

        parts = (np.concatenate(self.row), np.concatenate(self.column))
        return sparse.csc_matrix((np.concatenate(self.value), parts), shape=shape)


class Ages:
    """The model of some SKUs of a problem.

    Parameters
    ----------
    problem
        The problem.
    skus
        SKUs in the model, rising.
    total
        Units that are to go on each lane, (L, K), of whatever age; None where that is open.
    """

    def __init__(
        self, problem: RebalancingProblem, skus: IntArray, total: IntArray | None = None
    ) -> None:
        self.problem, self.skus = problem, skus
        stores, count = problem.num_stores, skus.size
        stock = problem.stock
        held, old = stock.on_hand_units[:, skus], problem.expiring_units[:, skus]
        movable = problem.movable_units[:, skus]
        most = {"fresh": np.minimum(held - old, movable), "old": np.minimum(old, movable)}
        #: Lane and SKU (its place among ``skus``) of the columns of either age.
        self.of = {}
        for name, can in most.items():
            may = can[problem.lane_from] > 0
            if total is not None:
                may &= total[:, skus] > 0
            self.of[name] = np.nonzero(may)
        self.paid = np.flatnonzero(problem.lane_cost > 0) if total is None else np.zeros(0, int)
        arrives = np.zeros((2, stores, count), dtype=np.int64)
        for age, name in enumerate(("fresh", "old")):
            lane, sku = self.of[name]
            np.add.at(arrives[age], (problem.lane_to[lane], sku), most[name][
                problem.lane_from[lane], sku])  # fmt: skip
        self._demand = Demand.of(stock).take(
            (np.repeat(np.arange(stores), count), np.tile(skus, stores))
        )
        self._held_cost = np.broadcast_to(stock.holding_cost, stock.shape)[:, skus].ravel()
        self._lost_cost = np.broadcast_to(stock.shortage_cost, stock.shape)[:, skus].ravel()
        self.low = (held - movable).ravel()
        level = _steps(self._saving, self.low, (movable + arrives.sum(axis=0)).ravel())
        waste = np.tile(problem.waste_cost[skus], stores)
        aged = _steps(
            lambda pair, y: waste[pair] * (1.0 - self._more(pair, y)),
            np.zeros(stores * count, dtype=np.int64), (old + arrives[1]).ravel(),
        )  # fmt: skip
        self._old, self._movable, self._most = old, movable, most
        self._build(level, aged, total)

    def _more(self, pair: IntArray, level: IntArray) -> FloatArray:
        """Return how much less a unit more leaves unmet at some levels: P(D > y) of a whole law."""
        demand, y = self._demand.take((pair,)), level.astype(np.float64)
        if demand.is_discrete:
            return np.asarray(demand.sf(y))
        return np.asarray(demand.loss(y) - demand.loss(y + 1.0))

    def _saving(self, pair: IntArray, level: IntArray) -> FloatArray:
        held, lost = self._held_cost[pair], self._lost_cost[pair]
        return np.asarray(held - (held + lost) * self._more(pair, level))

    def _build(self, level: tuple[Any, ...], aged: tuple[Any, ...], total: IntArray | None) -> None:
        old, movable, most = self._old, self._movable, self._most
        problem, count = self.problem, self.skus.size
        pairs, lanes = problem.num_stores * count, problem.num_lanes
        sizes = [self.of["fresh"][0].size, self.of["old"][0].size, level[0].size, aged[0].size]
        starts = np.concatenate([[0], np.cumsum([*sizes, self.paid.size])])
        self.starts = starts
        volume = problem.stock.volume_ml[self.skus].astype(np.float64)
        rows, upper = _Rows(), []
        # Rows: balance, balance of expiring ones, fresh, old and all that leave, then lanes.
        for age, name in enumerate(("fresh", "old")):
            lane, sku = self.of[name]
            at = np.arange(starts[age], starts[age + 1])
            tail = problem.lane_from[lane] * count + sku
            head = problem.lane_to[lane] * count + sku
            for block in (0, 1) if name == "old" else (0,):
                rows.add(block * pairs + head, at, 1.0)
                rows.add(block * pairs + tail, at, -1.0)
            rows.add((2 + age) * pairs + tail, at, 1.0)
            rows.add(4 * pairs + tail, at, 1.0)
            rows.add(5 * pairs + lane, at, volume[sku])
            upper.append(most[name][problem.lane_from[lane], sku].astype(np.float64))
            if total is not None:
                rows.add(5 * pairs + lanes + lane * count + sku, at, 1.0)
        rows.add(level[0], np.arange(starts[2], starts[3]), -1.0)
        rows.add(pairs + aged[0], np.arange(starts[3], starts[4]), -1.0)
        room = np.full(lanes, np.inf)
        if problem.capacity_ml is not None and total is None:
            room = problem.capacity_ml.astype(np.float64)
        load = self._most_load(volume, upper)
        rows.add(5 * pairs + self.paid, np.arange(starts[4], starts[5]),
                 -np.maximum(np.minimum(room, load), 1e-9)[self.paid])  # fmt: skip
        held = problem.stock.on_hand_units[:, self.skus]
        share = np.where(problem.lane_cost > 0, 0.0, room) if total is None else room
        # A SKU without volume takes no room: whether it rides says a row of its own.
        exact = [] if total is None else [total[:, self.skus].ravel().astype(np.float64)]
        light = self._light(rows, 5 * pairs + lanes + sum(each.size for each in exact))
        row_upper = np.concatenate(
            [(self.low - held.ravel()), -old.ravel(), (held - old).ravel(), old.ravel(),
             movable.ravel(), share, *exact, np.zeros(light)]
        ).astype(np.float64)  # fmt: skip
        row_lower = np.full(row_upper.size, -np.inf)
        row_lower[: 2 * pairs] = row_upper[: 2 * pairs]
        if total is not None:
            row_lower[5 * pairs + lanes :] = row_upper[5 * pairs + lanes :]
        cost = np.concatenate(
            [problem.unit_cost[self.of["fresh"][0]], problem.unit_cost[self.of["old"][0]],
             level[1], aged[1], problem.lane_cost[self.paid]]
        )  # fmt: skip
        self.columns = Columns(
            cost=cost,
            lower=np.zeros(cost.size),
            upper=np.concatenate([*upper, level[2], aged[2], np.ones(self.paid.size)]),
            matrix=rows.matrix((row_upper.size, cost.size)),
            row_lower=row_lower,
            row_upper=row_upper,
        )

    def _most_load(self, volume: FloatArray, upper: list[FloatArray]) -> FloatArray:
        load = np.zeros(self.problem.num_lanes)
        for name, most in zip(("fresh", "old"), upper, strict=True):
            lane, sku = self.of[name]
            np.add.at(load, lane, most * volume[sku])
        return load

    def _light(self, rows: _Rows, first: int) -> int:
        """Tie units without volume to lanes that cost something; returns the number of rows."""
        if not self.paid.size:
            return 0
        number = np.full(self.problem.num_lanes, -1)
        number[self.paid] = np.arange(self.paid.size)
        count = 0
        for age, name in enumerate(("fresh", "old")):
            lane, sku = self.of[name]
            weightless = (number[lane] >= 0) & (self.problem.stock.volume_ml[self.skus[sku]] == 0)
            at = np.flatnonzero(weightless)
            most = self.problem.movable_units[self.problem.lane_from[lane[at]], self.skus[sku[at]]]
            row = first + count + np.arange(at.size)
            rows.add(row, self.starts[age] + at, 1.0)
            rows.add(row, self.starts[4] + number[lane[at]], -most.astype(np.float64))
            count += at.size
        return count

    @property
    def size(self) -> int:
        """Number of columns."""
        return int(self.columns.cost.size)

    def values(self, fresh: IntArray, old: IntArray) -> FloatArray:
        """Return the columns of known transfers, (L, K) each."""
        problem, count = self.problem, self.skus.size
        value = np.zeros(self.size)
        change = np.zeros((2, problem.num_stores, count), dtype=np.int64)
        for age, (name, units) in enumerate((("fresh", fresh), ("old", old))):
            lane, sku = self.of[name]
            moved = units[lane, self.skus[sku]]
            value[self.starts[age] : self.starts[age + 1]] = moved
            for block in range(age + 1):
                np.add.at(change[block], (problem.lane_to[lane], sku), moved)
                np.subtract.at(change[block], (problem.lane_from[lane], sku), moved)
        held = problem.stock.on_hand_units[:, self.skus]
        levels = (held + change[0]).ravel() - self.low
        aged = (problem.expiring_units[:, self.skus] + change[1]).ravel()
        # The balance of fresh ones is in block 0 alone; expiring ones are in both.
        for block, wanted in ((2, levels), (3, aged)):
            part = slice(self.starts[block], self.starts[block + 1])
            value[part] = _fill(self._pair_of(block), self.columns.upper[part], wanted)
        moved_any = np.asarray((fresh + old)[:, self.skus].any(axis=1))
        value[self.starts[4] :] = moved_any[self.paid]
        return value

    def _pair_of(self, block: int) -> IntArray:
        """Store and SKU, as one number, of each column of levels."""
        pairs = self.problem.num_stores * self.skus.size
        part = self.columns.matrix[:, self.starts[block] : self.starts[block + 1]]
        return np.asarray(part.indices, dtype=np.int64) - (block - 2) * pairs

    def solve(
        self, limits: Limits, should_stop: Callable[[], bool],
        start: tuple[IntArray, IntArray] | None = None,
    ) -> Answer:  # fmt: skip
        """Search whole units, from a known answer on (fresh and expiring units, (L, K))."""
        import highspy

        solver = self.columns.solver(limits, is_whole=True)
        if start is not None:
            index = np.arange(self.size, dtype=np.int32)
            solver.setSolution(index.size, index, self.values(*start))
        run_watched(solver, should_stop)
        info = solver.getInfo()
        bound = float(info.mip_dual_bound)
        is_done = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return Answer(fresh=None, old=None, bound=bound, is_done=is_done)
        value = np.asarray(solver.getSolution().col_value)
        found = []
        for age, name in enumerate(("fresh", "old")):
            units = np.zeros((self.problem.num_lanes, self.problem.num_skus), dtype=np.int64)
            lane, sku = self.of[name]
            part = value[self.starts[age] : self.starts[age + 1]]
            units[lane, self.skus[sku]] = np.rint(part).astype(np.int64)
            found.append(units)
        return Answer(fresh=found[0], old=found[1], bound=bound, is_done=is_done)

    def relaxed(self, limits: Limits, should_stop: Callable[[], bool]) -> float:
        """Return the bound that the linear relaxation proves; -inf if nothing came of it."""
        solver = self.columns.solver(limits, is_whole=False)
        # Prices of a vertex prove more than those of an interior point that was not crossed over.
        solver.setOptionValue("solver", "simplex")
        run_watched(solver, should_stop)
        dual = solver.getSolution().row_dual
        return self.columns.proven(np.asarray(dual))[0] if len(dual) else -np.inf

    def cost_of(self, solution: RebalancingSolution) -> float:
        """Return what the model says that transfers cost, up to a constant of the model."""
        old = solution.expiring_units
        return float(self.columns.cost @ self.values(solution.moved_units - old, old))


def _steps(
    marginal: Callable[[IntArray, IntArray], FloatArray], low: IntArray, most: IntArray
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return pair, cost and number of units of columns that a convex cost amounts to.

    Parameters
    ----------
    marginal
        Cost of one more unit of some pairs at some levels.
    low, most
        Level of each pair that its columns begin at, and units above it at most, (P,).
    """
    pair, cost, upper = [np.zeros(0, dtype=np.int64)], [np.zeros(0)], [np.zeros(0)]
    open_pairs, left = np.flatnonzero(most > 0), most[most > 0].astype(np.int64)
    final = marginal(open_pairs, low[open_pairs] + np.maximum(left - 1, 0))
    for step in range(_MAX_STEPS + 1):
        if not open_pairs.size:
            break
        now = marginal(open_pairs, low[open_pairs] + step)
        # From here on all units cost the same: they share a column.
        flat = (final - now <= _TAIL * (1.0 + np.abs(final))) | (step == _MAX_STEPS)
        pair.append(open_pairs)
        cost.append(now)
        upper.append(np.where(flat, left, 1).astype(np.float64))
        stays = ~flat & (left > 1)
        open_pairs, left, final = open_pairs[stays], left[stays] - 1, final[stays]
    return np.concatenate(pair), np.concatenate(cost), np.concatenate(upper)


def _fill(pair: IntArray, upper: FloatArray, wanted: IntArray) -> FloatArray:
    """Return units of each column, the first ones of each pair first, that add up to wanted."""
    order = np.argsort(pair, kind="stable")
    sums = np.cumsum(upper[order])
    of = pair[order]
    first = np.flatnonzero(np.r_[True, of[1:] != of[:-1]]) if of.size else np.zeros(0, int)
    before = sums - upper[order]
    base = np.repeat(before[first], np.diff(np.r_[first, of.size]))
    value = np.empty(of.size)
    value[order] = np.clip(wanted[of] - (before - base), 0.0, upper[order])
    return value
