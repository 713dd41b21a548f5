"""Column generation: a lower bound for any dispatcher, and a plan from the routes found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.stop import StopClock
from dispatchopt.simulation.hindsight.engines.pricing import Pricing, Route
from dispatchopt.simulation.hindsight.problem import HindsightProblem

#: Share of the best duals so far in those that are priced.
_SMOOTHING = 0.5
#: Steps past the soonest delivery that all orders are brought within at first; doubled for those
#: orders that the relaxation would rather leave.
_FIRST_LEFT = 8
_TOLERANCE = 1e-6
#: A relaxation this close to its bound is solved.
_GAP = 1e-3
#: Share of the time left that the search for a plan among the routes may take.
_PLAN_SHARE = 0.5


@dataclass(kw_only=True)
class Search:
    """What is known so far: a bound and, for each courier, (step of take-over, orders) in turn.

    ``cost`` is that of the plan, where an order may be visited twice.
    """

    bound: float = 0.0
    cost: float = np.inf
    visits: dict[int, list[tuple[int, tuple[int, ...]]]] = field(default_factory=dict)
    iterations: int = 0
    num_routes: int = 0
    is_converged: bool = False


def search(
    problem: HindsightProblem,
    start: Mapping[int, Sequence[tuple[int, ...]]],
    clock: StopClock,
    *,
    seed: int = 0,
) -> Search:
    """Bound the problem from below and look for a plan.

    Parameters
    ----------
    problem
        The problem.
    start
        Trips of each courier in turn to begin with, as orders in sequence.
    clock
        Limits.
    seed
        Seed of the solver.

    Notes
    -----
    The master problem covers each order by a route or leaves it; with any duals the sum of
    rewards and of the least reduced cost of each courier is a bound. Routes may visit an order
    twice in pricing, which keeps the bound right but lets it be less tight.
    """
    pricing, master, found = Pricing(problem), _Master(problem, seed), Search()
    for courier, trips in start.items():
        master.add(pricing, courier, pricing.route_of(trips))
    left = np.full(problem.num_orders, min(_FIRST_LEFT, problem.left_steps), dtype=np.int64)
    while not _is_over(clock):
        master.price_left(left)
        is_done = _converge(pricing, master, found, left, clock)
        short = np.flatnonzero((master.left_open() > _TOLERANCE) & (left < problem.left_steps))
        if not is_done:
            break
        if not len(short):
            found.is_converged = True
            break
        left[short] = np.minimum(2 * left[short], problem.left_steps)
    found.num_routes = len(master.routes)
    if not clock.is_cancelled():
        master.price_left(np.full_like(left, problem.left_steps))
        routes, found.cost = master.plan(clock.time_left_s)
        found.visits = {courier: pricing.visits_of(courier, route) for courier, route in routes}
    return found


def _is_over(clock: StopClock) -> bool:
    return clock.time_left_s <= 0 or clock.is_cancelled()


def _converge(
    pricing: Pricing, master: _Master, found: Search, left: IntArray, clock: StopClock
) -> bool:
    """Add routes until none is missing; False where the clock stopped it."""
    centre, stage = None, -np.inf
    while not _is_over(clock):
        value, *duals = master.solve()
        found.iterations += 1
        for share in (_SMOOTHING, 0.0):
            at = duals
            if centre is not None:
                at = [
                    share * old + (1 - share) * new for old, new in zip(centre, duals, strict=True)
                ]
            least, routes = pricing.price(at[0], at[1], left)
            bound = float(at[0].sum() + at[1].sum()) + least
            if bound > stage:
                centre, stage = at, bound
            found.bound = max(found.bound, bound)
            added = sum(master.add(pricing, *route) for route in routes)
            if added or centre is at:
                break
        if not added or value - stage < _GAP:
            return True
    return False


class _Master:
    """The restricted master problem in HiGHS, kept between rounds."""

    def __init__(self, problem: HindsightProblem, seed: int) -> None:
        import highspy

        self._problem = problem
        self._solver = solver = highspy.Highs()
        for option, given in (
            ("output_flag", False),
            ("threads", 1),
            ("random_seed", seed),
        ):
            solver.setOptionValue(option, given)
        n, k = problem.num_orders, len(problem.on)
        inf = highspy.kHighsInf
        for _ in range(n):
            solver.addRow(1.0, inf, 0, np.array([], dtype=np.int32), np.array([]))
        for _ in range(k):
            solver.addRow(-inf, 1.0, 0, np.array([], dtype=np.int32), np.array([]))
        one = np.ones(1)
        for order in range(n):
            solver.addCol(
                float(problem.left_steps), 0.0, inf, 1, np.array([order], dtype=np.int32), one
            )
        self.routes: list[Route] = []
        self._known: set[Route] = set()

    def add(self, pricing: Pricing, courier: int, route: tuple[int, ...]) -> bool:
        """Add a route; False if it is known already."""
        import highspy

        if (courier, route) in self._known:
            return False
        cost, _ = pricing.cost_of(courier, route)
        if cost < 0:
            return False
        visits = np.bincount(pricing.orders_of(route), minlength=self._problem.num_orders)
        rows = np.flatnonzero(visits)
        index = np.concatenate([rows, [self._problem.num_orders + courier]]).astype(np.int32)
        weight = np.concatenate([visits[rows], [1]]).astype(float)
        self._solver.addCol(float(cost), 0.0, highspy.kHighsInf, len(index), index, weight)
        self._known.add((courier, route))
        self.routes.append((courier, route))
        return True

    def solve(self) -> tuple[float, FloatArray, FloatArray]:
        """Solve the linear relaxation; returns value, rewards of orders, prices of couriers."""
        self._solver.run()
        dual = np.array(self._solver.getSolution().row_dual)
        n = self._problem.num_orders
        value = float(self._solver.getInfo().objective_function_value)
        return value, np.maximum(dual[:n], 0), np.minimum(dual[n:], 0)

    def price_left(self, left: IntArray) -> None:
        """Set the cost of leaving each order."""
        for order, steps in enumerate(left.tolist()):
            self._solver.changeColCost(order, float(steps))

    def left_open(self) -> FloatArray:
        """Return the share of each order that the relaxation leaves."""
        return np.array(self._solver.getSolution().col_value)[: self._problem.num_orders]

    def plan(self, time_s: float) -> tuple[list[Route], float]:
        """Return the best choice of routes that a branch and bound finds in the time."""
        import highspy

        solver: Any = self._solver
        if not self.routes:
            return [], float(self._problem.num_orders * self._problem.left_steps)
        count = solver.getNumCol()
        kinds = np.full(count, int(highspy.HighsVarType.kInteger), dtype=np.uint8)
        solver.changeColsIntegrality(count, np.arange(count, dtype=np.int32), kinds)
        if np.isfinite(time_s):
            # The solver's clock counts all of its runs.
            solver.setOptionValue(
                "time_limit", solver.getRunTime() + max(1.0, time_s * _PLAN_SHARE)
            )
        solver.setOptionValue("mip_abs_gap", 0.999)
        solver.setOptionValue("mip_rel_gap", 0.0)
        solver.run()
        chosen = np.array(solver.getSolution().col_value)[self._problem.num_orders :]
        routes = [self.routes[at] for at in np.flatnonzero(chosen > 0.5)]
        return routes, float(solver.getInfo().objective_function_value)
