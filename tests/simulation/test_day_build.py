"""A day's tables must fit together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dispatchopt.core import InputError
from dispatchopt.geography.points import Points
from dispatchopt.simulation import Day

DayMaker = Callable[..., Day]


def _codes(make: Callable[[], Any]) -> list[tuple[str, str]]:
    with pytest.raises(InputError) as caught:
        make()
    return [(issue.code, issue.where) for issue in caught.value.issues]


def test_references_must_point_at_something(make_line_day: DayMaker) -> None:
    day = make_line_day()
    orders = replace(day.orders, place_idx=np.array([1, 2, 4]), option_store=np.array([0, 1, 0]))
    couriers = replace(day.couriers, store_idx=np.array([1]))
    assert _codes(lambda: replace(day, orders=orders, couriers=couriers)) == [
        ("unknown-reference", "orders.place_idx[2]"),
        ("unknown-reference", "orders.option_store[1]"),
        ("unknown-reference", "couriers.store_idx[0]"),
    ]


def test_skus_stock_and_places_must_match(make_line_day: DayMaker) -> None:
    day = make_line_day()
    stores = replace(day.stores, stock_units=np.array([[1, 2]]))
    places = Points(lon=np.zeros(2), lat=np.zeros(2))
    assert _codes(lambda: replace(day, stores=stores, places=places, sku_ids=("x",))) == [
        ("bad-shape", "stores.stock_units"),
        ("bad-shape", "places"),
    ]
