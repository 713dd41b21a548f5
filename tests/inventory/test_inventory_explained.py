"""Explanations of sourcing, guaranteed service and surges: reasons hold, savings are exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.inventory import guaranteed_service as gs
from dispatchopt.inventory import sourcing, surge
from dispatchopt.inventory.guaranteed_service.explain import stocked_stages
from dispatchopt.inventory.sourcing import SourcingSolution
from dispatchopt.inventory.sourcing.explain import explain, unserved_lines
from dispatchopt.inventory.surge import SurgeSolution
from dispatchopt.inventory.surge.explain import protection, short_pairs, unit_savings
from dispatchopt.testing.kinds.guaranteed_service import random_problem
from dispatchopt.testing.kinds.surge import drawn

Sourcing: Any = sourcing.SourcingProblem


def orders(**changes: Any) -> Any:
    """Two stores; the first order wants a and b, the second a, the third c from nowhere near."""
    fields: dict[str, Any] = {
        "num_orders": 3,
        "line_order": [0, 0, 1, 2],
        "line_sku": [0, 1, 0, 2],
        "line_units": [1, 1, 2, 1],
        "unserved_cost": [5.0, 2.0, 4.0, 9.0],
        "option_order": [0, 0, 1],
        "option_store": [0, 1, 0],
        "shipment_cost": [1.0, 3.0, 1.0],
        "stock_units": [[1, 0, 0], [0, 1, 5]],
        "split_cost": 0.5,
    }
    return Sourcing(**{**fields, **changes})


def why(problem: Any, stores: list[int]) -> dict[int, Any]:
    made = unserved_lines(problem, SourcingSolution(store_of_line=np.array(stores)))
    return {each.line: each for each in made}


def test_reasons_of_lines_by_hand() -> None:
    found = why(orders(), [0, -1, -1, -1])
    # A second shipment costs 3 and the split 0.5, for a line worth 2.
    assert (found[1].reason, found[1].store) == ("dearer-than-unserved", 1)
    assert found[1].too_dear_by == pytest.approx(1.5)
    assert (found[2].reason, found[2].missing_units) == ("no-stock-in-reach", 2)
    assert found[3].reason == "no-store-in-reach"
    assert why(orders(max_shipments=1), [0, -1, -1, -1])[1].reason == "too-many-shipments"
    more = orders(stock_units=[[2, 0, 0], [0, 1, 5]])
    taken = why(more, [0, -1, -1, -1])[2]
    assert (taken.reason, taken.missing_units) == ("stock-went-to-others", 1)
    assert why(more, [-1, -1, -1, -1])[0].reason == "worth-serving"


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_least_change_serves_the_line(seed: int) -> None:
    """Units and worth that a reason names are enough: serving the line then costs no more."""
    rng = np.random.default_rng(seed)
    problem = orders(
        stock_units=rng.integers(0, 3, (2, 3)),
        unserved_cost=rng.uniform(0, 4, 4),
        shipment_cost=rng.uniform(0, 4, 3),
    )
    best = sourcing.solve(problem).require()
    before = sourcing.check(problem, best).objective
    for each in unserved_lines(problem, best):
        assert each.reason != "worth-serving", "an optimal answer leaves nothing that pays"
        if each.store < 0 or each.reason == "too-many-shipments":
            continue
        stock = problem.stock_units.copy()
        stock[each.store, problem.line_sku[each.line]] += each.missing_units
        worth = problem.unserved_cost.copy()
        worth[each.line] += each.too_dear_by
        eased = problem.replace(stock_units=stock, unserved_cost=worth)
        served = best.store_of_line.copy()
        served[each.line] = each.store
        report = sourcing.check(eased, SourcingSolution(store_of_line=served))
        assert report.is_feasible
        # Unserved, the line would now cost so much more.
        assert report.objective <= before + each.too_dear_by + 1e-9


def test_tables_of_a_sourcing() -> None:
    problem = orders(unserved_cost=[5.0, 9.0, 4.0, 9.0])
    made = SourcingSolution(store_of_line=np.array([0, 1, -1, -1]))
    unserved, splits, prices = explain(problem, made)
    assert [row["order"] for row in unserved.rows] == ["2", "1"]
    assert splits.rows == ({"order": "0", "shipments": 2, "stores": "0, 1", "further_cost": 3.5},)
    assert all(float(row["saving_per_unit"] or 0) > 0 for row in prices.rows)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_savings_of_stages_are_differences(seed: int) -> None:
    """A shorter time and a longer quote save what the checker says, all else kept."""
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, int(rng.integers(1, 7)))
    best = gs.solve(problem).require()
    before = gs.check(problem, best).objective
    for each in stocked_stages(problem, best):
        stage = each.stage
        if problem.time_periods[stage] > 0:
            time = problem.time_periods.copy()
            time[stage] -= 1
            after = gs.check(problem.replace(time_periods=time), best).objective
            assert before - after == pytest.approx(each.shorter_saves, abs=1e-9)
        service = best.service_periods.copy()
        service[stage] += 1
        most = problem.max_service_periods.copy()
        most[stage] = max(most[stage], service[stage]) if most[stage] >= 0 else most[stage]
        longer = problem.replace(max_service_periods=most)
        report = gs.check(longer, gs.GuaranteedServiceSolution(service_periods=service))
        assert report.is_feasible
        assert before - report.objective == pytest.approx(each.longer_saves, abs=1e-9)
        assert each.reason != "worth-quoting-longer", "an optimal answer quotes no less than pays"


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_savings_of_units_in_a_surge_are_differences(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = drawn(rng, 3, 2, 2).replace(available_units=None, room_ml=None)
    order = rng.integers(0, 5, problem.shape)
    saved = unit_savings(problem, SurgeSolution(order_units=order))
    before = surge.check(problem, SurgeSolution(order_units=order)).objective
    for store, sku in np.ndindex(problem.shape):
        more = order.copy()
        more[store, sku] += 1
        after = surge.check(problem, SurgeSolution(order_units=more)).objective
        assert before - after == pytest.approx(saved[store, sku], abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_what_is_kept_for_the_shelf_is_best(seed: int) -> None:
    """One store and SKU, the stream first and without end: no other level kept earns more."""
    rng = np.random.default_rng(seed)
    problem = drawn(rng, 4, 1, 1).replace(
        live_units=np.full((4, 1, 1), 50), transfer_cost=None, available_units=None, room_ml=None
    )
    made = SurgeSolution(order_units=rng.integers(0, 6, (1, 1)))
    level = int((problem.on_hand_units + made.order_units)[0, 0])
    high, low = float(problem.shelf_margin[0]), float(problem.live_margin[0])

    def earned(kept: int) -> float:
        sold = np.minimum(problem.shelf_units[:, 0, 0], kept)
        return float(problem.probability @ (high * sold + low * (level - kept)))

    kept = int(protection(problem, made)[0, 0])
    assert earned(kept) == pytest.approx(max(earned(each) for each in range(level + 1)))


def test_renaming_a_surge_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    problem = drawn(rng, 4, 3, 2)
    best = surge.solve(problem).objective
    turned = problem.replace(
        shelf_units=problem.shelf_units[:, ::-1],
        live_units=problem.live_units[:, ::-1],
        on_hand_units=problem.on_hand_units[::-1],
        room_ml=None if problem.room_ml is None else problem.room_ml[::-1],
        store_ids=("x", "y", "z"),
    )
    assert surge.solve(turned).objective == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("scale", [0, 1, 10**9])
def test_extremes_of_a_surge_stay_finite(scale: int) -> None:
    """No demand, no stock, or a billion of each: whole orders >= 0, finite costs, bound below."""
    problem = surge.SurgeProblem(
        probability=np.array([0.5, 0.5]),
        shelf_units=np.full((2, 2, 1), scale),
        live_units=np.full((2, 2, 1), scale),
        shelf_margin=np.array([1e9]),
        live_margin=np.array([0.0]),
        holding_cost=np.array([1e9]),
        on_hand_units=np.full((2, 1), scale),
        available_units=np.array([0]),
        transfer_cost=0.0,
    )
    result = surge.solve(problem)
    assert np.isfinite(result.objective)
    assert (result.require().order_units >= 0).all()
    pairs = short_pairs(problem, result.require())
    assert all(np.isfinite(each.saving) and each.mean_units >= 0 for each in pairs)
