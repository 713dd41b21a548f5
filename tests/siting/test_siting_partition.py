"""Fillings listed within a gap, and the choice of one for each site, against enumeration."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.engines import _load_dual, _load_fillings, _solver
from dispatchopt.siting.engines._load_partition import (
    Priced,
    fillings_within,
    partition_model,
    served_by,
)
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


def every_cost(table: LoadTable, low: IntArray) -> list[tuple[float, tuple[int, ...]]]:
    """Return cost and sites of every assignment with loads within limits."""
    found = []
    everyone = np.arange(table.num_customers)
    for site in itertools.product(range(table.num_sites), repeat=table.num_customers):
        load = np.bincount(site, weights=table.units, minlength=table.num_sites)
        cost = float(table.cost[list(site), everyone].sum() + table.opening.sum())
        if (load <= table.room).all() and (load >= low).all() and np.isfinite(cost):
            found.append((cost, site))
    return found


@given(seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_fillings_are_all_that_earn_enough(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    units, profit = rng.integers(1, 9, n), rng.integers(-9, 20, n).astype(float)
    room = int(rng.integers(0, 30))
    low = int(rng.integers(0, room + 1))
    floor = float(rng.integers(-10, 40))
    wanted = {
        each
        for each in itertools.product((False, True), repeat=n)
        if low <= int(np.dot(each, units)) <= room and float(np.dot(each, profit)) >= floor
    }
    chosen = np.zeros((len(wanted) + 1, n), dtype=bool)
    count = _load_fillings.fillings(profit, units, (low, room), floor, chosen)
    assert count == len(wanted)
    assert {tuple(row) for row in chosen[:count].tolist()} == wanted
    if wanted:
        few = np.zeros((len(wanted) - 1, n), dtype=bool)
        assert _load_fillings.fillings(profit, units, (low, room), floor, few) == -1


def listed(table: LoadTable, worth: FloatArray, low: IntArray, gap: float) -> tuple[Any, float]:
    """Return the fillings within a gap, and the bound of the multipliers."""
    every: BoolArray = np.ones(table.num_sites, dtype=bool)
    found = _load_dual.load_bound(table, worth, every, every, is_whole=True)
    rise = _load_dual.to_serve(table, worth, found, low, is_whole=True)
    priced = Priced(worth=worth, found=found, rise=rise, low=low)
    made = fillings_within(table, every, priced, gap=gap, most=10_000)
    return made, found.value


@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_a_choice_of_fillings_is_the_best_assignment_within_the_gap(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = open_table(rng, 3, 6)
    if table.room.sum() < table.units.sum():
        return
    every = np.ones(3, dtype=bool)
    low = _load_dual.least_loads(table, every)
    all_costs = every_cost(table, low)
    worth = _load_dual.usual_worth(table)
    worth = _load_dual.ascend(table, worth, every, every, goal=np.inf, rounds=60, step=1.0).worth
    best = min((cost for cost, _ in all_costs), default=math.inf)
    gap = float(rng.integers(0, 30))
    made, bound = listed(table, worth, low, gap + 1e-6)
    if math.isfinite(best):
        assert bound <= best + 1e-6
    if not math.isfinite(bound):
        return
    assert made is not None
    within = [site for cost, site in all_costs if cost <= bound + gap]
    sets = {
        (owner, frozenset(made.member[1, made.member[0] == at].tolist()))
        for at, owner in enumerate(made.owner.tolist())
    }
    for site in within:
        for place in range(3):
            assert (place, frozenset(np.flatnonzero(np.array(site) == place).tolist())) in sets
    if not within or len(set(made.owner.tolist())) < 3:
        assert not within
        return
    model = partition_model(table, made, gap + 1e-5)
    outcome = _solver.solve(
        model,
        solver="HiGHS",
        limits=_solver.Limits(gap_absolute=0.5),
        hooks=_solver.Hooks(
            should_stop=lambda: False, found=lambda _: None, bounded=lambda _value, _nodes: None
        ),
    )
    assert outcome.values is not None
    assert float(model.cost @ outcome.values) + model.offset == pytest.approx(best)
    served = served_by(table, made, outcome.values)
    cost = float(table.cost[served, np.arange(6)].sum() + table.opening.sum())
    assert cost == pytest.approx(best)


def test_fillings_that_are_too_many_are_not_listed() -> None:
    table = replace(open_table(np.random.default_rng(3), 3, 6), room=np.full(3, 40))
    every = np.ones(3, dtype=bool)
    worth = _load_dual.usual_worth(table)
    low = _load_dual.least_loads(table, every)
    found = _load_dual.load_bound(table, worth, every, every, is_whole=True)
    rise = np.zeros(table.cost.shape)
    priced = Priced(worth=worth, found=found, rise=rise, low=low)
    assert fillings_within(table, every, priced, gap=1e6, most=20) is None
    many = fillings_within(table, every, priced, gap=1e6, most=3 * 64)
    assert many is not None
    assert (many.loss >= 0).all()
