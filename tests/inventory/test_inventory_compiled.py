"""Compiled loops against the plain ones, on the same pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dispatchopt.inventory.levels import flat_pairs
from dispatchopt.inventory.problem import InventoryProblem
from dispatchopt.inventory.walk import can_walk, walk

Problem: Any = InventoryProblem


@pytest.fixture(scope="module")
def many() -> Any:
    rng = np.random.default_rng(4)
    shape = (20, 30)
    mean = np.where(rng.random(shape) < 0.1, 0.0, rng.gamma(1.0, 8.0, shape))
    return Problem(
        mean_units=mean,
        variance_units=mean * rng.uniform(0.5, 4.0, shape),
        holding_cost=rng.uniform(0.0, 1.0, 30),
        shortage_cost=np.where(rng.random(30) < 0.1, 0.0, rng.uniform(0.1, 8.0, 30)),
        on_hand_units=rng.integers(0, 9, shape),
        volume_ml=np.ones(30),
        case_pack_units=rng.integers(1, 5, 30),
    ).replace(holding_cost=rng.uniform(0.1, 1.0, 30))


@pytest.mark.parametrize(
    ("rule", "width"),
    [("critical-ratio", 0), ("critical-ratio", 6), ("fill-rate", 0), ("cycle-service", 0)],
)
def test_compiled_walk_is_the_plain_one(many: Any, rule: str, width: int) -> None:
    problem = many if rule == "critical-ratio" else many.replace(rule=rule, target=0.97)
    pairs, _ = flat_pairs(problem, slice(0, 600))
    assert can_walk(pairs.demand, pairs.start_units).all()
    plain, quick = walk(pairs, width), walk(pairs, width, is_compiled=True)
    assert (plain.is_done == quick.is_done).all()
    done = plain.is_done
    assert done.sum() > 300
    assert not width or not done.all()
    assert (plain.packs[done] == quick.packs[done]).all()
    assert np.array_equal(plain.start_loss[done], quick.start_loss[done])
    assert np.array_equal(plain.level_loss[done], quick.level_loss[done])
    assert np.array_equal(plain.gains, quick.gains)
