"""Problems: defaults, and every fault of a bad one listed at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dispatchopt.core import InputError
from dispatchopt.core.arrays import digest
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.routing import FAR, MANDATORY, Couriers, Options, Orders, RoutingProblem, Stores

Line = Callable[..., RoutingProblem]


def test_defaults_switch_variants_off(line_problem: Line) -> None:
    problem = line_problem()
    assert problem.orders.refusal_cost.tolist() == [MANDATORY] * 3
    assert problem.orders.latest_s.tolist() == [FAR] * 3
    assert problem.couriers.max_trips.tolist() == [1]
    assert problem.stores_of_order(2).tolist() == [0]
    assert not problem.orders.service_s.flags.writeable


def test_scalars_are_repeated(line_problem: Line) -> None:
    assert line_problem(orders={"service_s": 90}).orders.service_s.tolist() == [90, 90, 90]


def test_all_faults_are_listed(line_problem: Line) -> None:
    good = line_problem()
    with pytest.raises(InputError) as caught:
        RoutingProblem(
            travel=good.travel,
            orders=good.orders.replace(place=[1, 9, 2], load=[[1], [-4], [1]], service_s=-1),
            stores=good.stores.replace(place=[7]),
            couriers=good.couriers.replace(
                profile=[3], capacity=[[1, 2]], store_options=Options.of([[5]])
            ),
        )
    found = {(issue.code, issue.where) for issue in caught.value.issues}
    assert found == {
        ("bad-place", "orders.place[1]"),
        ("out-of-range", "orders.load[1, 0]"),
        *(("out-of-range", f"orders[{row}].service_s") for row in range(3)),
        ("bad-place", "stores.place[0]"),
        ("bad-profile", "couriers[0].profile"),
        ("bad-shape", "couriers.capacity"),
        ("bad-option", "couriers.store_options[0]"),
    }


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (Orders, {"place": [0.5]}),
        (Orders, {"place": [0], "service_s": [float("nan")]}),
        (Orders, {"place": [0], "service_s": [2.0**63]}),
        (Stores, {"place": ["x"]}),
        (Couriers, {"start_place": [0], "end_place": [0], "capacity": [[0.25]]}),
    ],
)
def test_values_that_are_not_whole(table: Any, columns: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="bad-type"):
        table(**columns)


@pytest.mark.parametrize(
    ("distance", "code"),
    [
        (np.array([[0, 1], [1, 1]]), "bad-diagonal"),
        (np.array([[0, 2_000_000_000], [1, 0]]), "out-of-range"),
        (np.zeros((2, 3), dtype=np.int64), "bad-shape"),
    ],
)
def test_bad_matrices(distance: Any, code: str, line_problem: Line) -> None:
    travel = TravelMatrix(distance_m=distance, duration_s=distance)
    with pytest.raises(InputError) as caught:
        line_problem().replace(travel=(travel,))
    assert caught.value.issues[0].code == code


def test_no_matrix(line_problem: Line) -> None:
    with pytest.raises(InputError, match="missing-matrix"):
        line_problem().replace(travel=())


def test_locks_name_couriers(line_problem: Line) -> None:
    orders = line_problem().orders.replace(locked_courier=[0, 1, -1])
    with pytest.raises(InputError, match=r"orders\[1\]\.locked_courier"):
        line_problem().replace(orders=orders)


def test_wrong_row_counts(line_problem: Line) -> None:
    orders = line_problem().orders.replace(service_s=[1, 2])
    with pytest.raises(InputError, match=r"orders\.service_s: found \(2,\)"):
        line_problem().replace(orders=orders)
    options = Options(indptr=np.array([0, 2]), stores=np.array([0]))
    with pytest.raises(InputError, match="ascending offsets"):
        line_problem().replace(orders=line_problem().orders.replace(store_options=options))


def test_digest_tells_problems_apart(line_problem: Line) -> None:
    assert digest(line_problem()) == digest(line_problem())
    assert digest(line_problem()) != digest(line_problem(orders={"service_s": 1}))
    assert digest(replace(line_problem(), units_per_cent=10)) != digest(line_problem())
