"""Every combination of fields that makes sense, on tiny instances, against enumeration."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import siting
from dispatchopt.core.errors import InputError
from dispatchopt.core.result import Status
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting import DOMAIN, SitingGoal, SitingProblem
from dispatchopt.siting.bound import bound
from dispatchopt.siting.phases import phased
from dispatchopt.siting.scenarios import with_scenarios

BestOf = Callable[[SitingProblem], float | None]
SEEDS = st.integers(0, 10**6)
GOALS = st.sampled_from(list(SitingGoal))
RULES = (
    "status",
    "budget",
    "spacing",
    "backup",
    "sizes",
    "fading",
    "scenarios",
    "phases",
    "capacity",
    "price",
)
CHOICES = st.sets(st.sampled_from(RULES), max_size=5)
#: Rules that exclude each other, or belong to some goals only.
CLASHES = (
    {"backup", "capacity"},
    {"scenarios", "fading"},
)
MANY = settings(max_examples=25, deadline=None)


def fits(goal: SitingGoal, rules: set[str]) -> bool:
    """Whether a problem with these rules makes sense."""
    of_coverage = {"fading", "scenarios"} & rules and goal is not SitingGoal.MAX_COVERAGE
    with_price = (SitingGoal.P_MEDIAN, SitingGoal.FIXED_CHARGE)
    return not (
        of_coverage
        or any(clash <= rules for clash in CLASHES)
        or {"scenarios", "capacity", "phases"} <= rules
        or ("backup" in rules and goal is SitingGoal.P_CENTER)
        or ("price" in rules and goal not in with_price)
    )


def make(seed: int, goal: SitingGoal, rules: set[str], **changes: Any) -> SitingProblem:
    """A tiny problem with the rules given."""
    rng = np.random.default_rng(seed)
    # Phases, and with capacities scenarios, have customers of their own; every flow is tried.
    copies = {"capacity", "phases"} | ({"scenarios"} if "capacity" in rules else set())
    size = {0: (6, 7), 1: (4, 4), 2: (3, 3)}[len(copies & rules)]
    m, n = int(rng.integers(1, size[0])), int(rng.integers(1, size[1]))
    away = rng.integers(0, 12, size=(m, n)) * 100
    reach = changes.pop("reach_m", int(rng.integers(5, 12)) * 100)
    fields = goal_fields(rng, goal, m, n) | rule_fields(rng, goal, rules, m)
    problem = SitingProblem(goal=goal, coverage=coverage(away, reach), **(fields | changes))
    if "scenarios" in rules:
        units = rng.integers(0, 6, size=(2, n))
        rule = str(rng.choice(["worst", "share"]))
        problem = with_scenarios(problem, units, [1, 2], rule=rule, target=0.6)
    if "phases" in rules:
        most = np.sort(rng.integers(0, 4, size=2))
        units = rng.integers(0, 6, size=(2, 2, n) if "scenarios" in rules else (2, n))
        budget = np.array([4, 20]) if "budget" in rules else None
        first = np.where(problem.stands, 0, rng.integers(0, 2, size=m))
        problem = phased(problem, units, max_sites=most, budget_cents=budget, opens_from=first)
    return problem


def goal_fields(rng: np.random.Generator, goal: SitingGoal, m: int, n: int) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "demand_units": rng.integers(0, 6, size=n),
        "site_cost_cents": rng.integers(0, 9, size=m),
    }
    if goal in (SitingGoal.MAX_COVERAGE, SitingGoal.P_MEDIAN, SitingGoal.P_CENTER):
        fields["max_sites"] = int(rng.integers(1, 4))
    if goal is SitingGoal.FIXED_CHARGE:
        fields["cents_per_unit_km"] = float(rng.integers(0, 8)) / 2
    if goal is SitingGoal.COVER_ALL:
        fields["required_share"] = float(rng.integers(3, 11)) / 10
        fields["minimise_cost"] = bool(rng.random() < 0.5)
    return fields


def rule_fields(
    rng: np.random.Generator, goal: SitingGoal, rules: set[str], m: int
) -> dict[str, Any]:
    status = rng.choice([0, 0, 1, 2, 3, 4], size=m)
    if "sizes" in rules:  # at most one of a place's sizes may have to stand
        status = np.where(np.isin(status, (1, 2)), 0, status)
    apart = rng.integers(0, 5, size=(m, m)) * 100
    price = "unserved_m" if goal is SitingGoal.P_MEDIAN else "unserved_cents"
    unit = 100 if goal is SitingGoal.P_MEDIAN else 1
    room = rng.integers(0, 12, size=m)
    by_rule: dict[str, dict[str, Any]] = {
        "status": {"status": status},
        "sizes": {"place": rng.integers(0, m, size=m)},
        "budget": {"budget_cents": int(rng.integers(0, 25))},
        "spacing": {"min_spacing_m": 200, "site_distance_m": apart},
        "backup": {"cover_by": 2},
        "fading": {"full_cover_m": int(rng.integers(0, 4)) * 100},
        "capacity": {"capacity_units": room, "single_source": True},
        "price": {price: int(rng.integers(0, 20)) * unit},
    }
    return {k: v for rule in sorted(rules & set(by_rule)) for k, v in by_rule[rule].items()}


def coverage(away: Any, reach_m: int) -> Coverage:
    site, customer = np.nonzero(away <= reach_m)
    return Coverage.from_pairs(
        site_idx=site,
        customer_idx=customer,
        distance_m=away[site, customer],
        num_sites=away.shape[0],
        num_customers=away.shape[1],
        cutoff_m=reach_m,
    )


def value(problem: SitingProblem) -> float:
    """The proven optimum; infinite where there is no solution."""
    result = siting.solve(problem)
    if result.status is Status.INFEASIBLE:
        return float("inf")
    assert result.status is Status.OPTIMAL, result
    assert result.objective is not None
    return result.objective


@given(seed=SEEDS, goal=GOALS, rules=CHOICES)
@MANY
def test_every_combination_equals_enumeration(
    best_of: BestOf, seed: int, goal: SitingGoal, rules: set[str]
) -> None:
    if not fits(goal, rules):
        return
    problem = make(seed, goal, rules)
    best = best_of(problem)
    assert best is None or bound(problem) <= best + 1e-9
    assert value(problem) == pytest.approx(float("inf") if best is None else best, abs=1e-6)


@pytest.mark.parametrize("goal", SitingGoal)
def test_every_pair_of_rules_equals_enumeration(best_of: BestOf, goal: SitingGoal) -> None:
    for at, pair in enumerate(itertools.combinations(RULES, 2)):
        if fits(goal, set(pair)):
            problem = make(at, goal, set(pair))
            best = best_of(problem)
            expected = float("inf") if best is None else best
            assert value(problem) == pytest.approx(expected, abs=1e-6), pair


@pytest.mark.parametrize(
    ("one", "other"), [tuple(sorted(clash)) for clash in CLASHES] + [("backup", "p-center")]
)
def test_what_clashes_is_refused_by_name(one: str, other: str) -> None:
    """Combinations that make no sense are refused when the problem is made, not by engines."""
    goal = SitingGoal.P_CENTER if other == "p-center" else SitingGoal.MAX_COVERAGE
    rules = {one, other} - {"p-center"}
    with pytest.raises(InputError, match="clash"):
        make(1, goal, rules)


@pytest.mark.parametrize("rule", [None, *RULES])
@pytest.mark.parametrize("goal", SitingGoal)
def test_some_engine_takes_each_rule_and_the_others_say_why_not(
    goal: SitingGoal, rule: str | None
) -> None:
    rules = set() if rule is None else {rule}
    if not fits(goal, rules):
        return
    problem = make(5, goal, rules)
    refusals = {name: engine.unsupported(problem) for name, engine in DOMAIN.engines().items()}
    assert None in refusals.values()
    assert all(why is None or why.strip() for why in refusals.values())


@given(seed=SEEDS, goal=GOALS, rules=CHOICES)
@MANY
def test_more_sites_reach_or_budget_never_worsen(
    seed: int, goal: SitingGoal, rules: set[str]
) -> None:
    rules = rules - {"phases"}
    if not fits(goal, rules):
        return
    problem = make(seed, goal, rules, reach_m=600, **_zero(rules))
    now = value(problem)
    if problem.max_sites is not None:
        assert value(problem.replace(max_sites=problem.max_sites + 1)) <= now + 1e-6
    if problem.budget_cents is not None:
        assert value(problem.replace(budget_cents=problem.budget_cents + 3)) <= now + 1e-6
    # Longer reach adds pairs; where coverage fades it still ends where it did.
    assert value(make(seed, goal, rules, reach_m=900, **_zero(rules))) <= now + 1e-6
    if "status" in rules:
        free = np.where(problem.statuses == 3, 0, problem.statuses)
        assert value(problem.replace(status=free)) <= now + 1e-6


def _zero(rules: set[str]) -> dict[str, Any]:
    return {"zero_cover_m": 600} if "fading" in rules else {}


@given(seed=SEEDS, goal=GOALS, rules=CHOICES)
@MANY
def test_numbering_and_splitting_customers_change_nothing(
    seed: int, goal: SitingGoal, rules: set[str]
) -> None:
    # One source for each half of a customer is another rule than one source for the whole.
    rules = rules - {"phases", "scenarios", "capacity"}
    if not fits(goal, rules):
        return
    problem = make(seed, goal, rules)
    now = value(problem)
    rng = np.random.default_rng(seed)
    sites, customers = rng.permutation(problem.num_sites), rng.permutation(problem.num_customers)
    assert value(_renumbered(problem, sites, customers)) == pytest.approx(now, abs=1e-6)
    ground, n = problem.coverage, problem.num_customers
    halves = Coverage.from_pairs(
        site_idx=np.tile(ground.site_idx, 2),
        customer_idx=np.concatenate([ground.customer_idx, ground.customer_idx + n]),
        distance_m=np.tile(ground.distance_m, 2),
        num_sites=problem.num_sites,
        num_customers=2 * n,
        cutoff_m=ground.cutoff_m,
    )
    first = problem.demand_units // 2
    both = np.concatenate([first, problem.demand_units - first])
    assert value(problem.replace(coverage=halves, demand_units=both)) == pytest.approx(
        now, abs=1e-6
    )


def _renumbered(problem: SitingProblem, sites: Any, customers: Any) -> SitingProblem:
    """The problem with site and customer i under the numbers sites[i] and customers[i]."""
    ground = problem.coverage
    old_site, old_customer = np.argsort(sites), np.argsort(customers)
    moved: dict[str, Any] = {
        "coverage": Coverage.from_pairs(
            site_idx=sites[ground.site_idx],
            customer_idx=customers[ground.customer_idx],
            distance_m=ground.distance_m,
            num_sites=problem.num_sites,
            num_customers=problem.num_customers,
            cutoff_m=ground.cutoff_m,
        ),
        "demand_units": problem.demand_units[old_customer],
    }
    for name in ("site_cost_cents", "status", "place"):
        given_one = getattr(problem, name)
        moved[name] = None if given_one is None else given_one[old_site]
    if problem.site_distance_m is not None:
        moved["site_distance_m"] = problem.site_distance_m[np.ix_(old_site, old_site)]
    return problem.replace(**moved)
