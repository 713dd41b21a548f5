"""The whole plan: sound figures, missing parts, limits, interruption, and the same answer twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from dispatchopt.core import Cancel, InputError, Status, Stop, StopReason
from dispatchopt.generators import generate_city
from dispatchopt.inventory import check as check_stock
from dispatchopt.pipeline import City, CityPlan, PlanProgress, plan
from dispatchopt.registry import check
from dispatchopt.simulation import check_day

TOWN: dict[str, Any] = {
    "nodes": 150,
    "customers": 40,
    "sites": 8,
    "skus": 12,
    "orders": 60,
    "couriers": 6,
}


@cache
def small_city() -> City:
    return generate_city(seed=5, **TOWN)


@cache
def small_plan() -> CityPlan:
    return plan(small_city(), seed=2)


def test_every_stage_is_checked_and_fits_the_next() -> None:
    made = small_plan()
    assert made.stopped_by is StopReason.COMPLETED
    assert made.siting.status is Status.OPTIMAL
    report = check(made.siting_problem, made.siting.require())
    assert report.is_feasible
    assert report.objective == made.siting.objective
    assert made.inventory is not None
    assert made.inventory_problem is not None
    assert check_stock(made.inventory_problem, made.inventory.require()).is_feasible
    assert made.day is not None
    assert made.outcome is not None
    assert check_day(made.day, made.outcome).is_feasible
    sent = made.inventory_problem.on_hand_units + made.inventory.require().order_units
    assert np.array_equal(made.day.stores.stock_units, sent)  # type: ignore[arg-type]
    names = ["coverage", "siting", "curve", "frontier", "ruler", "stock", "day"]
    assert [stage.name for stage in made.stages] == names


def test_figures_are_plain_and_agree_with_the_plan() -> None:
    made = small_plan()
    figures: dict[str, Any] = json.loads(json.dumps(made.figures, allow_nan=False))
    covered = made.store_of_customer >= 0
    units = int(made.city.customers.demand_units[covered].sum())
    assert figures["siting"]["covered_units"] == units
    assert figures["siting"]["open_sites"] == len(figures["stores"]) == len(made.store_sites)
    assert figures["siting"]["covered_share"] <= figures["siting"]["covered_share_bound"] + 1e-9
    assert sum(store["demand_units"] for store in figures["stores"]) == units
    day = figures["day"]
    assert sum(store["delivered"] for store in figures["stores"]) == day["orders"]["delivered"]
    assert day["orders"]["placed"] == TOWN["orders"]
    shares = [point["covered_share"] for point in figures["curve"]]
    assert shares == sorted(shares)
    spent = [point["opening_cents"] for point in figures["frontier"]]
    assert spent == sorted(spent)
    assert spent[-1] > 0
    ruler = figures["ruler"]
    assert ruler["kept_units"] + ruler["broken_units"] == ruler["promised_units"]
    assert ruler["lost_units"] >= 0
    bounds = [point["bound_share"] for point in figures["curve"]]
    assert all(share <= bound + 1e-9 for share, bound in zip(shares, bounds, strict=True))


def test_progress_names_each_stage() -> None:
    seen: list[PlanProgress] = []
    plan(small_city(), callback=seen.append)
    stages = list(dict.fromkeys(progress.stage for progress in seen))
    assert stages == ["coverage", "siting", "curve", "frontier", "ruler", "stock", "day"]


@pytest.mark.parametrize(
    ("missing", "stage", "note"),
    [
        ({"skus": 0}, "stock", "lists no SKUs"),
        ({"couriers": 0}, "day", "no couriers"),
        ({"orders": 0}, "day", "no orders"),
    ],
    ids=["skus", "couriers", "orders"],
)
def test_a_missing_part_leaves_out_a_stage(missing: dict[str, int], stage: str, note: str) -> None:
    made = plan(generate_city(seed=5, **{**TOWN, **missing}))
    notes = {each.name: each.note for each in made.stages}
    assert note in notes[stage]
    assert made.siting.status is Status.OPTIMAL
    assert (made.outcome is None) == (stage == "day")
    # Without orders there is no demand, hence no store and no stock.
    assert (made.inventory is None) == ("couriers" not in missing)


def test_a_city_that_no_site_reaches_still_gives_a_plan() -> None:
    city = small_city()
    parameters = replace(city.parameters, reach_m=1)
    made = plan(city.replace(parameters=parameters))
    assert made.figures["siting"]["covered_share"] == 0
    assert made.outcome is None or made.figures["day"]["orders"]["delivered"] == 0


def test_an_impossible_wish_is_infeasible_and_not_an_error() -> None:
    city = small_city()
    parameters = replace(
        city.parameters, siting_goal="cover-all", required_share=1.0, max_sites=1, reach_m=700
    )
    made = plan(city.replace(parameters=parameters))
    assert made.siting.status is Status.INFEASIBLE
    assert len(made.store_sites) == 0
    assert made.outcome is None


def test_a_place_to_deliver_to_and_from_is_needed() -> None:
    city = small_city()
    none = np.zeros(0, dtype=np.int64)
    empty = replace(city.customers, ids=(), points=city.customers.points[:0], demand_units=none)
    orders = replace(
        city.orders,
        ids=(),
        customer_idx=none,
        placed_s=none,
        is_surge=np.zeros(0, dtype=np.bool_),
        line_ptr=np.zeros(1, dtype=np.int64),
        line_sku=none,
        line_units=none,
    )
    with pytest.raises(InputError, match="empty-table"):
        plan(city.replace(customers=empty, orders=orders))


def test_a_plan_cancelled_before_it_starts_keeps_what_it_is() -> None:
    cancel = Cancel()
    cancel.set()
    made = plan(small_city(), stop=Stop(cancel=cancel))
    assert made.stopped_by is StopReason.CANCELLED


@pytest.mark.parametrize("stage", ["curve", "stock", "day"])
def test_a_plan_cancelled_at_a_stage_keeps_the_stages_before(stage: str) -> None:
    cancel = Cancel()

    def interrupt(progress: PlanProgress) -> None:
        if progress.stage == stage:
            cancel.set()

    made = plan(small_city(), stop=Stop(cancel=cancel), callback=interrupt)
    assert made.stopped_by is StopReason.CANCELLED
    assert made.siting.status is Status.OPTIMAL
    assert made.figures["siting"]["open_sites"] > 0


def test_a_plan_without_time_ends_and_says_so() -> None:
    made = plan(small_city(), stop=Stop(time_s=1e-3))
    assert made.stopped_by is StopReason.TIME
    # The greedy answer is there in any case; what needs more time is left out by name.
    assert check(made.siting_problem, made.siting.require()).is_feasible
    assert made.figures["siting"]["covered_share"] > 0
    left_out = {stage.name for stage in made.stages if "time was over" in stage.note}
    assert left_out == {"curve", "stock", "day"}
    assert json.dumps(made.figures, allow_nan=False)


def test_the_same_seed_gives_the_same_plan_in_every_process() -> None:
    code = (
        "import json, sys\n"
        "from dispatchopt.generators import generate_city\n"
        "from dispatchopt.core import Stop\n"
        "from dispatchopt.pipeline import plan\n"
        f"made = plan(generate_city(seed=5, **{TOWN!r}), stop=Stop(iterations=50), seed=2)\n"
        "figures = dict(made.figures)\n"
        "del figures['stages'], figures['day']['decisions']\n"
        "for part in ('siting', 'stock'): del figures[part]['elapsed_s']\n"
        "print(json.dumps(figures), made.outcome.digest)"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(texts) == 1
