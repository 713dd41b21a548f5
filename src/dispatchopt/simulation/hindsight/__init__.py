"""What a day would have been, had all of it been known: a bound, and a plan beside the policies."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dispatchopt.core.stop import Stop
from dispatchopt.dispatch.policy import Policy
from dispatchopt.dispatch.state import TripPlan
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.hindsight.plan import PlannedTrips, once_each, visits_of
from dispatchopt.simulation.hindsight.problem import HindsightProblem, problem_of
from dispatchopt.simulation.outcome import DayOutcome, OrderStatus
from dispatchopt.simulation.runner import simulate
from dispatchopt.simulation.soonest import soonest_s

__all__ = ["Hindsight", "hindsight", "mean_excess_s"]

#: Cost of an order that nobody brings, by default: the longest click to door of the published set.
LEFT_S = 90 * 60


@dataclass(frozen=True, kw_only=True, eq=False)
class Hindsight:
    """What is known of the best possible day.

    Parameters
    ----------
    bound_s
        No dispatcher can have a lower ``mean_excess_s`` with bundles of up to ``max_bundle``.
    outcome
        The best day found, replayed in the simulator under the day's rules.
    excess_s
        Its ``mean_excess_s``, >= ``bound_s``.
    floor_s
        Mean of soonest delivery less placement: added to an excess it gives click to door.
    is_converged
        Whether the bound is as tight as this method makes it.
    iterations, num_routes
        Rounds of column generation, and routes met.
    """

    bound_s: float
    outcome: DayOutcome
    excess_s: float
    floor_s: float
    is_converged: bool
    iterations: int
    num_routes: int


def mean_excess_s(day: Day, outcome: DayOutcome, *, left_s: int = LEFT_S) -> float:
    """Return the mean over all orders of seconds past the soonest delivery.

    An order that is not delivered, or later than that, counts ``left_s``.
    """
    excess = outcome.orders.delivered_s - soonest_s(day)
    is_done = outcome.orders.status == OrderStatus.DELIVERED
    counted = np.where(is_done, np.minimum(excess, left_s), left_s)
    return float(counted.mean()) if len(counted) else 0.0


def hindsight(
    day: Day,
    *,
    stop: Stop | None = None,
    seed: int = 1,
    start: str | Policy = "rolling",
    max_bundle: int = 2,
    left_s: int = LEFT_S,
) -> Hindsight:
    """Bound a day from below and look for a plan, with everything known from its beginning.

    Parameters
    ----------
    day
        A day whose orders have given ready times and one store each, without noise.
    stop
        Limit of time; half a minute for a few dozen orders, minutes for hundreds.
    seed
        Seed of the solver and of the simulator.
    start
        The policy whose day the search begins with.
    max_bundle
        Most orders of a trip; the bound holds for dispatchers who keep to it.
    left_s
        Cost of an order that nobody brings, in seconds past its soonest delivery.

    Raises
    ------
    UnsupportedError
        If the day has a choice of stores, picking, noise, declines or capacities that bind.

    Notes
    -----
    A set partitioning over routes of couriers, solved by column generation: routes come from a
    dynamic programme over doors and steps of time. Orders are brought within a few steps at
    first; the limit is doubled for those that the relaxation would rather leave. This keeps the
    bound: who would be later than the limit can be left out of a route at the limit's cost.
    """
    from dispatchopt.simulation.hindsight.engines.columns import search

    problem = problem_of(day, left_s=left_s, max_bundle=max_bundle)
    # The policy may not make longer trips than the plan.
    most = min(max_bundle, day.rules.max_bundle)
    begun = simulate(replace(day, rules=replace(day.rules, max_bundle=most)), start, seed=seed)
    visits = visits_of(begun)
    clock = (stop or Stop()).start()
    found = search(problem, visits, clock, seed=seed)
    best, least = begun, mean_excess_s(day, begun, left_s=left_s)
    if found.visits:
        planned = simulate(day, _policy(problem, found.visits), seed=seed)
        excess = mean_excess_s(day, planned, left_s=left_s)
        if excess < least:
            best, least = planned, excess
    soonest = soonest_s(day)
    n = max(1, problem.num_orders)
    return Hindsight(
        bound_s=found.bound * problem.step_s / n,
        outcome=best,
        excess_s=least,
        floor_s=float((soonest - day.orders.placed_s).mean()) if len(soonest) else 0.0,
        is_converged=found.is_converged,
        iterations=found.iterations,
        num_routes=found.num_routes,
    )


def _policy(
    problem: HindsightProblem, visits: dict[int, list[tuple[int, tuple[int, ...]]]]
) -> PlannedTrips:
    store = dict(zip(problem.bundles.last.tolist(), problem.bundles.store.tolist(), strict=True))
    return PlannedTrips(
        trips={
            courier: tuple(
                TripPlan(courier=courier, store=store[orders[0]], orders=orders) for orders in trips
            )
            for courier, trips in once_each(visits).items()
        }
    )
