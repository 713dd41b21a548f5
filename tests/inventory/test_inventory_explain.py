"""Reasons for shortages, and prices of one more unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dispatchopt import inventory
from dispatchopt.inventory import InventorySolution
from dispatchopt.inventory.explain import ShortReason, shadow_prices, shortages
from dispatchopt.inventory.levels import free_levels

# Arrays are given as lists here, which the classes turn into arrays.
Problem: Any = inventory.InventoryProblem
Orders: Any = InventorySolution
solve: Any = inventory.solve


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"available_units": [0, 99]}, ShortReason.CENTRAL_STOCK),
        ({"store_volume_ml": [25, 999]}, ShortReason.STORE_VOLUME),
        ({"delivery_volume_ml": [5, 999]}, ShortReason.DELIVERY_VOLUME),
        ({}, ShortReason.LESS_URGENT),
    ],
)
def test_reason_by_hand(two_by_two: Any, changes: Any, reason: Any) -> None:
    problem = two_by_two.replace(**changes)
    best = free_levels(two_by_two).order_units
    order = best.copy()
    order[0] = 0
    found = shortages(problem, Orders(order_units=order))
    assert found[0].store == "east"
    assert found[0].sku == "milk"
    assert (found[0].level_units, found[0].best_units, found[0].missing_units) == (0, 8, 8)
    assert found[0].reason is reason


def test_nothing_is_short_at_the_best_levels(two_by_two: Any) -> None:
    assert shortages(two_by_two, solve(two_by_two).require()) == ()


def test_prices_are_zero_without_limits(two_by_two: Any) -> None:
    prices = shadow_prices(two_by_two)
    assert not prices.stock_price.any()
    assert not prices.room_price_per_litre.any()
    assert prices.bound == pytest.approx(solve(two_by_two).objective)


def test_stock_price_is_the_saving_of_the_next_unit() -> None:
    """One SKU: the price lies between what the last unit saved and what the next would."""
    problem = Problem(
        mean_units=[[2.0], [4.0], [6.0]],
        variance_units=[[2.0], [4.0], [6.0]],
        demand_law="poisson",
        holding_cost=[1.0],
        shortage_cost=[5.0],
        on_hand_units=np.zeros((3, 1)),
        volume_ml=[1],
        case_pack_units=[1],
        available_units=[10],
    )
    costs = [solve(problem.replace(available_units=[units])).objective for units in (9, 10, 11)]
    price = shadow_prices(problem).stock_price[0]
    assert costs[1] - costs[2] <= price <= costs[0] - costs[1]


def test_bound_of_the_prices_holds(scarce: Any) -> None:
    prices = shadow_prices(scarce)
    result = solve(scarce, engine="exact")
    assert free_levels(scarce).cost <= prices.bound <= result.objective * (1 + 1e-9)
    assert (prices.stock_price >= 0).all()
    assert (prices.room_price_per_litre >= 0).all()
