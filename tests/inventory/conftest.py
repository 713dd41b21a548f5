"""Small inventory problems that are never changed; variants come from ``replace``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dispatchopt.inventory import InventoryProblem
from dispatchopt.inventory.levels import free_levels

# Arrays are given as lists here, which the classes turn into arrays.
Problem: Any = InventoryProblem


def make_problem(
    num_stores: int, num_skus: int, seed: int, *, unit_volume: bool = False, packs: bool = False
) -> Any:
    """A problem with scarce stock and tight stores."""
    rng = np.random.default_rng(seed)
    shape = (num_stores, num_skus)
    mean = rng.gamma(1.5, 3.0, shape)
    problem = Problem(
        mean_units=mean,
        variance_units=mean * rng.uniform(0.8, 3.0, shape),
        holding_cost=rng.uniform(0.2, 1.0, num_skus),
        shortage_cost=rng.uniform(2.0, 8.0, num_skus),
        on_hand_units=rng.integers(0, 3, shape),
        volume_ml=np.ones(num_skus) if unit_volume else rng.integers(100, 3000, num_skus),
        case_pack_units=rng.integers(1, 6, num_skus) if packs else np.ones(num_skus),
    )
    best = free_levels(problem).order_units
    stock = (best.sum(axis=0) * rng.uniform(0.4, 1.2, num_skus)).astype(np.int64)
    room = (best + problem.on_hand_units) @ problem.volume_ml * rng.uniform(0.6, 1.1, num_stores)
    return problem.replace(available_units=stock, store_volume_ml=room.astype(np.int64))


@pytest.fixture(scope="session")
def maker() -> Callable[..., Any]:
    """The function that makes scarce problems."""
    return make_problem


@pytest.fixture(scope="session")
def two_by_two() -> Any:
    """Poisson demand, no limits: two stores, two SKUs."""
    return Problem(
        mean_units=[[6.0, 2.0], [0.0, 4.0]],
        variance_units=[[6.0, 2.0], [0.0, 4.0]],
        demand_law="poisson",
        holding_cost=[1.0, 1.0],
        shortage_cost=[4.0, 5.0],
        on_hand_units=[[0, 1], [0, 0]],
        volume_ml=[10, 20],
        case_pack_units=[1, 1],
        store_ids=("east", "west"),
        sku_ids=("milk", "rice"),
    )


@pytest.fixture(scope="session")
def scarce() -> Any:
    """Six stores, twelve SKUs, both couplings."""
    return make_problem(6, 12, 3)
