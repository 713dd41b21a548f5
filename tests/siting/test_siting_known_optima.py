"""Published optima of the OR-Library (Beasley 1990)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dispatchopt import siting
from dispatchopt.core.result import Status
from dispatchopt.core.stop import Stop
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting import SitingGoal, SitingProblem

HOME = Path(__file__).parents[3] / "shared" / "data"
DATA = Path(os.environ.get("DISPATCHOPT_DATA", HOME)) / "siting"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.is_dir(), reason="set DISPATCHOPT_DATA to the folder of data"),
]


def _numbers(path: Path) -> list[float]:
    return [float(word) for word in path.read_text().split()]


def _pmed(name: str, make_coverage: Any, goal: SitingGoal) -> SitingProblem:
    from scipy.sparse import csgraph

    numbers = [int(each) for each in _numbers(DATA / "orlib_pmed" / f"{name}.txt")]
    size, _, sites = numbers[:3]
    table = np.full((size, size), np.inf)
    # Of repeated edges the last one counts.
    for first, second, length in np.array(numbers[3:]).reshape(-1, 3):
        table[first - 1, second - 1] = table[second - 1, first - 1] = length
    away = csgraph.dijkstra(csgraph.csgraph_from_dense(table, null_value=np.inf))
    return SitingProblem(
        goal=goal,
        coverage=make_coverage(away),
        demand_units=np.ones(size, dtype=np.int64),
        max_sites=sites,
    )


@pytest.mark.parametrize(("name", "best"), [("pmed1", 5819), ("pmed2", 4093)])
def test_p_median(name: str, best: int, make_coverage: Any) -> None:
    problem = _pmed(name, make_coverage, SitingGoal.P_MEDIAN)
    result = siting.solve(problem, stop=Stop(time_s=60))
    assert (result.status, result.objective) == (Status.OPTIMAL, best)


def test_p_center(make_coverage: Any) -> None:
    problem = _pmed("pmed1", make_coverage, SitingGoal.P_CENTER)
    result = siting.solve(problem, stop=Stop(time_s=60))
    assert (result.status, result.objective) == (Status.OPTIMAL, 127)


def _scp(name: str) -> SitingProblem:
    numbers = [int(each) for each in _numbers(DATA / "orlib_scp" / f"{name}.txt")]
    rows, columns = numbers[:2]
    cost, rest = np.array(numbers[2 : 2 + columns]), numbers[2 + columns :]
    site, customer, at = [], [], 0
    for row in range(rows):
        count = rest[at]
        site += [each - 1 for each in rest[at + 1 : at + 1 + count]]
        customer += [row] * count
        at += count + 1
    coverage = Coverage.from_pairs(
        site_idx=np.array(site),
        customer_idx=np.array(customer),
        distance_m=np.zeros(len(site), dtype=np.int64),
        num_sites=columns,
        num_customers=rows,
        cutoff_m=0,
    )
    return SitingProblem(
        goal=SitingGoal.COVER_ALL,
        coverage=coverage,
        demand_units=np.ones(rows, dtype=np.int64),
        site_cost_cents=cost,
        minimise_cost=True,
    )


@pytest.mark.parametrize(("name", "best"), [("scp42", 512), ("scp44", 494)])
def test_set_covering(name: str, best: int) -> None:
    result = siting.solve(_scp(name), stop=Stop(time_s=60))
    assert (result.status, result.objective) == (Status.OPTIMAL, best)


def _cap(name: str, make_coverage: Any, *, has_capacity: bool) -> SitingProblem:
    numbers = _numbers(DATA / "orlib_cap" / f"{name}.txt")
    sites, customers = int(numbers[0]), int(numbers[1])
    table = np.array(numbers[2 : 2 + 2 * sites]).reshape(sites, 2)
    rows = np.array(numbers[2 + 2 * sites :]).reshape(customers, sites + 1)
    cost = rows[:, 1:].T
    return SitingProblem(
        goal=SitingGoal.FIXED_CHARGE,
        coverage=make_coverage(np.zeros((sites, customers))),
        demand_units=rows[:, 0],
        site_cost_cents=np.round(table[:, 1]),
        capacity_units=table[:, 0] if has_capacity else None,
        pair_cost_cents=cost.ravel(),
    )


@pytest.mark.parametrize(
    ("name", "has_capacity", "best"),
    [("cap41", True, 1040444.375), ("cap71", False, 932615.750), ("cap101", False, 796648.4375)],
)
def test_warehouse_location(name: str, has_capacity: bool, best: float, make_coverage: Any) -> None:
    problem = _cap(name, make_coverage, has_capacity=has_capacity)
    result = siting.solve(problem, stop=Stop(time_s=60))
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(best, abs=0.01)
