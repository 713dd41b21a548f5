"""Who is served from which open site, with whole customers, against enumeration."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core.arrays import IntArray
from dispatchopt.siting.engines import _load_depth, _load_dual
from dispatchopt.siting.engines._load_columns import Fillings
from dispatchopt.siting.engines._load_leaf import searched
from dispatchopt.siting.engines._load_table import LoadTable

SEEDS = st.integers(0, 10**6)


def open_table(rng: np.random.Generator, sites: int, customers: int) -> LoadTable:
    """Whole costs, sites that stand open, and room that may be short; some pairs are missing."""
    cost = rng.integers(1, 40, (sites, customers)).astype(float)
    cost[(rng.random(cost.shape) < 0.15) & (np.arange(sites)[:, None] > 0)] = np.inf
    units = rng.integers(1, 9, customers)
    return LoadTable(
        site=np.arange(sites),
        customer=np.arange(customers),
        cost=cost,
        units=units,
        room=rng.integers(4, 8 * customers // sites + 6, sites),
        opening=rng.integers(0, 30, sites).astype(float),
        price=np.full(customers, np.inf),
        is_fixed=np.ones(sites, dtype=bool),
        max_open=sites,
        is_single=True,
        constant=0.0,
        grain=1,
    )


def least_cost(table: LoadTable, low: IntArray) -> float:
    """Return the least cost over every assignment with loads within limits, inf for none."""
    least, everyone = math.inf, np.arange(table.num_customers)
    for site in itertools.product(range(table.num_sites), repeat=table.num_customers):
        load = np.bincount(site, weights=table.units, minlength=table.num_sites)
        if (load <= table.room).all() and (load >= low).all():
            cost = float(table.cost[list(site), everyone].sum() + table.opening.sum())
            least = min(least, cost)
    return least


@given(seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_changes_of_a_filling(seed: int) -> None:
    """What holding an item costs, and not holding it, is never overstated; exact without limits."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 8))
    units, profit = rng.integers(1, 9, n), rng.integers(-9, 20, n).astype(float)
    room = int(rng.integers(0, 30))
    low = int(rng.integers(0, room + 1)) if rng.random() < 0.5 else 0
    desk = _load_depth.desk(n, room)
    desk[1][:], desk[2][:] = profit, units
    earned, held = _load_depth.fill(n, low, room, desk), desk[3]
    sets = [
        np.array(each)
        for each in itertools.product((False, True), repeat=n)
        if low <= int(np.dot(each, units)) <= room
    ]
    values = {tuple(each): float(np.dot(each, profit)) for each in sets}
    assert earned == max(values.values(), default=-math.inf)
    if not sets:
        return
    assert values[tuple(held)] == earned
    _load_depth.changes(n, low, room, earned, desk)
    more, less = desk[4]
    for item in range(n):
        having = max((v for each, v in values.items() if each[item]), default=-math.inf)
        without = max((v for each, v in values.items() if not each[item]), default=-math.inf)
        assert more[item] <= earned - having
        assert less[item] <= earned - without
        if low == 0:
            assert more[item] == earned - having
            assert less[item] == earned - without


@given(seed=SEEDS, is_whole=st.booleans())
@settings(max_examples=30, deadline=None)
def test_search_finds_the_best_up_to_a_target(seed: int, is_whole: bool) -> None:
    rng = np.random.default_rng(seed)
    table = open_table(rng, 3, 6)
    if not is_whole:
        table = replace(table, cost=table.cost + rng.random(table.cost.shape), grain=0)
    every = np.ones(3, dtype=bool)
    low = np.maximum(0, table.room - rng.integers(0, 20, 3))
    least = least_cost(table, low)
    worth = _load_dual.usual_worth(table)
    most = float(rng.integers(40, 250)) if rng.random() < 0.7 else math.inf
    bound = 0.0
    for _ in range(60):
        leaf = searched(
            table,
            every,
            worth=worth,
            low=low,
            bound=bound,
            most=most,
            should_stop=lambda: False,
        )
        assert leaf.bound >= bound
        bound = leaf.bound
        if leaf.site is not None or bound > most or bound == math.inf or leaf.is_stuck:
            break
    assert not leaf.is_stuck
    if leaf.site is None:
        assert least > most or least == math.inf
        return
    cost = float(table.cost[leaf.site, np.arange(6)].sum() + table.opening.sum())
    load = np.bincount(leaf.site, weights=table.units, minlength=3)
    assert (load <= table.room).all()
    assert cost == pytest.approx(least, abs=1e-6)
    assert bound == pytest.approx(cost, abs=1e-6)


@given(seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_columns_bound_best(seed: int) -> None:
    """Their bound is valid, and not below that of subgradients from the same start."""
    rng = np.random.default_rng(seed)
    table = open_table(rng, 3, 7)
    every = np.ones(3, dtype=bool)
    low = _load_dual.least_loads(table, every)
    least = least_cost(table, low)
    worth = _load_dual.usual_worth(table)
    if (low > table.room).any():
        assert least == math.inf
        assert Fillings(table, every, low, 1).best(worth, math.inf, lambda: False)[1] == math.inf
        return
    first = _load_dual.load_bound(table, worth, every, every, is_whole=True).value
    found, bound = Fillings(table, every, low, 1).best(worth, math.inf, lambda: False)
    assert bound <= least + 1e-6
    if math.isfinite(bound):
        assert bound >= first - 1e-6
        again = _load_dual.load_bound(table, found, every, every, is_whole=True).value
        assert again == pytest.approx(bound)


def test_a_search_ends_when_told_to() -> None:
    table = open_table(np.random.default_rng(3), 4, 12)
    table = replace(table, room=table.room + 20)
    every, low = np.ones(4, dtype=bool), np.zeros(4, dtype=np.int64)
    worth, asked = _load_dual.usual_worth(table), []

    def at_third() -> bool:
        asked.append(1)
        return len(asked) >= 3

    leaf = searched(
        table, every, worth=worth, low=low, bound=0.0, most=math.inf, should_stop=at_third
    )
    assert len(asked) == 3
    assert leaf.bound < math.inf
    assert leaf.site is None or leaf.bound == 0.0
