"""Sites chosen by ruler, held to the roads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatchopt import siting
from dispatchopt.core.errors import InputError
from dispatchopt.geography.points import Points
from dispatchopt.reporting.ruler_section import ruler_html
from dispatchopt.siting import SitingGoal, SitingProblem
from dispatchopt.siting.belief import compare_beliefs

Maker = Callable[..., SitingProblem]


def test_by_hand(make_coverage: Any) -> None:
    """By ruler site 0 reaches all three; by road a river leaves it only the first."""
    road = make_coverage([[100, 900, 900], [900, 150, 900]], 300)
    ruler = make_coverage([[90, 200, 250], [300, 120, 900]], 300)
    problem = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=road,
        demand_units=np.array([2, 5, 3]),
        max_sites=1,
    )
    found = compare_beliefs(problem, ruler, siting.solve(problem))
    assert found is not None
    assert found.believed.require().open_sites.tolist() == [0]
    assert (found.promised_units, found.kept_units, found.gained_units) == (10, 2, 0)
    assert (found.best_units, found.lost_units) == (5, 3)
    assert found.broken.tolist() == [1, 2]
    assert found.nearest_site.tolist() == [0, 0]
    assert found.nearest_m.tolist() == [200, 250]
    page = ruler_html(
        found,
        title="Town",
        reach_m=300,
        sites=Points(lon=np.array([0.0, 0.01]), lat=np.array([0.0, 0.0])),
        customers=Points(lon=np.array([0.0, 0.01, 0.02]), lat=np.array([0.0, 0.0, 0.0])),
        demand_units=problem.demand_units,
        customer_ids=["a", "<b>", "c"],
    )
    assert "0.3 km by road and by ruler" in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page.replace("<body", "")
    assert "80.0% lies farther by road" in page


@given(st.integers(0, 10**6))
def test_figures_add_up(make_problem: Maker, make_coverage: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = make_problem(seed, SitingGoal.MAX_COVERAGE)
    shape = (problem.num_sites, problem.num_customers)
    ruler = make_coverage(rng.integers(0, 12, size=shape) * 100, problem.coverage.cutoff_m)
    found = compare_beliefs(problem, ruler, siting.solve(problem))
    if found is None:
        return
    chosen = found.believed.require().open_sites
    demand = problem.demand_units
    by_road = problem.coverage.customer_idx[np.isin(problem.coverage.site_idx, chosen)]
    by_ruler = ruler.customer_idx[np.isin(ruler.site_idx, chosen)]
    road, promised = set(by_road.tolist()), set(by_ruler.tolist())
    assert found.promised_units == problem.total_units - (found.believed.objective or 0)
    assert found.kept_units == sum(int(demand[c]) for c in road & promised)
    assert found.gained_units == sum(int(demand[c]) for c in road - promised)
    assert set(found.broken.tolist()) == {c for c in promised - road if demand[c] > 0}
    # No sites cover more by road than those chosen for it.
    assert found.lost_units >= 0


def test_what_does_not_fit_is_refused(make_coverage: Any) -> None:
    road = make_coverage([[100, 900]], 300)
    problem = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE, coverage=road, demand_units=np.array([2, 5]), max_sites=1
    )
    result = siting.solve(problem)
    with pytest.raises(InputError, match="1 x 1"):
        compare_beliefs(problem, make_coverage([[1]]), result)
    with pytest.raises(InputError, match="capacities"):
        compare_beliefs(problem.replace(capacity_units=[3]), road, result)
