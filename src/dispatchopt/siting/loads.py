"""What loads sites, and how often: capacities count anew in each phase or scenario."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import IntArray, frozen
from dispatchopt.siting.problem import SitingProblem


def num_load_phases(problem: SitingProblem) -> int:
    """Return the number of times that capacities count anew."""
    if problem.customer_phase is None:
        return 1
    return (int(problem.customer_phase.max(initial=0)) + 1) * _num_scenarios(problem)


def _num_scenarios(problem: SitingProblem) -> int:
    """Return the number of scenarios in each phase of sites."""
    scenario = problem.customer_scenario
    return 1 if scenario is None else int(scenario.max(initial=0)) + 1


def load_phase(problem: SitingProblem) -> IntArray:
    """Return which time each customer's demand loads sites, shape (n,)."""
    if problem.customer_phase is None:
        return frozen(np.zeros(problem.num_customers), np.int64)
    if problem.customer_scenario is None:
        return problem.customer_phase
    first = problem.customer_phase * _num_scenarios(problem)
    return frozen(first + problem.customer_scenario, np.int64)


def scenario_of(problem: SitingProblem) -> IntArray:
    """Return the scenario of each customer where capacities count anew in scenarios, (n,)."""
    if problem.customer_scenario is None:
        return load_phase(problem)
    return problem.customer_scenario


def load_weights(problem: SitingProblem) -> IntArray:
    """Return how many times a capacity holds in each load phase, shape (t,)."""
    count = num_load_phases(problem)
    if problem.load_weight is None:
        return frozen(np.ones(count), np.int64)
    return frozen(problem.load_weight[:count], np.int64)


def most_served(problem: SitingProblem) -> IntArray | None:
    """Return the demand that each site can serve over all phases, (m,); None for no limit."""
    if problem.capacity_units is None or problem.customer_phase is None:
        return problem.capacity_units
    # What each phase and those after it hold; a site serves from its own phase on.
    weight = load_weights(problem).reshape(-1, _num_scenarios(problem)).sum(axis=1)
    times = np.append(np.cumsum(weight[::-1])[::-1], 0)
    first = np.zeros(problem.num_sites, dtype=np.int64)
    if problem.phase is not None:
        first = np.minimum(problem.phase, len(weight))
    return frozen(problem.capacity_units * times[first], np.int64)
