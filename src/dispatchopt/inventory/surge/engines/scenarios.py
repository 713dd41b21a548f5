"""The two-stage model: an order before the stream, sales and transfers in each scenario.

Mean demand, and units one by one, are answers at any time; then the linear relaxation of all
scenarios (Birge and Louveaux, Introduction to Stochastic Programming, 2011, section 4), which
bounds the cost, and the order that it suggests, made whole. Without limits of room every SKU is a
problem of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core import Run
from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.tolerance import relative_gap
from dispatchopt.inventory.surge.bound import bound as cheap_bound
from dispatchopt.inventory.surge.check import check
from dispatchopt.inventory.surge.problem import SurgeProblem, SurgeSolution

#: Batches in which the whole demand of a SKU is added; below as many units each goes alone.
_BATCHES = 4_000
#: Scenarios times pairs up to which units are first sent one by one where SKUs stand alone.
_GREEDY = 20_000
#: Relative gap at which an order of one SKU counts as proven.
_MET = 1e-7


@dataclass(frozen=True, kw_only=True)
class ScenariosEngine:
    """Greedy units, the linear relaxation of all scenarios, and a branch and bound if it is small.

    Parameters
    ----------
    max_columns
        Columns of the linear model up to which it is solved.
    max_whole
        Columns up to which whole orders are searched for.
    max_nodes
        Nodes of that search, a limit that is the same on any machine.
    """

    max_columns: int = 400_000
    max_whole: int = 20_000
    max_nodes: int = 2_000
    name: str = "scenarios"
    packages: tuple[str, ...] = ("numpy", "scipy")

    def unsupported(self, problem: SurgeProblem) -> str | None:  # noqa: ARG002
        """Take every problem."""
        return None

    def search(self, problem: SurgeProblem, run: Run[SurgeSolution]) -> None:
        """Fill, relax, round, branch."""
        if run.solution is None:
            run.offer(SurgeSolution(order_units=np.zeros(problem.shape, dtype=np.int64)))
        if run.should_stop():
            return
        run.offer(SurgeSolution(order_units=mean_wish(problem)))
        work = problem.num_scenarios * problem.on_hand_units.size
        if problem.room_ml is not None or work <= _GREEDY:
            none = np.zeros(problem.shape, dtype=np.int64)
            run.offer(SurgeSolution(order_units=fill(problem, none, run)))
        run.step()
        if run.should_stop():
            return
        if not problem.on_hand_units.size:
            run.raise_bound(run.objective or 0.0)
            return
        if problem.room_ml is None:
            self._sku_by_sku(problem, run)
        elif _columns(problem) <= self.max_columns:
            self._whole(problem, run)

    def _whole(self, problem: SurgeProblem, run: Run[SurgeSolution]) -> None:
        """Relax all SKUs in one model, as room ties them together."""
        model = _Model(problem)
        value, bound = model.solve(run.time_left_s)
        run.raise_bound(min(bound, run.objective or 0.0))
        if value is None or not run.step():
            return
        order = np.floor(value + 1e-6).astype(np.int64)
        run.offer(SurgeSolution(order_units=fill(problem, order, run)))
        is_proven = relative_gap(run.objective or 0.0, run.bound) <= run.gap
        if _columns(problem) > self.max_whole or is_proven or not run.step():
            return
        value, bound = model.solve(run.time_left_s, nodes=self.max_nodes)
        if value is not None:
            run.offer(SurgeSolution(order_units=np.rint(value).astype(np.int64)))
        run.raise_bound(min(bound, run.objective or 0.0))

    def _sku_by_sku(self, problem: SurgeProblem, run: Run[SurgeSolution]) -> None:
        """Solve each SKU by itself, as nothing ties them together; the dearest gaps first."""
        order = np.array(run.solution.order_units if run.solution is not None else 0)
        parts = [_only(problem, sku) for sku in range(problem.shape[1])]
        cost = np.array([_checked(part, order[:, [sku]]) for sku, part in enumerate(parts)])
        least = np.array([cheap_bound(part) for part in parts])
        # The slack of nothing known is the gap that a SKU can close.
        for sku in np.argsort(-(cost - least), kind="stable").tolist():
            if _columns(parts[sku]) > self.max_columns or run.should_stop():
                break
            made, bound = self._one(parts[sku], order[:, [sku]], run)
            least[sku] = max(least[sku], min(bound, _checked(parts[sku], made)))
            order[:, [sku]] = made
            run.step()
        run.offer(SurgeSolution(order_units=order))
        run.raise_bound(min(float(least.sum()), run.objective or 0.0))

    def _one(
        self, part: SurgeProblem, order: IntArray, run: Run[SurgeSolution]
    ) -> tuple[IntArray, float]:
        """Return the best order of one SKU that is found, and a bound."""
        model = _Model(part)
        best = _checked(part, order)
        value, bound = model.solve(run.time_left_s)
        if value is None:
            return order, -np.inf
        tries = [fill(part, np.floor(value + 1e-6).astype(np.int64), run)]
        if min(best, _checked(part, tries[0])) > bound + _MET * abs(bound) + 1e-9:
            is_small = _columns(part) <= self.max_whole and not run.should_stop()
            if is_small:
                whole, raised = model.solve(run.time_left_s, nodes=self.max_nodes)
                bound = max(bound, raised)
                if whole is not None:
                    tries.append(np.rint(whole).astype(np.int64))
        for each in tries:
            cost = _checked(part, each)
            if cost < best:
                order, best = each, cost
        return order, bound


def mean_wish(problem: SurgeProblem) -> IntArray:
    """Return orders up to mean demand, cut in proportion to central stock and to room."""
    demand = np.tensordot(problem.probability, problem.shelf_units + problem.live_units, axes=1)
    order = np.maximum(np.round(demand) - problem.on_hand_units, 0.0)
    if problem.available_units is not None:
        order *= np.minimum(1.0, problem.available_units / np.maximum(order.sum(axis=0), 1.0))
        order = np.floor(order)
    if problem.room_ml is not None:
        used = order @ problem.volume_ml
        order *= np.minimum(1.0, problem.room_ml / np.maximum(used, 1.0))[:, None]
    whole: IntArray = np.floor(order).astype(np.int64)
    return whole


def _columns(problem: SurgeProblem) -> int:
    """Columns of the linear model of a problem."""
    stores, skus = problem.shape
    return problem.num_scenarios * (3 * stores * skus + skus)


def _only(problem: SurgeProblem, sku: int) -> SurgeProblem:
    """Return the problem of one SKU."""
    at = slice(sku, sku + 1)
    stock = problem.available_units
    return problem.replace(
        shelf_units=problem.shelf_units[:, :, at],
        live_units=problem.live_units[:, :, at],
        shelf_margin=problem.shelf_margin[at],
        live_margin=problem.live_margin[at],
        holding_cost=problem.holding_cost[at],
        on_hand_units=problem.on_hand_units[:, at],
        volume_ml=problem.volume_ml[at],
        available_units=None if stock is None else stock[at],
        sku_ids=problem.sku_ids[at],
    )


def _checked(problem: SurgeProblem, order: IntArray) -> float:
    return check(problem, SurgeSolution(order_units=order)).objective


def fill(problem: SurgeProblem, order: IntArray, run: Run[SurgeSolution]) -> IntArray:
    """Add units to an order, of each SKU those that save most per room, until none pays.

    They go one by one, or, where demand would take too many of them, first in batches.
    """
    order = order.copy()
    demand = (problem.shelf_units + problem.live_units).sum(axis=1).max(axis=0, initial=0)
    batch = np.maximum(demand // _BATCHES, 1)
    while not run.should_stop():
        gain = unit_gain(problem, order, batch)
        can = _fits(problem, order, batch)
        worth = np.where(can & (gain > 1e-9), gain, -np.inf)
        # One batch of each SKU at a time; stores with little room take the dearest per volume.
        best = worth.argmax(axis=0)
        pays = np.isfinite(worth.max(axis=0))
        skus = np.flatnonzero(pays)
        if not skus.size and (batch == 1).all():
            return order
        rate = worth[best[skus], skus] / np.maximum(problem.volume_ml[skus], 1)
        for sku in skus[np.argsort(-rate, kind="stable")].tolist():
            if _fits_one(problem, order, int(best[sku]), sku, int(batch[sku])):
                order[best[sku], sku] += batch[sku]
        batch = np.where(pays, batch, np.maximum(batch // 2, 1))
    return order


def unit_gain(problem: SurgeProblem, order: IntArray, batch: IntArray | int = 1) -> FloatArray:
    """Return what a batch more of each pair saves in expectation, by unit, (S, K)."""
    level = problem.on_hand_units + order
    total = np.zeros(problem.shape)
    for chance, shelf, live in zip(
        problem.probability, problem.shelf_units, problem.live_units, strict=True
    ):
        own, more = _states(level, shelf, live), _states(level + batch, shelf, live)
        sums = own.sum(axis=1, keepdims=True)
        total += chance * (_cost(problem, sums) - _cost(problem, sums - own + more))
    return total / batch


def _states(level: IntArray, shelf: IntArray, live: IntArray) -> IntArray:
    """Return what each pair lacks, misses, has left, streams, and could give to the stream."""
    rest = np.maximum(level - shelf, 0)
    missed = np.maximum(live - rest, 0)
    return np.stack(
        [
            np.maximum(shelf - level, 0),
            missed,
            np.maximum(rest - live, 0),
            np.minimum(rest, live),
            np.minimum(missed, np.minimum(level, shelf)),
        ]
    )


def _cost(problem: SurgeProblem, sums: IntArray) -> FloatArray:
    """Return the cost of a scenario by SKU from sums over stores, (5, ..., K)."""
    lacks, missed, left, streamed, later = sums
    high, low, held = problem.shelf_margin, problem.live_margin, problem.holding_cost
    cost = high * lacks + low * missed + held * left
    fare = problem.transfer_cost
    if fare is None:
        return np.asarray(cost)
    moved = np.where(high + held > fare, np.minimum(lacks, left), 0)
    kept = np.where(high - low > fare, np.minimum(lacks - moved, streamed), 0)
    freed = np.where(low + held > fare, np.minimum(left - moved, later), 0)
    saved = (high + held - fare) * moved + (high - low - fare) * kept + (low + held - fare) * freed
    return np.asarray(cost - saved)


def _fits(problem: SurgeProblem, order: IntArray, batch: IntArray) -> BoolArray:
    can = np.ones(problem.shape, dtype=bool)
    if problem.available_units is not None:
        can &= order.sum(axis=0) + batch <= problem.available_units
    if problem.room_ml is not None:
        left = problem.room_ml - order @ problem.volume_ml
        can &= left[:, None] >= problem.volume_ml * batch
    return can


def _fits_one(problem: SurgeProblem, order: IntArray, store: int, sku: int, batch: int) -> bool:
    if problem.room_ml is None:
        return True
    used = int(order[store] @ problem.volume_ml) + int(problem.volume_ml[sku]) * batch
    return used <= int(problem.room_ml[store])


class _Model:
    """Columns: orders; for each scenario lacking, missed and left over by pair, moves by SKU."""

    def __init__(self, problem: SurgeProblem) -> None:
        from scipy import sparse

        stores, skus = problem.shape
        num, pairs = problem.num_scenarios, stores * skus
        chance = problem.probability
        each = np.tile(np.arange(skus), stores)
        self.pairs = pairs
        move = problem.transfer_cost
        saving = np.zeros(skus) if move is None else (
            problem.shelf_margin + problem.holding_cost - move
        )  # fmt: skip
        parts = [np.zeros(pairs)]
        for cost in (problem.shelf_margin, problem.live_margin, problem.holding_cost):
            parts.append(np.outer(chance, cost[each]).ravel())
        parts.append(-np.outer(chance, np.maximum(saving, 0.0)).ravel())
        self.cost = np.concatenate(parts)
        eye, wide = sparse.identity(pairs), sparse.identity(num * pairs)
        orders = sparse.kron(np.ones((num, 1)), eye)
        none = sparse.csr_matrix((num * pairs, num * skus))
        level = problem.on_hand_units.ravel()
        shelf = problem.shelf_units.reshape(num, pairs)
        demand = shelf + problem.live_units.reshape(num, pairs)
        # level + lacking >= shelf;  level + lacking + missed - left over = shelf + live.
        rows = [sparse.hstack([orders, wide, 0 * wide, 0 * wide, none])]
        rows.append(sparse.hstack([orders, wide, wide, -wide, none]))
        low = [(shelf - level).ravel(), (demand - level).ravel()]
        high = [np.full(num * pairs, np.inf), (demand - level).ravel()]
        summed = sparse.kron(
            sparse.identity(num), sparse.kron(np.ones((1, stores)), sparse.identity(skus))
        )
        moves = sparse.identity(num * skus)
        gap = sparse.csr_matrix((num * skus, pairs))
        rows.append(sparse.hstack([gap, -summed, 0 * summed, 0 * summed, moves]))
        rows.append(sparse.hstack([gap, 0 * summed, 0 * summed, -summed, moves]))
        low += [np.full(2 * num * skus, -np.inf)]
        high += [np.zeros(2 * num * skus)]
        rest = self.cost.size - pairs
        for block, most in _limits(problem, rest):
            rows.append(block)
            low.append(np.full(most.size, -np.inf))
            high.append(most)
        self.rows = sparse.csc_matrix(sparse.vstack(rows))
        self.low, self.high = np.concatenate(low), np.concatenate(high)
        self.upper = np.full(self.cost.size, np.inf)
        # No channel lacks more than it wants.
        wants = np.concatenate([shelf.ravel(), (demand - shelf).ravel()])
        self.upper[pairs : pairs + wants.size] = wants
        self.shape = problem.shape

    def solve(self, time_s: float, nodes: int | None = None) -> tuple[FloatArray | None, float]:
        """Return orders and a bound: of the relaxation, or with whole orders in so many nodes."""
        from scipy import optimize

        whole = np.zeros(self.cost.size)
        # Presolve of HiGHS 1.14 may lose optima of models that mix whole and other columns.
        options: dict[str, Any] = {"presolve": nodes is None}
        if nodes is not None:
            whole[: self.pairs] = 1
            options |= {"node_limit": nodes, "mip_rel_gap": 0.0}
        if np.isfinite(time_s):
            options["time_limit"] = max(0.01, time_s)
        found = optimize.milp(
            self.cost,
            integrality=whole,
            bounds=optimize.Bounds(np.zeros(self.cost.size), self.upper),
            constraints=optimize.LinearConstraint(self.rows, self.low, self.high),
            options=options,
        )
        if nodes is None and found.status != 0:
            return None, -np.inf
        bound = found.fun if nodes is None else found.mip_dual_bound
        value = None if found.x is None else found.x[: self.pairs].reshape(self.shape)
        return value, -np.inf if bound is None else float(bound)


def _limits(problem: SurgeProblem, rest: int) -> list[tuple[Any, FloatArray]]:
    """Return rows of central stock and of room, scaled, and what they must not exceed."""
    from scipy import sparse

    stores, skus = problem.shape
    found = []
    limits: tuple[tuple[Any, Any], ...] = (
        (np.kron(np.ones(stores), np.eye(skus)), problem.available_units),
        (np.kron(np.eye(stores), problem.volume_ml), problem.room_ml),
    )
    for matrix, limit in limits:
        if limit is not None:
            table = matrix.reshape(limit.size, stores * skus)
            scale = np.maximum(table.max(axis=1, initial=1.0), 1.0)
            empty = sparse.csr_matrix((limit.size, rest))
            found.append((sparse.hstack([table / scale[:, None], empty]), limit / scale))
    return found


ENGINE = ScenariosEngine()
