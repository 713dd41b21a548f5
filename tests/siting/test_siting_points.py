"""Customers merged by a grid, against pairs measured one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import siting
from dispatchopt.core.errors import InputError
from dispatchopt.core.result import Status
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting import PointGround, SitingGoal, SitingProblem
from dispatchopt.siting.discs import distances
from dispatchopt.siting.engines._pairs import merge
from dispatchopt.siting.hashing import first_of_each, mix


def _inside(ground: PointGround) -> np.ndarray:
    """Return which site has which customer within reach, shape (m, n), by the definition."""
    return distances(
        ground.customer_xy[None], ground.site_xy[:, None], ground.reach, ground.is_strict
    )[1]


def _plain(ground: PointGround, **fields: Any) -> SitingProblem:
    """Return the problem with every customer on its own."""
    site, customer = np.nonzero(_inside(ground))
    return SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=Coverage.from_pairs(
            site_idx=site,
            customer_idx=customer,
            distance_m=np.zeros(len(site), dtype=np.int64),
            num_sites=ground.num_sites,
            num_customers=ground.num_customers,
            cutoff_m=1,
        ),
        demand_units=ground.demand_units,
        **fields,
    )


def _random(seed: int, customers: int, sites: int, *, is_whole: bool) -> PointGround:
    rng = np.random.default_rng(seed)
    site_xy, customer_xy = rng.random((sites, 2)) * 20, rng.random((customers, 2)) * 20
    if is_whole:
        # On a lattice many customers lie exactly on circles, and sites on each other.
        site_xy, customer_xy = np.round(site_xy), np.round(customer_xy)
    return PointGround(
        site_xy=site_xy,
        customer_xy=customer_xy,
        demand_units=rng.integers(0, 4, size=customers),
        reach=float(rng.choice([1.0, 3.0, 5.0, 40.0])),
        is_strict=bool(rng.integers(2)),
    )


def test_by_hand() -> None:
    ground = PointGround(
        site_xy=np.array([[0.0, 0.0], [6.0, 0.0]]),
        customer_xy=np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [5.0, 0.0], [9.0, 9.0]]),
        demand_units=np.array([1, 2, 4, 8, 16]),
        reach=3.0,
    )
    # The first two lie in reach of site 0, the third (just) of both, the fourth of site 1.
    problem = ground.problem(goal="max-coverage", max_sites=1)
    assert sorted(problem.demand_units.tolist()) == [3, 4, 8, 16]
    result = siting.solve(problem)
    assert (result.status, result.objective) == (Status.OPTIMAL, 19)
    assert result.require().open_sites.tolist() == [1]
    assert ground.assignment(np.array([1])).tolist() == [-1, -1, 1, 1, -1]
    assert ground.assignment(np.array([0, 1])).tolist() == [0, 0, 0, 1, -1]
    assert ground.unserved_units(np.array([1])) == 19
    strict = PointGround(
        site_xy=ground.site_xy,
        customer_xy=ground.customer_xy,
        demand_units=ground.demand_units,
        reach=3.0,
        is_strict=True,
    )
    assert strict.unserved_units(np.array([1])) == 23


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0, 1, 40, 3000]), st.booleans())
def test_kinds_are_those_of_the_definition(seed: int, customers: int, is_whole: bool) -> None:
    sites = 1 + seed % 12
    ground = _random(seed, customers, sites, is_whole=is_whole)
    problem = ground.problem(goal="max-coverage", max_sites=2)
    kinds, inside = ground.kinds(), _inside(ground)
    table = np.zeros((sites, problem.num_customers), dtype=bool)
    table[problem.coverage.site_idx, problem.coverage.customer_idx] = True
    known = kinds >= 0
    assert (ground.demand_units[~known] == 0).all()
    assert (table[:, kinds[known]] == inside[:, known]).all()
    units = np.bincount(kinds[known], ground.demand_units[known], problem.num_customers)
    assert units.astype(np.int64).tolist() == problem.demand_units.tolist()
    # No two kinds are served alike.
    assert len(np.unique(table, axis=1).T) == problem.num_customers or not problem.num_customers


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_the_optimum_is_that_of_every_customer_on_its_own(seed: int) -> None:
    ground = _random(seed, 60, 8, is_whole=bool(seed % 2))
    merged = siting.solve(ground.problem(goal="max-coverage", max_sites=2))
    plain = siting.solve(_plain(ground, max_sites=2))
    assert merged.status is plain.status is Status.OPTIMAL
    assert merged.objective == plain.objective
    opened = merged.require().open_sites
    assert ground.unserved_units(opened) == merged.objective
    served = ground.assignment(opened)
    assert int(ground.demand_units[served < 0].sum()) == merged.objective
    assert _inside(ground)[served[served >= 0], np.flatnonzero(served >= 0)].all()


def test_many_sites_at_almost_one_place() -> None:
    rng = np.random.default_rng(1)
    ground = PointGround(
        site_xy=np.concatenate([np.zeros((40, 2)), rng.random((40, 2)) * 1e-3]),
        customer_xy=rng.random((2000, 2)) * 4,
        demand_units=np.ones(2000, dtype=np.int64),
        reach=2.0,
    )
    problem = ground.problem(goal="max-coverage", max_sites=1)
    assert sorted(merge(problem).units) == sorted(merge(_plain(ground, max_sites=1)).units)


def test_everything_wrong_is_named() -> None:
    with pytest.raises(InputError) as caught:
        PointGround(
            site_xy=np.zeros((2, 3)),
            customer_xy=np.zeros((4, 2)),
            demand_units=np.ones(3, dtype=np.int64),
            reach=0.0,
        )
    assert {issue.where for issue in caught.value.issues} == {"site_xy", "demand_units", "reach"}
    with pytest.raises(InputError) as caught:
        PointGround(
            site_xy=np.array([[0.0, np.nan]]),
            customer_xy=np.full((1, 2), 1e300),
            demand_units=np.array([-1]),
            reach=1.0,
        )
    wrong = {issue.where for issue in caught.value.issues}
    assert wrong == {"site_xy", "customer_xy", "demand_units"}
    with pytest.raises(InputError, match="not-a-number"):
        PointGround(
            site_xy=np.zeros((1, 2)),
            customer_xy=np.zeros((1, 2)),
            demand_units=np.array([0.5]),
            reach=1.0,
        )
    fine = _random(1, 5, 2, is_whole=True)
    with pytest.raises(InputError, match="unknown-goal"):
        fine.problem(goal="p-median", max_sites=1)


@pytest.mark.parametrize("count", [10, 60_000])
def test_groups_of_hashes_are_those_of_sorting(count: int) -> None:
    values = np.random.default_rng(count).integers(0, 9000, size=count)
    first, group = first_of_each(mix(values, 1), mix(values, 3))
    assert (values[first[group]] == values).all()
    assert len(first) == len(np.unique(values))
    assert (np.unique(group, return_index=True)[1] == first).all()


def test_hashes_that_agree_in_half_of_their_bits_stay_apart() -> None:
    same = np.zeros(4, dtype=np.uint64)
    first, group = first_of_each(same, np.array([1, 2, 1, 2], dtype=np.uint64))
    assert len(first) == 2
    assert group.tolist() in ([0, 1, 0, 1], [1, 0, 1, 0])
