"""The main job: sites, stock, and a replayed day, one after another on one geographic model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dispatchopt import inventory, siting
from dispatchopt.core.arrays import IntArray, frozen
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.core.memory import peak_mb
from dispatchopt.core.result import Progress, Result, StopReason
from dispatchopt.core.stop import Stop, StopClock
from dispatchopt.geography.roads import RoadRouter
from dispatchopt.geography.router import Router
from dispatchopt.geography.straight import StraightRouter
from dispatchopt.inventory.problem import InventoryProblem, InventorySolution
from dispatchopt.pipeline import figures
from dispatchopt.pipeline.city import City
from dispatchopt.pipeline.day_stage import day_of
from dispatchopt.pipeline.result import CityPlan, Stage
from dispatchopt.pipeline.siting_stage import (
    StoreReach,
    router_of,
    siting_problem,
    store_reach,
)
from dispatchopt.pipeline.stock_stage import inventory_problem
from dispatchopt.simulation import simulate
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.outcome import DayOutcome
from dispatchopt.siting.belief import Belief, compare_beliefs
from dispatchopt.siting.curve import CurvePoint, coverage_variant, curve
from dispatchopt.siting.frontier import FrontierPoint, frontier
from dispatchopt.siting.greedy import greedy
from dispatchopt.siting.problem import SitingGoal, SitingProblem, SitingSolution

#: Share of the time left that each stage may use at most, where there is a limit.
SHARES = {"siting": 0.5, "curve": 0.2, "frontier": 0.1, "ruler": 0.1, "stock": 0.3, "day": 0.9}
#: Seconds that each stage may use where there is none: a planner waits, but not for ever.
PATIENCE_S = {
    "siting": 60.0,
    "curve": 20.0,
    "frontier": 10.0,
    "ruler": 10.0,
    "stock": 30.0,
    "day": math.inf,
}
#: Most points of the curve of coverage against number of sites.
CURVE_POINTS = 40
#: Budgets of the curve of coverage against rent.
FRONTIER_POINTS = 12
#: Note of a stage that was not begun.
TOO_LATE = "left out: the time was over"


@dataclass(frozen=True, kw_only=True)
class PlanProgress:
    """What a callback sees: the stage, what it says, and the share of it done if known."""

    stage: str
    text: str
    share: float | None = None


PlanCallback = Callable[[PlanProgress], None]


def plan(
    city: City,
    *,
    stop: Stop | None = None,
    seed: int = 1,
    policy: str = "rolling",
    callback: PlanCallback | None = None,
) -> CityPlan:
    """Plan a city: choose its stores, stock them, and replay its day.

    Parameters
    ----------
    city
        What is to be planned.
    stop
        Limits for all stages together. Without a time limit each stage has its own patience.
        Cancelling ends the stage at work, and what was found so far is handed over.
    seed
        A whole number >= 0.
    policy
        Name of the dispatch policy of the replayed day.
    callback
        Told at each stage what is going on.

    Raises
    ------
    InputError
        If the city has no customers or no sites.
    """
    _require_places(city)
    return _Planner(city, stop or Stop(), seed, policy, callback).work()


def _require_places(city: City) -> None:
    issues = [
        Issue(
            code="empty-table",
            where=name,
            found="no rows",
            wanted="at least one",
            hint="a plan needs somewhere to deliver to and somewhere to deliver from",
        )
        for name, table in (("customers", city.customers), ("sites", city.sites))
        if len(table) == 0
    ]
    if issues:
        raise InputError(issues)


class _Planner:
    """The state of one plan while its stages run."""

    def __init__(
        self, city: City, stop: Stop, seed: int, policy: str, callback: PlanCallback | None
    ) -> None:
        self.city = city
        self.clock: StopClock = stop.start()
        self.iterations = stop.iterations
        self.seed = seed
        self.policy = policy
        self.callback = callback
        self.stages: list[Stage] = []

    def work(self) -> CityPlan:
        city = self.city
        self._say("coverage", "measuring who is within reach of which site")
        start = self.clock.elapsed_s
        router = router_of(city)
        coverage = router.within(city.sites.points, city.customers.points, city.parameters.reach_m)
        problem, note = siting_problem(city, coverage)
        self._close("coverage", start)
        result = self._siting(problem, note)
        opened = np.zeros(0) if result.solution is None else result.solution.open_sites
        reach = store_reach(coverage, frozen(opened, np.int64))
        points = self._curve(problem)
        budgets = self._frontier(problem, points)
        by_ruler = self._ruler(router, problem, result)
        stock_problem, stock = self._stock(reach)
        day, outcome = self._day(router, reach, stock_problem, stock)
        made: dict[str, Any] = {
            "city": city,
            "router": router,
            "siting_problem": problem,
            "siting": result,
            "curve": points,
            "frontier": budgets,
            "ruler": by_ruler,
            "store_sites": reach.store_sites,
            "store_of_customer": reach.nearest,
            "store_distance_m": reach.nearest_m,
            "inventory_problem": stock_problem,
            "inventory": stock,
            "day": day,
            "outcome": outcome,
            "stages": tuple(self.stages),
            "stopped_by": self._stopped_by(result, outcome),
            "seed": self.seed,
        }
        bare = CityPlan(**made, figures={})
        return replace(bare, figures=figures.of_plan(bare))

    def _siting(self, problem: SitingProblem, note: str) -> Result[SitingSolution]:
        self._say("siting", f"choosing among {problem.num_sites} sites")
        start = self.clock.elapsed_s
        # Engines may need longer than there is for their first answer, or build on a better one.
        first = greedy(problem)
        result = siting.solve(
            problem,
            stop=self._stop("siting"),
            seed=self.seed,
            callback=lambda progress: self._tell("siting", progress),
            start=first,
        )
        self._close("siting", start, note)
        return replace(result, reason=f"{result.reason} {note}".strip())

    def _curve(self, problem: SitingProblem) -> tuple[CurvePoint, ...]:
        if self._is_over() or problem.num_customers == 0:
            self._close("curve", self.clock.elapsed_s, TOO_LATE)
            return ()
        self._say("curve", "coverage against number of sites")
        start = self.clock.elapsed_s
        # What could be covered at best: capacities, costs and the plan's own limits are put by.
        most = min(CURVE_POINTS, problem.num_sites)
        free = SitingProblem(
            goal=SitingGoal.MAX_COVERAGE,
            coverage=problem.coverage,
            demand_units=problem.demand_units,
            status=problem.status,
            max_sites=most,
        )
        points = curve(free, most, stop=self._stop("curve"), seed=self.seed)
        self._close("curve", start)
        return points

    def _frontier(
        self, problem: SitingProblem, points: tuple[CurvePoint, ...]
    ) -> tuple[FrontierPoint, ...]:
        """Return coverage for each of several rents, where sites have any."""
        opening = problem.opening_cents
        most = max((int(opening[each.solution.open_sites].sum()) for each in points), default=0)
        if most == 0 or self._is_over():
            return ()
        self._say("frontier", "coverage against rent")
        start = self.clock.elapsed_s
        free = coverage_variant(problem.replace(capacity_units=None), problem.num_sites)
        least = min(int(opening[problem.is_fixed_open].sum()), most)
        budgets = np.unique(np.linspace(least, most, FRONTIER_POINTS).round())
        whole = [int(each) for each in budgets]
        found = frontier(free, whole, stop=self._stop("frontier"), seed=self.seed)
        self._close("frontier", start)
        return found

    def _ruler(
        self, router: Router, problem: SitingProblem, result: Result[SitingSolution]
    ) -> Belief | None:
        """Return what the same sites would promise by ruler, where reach is by road."""
        if not isinstance(router, RoadRouter) or result.solution is None or self._is_over():
            return None
        self._say("ruler", "the same by ruler, held to the roads")
        start, note = self.clock.elapsed_s, ""
        if problem.capacity_units is not None:
            # Reach alone is the question; what sites have room for would hide the answer.
            note = "capacities left aside"
            problem = problem.replace(capacity_units=None, single_source=False)
            result = siting.solve(
                problem, stop=self._stop("ruler"), seed=self.seed, start=greedy(problem)
            )
        city = self.city
        straight = StraightRouter(profile=router.profile, detour_factor=1.0)
        places = (city.sites.points, city.customers.points)
        believed = straight.within(*places, city.parameters.reach_m)
        found = compare_beliefs(problem, believed, result, stop=self._stop("ruler"), seed=self.seed)
        self._close("ruler", start, note)
        return found

    def _stock(
        self, reach: StoreReach
    ) -> tuple[InventoryProblem | None, Result[InventorySolution] | None]:
        start = self.clock.elapsed_s
        if len(self.city.skus) == 0 or len(reach.store_sites) == 0:
            why = "the city lists no SKUs" if len(reach.store_sites) else "no store is open"
            self._close("stock", start, f"left out: {why}")
            return None, None
        if self._is_over():
            self._close("stock", start, TOO_LATE)
            return None, None
        pairs = len(self.city.skus) * len(reach.store_sites)
        self._say("stock", f"stock levels of {pairs:,} pairs of store and SKU")
        problem = inventory_problem(self.city, reach)
        result = inventory.solve(
            problem,
            stop=self._stop("stock"),
            seed=self.seed,
            callback=lambda progress: self._tell("stock", progress),
        )
        self._close("stock", start)
        return problem, result

    def _day(
        self,
        router: Any,
        reach: StoreReach,
        problem: InventoryProblem | None,
        stock: Result[InventorySolution] | None,
    ) -> tuple[Day | None, DayOutcome | None]:
        start = self.clock.elapsed_s
        missing = [
            what
            for what, count in (
                ("orders", len(self.city.orders)),
                ("couriers", len(self.city.couriers)),
                ("stores", len(reach.store_sites)),
            )
            if count == 0
        ]
        if missing:
            self._close("day", start, f"left out: there are no {' and no '.join(missing)}")
            return None, None
        if self._is_over():
            self._close("day", start, TOO_LATE)
            return None, None
        total = len(self.city.orders)
        self._say("day", f"replaying {total:,} orders with {len(self.city.couriers):,} couriers")
        units: IntArray | None = None
        if problem is not None:
            # Without an answer in time the shelves are as they were.
            solution = None if stock is None else stock.solution
            ordered = 0 if solution is None else solution.order_units
            units = frozen(problem.on_hand_units + ordered, np.int64)
        day = day_of(self.city, router, reach, units)
        outcome = simulate(
            day,
            self.policy,
            seed=self.seed,
            stop=replace(self._stop("day"), iterations=None),
            callback=lambda seen: self._say(
                "day", f"{seen.orders_done:,} of {total:,} orders", seen.share
            ),
        )
        self._close("day", start)
        return day, outcome

    def _stop(self, stage: str) -> Stop:
        part = self.clock.share(SHARES[stage])
        patience = PATIENCE_S[stage]
        if part.time_s is None and self.iterations is None and math.isfinite(patience):
            part = replace(part, time_s=patience)
        return replace(part, iterations=self.iterations)

    def _is_over(self) -> bool:
        return self.clock.is_cancelled() or self.clock.time_left_s <= 0

    def _stopped_by(self, result: Result[Any], outcome: DayOutcome | None) -> StopReason:
        if self.clock.is_cancelled():
            return StopReason.CANCELLED
        is_cut = outcome is not None and outcome.stopped_by is not StopReason.COMPLETED
        if self.clock.time_left_s <= 0 or is_cut:
            return StopReason.TIME
        return result.stopped_by

    def _say(self, stage: str, text: str, share: float | None = None) -> None:
        if self.callback is not None:
            self.callback(PlanProgress(stage=stage, text=text, share=share))

    def _tell(self, stage: str, progress: Progress) -> None:
        gap = "no solution yet" if progress.gap is None else f"gap {progress.gap:.3%}"
        self._say(stage, gap)

    def _close(self, name: str, start: float, note: str = "") -> None:
        self.stages.append(
            Stage(
                name=name,
                seconds=self.clock.elapsed_s - start,
                peak_mb=peak_mb(),
                note=note,
            )
        )
