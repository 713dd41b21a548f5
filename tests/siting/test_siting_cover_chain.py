"""Rows told by their changes, against tables of all pairs."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.siting.engines._cover_chain import Chain, near_order

SEEDS = st.integers(min_value=0, max_value=10_000)


def _table(seed: int) -> BoolArray:
    """Which of some sites on a line reaches which customer; no row twice, none empty."""
    rng = np.random.default_rng(seed)
    sites, rows = int(rng.integers(1, 12)), int(rng.integers(1, 60))
    reach = rng.uniform(0.05, 0.5)
    table = np.abs(rng.random((rows, 1)) - rng.random(sites)) < reach
    table |= rng.random(table.shape) < 0.05
    found: BoolArray = np.unique(table[table.any(axis=1)], axis=0)
    return rng.permutation(found)


def _entries(table: BoolArray) -> tuple[IntArray, IntArray]:
    start = np.append(0, np.cumsum(table.sum(axis=1)))
    return start, np.nonzero(table)[1]


@given(seed=SEEDS)
@settings(max_examples=100, deadline=None)
def test_sums_over_changes_are_those_over_pairs(seed: int) -> None:
    table = _table(seed)
    rng = np.random.default_rng(seed)
    chain = Chain.of(*_entries(table), table.shape[1])
    share = rng.random((table.shape[1],))
    width = rng.random(size=len(table)) ** 6
    whole = rng.integers(0, 10**12, size=len(table))
    assert np.allclose(chain.cover(share), table @ share)
    assert np.allclose(chain.worth(width), table.T @ width)
    assert np.array_equal(chain.worth(whole), table.T.astype(np.int64) @ whole)
    normal = table.T.astype(float) @ (width[:, None] * table)
    assert np.allclose(chain.normal(width), np.tril(normal))


@given(seed=SEEDS)
@settings(max_examples=100, deadline=None)
def test_an_order_has_each_row_once(seed: int) -> None:
    table = _table(seed)
    order = near_order(*_entries(table), table.shape[1])
    assert np.array_equal(np.sort(order), np.arange(len(table)))


def test_neighbours_in_the_order_differ_by_few_sites() -> None:
    rng = np.random.default_rng(3)
    sites, rows = rng.random((40, 2)), rng.random((4_000, 2))
    table = np.linalg.norm(rows[:, None] - sites, axis=2) < 0.3
    table = rng.permutation(np.unique(table[table.any(axis=1)], axis=0))
    order = near_order(*_entries(table), 40)
    before = len(Chain.of(*_entries(table), 40).change)
    after = len(Chain.of(*_entries(table[order]), 40).change)
    assert after < 3.5 * len(table) < 0.5 * before
