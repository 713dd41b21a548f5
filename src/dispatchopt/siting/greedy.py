"""A first solution within a fraction of a second on any size, for the engines to start from."""

from __future__ import annotations

import heapq

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.siting.assign import cheapest_assignment
from dispatchopt.siting.check import check
from dispatchopt.siting.problem import SitingGoal, SitingProblem, SitingSolution


def greedy(problem: SitingProblem) -> SitingSolution | None:
    """Open the site that adds most demand (per cost, where cost is limited), one after another.

    A site takes whom it reaches and nobody serves yet, nearest first, up to its capacity. Sites
    are valued again only when they come to the top: what a site would add never grows (the lazy
    greedy of Minoux 1978).

    Returns
    -------
    A solution that keeps every rule, or None if this did not lead to one.
    """
    if problem.goal is SitingGoal.P_CENTER:
        return None
    state = _State(problem)
    for site in np.flatnonzero(problem.is_fixed_open):
        state.open(int(site))
    _open_by_gain(problem, state)
    solution = state.solution()
    return solution if check(problem, solution).is_feasible else None


def _open_by_gain(problem: SitingProblem, state: _State) -> None:
    by_cost = problem.budget_cents is not None or problem.minimise_cost
    price = np.maximum(problem.opening_cents, 1) if by_cost else np.ones(problem.num_sites)
    free = np.flatnonzero(problem.is_allowed & ~state.is_open).tolist()
    heap = [(-state.gain(site) / price[site], site) for site in free]
    heapq.heapify(heap)
    while heap and not state.is_enough():
        stale, site = heapq.heappop(heap)
        if stale >= 0:
            return
        if not state.may_open(site):
            continue
        value = -state.gain(site) / price[site]
        if heap and value > heap[0][0]:
            heapq.heappush(heap, (value, site))
        elif value < 0 and state.pays(site):
            state.open(site)


class _State:
    """Open sites, and whom they serve."""

    def __init__(self, problem: SitingProblem) -> None:
        self.problem = problem
        self.is_open: BoolArray = np.zeros(problem.num_sites, dtype=bool)
        self._missing: IntArray = np.full(problem.num_customers, problem.cover_by)
        self._assignment: IntArray = np.full(problem.num_customers, -1)
        self._room: IntArray | None = None
        if problem.capacity_units is not None:
            # In phases this is less than there is, so that loads hold in each of them.
            self._room = problem.capacity_units.copy()
        self._served_units = 0
        self._budget = problem.budget_cents
        self._required = (
            problem.required_units
            if problem.goal is SitingGoal.COVER_ALL
            else int(problem.demand_units.sum())
        )
        self._conflicts: list[list[int]] = [[] for _ in range(problem.num_sites)]
        for first, second in problem.conflicts().tolist():
            self._conflicts[first].append(second)
            self._conflicts[second].append(first)

    def _pairs(self, site: int) -> tuple[IntArray, IntArray]:
        """Return customers in reach that nobody serves yet, nearest first, and their demand."""
        coverage = self.problem.coverage
        row = slice(coverage.indptr[site], coverage.indptr[site + 1])
        customers = coverage.customer_idx[row]
        order = np.argsort(coverage.distance_m[row], kind="stable")
        customers = customers[order]
        units = self.problem.demand_units[customers]
        wanting = (self._missing[customers] > 0) & (units > 0)
        return customers[wanting], units[wanting]

    def gain(self, site: int) -> int:
        """Return the demand that a site would serve."""
        units = int(self._pairs(site)[1].sum())
        return units if self._room is None else min(units, int(self._room[site]))

    def pays(self, site: int) -> bool:
        """Whether opening a site costs no more than what it saves, where that has a price."""
        problem = self.problem
        if problem.goal is not SitingGoal.FIXED_CHARGE or problem.unserved_cents is None:
            return True
        return bool(problem.opening_cents[site] < self.gain(site) * problem.unserved_cents)

    def may_open(self, site: int) -> bool:
        """Whether the rules on sites allow one more."""
        problem = self.problem
        if problem.max_sites is not None and int(self.is_open.sum()) >= problem.max_sites:
            return False
        if self._budget is not None and problem.opening_cents[site] > self._budget:
            return False
        return not self.is_open[self._conflicts[site]].any()

    def is_enough(self) -> bool:
        """Whether all demand that must be served is."""
        return self._served_units >= self._required

    def open(self, site: int) -> None:
        """Open a site and let it serve whom it can."""
        self.is_open[site] = True
        if self._budget is not None:
            self._budget -= int(self.problem.opening_cents[site])
        self._fill(site)

    def _fill(self, site: int) -> None:
        customers, units = self._pairs(site)
        if self._room is not None:
            fits = np.cumsum(units) <= self._room[site]
            customers, units = customers[fits], units[fits]
            self._room[site] -= int(units.sum())
        self._missing[customers] -= 1
        done = self._missing[customers] == 0
        self._assignment[customers[done]] = site
        self._served_units += int(units[done].sum())

    def solution(self) -> SitingSolution:
        """Return the sites, each customer at the best of them where capacities allow."""
        opened = np.flatnonzero(self.is_open)
        if self._room is None:
            return cheapest_assignment(self.problem, opened)
        # Whoever was too large for the room that was left may fit elsewhere.
        for site in opened:
            self._fill(int(site))
        return SitingSolution(open_sites=opened, assignment=self._assignment)
