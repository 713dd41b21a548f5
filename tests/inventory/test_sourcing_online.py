"""Orders one by one: the rule, and the engine that runs it over a document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.inventory.test_sourcing import random_problem, two_orders

from dispatchopt.core import InputError, Stop
from dispatchopt.inventory import sourcing
from dispatchopt.io import read, write

solve: Any = sourcing.solve


def test_online_keeps_stock() -> None:
    rule = sourcing.OnlineSourcing([[3, 0], [1, 5]], split_cost=2.0)
    order: Any = {
        "sku": [0, 1],
        "units": [2, 3],
        "unserved_cost": [9.0, 9.0],
        "store": [0, 1],
        "shipment_cost": [3.0, 4.0],
    }
    assert rule.source(**order) == [0, 1]
    assert rule.stock_units.tolist() == [[1, 0], [1, 2]]
    assert rule.source(**order) == [-1, -1]
    nothing: Any = {"sku": [], "units": [], "unserved_cost": [], "store": [], "shipment_cost": []}
    assert rule.source(**nothing) == []


def test_a_price_leaves_stock_to_later_orders() -> None:
    """Milk in the west is cheapest for order a, but order b takes rice there anyway."""
    blind = solve(two_orders(), engine="online")
    assert blind.require().store_of_line.tolist() == [1, 0, 1]
    priced = solve(two_orders(stock_price=[[0.0, 0.0], [3.0, 0.0]]), engine="online")
    assert priced.require().store_of_line.tolist() == [0, 1, 1]
    # A split less; west is a unit dearer, and east a unit dearer than west for order a.
    assert (blind.objective, priced.objective) == (4 + 5 + 6 + 1, 5 + 6)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), num=st.integers(1, 8))
def test_later_orders_change_nothing(seed: int, num: int) -> None:
    """What the engine decides for the first orders is the same if the last one never comes."""
    rng = np.random.default_rng(seed)
    problem = random_problem(num, seed, stock_price=rng.uniform(0, 3, (4, 5)))
    whole = solve(problem, engine="online")
    assert sourcing.check(problem, whole.require()).is_feasible
    lines, options = problem.line_order < num - 1, problem.option_order < num - 1
    names = ("line_order", "line_sku", "line_units", "unserved_cost")
    first = problem.replace(
        num_orders=num - 1,
        order_ids=(),
        **{name: getattr(problem, name)[lines] for name in names},
        **{
            name: getattr(problem, name)[options]
            for name in ("option_order", "option_store", "shipment_cost")
        },
    )
    expected = whole.require().store_of_line[lines].tolist()
    assert solve(first, engine="online").require().store_of_line.tolist() == expected


def test_prices_are_no_part_of_the_objective() -> None:
    """Engines that know all orders do not see them."""
    plain, priced = (
        solve(two_orders(**more), engine="exact") for more in ({}, {"stock_price": np.ones((2, 2))})
    )
    assert plain.objective == priced.objective


@pytest.mark.parametrize("price", [[[1.0]], [[-1.0, 0], [0, 0]], [[float("nan"), 0], [0, 0]]])
def test_bad_prices_are_named(price: Any) -> None:
    with pytest.raises(InputError, match="stock_price"):
        two_orders(stock_price=price)


def test_documents_hold_prices(tmp_path: Path) -> None:
    """A price stands in the row of its stock, also where nothing is left."""
    problem = two_orders(stock_price=[[0.0, 2.5], [3.0, 0.0]])
    write(problem, tmp_path / "orders")
    again: Any = read(tmp_path / "orders").problem
    assert again.stock_price.tolist() == problem.stock_price.tolist()
    assert again.stock_units.tolist() == problem.stock_units.tolist()
    write(two_orders(), tmp_path / "none")
    assert read(tmp_path / "none").problem.stock_price is None


def test_time_leaves_the_rest_unserved() -> None:
    """At an order where the time is over, what was decided so far is the answer."""
    calls = iter([False, True])
    answer = sourcing.source_in_turn(two_orders(), should_stop=lambda: next(calls))
    assert answer.store_of_line.tolist() == [1, -1, -1]
    result = solve(two_orders(), engine="online", stop=Stop(time_s=1e-9))
    assert result.solution is None or sourcing.check(two_orders(), result.solution).is_feasible
