"""Tables of a day: what does not fit is told all at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dispatchopt.core import InputError
from dispatchopt.dispatch import Couriers, DayRules, Orders, Stores


def orders(**changes: Any) -> Orders:
    columns: dict[str, Any] = {
        "ids": ("a", "b"),
        "place_idx": [1, 2],
        "placed_s": [0, 10],
        "due_s": [100, 200],
        "ready_s": [-1, 50],
        "option_ptr": [0, 1, 3],
        "option_store": [0, 0, 1],
        "line_ptr": [0, 1, 1],
        "line_sku": [0],
        "line_units": [2],
        "load_ml": [0, 0],
    }
    return Orders(**{**columns, **changes})


def stores(**changes: Any) -> Stores:
    names = ("place_idx", "pickers", "pick_base_s", "pick_line_s", "open_s", "close_s")
    columns: dict[str, Any] = {name: [1] for name in names}
    return Stores(**{"ids": ("s",), **columns, **changes})


def couriers(**changes: Any) -> Couriers:
    columns: dict[str, Any] = {
        "ids": ("k",),
        "place_idx": [0],
        "store_idx": [-1],
        "on_s": [0],
        "off_s": [10],
        "capacity_orders": [1],
        "capacity_ml": [0],
        "pace": [1.0],
    }
    return Couriers(**{**columns, **changes})


@pytest.mark.parametrize(
    ("make", "changes", "code", "where"),
    [
        (orders, {"ids": ("a", "a")}, "duplicate-id", "orders.ids[1]"),
        (orders, {"ids": ("a", "")}, "bad-value", "orders.ids[1]"),
        (orders, {"place_idx": [1]}, "bad-shape", "orders.place_idx"),
        (orders, {"place_idx": [1, -2]}, "out-of-range", "orders.place_idx[1] (b)"),
        (orders, {"placed_s": [0, 1.5]}, "bad-value", "orders.placed_s"),
        (orders, {"placed_s": [0, float("nan")]}, "bad-value", "orders.placed_s"),
        (orders, {"placed_s": [0, 2**63]}, "bad-value", "orders.placed_s"),
        (orders, {"due_s": [100, 9]}, "out-of-range", "orders.due_s[1] (b)"),
        (orders, {"ready_s": [-2, -1]}, "out-of-range", "orders.ready_s[0] (a)"),
        (orders, {"ready_s": [-1, 5]}, "out-of-range", "orders.ready_s[1] (b)"),
        (orders, {"option_ptr": [0, 1, 2]}, "bad-shape", "orders.option_ptr"),
        (orders, {"option_ptr": [0, 4, 3]}, "bad-shape", "orders.option_ptr"),
        (orders, {"option_store": [0, 1, 1]}, "duplicate-id", "orders.option_store[2] (b)"),
        (orders, {"line_units": [0]}, "out-of-range", "orders.line_units[0]"),
        (orders, {"line_units": [1, 2]}, "bad-shape", "orders.line_units"),
        (orders, {"load_ml": [-1, 0]}, "out-of-range", "orders.load_ml[0] (a)"),
        (stores, {"pickers": [-1]}, "out-of-range", "stores.pickers[0] (s)"),
        (stores, {"stock_units": [[1], [2]]}, "bad-shape", "stores.stock_units"),
        (stores, {"stock_units": [1]}, "bad-shape", "stores.stock_units"),
        (stores, {"stock_units": [[1, -1]]}, "out-of-range", "stores.stock_units[0,1] (s)"),
        (couriers, {"store_idx": [-2]}, "out-of-range", "couriers.store_idx[0] (k)"),
        (couriers, {"off_s": [10], "on_s": [11]}, "out-of-range", "couriers.off_s[0] (k)"),
        (couriers, {"capacity_orders": [0]}, "out-of-range", "couriers.capacity_orders[0] (k)"),
        (couriers, {"pace": [0.0]}, "out-of-range", "couriers.pace[0] (k)"),
        (couriers, {"pace": [float("nan")]}, "out-of-range", "couriers.pace[0] (k)"),
        (couriers, {"vehicle": ("bicycle", "car")}, "bad-shape", "couriers.vehicle"),
    ],
)
def test_a_bad_column_is_named(make: Any, changes: Any, code: str, where: str) -> None:
    make()
    with pytest.raises(InputError) as caught:
        make(**changes)
    assert [(issue.code, issue.where) for issue in caught.value.issues] == [(code, where)]


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        orders(place_idx=[-1, -1], due_s=[100, 9], load_ml=[0, -5])
    assert len(caught.value.issues) == 4


def test_tables_cannot_be_written_to() -> None:
    given = np.array([1, 2])
    table = orders(place_idx=given)
    given[0] = 9
    assert table.place_idx.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        table.place_idx[0] = 3


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({"tick_s": 0}, 1),
        ({"max_late_s": -2, "max_bundle": 0}, 2),
        ({"pickup_s": 1.5}, 1),
        ({"pickup_s": True}, 1),
        ({"decline_probability": 1.1, "travel_noise_sd": float("nan")}, 2),
        ({"is_partial_allowed": 1}, 1),
        ({"refusal_cents": "much"}, 1),
    ],
)
def test_bad_rules_are_listed(changes: Any, count: int) -> None:
    with pytest.raises(InputError) as caught:
        DayRules(**changes)
    assert len(caught.value.issues) == count
