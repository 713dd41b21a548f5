"""Transfers where units expire before the next replenishment: two ages of each SKU.

Units that expire are sold first, so that what is thrown away is convex in their number, as what is
missed and left over is in all units. Without anything on the lanes that ties SKUs together each SKU
is a model of its own; SKUs of which nothing expires are minimum-cost flows as ever.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core import Run, Stop
from dispatchopt.core.arrays import IntArray
from dispatchopt.inventory.engines._highs import Limits
from dispatchopt.inventory.rebalancing.engines._ages import Ages, Answer
from dispatchopt.inventory.rebalancing.engines._flow import Flows
from dispatchopt.inventory.rebalancing.engines._plan import Plan
from dispatchopt.inventory.rebalancing.engines._steps import Worth
from dispatchopt.inventory.rebalancing.engines.flow import offer_nothing
from dispatchopt.inventory.rebalancing.problem import RebalancingProblem, RebalancingSolution

#: Seconds for an answer that knows no ages, where nothing limits the time.
_PLAIN_S = 10.0
#: Relative gap at which ages of known transfers are good enough to go on from.
_ROUGH = 1e-5
#: Units on all lanes of all SKUs, (L, K) each: fresh and expiring ones.
_Units = tuple[IntArray, IntArray]


@dataclass(frozen=True, kw_only=True)
class ExpiryEngine:
    """Whole-number models of fresh and expiring units.

    Parameters
    ----------
    plain_share
        Share of the time for an answer that knows no ages, where lanes tie the SKUs together.
    relaxed_share
        Share of the time that is left for the linear relaxation of both ages, at most.
    max_columns
        Columns up to which one model holds all SKUs.
    """

    plain_share: float = 0.4
    relaxed_share: float = 0.4
    max_columns: int = 300_000
    name: str = "expiry"
    packages: tuple[str, ...] = ("numpy", "scipy", "highspy", "ortools")

    def unsupported(self, problem: RebalancingProblem) -> str | None:  # noqa: ARG002
        """Take every problem."""
        return None

    def search(self, problem: RebalancingProblem, run: Run[RebalancingSolution]) -> None:
        """Solve SKU by SKU, or all of them together where lanes tie them."""
        base = offer_nothing(problem, run)
        if run.should_stop() or not problem.num_lanes:
            if not problem.num_lanes:
                run.raise_bound(run.objective or 0.0)
            return
        if problem.is_coupled:
            self._together(problem, base, run)
        else:
            self._apart(problem, base, run)

    def _apart(
        self, problem: RebalancingProblem, base: float, run: Run[RebalancingSolution]
    ) -> None:
        """Solve each SKU to its proof."""
        has_old = np.asarray(problem.expiring_units.any(axis=0))
        flows = Flows(Worth(_without(problem, has_old)))
        units, bounds, done = flows.all(None, run.should_stop)
        plain = flows.solution(units).moved_units
        fresh, old = np.where(has_old, 0, plain), np.zeros_like(plain)
        run.offer(_joined(fresh, old))
        is_known = flows.worth.is_whole and done == problem.num_skus
        total = float(bounds[~has_old].sum())
        for sku in np.flatnonzero(has_old).tolist():
            if run.should_stop():
                is_known = False
                break
            model = Ages(problem, np.array([sku]))
            nothing = np.zeros_like(fresh)
            limits = Limits(time_s=run.time_left_s, seed=run.seed)
            found = model.solve(limits, run.should_stop, (nothing, nothing))
            none = model.cost_of(_joined(nothing, nothing))
            total += found.bound - none
            _take((fresh, old), found)
            run.offer(_joined(fresh, old))
            run.step()
        if is_known:
            self._prove(base + total, run)

    def _together(
        self, problem: RebalancingProblem, base: float, run: Run[RebalancingSolution]
    ) -> None:
        """Let ages aside first, then search all units of all SKUs in one model."""
        start = self._plain(problem, run)
        model = Ages(problem, np.arange(problem.num_skus))
        if model.size > self.max_columns or run.should_stop():
            return
        nothing = np.zeros((problem.num_lanes, problem.num_skus), dtype=np.int64)
        offset = base - model.cost_of(_joined(nothing, nothing))
        limits = Limits(time_s=self.relaxed_share * run.time_left_s, seed=run.seed)
        self._prove(offset + model.relaxed(limits, run.should_stop), run)
        if not run.step():
            return
        limits = Limits(time_s=run.time_left_s, gap_relative=run.gap, seed=run.seed)
        found = model.solve(limits, run.should_stop, start)
        _offer(found, run)
        run.step()
        self._prove(offset + found.bound, run)

    def _prove(self, bound: float, run: Run[RebalancingSolution]) -> None:
        if np.isfinite(bound):
            run.raise_bound(min(bound, run.objective or 0.0))

    def _plain(self, problem: RebalancingProblem, run: Run[RebalancingSolution]) -> _Units:
        """Return transfers that are best but for what expires, with the best ages for them.

        What is thrown away only adds to the cost, so that the bound of such transfers holds.
        """
        from dispatchopt.core.run import solve
        from dispatchopt.inventory.rebalancing.domain import DOMAIN

        plain = _without(problem, np.zeros(problem.num_skus, dtype=bool))
        # SKUs in turn, without prices: an answer before anything is compiled.
        quick = Plan(Flows(Worth(plain)))
        quick.fill(np.zeros(problem.num_lanes), np.arange(problem.num_skus), run.should_stop)
        best = self._aged(problem, quick.solution().moved_units, run)
        if run.should_stop():
            return best
        part = run.clock.share(self.plain_share)
        # Without a limit of time it gets some: the model of both ages goes to its end anyway.
        limits = Stop(time_s=part.time_s or _PLAIN_S, gap=part.gap, cancel=part.cancel)
        result = solve(DOMAIN, plain, stop=limits, seed=run.seed)
        run.step()
        if result.bound is not None:
            run.raise_bound(min(result.bound, run.objective or 0.0))
        if result.solution is None:
            return best
        before = run.objective
        found = self._aged(problem, result.solution.moved_units, run)
        return best if run.objective == before else found

    def _aged(
        self, problem: RebalancingProblem, total: IntArray, run: Run[RebalancingSolution]
    ) -> _Units:
        """Offer transfers with the ages that waste least; nothing moves if the time is over."""
        zero = np.zeros_like(total)
        has_old = problem.expiring_units.any(axis=0)
        fresh, old = np.where(has_old, 0, total), zero.copy()
        chosen = np.flatnonzero(has_old & total.any(axis=0))
        if chosen.size:
            # SKUs do not touch each other here, so that one model is as easy as many.
            limits = Limits(time_s=run.time_left_s, gap_relative=_ROUGH, seed=run.seed)
            found = Ages(problem, chosen, total).solve(limits, run.should_stop)
            if not _take((fresh, old), found):
                return zero, zero
        run.offer(_joined(fresh, old))
        return fresh, old


def _without(problem: RebalancingProblem, left_out: np.ndarray) -> RebalancingProblem:
    """Return the problem without ages, and nothing to move of some SKUs, (K,)."""
    return problem.replace(
        movable_units=np.where(left_out, 0, problem.movable_units),
        expiring_units=None,
        waste_cost=None,
    )


def _joined(fresh: IntArray, old: IntArray) -> RebalancingSolution:
    return RebalancingSolution(moved_units=fresh + old, expiring_units=old)


def _take(into: _Units, found: Answer) -> bool:
    """Add what was found to units of other SKUs; False if nothing was."""
    if found.fresh is None or found.old is None:
        return False
    into[0][:] += found.fresh
    into[1][:] += found.old
    return True


def _offer(found: Answer, run: Run[RebalancingSolution]) -> None:
    if found.fresh is not None and found.old is not None:
        run.offer(_joined(found.fresh, found.old))


ENGINE = ExpiryEngine()
