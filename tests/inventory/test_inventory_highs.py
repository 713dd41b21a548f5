"""Whole-number models: solved, told apart from unsolved ones, and stopped from inside."""

from __future__ import annotations

import math
from typing import Any

import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.inventory.engines._highs import Limits, WholeModel, _lp, minimise


def knapsack(num: int, seed: int, limit: float = 0.5) -> WholeModel:
    rng = np.random.default_rng(seed)
    weight = rng.integers(20, 100, (num, 5))
    return WholeModel(
        cost=-(weight.sum(axis=1) + rng.integers(0, 20, num)).astype(float),
        starts=5 * np.arange(num + 1),
        index=np.tile(np.arange(5), num),
        value=weight.astype(float).ravel(),
        row_upper=np.floor(weight.sum(axis=0) * limit),
    )


@settings(max_examples=25, deadline=None)
@given(num=st.integers(1, 10), seed=st.integers(0, 999), limit=st.floats(0, 1))
def test_equals_trying_all(num: Any, seed: Any, limit: Any) -> None:
    model = knapsack(num, seed, limit)
    weight = np.asarray(model.value).reshape(num, 5)
    picks = (np.arange(2**num)[:, None] >> np.arange(num)) & 1
    fits = (picks @ weight <= model.row_upper).all(axis=1)
    outcome = minimise(model, Limits(), lambda: False)
    assert outcome.is_taken is not None
    best = (picks @ model.cost)[fits].min()
    assert model.cost[outcome.is_taken].sum() == pytest.approx(best)
    assert outcome.bound == pytest.approx(best)


def test_columns_are_whole() -> None:
    """Presolve is safe only while no column is continuous."""
    kinds = _lp(knapsack(7, 1)).integrality_
    assert len(kinds) == 7
    assert set(kinds) == {highspy.HighsVarType.kInteger}


def test_without_a_solution() -> None:
    model = knapsack(3, 1)
    none = WholeModel(
        cost=model.cost,
        starts=model.starts,
        index=model.index,
        value=model.value,
        row_upper=np.full(5, -1.0),
    )
    assert minimise(none, Limits(), lambda: False).is_taken is None


def test_stops_when_told() -> None:
    asked = []

    def tired() -> bool:
        asked.append(1)
        return len(asked) >= 3

    outcome = minimise(knapsack(60, 5), Limits(), tired)
    assert len(asked) >= 3
    free = minimise(knapsack(60, 5), Limits(nodes=500), lambda: False)
    assert -math.inf < outcome.bound <= free.bound + 1e-6


def test_an_interrupt_comes_through() -> None:
    def interrupted() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        minimise(knapsack(60, 5), Limits(), interrupted)
