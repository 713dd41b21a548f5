"""Stages and items in another order, and with more freedom: the same cost, never a higher."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core import Status
from dispatchopt.inventory import echelon, guaranteed_service, perishables
from dispatchopt.inventory.echelon.problem import OUTSIDE
from dispatchopt.inventory.guaranteed_service.problem import NO_LIMIT
from dispatchopt.testing.kinds.echelon import random_trees
from dispatchopt.testing.kinds.guaranteed_service import random_problem
from dispatchopt.testing.kinds.perishables import random_items


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 7))
def test_a_network_in_another_order(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, size)
    order = rng.permutation(size)
    new = np.argsort(order)
    result = guaranteed_service.solve(problem)
    turned = problem.replace(
        supplier=new[problem.supplier],
        customer=new[problem.customer],
        **{
            name: getattr(problem, name)[order]
            for name in ("time_periods", "holding_cost", "safety_units", "max_service_periods")
        },
        inbound_periods=problem.inbound[order],
        stage_ids=(),
    )
    assert guaranteed_service.solve(turned).objective == pytest.approx(result.objective)
    limit = problem.max_service_periods
    free = problem.replace(max_service_periods=np.where(limit == NO_LIMIT, limit, limit + 1))
    later = guaranteed_service.solve(free)
    assert result.objective is not None
    assert later.objective is not None
    assert later.objective <= result.objective + 1e-9


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 6))
def test_a_forest_in_another_order(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    problem = random_trees(rng, size)
    order = rng.permutation(size)
    owner = problem.supplier[order]
    turned = problem.replace(
        supplier=np.where(owner < 0, OUTSIDE, np.argsort(order)[owner]),
        lead_time=problem.lead_time[order],
        holding_cost=problem.holding_cost[order],
        rate=problem.rate[order],
        shortage_cost=problem.shortage_cost[order],
        stage_ids=(),
    )
    result, other = echelon.solve(problem), echelon.solve(turned)
    assert result.status is Status.OPTIMAL
    assert other.objective == pytest.approx(result.objective, rel=1e-6)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 3))
def test_items_in_another_order_and_larger_orders(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    problem = random_items(rng, size)
    order = rng.permutation(size).tolist()
    start = problem.start_units
    turned = problem.replace(
        items=tuple(problem.items[row] for row in order),
        start_units=None if start is None else tuple(start[row] for row in order),
        item_ids=(),
    )
    result = perishables.solve(problem)
    assert perishables.solve(turned).objective == pytest.approx(result.objective)
    items = tuple(replace(item, max_order=item.max_order + 1) for item in problem.items)
    larger = perishables.solve(problem.replace(items=items))
    assert result.objective is not None
    assert larger.objective is not None
    assert larger.objective <= result.objective + 1e-6 * (1 + abs(result.objective))
