"""Coverage by several sites where it also matters from how far, or leaving out has a price."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.siting.assign import cheapest_assignment, open_mask, unserved_price
from dispatchopt.siting.engines._model import LinearModel
from dispatchopt.siting.problem import SitingProblem, SitingSolution


class BackupModel:
    """Shares x of customers over sites, and s, whether enough open sites reach a customer.

    x_ij <= y_j, sum over j of x_ij <= s_i, k s_i <= sum of y_j over the sites that reach i. What
    stays unserved is charged up front, and serving earns it back.
    """

    def __init__(self, problem: SitingProblem, model: LinearModel, sites: IntArray) -> None:
        self._problem = problem
        self.model = model
        coverage, demand = problem.coverage, problem.demand_units
        price = unserved_price(problem)
        if price is None:
            raise AssertionError("without a price backup coverage is a rule on rows alone")
        site, customer = coverage.site_idx, coverage.customer_idx
        reached = np.flatnonzero(problem.is_allowed[site] & (demand[customer] > 0))
        everyone = np.unique(customer[reached])
        number = np.full(problem.num_customers, -1, dtype=np.int64)
        number[everyone] = np.arange(len(everyone))
        saved = problem.pair_costs() - price[customer]
        pair = reached[saved[reached] < 0]
        self._site, self._customer, self._everyone = site[pair], customer[pair], everyone
        model.offset = float(price[demand > 0].sum())
        # They are whole on their own; saying so keeps presolve sound (see _solver._options).
        share = model.columns(saved[pair], is_whole=True)
        served = model.columns(np.zeros(len(everyone)), is_whole=True)
        index, rows = np.arange(len(pair)), np.arange(len(everyone))
        model.rows(len(pair), (index, share, 1.0), (index, sites[self._site], -1.0), upper=0.0)
        by_customer = number[self._customer]
        model.rows(len(rows), (by_customer, share, 1.0), (rows, served, -1.0), upper=0.0)
        reach = (number[customer[reached]], sites[site[reached]], -1.0)
        model.rows(len(rows), (rows, served, problem.cover_by), reach, upper=0.0)

    def decode(self, values: FloatArray) -> SitingSolution:
        """Return the solution of the sites that are open."""
        opened = np.flatnonzero(values[: self._problem.num_sites] > 0.5)
        return cheapest_assignment(self._problem, opened)

    def encode(self, solution: SitingSolution) -> FloatArray:
        """Return values of the columns."""
        share = solution.assignment[self._customer] == self._site
        served = solution.assignment[self._everyone] >= 0
        is_open = open_mask(self._problem, solution.open_sites)
        return np.concatenate([is_open, share, served]).astype(np.float64)
