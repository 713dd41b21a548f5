"""From a city to its siting problem, and from the answer to stores."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray, frozen
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.geography.coverage import Coverage
from dispatchopt.geography.profiles import profile_named
from dispatchopt.geography.roads import RoadRouter
from dispatchopt.geography.router import Router
from dispatchopt.geography.straight import StraightRouter
from dispatchopt.pipeline.city import City
from dispatchopt.siting.problem import SiteStatus, SitingGoal, SitingProblem


def router_of(city: City) -> Router:
    """Return how travel is measured in a city. Places far from its roads have no way."""
    parameters = city.parameters
    profile = profile_named(parameters.vehicle, "parameters.vehicle")
    if parameters.travel == "straight" or profile.is_straight:
        detour = 1.0 if profile.is_straight else parameters.detour_factor
        return StraightRouter(profile=profile, detour_factor=detour)
    if parameters.travel != "road" or city.network is None:
        raise InputError(
            Issue(
                code="unknown-choice",
                where="parameters.travel",
                found=repr(parameters.travel),
                wanted="road (with a network) or straight",
            )
        )
    return RoadRouter(
        network=city.network,
        profile=profile,
        snap_limit_m=parameters.snap_limit_m,
        far="unreachable",
    )


def siting_problem(city: City, coverage: Coverage) -> tuple[SitingProblem, str]:
    """Return the siting problem of a city, and a note where its wish had to be lowered.

    Customers out of reach of every allowed site cannot be covered whatever is decided. Where the
    share asked for under cover-all is beyond what is left, the greatest possible share is taken.
    """
    parameters, demand = city.parameters, city.customers.demand_units
    goal = SitingGoal(parameters.siting_goal)
    share, note = parameters.required_share, ""
    if goal is SitingGoal.COVER_ALL:
        allowed = city.sites.status[coverage.site_idx] != SiteStatus.FORBIDDEN
        in_reach = np.zeros(len(city.customers), dtype=bool)
        in_reach[coverage.customer_idx[allowed]] = True
        reachable, total = int(demand[in_reach].sum()), int(demand.sum())
        if Fraction(share) * total > reachable:
            share = reachable / total
            # The quotient may round up past what can be covered.
            while share > 0 and Fraction(share) * total > reachable:
                share = float(np.nextafter(share, 0.0))
            note = (
                f"{total - reachable} of {total} units of demand lie out of reach of every site, "
                f"so {share:.4%} is to be covered in place of {parameters.required_share:.4%}."
            )
    fields: dict[str, Any] = {}
    if goal is SitingGoal.COVER_ALL:
        has_rents = bool(city.sites.rent_cents.any())
        fields = {"required_share": share, "minimise_cost": has_rents}
    elif goal is SitingGoal.P_MEDIAN:
        # An order beyond reach counts as if it came from twice as far.
        fields = {"unserved_m": 2 * parameters.reach_m}
    elif goal is SitingGoal.FIXED_CHARGE:
        fields = {
            "unserved_cents": float(parameters.refusal_cents),
            "cents_per_unit_km": float(parameters.cost_cents_per_km),
        }
    problem = SitingProblem(
        goal=goal,
        coverage=coverage,
        demand_units=demand,
        site_cost_cents=city.sites.rent_cents,
        capacity_units=capacities(city),
        status=city.sites.status,
        max_sites=parameters.max_sites,
        budget_cents=parameters.budget_cents,
        site_ids=city.sites.ids,
        customer_ids=city.customers.ids,
        **fields,
    )
    return problem, note


def capacities(city: City) -> IntArray | None:
    """Return the orders a day each site can serve; None where no site states a limit."""
    stated = city.sites.capacity_orders
    if not stated.any():
        return None
    unlimited = max(1, int(city.customers.demand_units.sum()))
    return frozen(np.where(stated > 0, stated, unlimited), np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class StoreReach:
    """Which open store reaches which customer.

    Parameters
    ----------
    store_sites
        Site of each store, rising, int64, shape (num_stores,).
    option_ptr, option_store
        CSR by customer: the stores within reach, nearest first.
    nearest
        Nearest store of each customer or -1, int64, shape (num_customers,).
    nearest_m
        Distance from it, or -1, same shape.
    """

    store_sites: IntArray
    option_ptr: IntArray
    option_store: IntArray
    nearest: IntArray
    nearest_m: IntArray


def store_reach(coverage: Coverage, open_sites: IntArray) -> StoreReach:
    """Return which customers each open store reaches."""
    number = np.full(coverage.num_sites, -1)
    number[open_sites] = np.arange(len(open_sites))
    store = number[coverage.site_idx]
    kept = store >= 0
    store, customer = store[kept], coverage.customer_idx[kept]
    distance = coverage.distance_m[kept]
    order = np.lexsort((store, distance, customer))
    store, customer, distance = store[order], customer[order], distance[order]
    counts = np.bincount(customer, minlength=coverage.num_customers)
    ptr = np.concatenate([[0], np.cumsum(counts)])
    is_covered = counts > 0
    nearest = np.full(coverage.num_customers, -1)
    nearest_m = np.full(coverage.num_customers, -1)
    nearest[is_covered] = store[ptr[:-1][is_covered]]
    nearest_m[is_covered] = distance[ptr[:-1][is_covered]]
    return StoreReach(
        store_sites=frozen(open_sites, np.int64),
        option_ptr=frozen(ptr, np.int64),
        option_store=frozen(store, np.int64),
        nearest=frozen(nearest, np.int64),
        nearest_m=frozen(nearest_m, np.int64),
    )
