"""Transfers on vans: prices of the room on lanes prove a bound, and SKUs share the room in turn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from dispatchopt.core import Run
from dispatchopt.core.arrays import IntArray
from dispatchopt.core.tolerance import relative_gap
from dispatchopt.inventory.engines._highs import Limits
from dispatchopt.inventory.rebalancing.engines._flips import Flips
from dispatchopt.inventory.rebalancing.engines._flow import Flows
from dispatchopt.inventory.rebalancing.engines._joint import Joint
from dispatchopt.inventory.rebalancing.engines._loads import Loads
from dispatchopt.inventory.rebalancing.engines._model import Found, Model, Part
from dispatchopt.inventory.rebalancing.engines._pace import Pace
from dispatchopt.inventory.rebalancing.engines._plan import Plan
from dispatchopt.inventory.rebalancing.engines._prices import Master, Prices
from dispatchopt.inventory.rebalancing.engines._search import Search
from dispatchopt.inventory.rebalancing.engines._steps import Worth
from dispatchopt.inventory.rebalancing.engines.flow import NO_AGES, offer_nothing
from dispatchopt.inventory.rebalancing.problem import RebalancingProblem, RebalancingSolution

#: Values of a relaxation below this are nothing: an interior point has no zeros.
_TINY = 1e-5
#: Groups of lanes loaded anew in each half between two looks at the clock.
_ROUNDS = 2_000
#: Units in a van that are few, and those that are where prices of single units settle soon.
_FEW_UNITS, _SOME_UNITS = 8, 16
#: What a lane must save at the prices to be opened, as a share of its cost, beyond so many lanes.
_NEAR, _MOST_OPENED = 0.8, 250


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
    max_loads
        Evaluations of the prices of single units at most.
    load_share
        Share of the time left for them; where lanes cost nothing, more while it rises fast.
    max_reloads
        Times that some thousand groups of lanes are loaded anew.
    reload_share
        Share of the time that is left for them at most.
    loose
        Relative gap below which neither is needed.
    max_whole, max_proof
        Columns up to which the search for whole units may use all of them, as a proof, and its
        nodes, a limit that is the same on any machine.
    min_compiled
        Units and lanes that can pay from which kernels find the flows and raise the bound.
    max_columns
        Columns up to which one linear model finds the prices.
    min_skipped, min_skipped_costs
        Columns from which no linear model is solved where it is far from whole vans: where they
        take a few units, and where lanes cost something.
    max_settled
        Columns up to which vans may take some units more for that: the prices of single units
        settle within seconds then.
    max_joint
        Evaluations of the bound that opens lanes into a store together at most.
    open_share, last_share
        Shares of the time that is left for that bound, and lanes closed and opened beside it, at
        most; and where there are no vans.
    max_flips
        Rounds in which lanes are closed and opened.
    max_aims, aim_share
        Times that some thousand groups are loaded anew before the prices of single units rise,
        and the share of the time that is left for them, at most.
    max_open
        Columns that the search for whole units may use, about.
    """

    max_prices: int = 60
    price_share: float = 0.5
    model_share: float = 0.75
    settled: float = 1e-4
    max_nodes: int = 200
    max_rounds: int = 12
    max_loads: int = 700
    load_share: float = 0.4
    max_reloads: int = 1_000
    reload_share: float = 0.5
    loose: float = 1e-4
    max_whole: int = 5_000
    max_proof: int = 5_000
    min_compiled: int = 2_000
    max_columns: int = 150_000
    min_skipped: int = 10_000
    min_skipped_costs: int = 5_000
    max_settled: int = 50_000
    max_joint: int = 1_500
    open_share: float = 0.5
    last_share: float = 0.96
    max_flips: int = 6
    max_aims: int = 30
    aim_share: float = 0.05
    max_open: int = 9_000
    name: str = "lanes"
    packages: tuple[str, ...] = ("numpy", "scipy", "ortools", "highspy")

    def unsupported(self, problem: RebalancingProblem) -> str | None:
        """Refuse units that expire."""
        return NO_AGES if problem.has_expiring else None

    def search(self, problem: RebalancingProblem, run: Run[RebalancingSolution]) -> None:
        """Price, choose among plans, fill, improve."""
        base = offer_nothing(problem, run)
        if run.should_stop():
            return
        worth = Worth(problem)
        flows = Flows(worth, self.min_compiled)
        prices = Prices(flows, base)
        model, found, plan = None, None, Plan(flows)
        is_small = prices.num_columns <= self.max_columns
        is_far = is_small and self._is_far(problem, prices.num_columns)
        if is_small:
            plan.fill(0.0 * prices.price, prices.order, run.should_stop)
            run.offer(plan.solution())
        if is_small and not is_far:
            model = Model(flows)
            limits = Limits(time_s=self.model_share * run.time_left_s, seed=run.seed)
            found = model.solve(limits, run.should_stop)
            self._prove(run, base + found.bound, is_proof=worth.is_whole)
            found = found if found.is_done else None
        if found is not None:
            prices.price = found.price
        if not is_far:
            self._raise(prices, run, is_proof=worth.is_whole, is_known=found is not None)
        if run.should_stop():
            return
        if not is_far or prices.best.any():
            plan = Plan(flows)
            plan.fill(prices.best / prices.room, prices.order, run.should_stop)
            run.offer(plan.solution())
        is_open = relative_gap(run.objective or 0.0, run.bound) > max(run.gap, self.loose)
        loads = Loads(worth) if is_open and prices.num_columns >= self.min_compiled else None
        if loads is None:
            self._improve(plan, run, 1)
        else:
            self._search(loads, plan, base, run, 0.97 if is_far else self.reload_share)
        self._improve(plan, run, self.max_rounds)
        if model is not None and found is not None:
            self._finish(model, found, plan, base, run)

    def _search(
        self, loads: Loads, plan: Plan, base: float, run: Run[RebalancingSolution], share: float
    ) -> None:
        """Raise the bound by single units, and search over lanes and their loads."""
        problem = loads.problem
        # Steps of prices are as long as the answer known is far: a fair one comes first.
        self._aim(loads, plan, run)
        self._ascend(loads, plan.total, base, run)
        if not (problem.lane_cost > 0).any():
            self._improve(plan, run, 1)
            self._reload(loads, plan, run, share)
            return
        self._open(loads, plan, base, run)
        # Vans that take all need no search for what goes on them.
        if problem.capacity_ml is not None:
            self._reload(loads, plan, run, share)

    def _finish(
        self, model: Model, found: Found, plan: Plan, base: float, run: Run[RebalancingSolution]
    ) -> None:
        """Search whole units, and a small model to its end."""
        # With links of many lanes a node of the search may take longer than all of the rest.
        is_large = model.paid.size > 0 and model.upper.size > self.max_open
        if is_large and not np.isfinite(run.time_left_s):
            return
        self._branch(model, found, plan, run)
        if model.upper.size <= self.max_whole and plan.flows.worth.is_whole:
            self._settle(model, plan, base, run)

    def _is_far(self, problem: RebalancingProblem, columns: int) -> bool:
        """Whether the linear model is too large for how far it is from whole vans."""
        if (problem.lane_cost > 0).any():
            return columns > self.min_skipped_costs
        few = _SOME_UNITS if columns <= self.max_settled else _FEW_UNITS
        return columns > self.min_skipped and _take_few(problem, few)

    def _open(self, loads: Loads, plan: Plan, base: float, run: Run[RebalancingSolution]) -> None:
        """Close and open lanes, and raise the bound by lanes opened together, side by side."""
        if run.should_stop():
            return
        # Without vans no search follows.
        is_last = loads.problem.capacity_ml is None
        until = (1 - (self.last_share if is_last else self.open_share)) * run.time_left_s
        halt = threading.Event()

        def is_over() -> bool:
            is_late = np.isfinite(until) and run.time_left_s < until
            return bool(halt.is_set() or is_late or run.should_stop())

        flips, order = self._flips(loads, plan.flows, is_over)
        joint = Joint(loads)
        rounds = 0
        try:
            with ThreadPoolExecutor(1) as pool:
                flipped = pool.submit(self._flip, flips, order, is_over)
                try:
                    for bound in joint.ascend(plan.total, self.max_joint, is_over, is_slow=is_last):
                        self._prove(run, base + bound, is_proof=loads.worth.is_whole)
                    rounds = flipped.result()
                finally:
                    halt.set()
        finally:
            # A run that is broken off keeps what was found.
            if flips.plan.total + flips.change < plan.total:
                plan.take(flips.units())
                run.offer(plan.solution())
        run.step(1 + rounds)

    def _flips(
        self, loads: Loads, flows: Flows, is_over: Callable[[], bool]
    ) -> tuple[Flips, IntArray]:
        """Fill at the prices of room; return a search from there, and lanes to open in order."""
        problem = flows.problem
        value, last = loads.about()
        other = Plan(flows)
        other.fill(last, np.arange(problem.num_skus), is_over)
        cost = problem.lane_cost
        order = np.argsort(cost - value, kind="stable")
        # Most of many lanes are far from paying, and a trial of each takes long.
        most = max(_MOST_OPENED, np.count_nonzero(value >= _NEAR * cost))
        return Flips(other), order[(cost > 0)[order]][:most]

    def _flip(self, flips: Flips, order: IntArray, is_over: Callable[[], bool]) -> int:
        """Close and open lanes round by round; return how many."""
        for done in range(self.max_flips):
            change = flips.go(order, is_over)
            if is_over() or flips.is_settled(change):
                return done + 1
        return self.max_flips

    def _ascend(
        self, loads: Loads, target: float, base: float, run: Run[RebalancingSolution]
    ) -> None:
        """Raise the bound by prices of single units."""
        pace = Pace(run.time_left_s, self.load_share, is_fixed=loads.is_paid)
        for bound in loads.ascend(target, self.max_loads, run.should_stop):
            self._prove(run, base + bound, is_proof=loads.worth.is_whole)
            if pace.is_over(run.time_left_s, bound, run.objective or 0.0):
                break
        run.step()

    def _aim(self, loads: Loads, plan: Plan, run: Run[RebalancingSolution]) -> None:
        """Load lanes anew for a short while, without prices."""
        search, total = Search(loads, plan.units, run.seed), plan.total
        until = (1 - self.aim_share) * run.time_left_s
        for turn in range(self.max_aims):
            if run.should_stop() or (np.isfinite(until) and run.time_left_s < until):
                break
            total += search.go(_ROUNDS, turn / self.max_aims)
        if total < plan.total:
            plan.take(loads.by_sku(search.moved))
            run.offer(plan.solution())
        run.step()

    def _reload(
        self, loads: Loads, plan: Plan, run: Run[RebalancingSolution], time_share: float
    ) -> None:
        """Load groups of lanes anew, for a share of the time that is left."""
        search, start = Search(loads, plan.units, run.seed, is_priced=True), run.time_left_s
        total = least = plan.total
        best = search.moved.copy()
        try:
            for turn in range(self.max_reloads):
                share = turn / self.max_reloads
                if np.isfinite(start) and start > 0:
                    share = max(share, (1 - run.time_left_s / start) / time_share)
                if share >= 1 or not run.step():
                    break
                total += search.go(_ROUNDS, share)
                if total < least:
                    least, best = total, search.moved.copy()
        finally:
            # A run that is broken off keeps what was found.
            plan.take(loads.by_sku(best))
            run.offer(plan.solution())

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
                self._improve(plan, run, self.max_rounds)

    def _settle(self, model: Model, plan: Plan, base: float, run: Run[RebalancingSolution]) -> None:
        """Let HiGHS search all whole units until it proves the best."""
        if run.should_stop():
            return
        limits = Limits(time_s=run.time_left_s, nodes=self.max_proof, seed=run.seed)
        size = model.upper.size
        part = Part(
            keep=np.ones(size, dtype=bool), lower=np.zeros(size), upper=model.upper,
            start=model.values(plan.units),
        )  # fmt: skip
        best = model.solve(limits, run.should_stop, part)
        run.step()
        if best.value is not None:
            plan.take(model.units(best.value))
            run.offer(plan.solution())
        self._prove(run, base + best.bound, is_proof=True)

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

    def _improve(self, plan: Plan, run: Run[RebalancingSolution], rounds: int) -> None:
        """Move each SKU into the room that the others leave, and close lanes that do not pay."""
        run.offer(plan.solution())
        for _ in range(rounds):
            before = plan.total
            plan.improve(run.should_stop)
            if not run.should_stop():
                plan.close_lanes(run.should_stop)
            run.offer(plan.solution())
            is_done = relative_gap(run.objective or 0.0, run.bound) <= run.gap
            if plan.total >= before - 1e-7 * (1 + abs(before)) or is_done or not run.step():
                return


def _take_few(problem: RebalancingProblem, few: int) -> bool:
    """Whether most vans take fewer units than so many."""
    if problem.capacity_ml is None:
        return False
    typical = float(np.median(problem.stock.volume_ml))
    return bool(np.median(problem.capacity_ml) < few * typical)


ENGINE = LanesEngine()
