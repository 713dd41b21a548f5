"""Rebalancing in compiled kernels: flows, bounds and search against the library's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core import Stop
from dispatchopt.inventory import rebalancing
from dispatchopt.inventory.rebalancing import RebalancingProblem
from dispatchopt.inventory.rebalancing.engines._flow import Flows
from dispatchopt.inventory.rebalancing.engines._steps import Worth
from dispatchopt.inventory.rebalancing.engines.lanes import LanesEngine
from dispatchopt.testing.kinds.rebalancing import drawn, stock_of


def kernels(seed: int, stores: int, skus: int) -> tuple[RebalancingProblem, Flows, Flows]:
    """A problem, its flows by the library and by the compiled kernel."""
    rng = np.random.default_rng(seed)
    problem = drawn(rng, stores, skus, on_hand_units=rng.integers(0, 9, (stores, skus)))
    worth = Worth(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dispatchopt.inventory.rebalancing.engines._flow._MIN_COMPILED", 0)
        compiled = Flows(worth)
    return problem, Flows(worth), compiled


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_compiled_flows_cost_what_those_of_the_library_do(seed: int) -> None:
    """Also from the prices of a run before at other costs, and with little room on lanes."""
    problem, library, compiled = kernels(seed, 5, 3)
    rng = np.random.default_rng(seed)
    size = library.worth.lane.size
    for price in (None, np.round(rng.random(size) * 2, 2), np.zeros(size)):
        units, bound, done = compiled.all(price, lambda: False)
        assert done == problem.num_skus
        assert rebalancing.check(
            problem.replace(capacity_ml=None), compiled.solution(units)
        ).is_feasible
        for sku in range(problem.num_skus):
            rows = slice(library.worth.lane_first[sku], library.worth.lane_first[sku + 1])
            extra = np.zeros(size)[rows] if price is None else price[rows]
            cost = library.cost(sku, units[rows]) + float(extra @ units[rows])
            theirs, least = library.best(sku, extra)
            assert cost == pytest.approx(library.cost(sku, theirs) + float(extra @ theirs))
            assert bound[sku] == pytest.approx(least, abs=1e-6)
            most = rng.integers(0, 3, extra.size).astype(np.float64)
            few, _ = compiled.best(sku, extra, most)
            theirs, _ = library.best(sku, extra, most)
            assert (few <= most).all()
            cost = library.cost(sku, few) + float(extra @ few)
            assert cost == pytest.approx(library.cost(sku, theirs) + float(extra @ theirs))


@pytest.mark.parametrize("rides", [0.0, 4.0])
def test_the_compiled_search_repeats_and_is_close_to_its_bound(rides: float) -> None:
    """An iteration limit repeats to the last unit."""
    rng = np.random.default_rng(3)
    stock = stock_of(
        rng,
        12,
        12,
        volume_ml=rng.integers(100, 900, 12),
        on_hand_units=rng.integers(0, 16, (12, 12)),
    )
    tail, head = np.nonzero(~np.eye(12, dtype=bool))
    problem = RebalancingProblem(
        stock=stock,
        lane_from=tail,
        lane_to=head,
        unit_cost=0.2 + rng.random(tail.size),
        lane_cost=np.full(tail.size, rides),
        capacity_ml=np.full(tail.size, 2000),
    )
    assert Flows(Worth(problem), LanesEngine().min_compiled).is_compiled
    one, two = (rebalancing.solve(problem, stop=Stop(iterations=4), seed=3) for _ in range(2))
    assert one.objective == two.objective
    assert np.array_equal(one.require().moved_units, two.require().moved_units)
    assert one.bound is not None
    assert one.gap is not None
    assert one.gap < 0.05
