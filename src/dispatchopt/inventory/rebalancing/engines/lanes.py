"""Transfers on vans: prices of the room on lanes prove a bound, and SKUs share the room in turn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core import Run
from dispatchopt.core.tolerance import relative_gap
from dispatchopt.inventory.engines._highs import Limits
from dispatchopt.inventory.rebalancing.engines._flow import Flows
from dispatchopt.inventory.rebalancing.engines._model import Found, Model, Part
from dispatchopt.inventory.rebalancing.engines._plan import Plan
from dispatchopt.inventory.rebalancing.engines._prices import Master, Prices
from dispatchopt.inventory.rebalancing.engines._steps import Worth
from dispatchopt.inventory.rebalancing.engines._units import num_columns, unit_relaxation
from dispatchopt.inventory.rebalancing.engines.flow import offer_nothing
from dispatchopt.inventory.rebalancing.problem import RebalancingProblem, RebalancingSolution

#: Values of a relaxation below this are nothing: an interior point has no zeros.
_TINY = 1e-5
#: Columns of the relaxation by single units that a second is enough for, about.
_COLUMNS_PER_S = 4_000


@dataclass(frozen=True, kw_only=True)
class LanesEngine:
    """Prices of lanes by one linear model or a master problem, then whole units SKU by SKU.

    Parameters
    ----------
    max_prices
        Evaluations of the dual at most.
    price_share
        Share of the time that the dual gets at most.
    settled
        Relative distance to the best bound of any prices at which they are good enough.
    max_nodes
        Nodes of the search for whole units, a limit that is the same on any machine.
    model_share
        Share of the time that the linear model gets at most.
    max_rounds
        Rounds of improvement over all SKUs.
    unit_share
        Share of the time that is left for the relaxation by single units.
    max_unit_columns
        Columns up to which the relaxation by single units is solved, where lanes cost something.
    max_columns
        Columns up to which one linear model finds the prices.
    max_open
        Columns that the search for whole units may use, about.
    """

    max_prices: int = 60
    price_share: float = 0.5
    model_share: float = 0.75
    settled: float = 1e-4
    max_nodes: int = 200
    max_rounds: int = 12
    unit_share: float = 0.6
    max_unit_columns: int = 60_000
    max_columns: int = 150_000
    max_open: int = 9_000
    name: str = "lanes"
    packages: tuple[str, ...] = ("numpy", "scipy", "ortools", "highspy")

    def unsupported(self, problem: RebalancingProblem) -> str | None:  # noqa: ARG002
        """Take every problem."""
        return None

    def search(self, problem: RebalancingProblem, run: Run[RebalancingSolution]) -> None:
        """Price, choose among plans, fill, improve."""
        base = offer_nothing(problem, run)
        if run.should_stop():
            return
        worth = Worth(problem)
        flows = Flows(worth)
        prices = Prices(flows, base)
        model, found = None, None
        if prices.num_columns <= self.max_columns:
            quick = Plan(flows)
            quick.fill(0.0 * prices.price, prices.order, run.should_stop)
            run.offer(quick.solution())
            model = Model(flows)
            limits = Limits(time_s=self.model_share * run.time_left_s, seed=run.seed)
            found = model.solve(limits, run.should_stop)
            self._prove(run, base + found.bound, is_proof=worth.is_whole)
            found = found if found.is_done else None
        if found is not None:
            prices.price = found.price
        self._raise(prices, run, is_proof=worth.is_whole, is_known=found is not None)
        if run.should_stop():
            return
        most = min(self.max_unit_columns, _COLUMNS_PER_S * self.unit_share * run.time_left_s)
        if (problem.lane_cost > 0).any() and num_columns(worth) <= most:
            columns = unit_relaxation(worth)
            limits = Limits(time_s=self.unit_share * run.time_left_s, seed=run.seed)
            bound = columns.bound(limits, run.should_stop)
            self._prove(run, base + bound, is_proof=worth.is_whole)
        plan = Plan(flows)
        plan.fill(prices.best / prices.room, prices.order, run.should_stop)
        self._improve(plan, run)
        # With links of many lanes a node of the search may take longer than all of the rest.
        has_links = bool((problem.lane_cost > 0).any())
        is_large = has_links and prices.num_columns > self.max_open
        is_quick = np.isfinite(run.time_left_s) or not is_large
        if model is not None and found is not None and is_quick:
            self._branch(model, found, plan, run)

    def _prove(self, run: Run[RebalancingSolution], bound: float, *, is_proof: bool) -> None:
        if is_proof and np.isfinite(bound):
            run.raise_bound(min(bound, run.objective or 0.0))

    def _branch(
        self, model: Model, found: Found, plan: Plan, run: Run[RebalancingSolution]
    ) -> None:
        """Let HiGHS choose whole units near the relaxation, then among all that can be better."""
        if found.value is None or run.should_stop():
            return
        offset = (run.objective or 0.0) - plan.total
        near = np.floor(found.value + 1e-6)
        for around in (0.0, 1.0):
            known = model.values(plan.units)
            gap = plan.total + offset - run.bound
            if run.should_stop() or gap <= run.gap * abs(run.objective or 0.0):
                return
            is_used = (known > 0) | (found.value > _TINY)
            far = np.where(is_used, -1.0, np.abs(found.reduced))
            most = min(far.size, self.max_open)
            is_near = far <= min(0.5 * gap, np.partition(far, most - 1)[most - 1])
            limits = Limits(
                time_s=(0.85 + 0.1 * around) * run.time_left_s,
                nodes=self.max_nodes,
                gap_relative=1e-5,
                seed=run.seed,
            )
            lower = np.minimum(np.maximum(near - around, 0.0), known)
            upper = np.maximum(np.minimum(near + 1.0 + around, model.upper), known)
            part = Part(keep=is_near, lower=lower, upper=upper, start=known)
            best = model.solve(limits, run.should_stop, part)
            run.step()
            if best.value is not None:
                plan.take(model.units(best.value))
                self._improve(plan, run)

    def _raise(
        self, prices: Prices, run: Run[RebalancingSolution], *, is_proof: bool, is_known: bool
    ) -> None:
        """Raise the bound by prices from the master problem, and offer what fits at the first."""
        until = (1 - self.price_share) * run.time_left_s
        master = None if is_known else Master(prices)
        for done in range(1, self.max_prices + 1):
            prices.evaluate(run.should_stop)
            if run.should_stop():
                return
            if is_proof:
                run.raise_bound(min(prices.bound, run.objective or 0.0))
            if done == 1:
                plan = Plan(prices.flows)
                plan.fill(prices.best / prices.room, prices.order, run.should_stop)
                run.offer(plan.solution())
            if not run.step() or master is None:
                return
            limit = master.move()
            is_settled = limit - prices.bound <= self.settled * (1.0 + abs(limit))
            if is_settled or (np.isfinite(until) and run.time_left_s < until):
                return

    def _improve(self, plan: Plan, run: Run[RebalancingSolution]) -> None:
        """Move each SKU into the room that the others leave, and close lanes that do not pay."""
        run.offer(plan.solution())
        for _ in range(self.max_rounds):
            before = plan.total
            plan.improve(run.should_stop)
            if not run.should_stop():
                plan.close_lanes(run.should_stop)
            run.offer(plan.solution())
            is_done = relative_gap(run.objective or 0.0, run.bound) <= run.gap
            if plan.total >= before - 1e-7 * (1 + abs(before)) or is_done or not run.step():
                return


ENGINE = LanesEngine()
