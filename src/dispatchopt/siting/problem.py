"""The siting problem: which sites to open, and who is served from where."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray, frozen, set_frozen
from dispatchopt.core.errors import InputError
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting import validate


class SitingGoal(enum.StrEnum):
    """What is minimised. Every goal is a cost, so coverage is stated as demand left uncovered."""

    COVER_ALL = "cover-all"
    MAX_COVERAGE = "max-coverage"
    P_MEDIAN = "p-median"
    P_CENTER = "p-center"
    FIXED_CHARGE = "fixed-charge"


class SiteStatus(enum.IntEnum):
    """What may be done with a site."""

    CANDIDATE = 0
    """May be opened at its cost."""
    EXISTING = 1
    """Stands already and stays open, at no opening cost."""
    REQUIRED = 2
    """Must be opened, at its cost."""
    FORBIDDEN = 3
    """Must stay closed."""
    CLOSABLE = 4
    """Stands already, costs nothing to keep, and may be closed."""


class ScenarioRule(enum.StrEnum):
    """How coverage over several scenarios of demand counts."""

    WORST = "worst"
    """The most demand left unserved in any scenario."""
    SHARE = "share"
    """The weight of the scenarios in which a target is missed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SitingProblem:
    """Choose sites out of m and serve n customers from them.

    A customer may be served by a site only if ``coverage`` holds the pair. Customers without
    demand need no service and count nowhere. What is minimised:

    ==============  ==============================================================================
    goal            objective
    ==============  ==============================================================================
    cover-all       number of open sites, or opening cost (cents) with ``minimise_cost``, such that
                    ``required_share`` of the demand is served
    max-coverage    demand left unserved (units); with ``full_cover_m`` demand not covered in part
                    either; with ``scenario_rule`` what that rule counts
    p-median        demand x distance (unit metres), plus ``unserved_m`` per unserved unit
    p-center        greatest distance of a customer to its site (metres)
    fixed-charge    opening cost + transport cost + ``unserved_cents`` per unserved unit (cents)
    ==============  ==============================================================================

    Parameters
    ----------
    goal
        What is minimised.
    coverage
        Pairs of site and customer that may be served, with their distance (m).
    demand_units
        int64, shape (n,), >= 0.
    site_cost_cents
        Cost of opening, int64, shape (m,), >= 0; 0 by default. Existing sites pay none.
    capacity_units
        Demand that a site can serve, int64, shape (m,), >= 0; None for no limit. With
        ``customer_phase`` that is so in each phase.
    status
        ``SiteStatus`` of each site, int64, shape (m,); candidates by default.
    max_sites
        Most sites open in all, existing ones included; None for no limit.
    budget_cents
        Most to be spent on opening; None for no limit.
    required_share
        Share of all demand that must be served under cover-all, in [0, 1].
    minimise_cost
        Whether cover-all minimises opening cost in place of the number of sites.
    single_source
        Whether a customer must be served from one site only (matters with capacities).
    unserved_m
        p-median: metres charged for each unserved unit; None if all must be served.
    unserved_cents
        fixed-charge: cents charged for each unserved unit; None if all must be served.
    cents_per_unit_km
        fixed-charge: transport cost of a unit per kilometre, >= 0.
    pair_cost_cents
        fixed-charge: cost of serving all of a customer's demand, float64, shape (num_pairs,), in
        the order of ``coverage``; replaces ``cents_per_unit_km``.
    min_spacing_m
        Two open sites must be at least so far apart, unless both exist already.
    site_distance_m
        Distances among sites, int64, shape (m, m); wanted if ``min_spacing_m`` > 0. Of the two
        directions the shorter counts.
    cover_by
        A customer may be served only if so many open sites reach it, >= 1 (backup coverage).
    full_cover_m, zero_cover_m
        max-coverage: up to the first distance all of a customer's demand counts as covered, from
        the second on none of it, and between them a part that falls evenly. The second is the
        cut-off of ``coverage`` by default. None for coverage that does not fade.
    place
        Sites of equal number are sizes of one site, of which at most one may be open; int64,
        shape (m,). None if each site stands alone.
    scenario_units, scenario_weight, scenario_rule, scenario_target
        max-coverage: demand in each scenario, int64, shape (s, n); whole weights >= 1, shape
        (s,), of which ``demand_units`` must be the weighted sum; what is counted; and the share
        of its demand that must be covered for a scenario to count as met (for ``share``). With
        capacities each customer is of one scenario, its ``customer_phase``, and demand is not
        weighted. Made by ``siting.scenarios.with_scenarios``.
    phase, phase_max_sites, phase_budget_cents
        Phase in which each site would open, int64, shape (m,), from 0; and for each phase the
        most sites open, and the most spent, up to its end; int64, shape (t,), or None. Made by
        ``siting.phases.phased``.
    customer_phase
        Phase (or scenario) in which each customer is served, int64, shape (n,); None if that does
        not matter. Capacities count anew in each.
    customer_scenario
        With phases of sites and scenarios: the scenario in which each customer is served, int64,
        shape (n,). Capacities count anew in each scenario of each phase.
    load_weight
        How many times what loads a site at once the demand of the customers of each of these is,
        whole, >= 1, shape (t,), the scenarios of a phase after each other: a capacity holds that
        many times. None for once.
    site_ids, customer_ids
        Names for messages and reports; indices by default.

    Raises
    ------
    InputError
        Listing every field that does not fit.
    """

    goal: SitingGoal
    coverage: Coverage
    demand_units: IntArray
    site_cost_cents: IntArray | None = None
    capacity_units: IntArray | None = None
    status: IntArray | None = None
    max_sites: int | None = None
    budget_cents: int | None = None
    required_share: float = 1.0
    minimise_cost: bool = False
    single_source: bool = False
    unserved_m: int | None = None
    unserved_cents: float | None = None
    cents_per_unit_km: float = 0.0
    pair_cost_cents: FloatArray | None = None
    min_spacing_m: int = 0
    site_distance_m: IntArray | None = None
    cover_by: int = 1
    full_cover_m: int | None = None
    zero_cover_m: int | None = None
    place: IntArray | None = None
    scenario_units: IntArray | None = None
    scenario_weight: IntArray | None = None
    scenario_rule: ScenarioRule | None = None
    scenario_target: float = 1.0
    phase: IntArray | None = None
    phase_max_sites: IntArray | None = None
    phase_budget_cents: IntArray | None = None
    customer_phase: IntArray | None = None
    customer_scenario: IntArray | None = None
    load_weight: IntArray | None = None
    site_ids: tuple[str, ...] | None = None
    customer_ids: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        issues = validate.convert(self)
        if not issues:
            issues = validate.values(self)
        if issues:
            raise InputError(issues)

    @property
    def num_sites(self) -> int:
        """Number of sites m."""
        return self.coverage.num_sites

    @property
    def num_customers(self) -> int:
        """Number of customers n."""
        return self.coverage.num_customers

    @property
    def total_units(self) -> int:
        """All demand, within reach or not."""
        return int(self.demand_units.sum())

    @property
    def most_unserved(self) -> int:
        """What max-coverage counts if nobody is served, under its rule of scenarios."""
        if self.scenario_units is None or self.scenario_weight is None:
            return self.total_units
        if self.scenario_rule is ScenarioRule.SHARE:
            # A scenario that may miss all of its demand is met by nothing.
            missed = self.scenario_units.sum(axis=1) > self.scenario_may_miss
            return int(self.scenario_weight[missed].sum())
        return int(self.scenario_units.sum(axis=1).max(initial=0))

    @property
    def required_units(self) -> int:
        """Demand that must be served under cover-all: the share, rounded up to whole units."""
        total = self.total_units
        wanted = Fraction(self.required_share) * total
        nearest = round(wanted)
        # A share such as 0.1 is not exact in binary: 0.1 of 10 units is 1 unit, not 2.
        if abs(wanted - nearest) * 2**51 <= total:
            return nearest
        return -((-wanted.numerator) // wanted.denominator)

    @property
    def statuses(self) -> IntArray:
        """Status of each site, shape (m,)."""
        if self.status is None:
            return frozen(np.zeros(self.num_sites), np.int64)
        return self.status

    @property
    def opening_cents(self) -> IntArray:
        """Cost of opening each site, 0 for existing ones, shape (m,)."""
        if self.site_cost_cents is None:
            return frozen(np.zeros(self.num_sites), np.int64)
        return frozen(np.where(self.stands, 0, self.site_cost_cents), np.int64)

    @property
    def stands(self) -> BoolArray:
        """Sites that stand already, shape (m,)."""
        stands: BoolArray = np.isin(self.statuses, (SiteStatus.EXISTING, SiteStatus.CLOSABLE))
        return stands

    @property
    def is_fixed_open(self) -> BoolArray:
        """Sites that must be open: existing and required ones, shape (m,)."""
        fixed: BoolArray = np.isin(self.statuses, (SiteStatus.EXISTING, SiteStatus.REQUIRED))
        return fixed

    @property
    def is_allowed(self) -> BoolArray:
        """Sites that may be open, shape (m,)."""
        allowed: BoolArray = self.statuses != SiteStatus.FORBIDDEN
        return allowed

    @property
    def must_serve_all(self) -> bool:
        """Whether every customer with demand must be served."""
        if self.goal is SitingGoal.COVER_ALL:
            return self.required_units == self.total_units
        if self.goal is SitingGoal.P_MEDIAN:
            return self.unserved_m is None
        if self.goal is SitingGoal.FIXED_CHARGE:
            return self.unserved_cents is None
        return self.goal is SitingGoal.P_CENTER

    @property
    def is_whole(self) -> bool:
        """Whether every objective value is a whole number, so that bounds may be rounded up."""
        return self.goal is not SitingGoal.FIXED_CHARGE and self.full_cover_m is None

    @property
    def by_distance(self) -> bool:
        """Whether it matters from which site a customer is served, capacities apart."""
        by_cost = self.goal in (SitingGoal.P_MEDIAN, SitingGoal.FIXED_CHARGE)
        return by_cost or self.full_cover_m is not None

    @property
    def fade_m(self) -> tuple[int, int]:
        """Distances up to which all demand is covered, and from which on none is."""
        full = self.full_cover_m or 0
        zero = self.coverage.cutoff_m if self.zero_cover_m is None else self.zero_cover_m
        return full, int(zero)

    @property
    def scenario_may_miss(self) -> IntArray:
        """Most units that may stay unserved in each scenario for its target to hold, shape (s,)."""
        if self.scenario_units is None:
            return frozen(np.zeros(0), np.int64)
        # A decimal such as 0.9 is meant as written, not as its nearest binary fraction.
        spare = 1 - Fraction(str(float(self.scenario_target)))
        totals = self.scenario_units.sum(axis=1).tolist()
        return frozen(np.array([int(spare * total) for total in totals]), np.int64)

    def not_modelled(self, *known: str) -> str | None:
        """Return why an engine cannot take the problem that knows only some of the side rules."""
        for name, is_set in (
            ("gradual coverage", self.full_cover_m is not None),
            ("sizes of a site", self.place is not None),
            ("scenarios", self.scenario_rule is not None),
            ("limits of phases", self.phase is not None),
            ("capacities in each phase", self.customer_phase is not None),
        ):
            if is_set and name not in known:
                return f"it does not model {name}"
        return None

    def pair_costs(self) -> FloatArray:
        """Return what serving a customer wholly over each pair costs, shape (num_pairs,).

        In unit metres for p-median, in cents for fixed-charge, in units not covered for gradual
        coverage, 0 for the other goals.
        """
        coverage = self.coverage
        if self.goal is SitingGoal.FIXED_CHARGE and self.pair_cost_cents is not None:
            return self.pair_cost_cents
        units = self.demand_units[coverage.customer_idx]
        if self.goal is SitingGoal.P_MEDIAN:
            return frozen(units * coverage.distance_m, np.float64)
        if self.goal is SitingGoal.FIXED_CHARGE:
            return frozen(
                units * coverage.distance_m * (self.cents_per_unit_km / 1000.0), np.float64
            )
        if self.full_cover_m is not None:
            full, zero = self.fade_m
            away = np.clip(coverage.distance_m, full, zero) - full
            return frozen(units * (away / (zero - full)), np.float64)
        return frozen(np.zeros(coverage.num_pairs), np.float64)

    def conflicts(self) -> IntArray:
        """Return pairs of sites that must not both be open, shape (k, 2), first < second."""
        has_spacing = self.min_spacing_m > 0 and self.site_distance_m is not None
        if not has_spacing and self.place is None:
            return frozen(np.zeros((0, 2)), np.int64)
        close = np.zeros((self.num_sites, self.num_sites), dtype=bool)
        if has_spacing and self.site_distance_m is not None:
            close = np.minimum(self.site_distance_m, self.site_distance_m.T) < self.min_spacing_m
            close &= ~(self.stands[:, None] & self.stands[None, :])
        if self.place is not None:
            close |= self.place[:, None] == self.place[None, :]
        return frozen(np.argwhere(np.triu(close, k=1)), np.int64)

    def site_name(self, site: int) -> str:
        """Return how messages call a site."""
        known = self.site_ids is not None and 0 <= site < len(self.site_ids)
        return f"site {self.site_ids[site] if known and self.site_ids else site}"

    def customer_name(self, customer: int) -> str:
        """Return how messages call a customer."""
        known = self.customer_ids is not None and 0 <= customer < len(self.customer_ids)
        name = self.customer_ids[customer] if known and self.customer_ids else customer
        return f"customer {name}"

    def replace(self, **changes: Any) -> SitingProblem:
        """Return a variant with some fields changed, checked again."""
        return replace(self, **changes)


@dataclass(frozen=True, kw_only=True, eq=False)
class SitingSolution:
    """Which sites are open and who is served from where.

    Parameters
    ----------
    open_sites
        Indices of open sites, int64, rising.
    assignment
        Site that serves the whole demand of a customer, int64, shape (n,); -1 where there is none.
    split_customer_idx, split_site_idx, split_units
        Further pairs and the units that flow over them, int64, shape (k,): only for customers that
        are served from several sites or in part. Their assignment is -1.
    """

    open_sites: IntArray
    assignment: IntArray
    split_customer_idx: IntArray = None  # type: ignore[assignment]  # filled in __post_init__
    split_site_idx: IntArray = None  # type: ignore[assignment]  # filled in __post_init__
    split_units: IntArray = None  # type: ignore[assignment]  # filled in __post_init__

    def __post_init__(self) -> None:
        for name in ("split_customer_idx", "split_site_idx", "split_units"):
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.zeros(0, dtype=np.int64))
        for name in (
            "open_sites",
            "assignment",
            "split_customer_idx",
            "split_site_idx",
            "split_units",
        ):
            set_frozen(self, name, np.int64)
            if getattr(self, name).ndim != 1:
                raise ValueError(f"{name} must have one dimension")
        if not len(self.split_customer_idx) == len(self.split_site_idx) == len(self.split_units):
            raise ValueError("the three arrays of split demand must be equally long")
