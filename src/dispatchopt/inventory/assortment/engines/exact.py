"""Small assortments to the proven optimum: one whole-number model of all orders."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dispatchopt.core import Run
from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.inventory.assortment.engines._block import Orders
from dispatchopt.inventory.assortment.engines._rows import Rows
from dispatchopt.inventory.assortment.engines.cut import CutEngine
from dispatchopt.inventory.assortment.problem import AssortmentProblem, AssortmentSolution
from dispatchopt.inventory.engines._highs import Limits, minimise


@dataclass(frozen=True, kw_only=True)
class ExactEngine:
    """The cut engine's answer, then HiGHS on a model of all orders.

    Parameters
    ----------
    max_lines
        Lines, counted once for each store in reach, up to which the engine takes a problem.
    max_pairs
        Pairs of store and SKU up to which it does.
    max_nodes
        Nodes of the search tree, a limit that is the same on any machine.
    """

    max_lines: int = 20_000
    max_pairs: int = 20_000
    max_nodes: int = 20_000
    first: CutEngine = field(default_factory=CutEngine)
    name: str = "exact"
    packages: tuple[str, ...] = ("numpy", "scipy", "ortools", "highspy")

    def unsupported(self, problem: AssortmentProblem) -> str | None:
        """Refuse large problems."""
        pairs = problem.num_stores * problem.num_skus
        if pairs > self.max_pairs:
            return f"it takes at most {self.max_pairs} pairs of store and SKU, these are {pairs}"
        near = problem.reach.sum(axis=1)
        lines = int(near[problem.order_zone[problem.line_order]].sum())
        if lines > self.max_lines:
            return f"it takes at most {self.max_lines} lines times stores, these are {lines}"
        return None

    def search(self, problem: AssortmentProblem, run: Run[AssortmentSolution]) -> None:
        """Choose by cuts, then branch."""
        self.first.search(problem, run)
        if run.is_infeasible or run.should_stop() or run.solution is None:
            return
        orders = Orders(problem)
        limits = Limits(
            time_s=run.time_left_s, nodes=self.max_nodes, gap_relative=run.gap, seed=run.seed
        )
        rows, start = _model(orders, run.solution)
        lost = float(problem.order_weight[orders.is_lost].sum())
        outcome = minimise(rows.model(lost), limits, run.should_stop, start)
        run.step()
        if outcome.is_taken is not None:
            pairs = problem.num_stores * problem.num_skus
            carried = outcome.is_taken[:pairs].reshape(problem.num_stores, problem.num_skus)
            run.offer(AssortmentSolution(is_carried=carried))
        run.raise_bound(min(outcome.bound, run.objective or 0.0))


def _model(orders: Orders, known: AssortmentSolution) -> tuple[Rows, FloatArray]:
    """Return the model and the columns of a known answer.

    Columns: x (a store carries a SKU), y (an order is not complete), and, where stores do not
    share orders, z (a store completes an order).
    """
    problem = orders.problem
    stores, skus = problem.num_stores, problem.num_skus
    pairs = stores * skus
    is_open = ~orders.is_lost & (problem.order_weight > 0)
    is_open &= np.bincount(orders.order, minlength=problem.num_orders) > 0
    which = np.flatnonzero(is_open)
    at = np.cumsum(is_open) - 1
    lines = np.flatnonzero(is_open[orders.order])
    line_order, line_sku = at[orders.order[lines]], orders.sku[lines]
    order, store = np.nonzero(problem.reach[problem.order_zone[which]])
    rows = Rows(np.concatenate([np.zeros(pairs), problem.order_weight[which]]))
    y = pairs + np.arange(which.size)
    carried = known.is_carried
    if problem.may_split:
        # A line is carried somewhere in reach, or the order is not complete.
        line, near = np.nonzero(problem.reach[orders.zone[lines]])
        rows.add(line, near * skus + line_sku[line], -1.0, -np.ones(lines.size))
        rows.also(np.arange(lines.size), y[line_order], -1.0)
        together = problem.reach.astype(np.float64) @ carried > 0
        has = together[orders.zone[lines], line_sku]
        open_order = np.bincount(line_order, weights=~has, minlength=which.size) > 0
        start = np.concatenate([carried.ravel(), open_order])
    else:
        z = rows.extend(np.zeros(order.size))
        rows.add(order, z, -1.0, -np.ones(which.size))
        rows.also(np.arange(which.size), y, -1.0)
        pair, line = _lines_of(order, line_order, which.size)
        cell = store[pair] * skus + line_sku[line]
        rows.add(np.arange(pair.size), z[pair], 1.0, np.zeros(pair.size))
        rows.also(np.arange(pair.size), cell, -1.0)
        lacks = np.bincount(pair, weights=~carried.ravel()[cell], minlength=order.size)
        done = lacks == 0
        is_done = np.bincount(order, weights=done, minlength=which.size) > 0
        start = np.concatenate([carried.ravel(), ~is_done, done])
    _limit(rows, orders)
    return rows, start.astype(np.float64)


def _lines_of(order: IntArray, line_order: IntArray, num: int) -> tuple[IntArray, IntArray]:
    """Return for pairs of order and store all lines of the order: pair and line."""
    count = np.bincount(line_order, minlength=num)
    first = np.concatenate([[0], np.cumsum(count)])
    each = count[order]
    pair = np.repeat(np.arange(order.size), each)
    shift = np.arange(pair.size) - np.repeat(np.cumsum(each) - each, each)
    return pair, first[order[pair]] + shift


def _limit(rows: Rows, orders: Orders) -> None:
    problem = orders.problem
    stores, skus = problem.num_stores, problem.num_skus
    store, sku = np.divmod(np.arange(stores * skus), skus)
    cell = np.arange(stores * skus)
    if problem.slots is not None:
        rows.add(store, cell, 1.0, problem.slots.astype(np.float64))
    if problem.store_volume_ml is not None:
        # Scaled to the size of a SKU, as the solver's tolerances expect.
        scale = max(1.0, float(orders.volume.mean()))
        rows.add(store, cell, orders.volume[sku] / scale, problem.store_volume_ml / scale)
    for is_bound, sign in ((orders.must, -1.0), (orders.never, 1.0)):
        fixed = np.flatnonzero(is_bound)
        rows.add(np.arange(fixed.size), fixed, sign, np.full(fixed.size, min(sign, 0.0)))
    if problem.floor is not None:
        row = store * problem.num_categories + problem.sku_category[sku]
        rows.add(row, cell, -1.0, -problem.floor.ravel().astype(np.float64))


ENGINE = ExactEngine()
