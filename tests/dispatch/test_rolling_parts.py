"""The parts of the rolling policy against slow, plain computations of the same."""

from __future__ import annotations

import itertools
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core import DispatchOptError, UnsupportedError
from dispatchopt.dispatch import find_policy, matching
from dispatchopt.dispatch.bundles import Merging, Work, pairs_to_merge, sequence, singles
from dispatchopt.dispatch.policy import policies
from dispatchopt.dispatch.timing import drive_s

ordinary = settings(max_examples=25, deadline=None)


def test_policies_are_found_by_name() -> None:
    assert {"nearest", "rolling"} <= set(policies())
    assert find_policy("nearest").name == "nearest"
    with pytest.raises(UnsupportedError, match="nearest"):
        find_policy("fastest")
    assert issubclass(UnsupportedError, DispatchOptError)


def _least(cost: Any, open_cost: Any) -> float:
    """Least total by trying everything: each unit takes a courier of its own, or none."""
    units, couriers = cost.shape
    best = float("inf")
    for choice in itertools.product(range(-1, couriers), repeat=units):
        used = [c for c in choice if c >= 0]
        if len(used) == len(set(used)):
            total = sum(open_cost[u] if c < 0 else cost[u, c] for u, c in enumerate(choice))
            best = min(best, total)
    return best


@ordinary
@given(
    seed=st.integers(0, 10**6),
    units=st.integers(1, 5),
    couriers=st.integers(1, 4),
    most_cells=st.sampled_from([0, 10**6]),
)
def test_assignment_is_optimal(seed: int, units: int, couriers: int, most_cells: int) -> None:
    rng = np.random.default_rng(seed)
    # Small whole numbers bring ties and zeros; some pairs are illegal.
    cost = rng.integers(0, 8, size=(units, couriers)).astype(float)
    cost[rng.random(cost.shape) < 0.3] = np.inf
    open_cost = rng.integers(0, 10, size=units).astype(float)
    unit, courier = np.divmod(np.arange(units * couriers), couriers)
    with mock.patch.object(matching, "_DENSE_CELLS", most_cells):
        chosen = matching.assign(unit, courier, cost.ravel(), open_cost)
    given_to = [int(courier[c]) for c in chosen if c >= 0]
    assert len(given_to) == len(set(given_to))
    assert all(unit[c] == u for u, c in enumerate(chosen) if c >= 0)
    total = sum(open_cost[u] if c < 0 else cost.ravel()[c] for u, c in enumerate(chosen))
    assert total == pytest.approx(_least(cost, open_cost))


def _work(rng: np.random.Generator, count: int) -> Work:
    x = rng.integers(0, 1000, size=(count + 1, 2)).astype(float)
    ways = np.hypot(*(x[:, None, :] - x[None, :, :]).transpose(2, 0, 1))
    ready = rng.integers(0, 500, size=count)
    return Work(
        row=np.arange(count),
        store=np.zeros(count, dtype=np.int64),
        slot=np.zeros(count, dtype=np.int64),
        local=np.arange(count) + 1,
        ways_s=ways[None],
        samples_s=ready[:, None],
        due_s=ready + rng.integers(0, 1500, size=count),
        load_ml=np.zeros(count, dtype=np.int64),
        direct_s=ways[0, 1:],
    )


@ordinary
@given(seed=st.integers(0, 10**6), size=st.integers(1, 4))
def test_sequences_are_the_best_of_all(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    work, service_s, weight = _work(rng, 5), 90, 2.0
    member = np.array([rng.permutation(5)[:size] for _ in range(3)])
    before = [set(row) for row in member.tolist()]

    def price(order: tuple[int, ...]) -> float:
        at, place, total = 0.0, 0, 0.0
        ready = max(work.ready_s[list(order)])
        for one in order:
            at += work.ways_s[0, place, one + 1]
            place = one + 1
            arrival = at + service_s * (order.index(one) + 1)
            total += arrival + weight * max(0.0, ready + arrival - work.due_s[one])
        return total

    along = sequence(work, member, service_s, weight)
    assert [set(row) for row in member.tolist()] == before
    for row, times in zip(member.tolist(), along, strict=True):
        best = min(price(order) for order in itertools.permutations(row))
        assert price(tuple(row)) == pytest.approx(best)
        legs = [work.ways_s[0, a, b] for a, b in itertools.pairwise([0, *(m + 1 for m in row)])]
        assert times == pytest.approx(np.cumsum(legs))


def test_only_near_ready_times_of_one_store_merge() -> None:
    work = _work(np.random.default_rng(1), 4)
    object.__setattr__(work, "store", np.array([0, 0, 0, 1]))
    object.__setattr__(work, "samples_s", np.array([[0], [500], [1000], [0]]))
    how = Merging(max_size=2, window_s=600, soon_s=0, service_s=90, late_weight=1.0)
    left, right = pairs_to_merge(singles(work, 2), how)
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == [(0, 1), (1, 2)]
    alone = Merging(max_size=1, window_s=600, soon_s=0, service_s=90, late_weight=1.0)
    assert not len(pairs_to_merge(singles(work, 2), alone)[0])


def test_drives_round_up_and_keep_whole_seconds() -> None:
    # 0.1 * 3 is a little more than 0.3 in floating point.
    assert drive_s([0, 10, 100, 3], [1.0, 0.3, 1.001, 0.1 * 10]).tolist() == [0, 3, 101, 3]
