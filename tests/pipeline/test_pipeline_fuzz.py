"""Odd cities are planned, or refused with reasons: nothing in between."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core import InputError, Status, Stop
from dispatchopt.generators import generate_city
from dispatchopt.pipeline import City, CityPlan, plan
from dispatchopt.registry import check
from dispatchopt.reporting import plan_files
from dispatchopt.simulation import check_day

SIZES = st.fixed_dictionaries(
    {
        "customers": st.sampled_from([1, 2, 20]),
        "sites": st.sampled_from([1, 2, 6]),
        "skus": st.sampled_from([0, 1, 5]),
        "orders": st.sampled_from([0, 1, 10]),
        "couriers": st.sampled_from([0, 1, 3]),
    }
)
WISHES = st.fixed_dictionaries(
    {
        "siting_goal": st.sampled_from(["cover-all", "max-coverage", "p-median", "fixed-charge"]),
        "reach_m": st.sampled_from([1, 300, 3000, 50_000]),
        "max_sites": st.sampled_from([None, 1, 3]),
        "budget_cents": st.sampled_from([None, 0, 10**6]),
        "required_share": st.sampled_from([0.0, 0.5, 1.0]),
        "promise_s": st.sampled_from([60, 1800]),
        "travel": st.sampled_from(["road", "straight"]),
        "vehicle": st.sampled_from(["walk", "e-bike", "drone"]),
        "snap_limit_m": st.sampled_from([1, 500]),
    }
)


@cache
def city_of(**sizes: Any) -> City:
    return generate_city(nodes=60, seed=11, **sizes)


@settings(max_examples=25, deadline=None)
@given(
    sizes=SIZES,
    wishes=WISHES,
    has_network=st.booleans(),
    time_s=st.sampled_from([0.001, 0.05, 1.0]),
)
def test_a_plan_is_sound_or_refused(
    sizes: dict[str, int], wishes: dict[str, Any], has_network: bool, time_s: float
) -> None:
    city = city_of(**sizes)
    try:
        # What goes together is checked when the city is made, and again before it is planned.
        city = city.replace(parameters=replace(city.parameters, **wishes))
        city = city if has_network else city.replace(network=None)
        made = plan(city, stop=Stop(time_s=time_s))
    except InputError as error:
        codes = {issue.code for issue in error.issues}
    else:
        _examine(made)
        return
    assert codes <= {"missing-limit", "bad-table"}


def _examine(made: CityPlan) -> None:
    names = [stage.name for stage in made.stages]
    # Asked for by the stretch of the city: rents for the frontier, roads for the ruler.
    extra = [name for name in ("frontier", "ruler") if name in names]
    assert names == ["coverage", "siting", "curve", *extra, "stock", "day"]
    if made.siting.solution is None:
        assert made.siting.status in (Status.INFEASIBLE, Status.UNKNOWN)
        assert len(made.store_sites) == 0
    else:
        assert check(made.siting_problem, made.siting.solution).is_feasible
    if made.day is not None and made.outcome is not None:
        assert not check_day(made.day, made.outcome).violations
    assert json.loads(json.dumps(made.figures, allow_nan=False))["seed"] == made.seed
    assert str(plan_files(made)["report.html"]).rstrip().endswith("</html>")
