"""The checker of decisions: each rule is named when it alone is broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dispatchopt.dispatch import (
    CourierStates,
    DayRules,
    Decision,
    DispatchState,
    OpenOrders,
    Refusal,
    StoreStates,
    TripPlan,
    check_decision,
)
from dispatchopt.dispatch.timing import NEVER_S
from dispatchopt.geography.given import MatrixTravel
from dispatchopt.geography.matrix import UNREACHABLE, TravelMatrix

# Places: stores 0 and 1 at 0 and 1000 m, customers 2, 3, 4 at 500, 600, 900 m, an island 5; 5 m/s.
_X = np.array([0, 1000, 500, 600, 900])


def _travel() -> MatrixTravel:
    metres = np.full((6, 6), UNREACHABLE)
    metres[:5, :5] = np.abs(_X[:, None] - _X)
    metres[5, 5] = 0
    seconds = np.where(metres < UNREACHABLE, metres // 5, UNREACHABLE)
    return MatrixTravel(matrix=TravelMatrix(distance_m=metres, duration_s=seconds))


@pytest.fixture(scope="session")
def state() -> DispatchState:
    """At second 1000: orders 10 and 11 wait at store 0, 12 has none, 13 is on the island.

    Couriers 5 and 6 are free at store 0, 7 is busy; 6 works for store 1 only.
    """
    return DispatchState(
        now_s=1000,
        orders=OpenOrders(
            idx=np.array([10, 11, 12, 13]),
            place_idx=np.array([2, 3, 4, 5]),
            placed_s=np.array([500, 600, 990, 700]),
            due_s=np.array([2300, 2400, 2790, 2500]),
            load_ml=np.array([1000, 2000, 500, 100]),
            num_lines=np.array([1, 2, 2, 1]),
            store=np.array([0, 0, -1, 0]),
            ready_s=np.array([900, 1100, -1, 900]),
            option_ptr=np.array([0, 1, 2, 4, 5]),
            option_store=np.array([0, 0, 0, 1, 0]),
            option_missing=np.array([0, 0, 1, 0, 0]),
            option_is_empty=np.zeros(5, dtype=np.bool_),
            declined_ptr=np.array([0, 0, 0, 0, 0]),
            declined_courier=np.zeros(0, dtype=np.int64),
        ),
        couriers=CourierStates(
            idx=np.array([5, 6, 7]),
            is_free=np.array([True, True, False]),
            free_s=np.array([1000, 1000, 1200]),
            place_idx=np.array([0, 0, 2]),
            parked_s=np.full(3, NEVER_S),
            taken_orders=np.zeros(3, dtype=np.int64),
            store_idx=np.array([-1, 1, -1]),
            on_s=np.zeros(3, dtype=np.int64),
            off_s=np.array([5000, 5000, 5000]),
            capacity_orders=np.array([2, 2, 2]),
            capacity_ml=np.array([3000, 3000, 3000]),
            pace=np.ones(3),
        ),
        stores=StoreStates(
            place_idx=np.array([0, 1]),
            open_s=np.array([0, 0]),
            close_s=np.array([9000, 9000]),
            pickers=np.array([1, 1]),
            pick_base_s=np.array([100, 100]),
            pick_line_s=np.array([10, 10]),
            picker_free_s=np.array([1000, 1000]),
            recent_orders=np.array([2, 0]),
        ),
        rules=DayRules(max_wait_s=200),
        travel=_travel(),
    )


def trip(*orders: int, courier: int = 5, store: int = 0) -> Decision:
    return Decision(trips=(TripPlan(courier=courier, store=store, orders=orders),))


def rules_of(state: DispatchState, decision: Decision) -> list[str]:
    return [violation.rule for violation in check_decision(state, decision)]


def test_a_legal_decision_breaks_nothing(state: DispatchState) -> None:
    decision = Decision(
        sourcing=((12, 1),),
        refusals=((13, Refusal.UNREACHABLE),),
        trips=(TripPlan(courier=5, store=0, orders=(11, 10)),),
        moves=((6, 1),),
    )
    assert check_decision(state, decision) == ()


@pytest.mark.parametrize(
    ("decision", "rules"),
    [
        (Decision(refusals=((99, Refusal.OVERLOAD),)), ["unknown-order"]),
        (Decision(refusals=((10, "no wish"),)), ["unknown-reason"]),  # type: ignore[arg-type]
        (Decision(sourcing=((99, 0),)), ["unknown-order"]),
        (Decision(sourcing=((12, 2),)), ["unknown-store"]),
        (Decision(sourcing=((10, 0),)), ["sourced-before"]),
        (Decision(sourcing=((12, 1), (12, 1))), ["decided-twice", "sourced-before"]),
        (
            Decision(sourcing=((12, 1),), refusals=((12, Refusal.OVERLOAD),)),
            ["decided-twice"],
        ),
        (trip(), ["empty-trip"]),
        (trip(99), ["unknown-order"]),
        (trip(10, store=2), ["unknown-store"]),
        (trip(10, courier=99), ["unknown-courier"]),
        (trip(10, courier=7), ["courier-not-free"]),
        (trip(10, courier=6), ["wrong-store"]),
        (trip(12), ["not-sourced"]),
        (trip(10, store=1), ["not-sourced"]),
        (trip(10, 10), ["decided-twice"]),
        (trip(13), ["unreachable"]),
        (Decision(moves=((5, 6),)), ["unknown-place"]),
        (Decision(moves=((5, 5),)), ["unreachable"]),
        (Decision(moves=((7, 0),)), ["courier-not-free"]),
        (Decision(moves=((5, 1), (5, 1))), ["decided-twice"]),
    ],
)
def test_each_rule_is_named(state: DispatchState, decision: Decision, rules: list[str]) -> None:
    assert rules_of(state, decision) == rules


def _but(state: DispatchState, table: str, **columns: Any) -> DispatchState:
    return replace(state, **{table: replace(getattr(state, table), **columns)})


@pytest.mark.parametrize(
    ("change", "decision", "rules"),
    [
        (lambda s: _but(s, "orders", option_store=np.array([0, 0, 0, 0, 0])),
         Decision(sourcing=((12, 1),)), ["store-not-in-reach"]),
        (lambda s: _but(s, "stores", close_s=np.array([9000, 1000])),
         Decision(sourcing=((12, 1),)), ["store-closed"]),
        (lambda s: _but(s, "stores", open_s=np.array([0, 1001])),
         Decision(sourcing=((12, 1),)), ["store-closed"]),
        (lambda s: _but(s, "rules", is_partial_allowed=False),
         Decision(sourcing=((12, 0),)), ["partial-not-allowed"]),
        (lambda s: _but(s, "rules", max_bundle=1), trip(10, 11), ["bundle-size"]),
        (lambda s: _but(s, "couriers", capacity_orders=np.array([1, 1, 1])),
         trip(10, 11), ["capacity-orders"]),
        (lambda s: _but(s, "couriers", capacity_ml=np.array([2999, 1, 1])),
         trip(10, 11), ["capacity-ml"]),
        (lambda s: _but(s, "orders", declined_ptr=np.array([0, 1, 1, 1, 1]),
                        declined_courier=np.array([5])), trip(10), ["declined-before"]),
        # Order 11 is ready at 1100: 100 s from now, beyond a shift until 1099 or a wait of 99 s.
        (lambda s: _but(s, "couriers", off_s=np.array([1099, 1, 1])),
         trip(11), ["pickup-after-shift"]),
        (lambda s: _but(s, "rules", max_wait_s=99), trip(11), ["wait-too-long"]),
        # Picking of order 12 at store 1 ends at 1000 + 100 + 2 x 10; the courier is there at 1200.
        (lambda s: _but(s, "couriers", off_s=np.array([1199, 1, 1])),
         Decision(sourcing=((12, 1),), trips=(TripPlan(courier=5, store=1, orders=(12,)),)),
         ["pickup-after-shift"]),
    ],
)  # fmt: skip
def test_each_limit_is_kept(
    *,
    state: DispatchState,
    change: Callable[[DispatchState], DispatchState],
    decision: Decision,
    rules: list[str],
) -> None:
    assert rules_of(state, decision) == []
    assert rules_of(change(state), decision) == rules


def test_the_amount_is_told(state: DispatchState) -> None:
    late = _but(state, "couriers", off_s=np.array([1060, 1, 1]))
    (violation,) = check_decision(late, trip(11))
    assert (violation.where, violation.by) == ("trip of courier 5", 40)
