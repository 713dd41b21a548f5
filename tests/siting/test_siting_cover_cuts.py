"""Cuts and annealing of the coverage engine against enumeration."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from dispatchopt.core.arrays import BoolArray
from dispatchopt.siting import PointGround, SitingProblem
from dispatchopt.siting.engines import _cover_halves, _cover_improve
from dispatchopt.siting.engines._cover_anneal import Annealer
from dispatchopt.siting.engines._cover_build import model_of
from dispatchopt.siting.engines._cover_cuts import separate
from dispatchopt.siting.engines._cover_lp import Relaxation
from dispatchopt.siting.engines._cover_model import CoverModel, dual_bound
from dispatchopt.siting.engines._cover_search import settle_and_branch


@given(seed=st.integers(min_value=0, max_value=10_000))
@settings(max_examples=30, deadline=None)
def test_cuts_keep_every_whole_solution_and_move_the_bound_only_up(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = _drawn_plane(rng)
    model = model_of(problem)
    assert model is not None
    relaxation = Relaxation(model, time_left_s=lambda: math.inf, should_stop=lambda: False, seed=1)
    root = relaxation.first(model.lower, model.upper)
    before = dual_bound(model, root.row_dual, model.lower, model.upper).value(model)
    rows, limit = model.whole_rows()
    cuts = separate(rows, limit, np.concatenate([root.sites, root.missed]), 50)
    table = sparse.csr_array(
        (cuts.value, cuts.column, cuts.indptr), shape=(cuts.count, rows.shape[1])
    )
    best = None
    for chosen in itertools.combinations(range(model.num_sites), problem.max_sites or 0):
        is_open = np.zeros(model.num_sites, dtype=bool)
        is_open[list(chosen)] = True
        value = model.value(is_open & model.upper)
        best = value if best is None or (value is not None and value < best) else best
        whole = np.concatenate([is_open & model.upper, model.sets.is_uncovered(is_open)])
        assert (table @ whole.astype(np.int64) >= cuts.limit).all()
    if cuts.count:
        relaxation.add(cuts)
        tighter = replace(model, cuts=cuts)
        root = relaxation.solve(model.lower, model.upper)
        after = dual_bound(tighter, root.row_dual, model.lower, model.upper).value(tighter)
        assert before is not None
        assert after is not None
        assert best is not None
        assert before <= after <= best


@given(seed=st.integers(min_value=0, max_value=10_000))
@settings(max_examples=10, deadline=None)
def test_annealed_answers_keep_the_rules_and_are_worth_what_they_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = _drawn_plane(rng)
    model = model_of(problem)
    assert model is not None
    annealer = Annealer(model, lambda: False, seed)
    annealer.keep(model.lower)
    for _ in range(3):
        before = annealer.answers[0][0]
        annealer.cycle()
        annealer.conclude(before)
    best = min(
        value
        for chosen in itertools.combinations(range(model.num_sites), problem.max_sites or 0)
        for value in [model.value(np.isin(np.arange(model.num_sites), chosen) & model.upper)]
        if value is not None
    )
    for unserved, _, is_open in annealer.answers + annealer.ended:
        assert model.value(is_open) == unserved + model.offset >= best


@given(seed=st.integers(min_value=0, max_value=10_000))
@settings(max_examples=30, deadline=None)
def test_sums_of_rows_are_worth_what_is_counted_row_by_row(seed: int) -> None:
    rng = np.random.default_rng(seed)
    odd = rng.random((14, 20)) < 0.2
    rows = sparse.csr_array(odd.astype(np.int64))
    turned = sparse.csr_array(odd.T.astype(np.int64))
    weight, slack = rng.random(20) * 0.3, rng.random(14) * 0.2
    parity = rng.integers(0, 2, 14)
    members, length, violation = (
        np.zeros((500, 5), dtype=np.int64),
        np.zeros(500, int),
        np.zeros(500),
    )
    count = _cover_halves.sums(
        (rows.indptr.astype(np.int64), rows.indices.astype(np.int64)),
        (turned.indptr.astype(np.int64), turned.indices.astype(np.int64)),
        (weight, slack, parity.astype(np.int64)),
        (4, 0.03),
        (members, length, violation),
    )
    for at in range(count):
        member = members[at, : length[at]]
        assert len(set(member)) == len(member)
        assert parity[member].sum() % 2 == 1
        worth = slack[member].sum() + weight[odd[member].sum(axis=0) % 2 == 1].sum()
        assert 1 - worth == pytest.approx(violation[at], abs=1e-12)
        assert worth < 1 - 0.03


@given(seed=st.integers(min_value=0, max_value=10_000))
@settings(max_examples=10, deadline=None)
def test_searches_in_windows_find_better_solutions_that_keep_the_rules(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = model_of(_drawn_plane(rng))
    assert model is not None
    free = np.flatnonzero(model.upper)
    first = np.isin(np.arange(model.num_sites), rng.permutation(free)[: model.max_sites])
    kept = _Best(model, first)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_cover_improve, "_WINDOW", 1)
        patch.setattr(_cover_improve, "_WINDOWS", 1)
        search = _cover_improve.Search(
            model, kept, _Patient(), partial(settle_and_branch, is_whole=False)
        )
        for _ in range(3):
            assert search.turn()
    best = min(
        value
        for chosen in itertools.combinations(range(model.num_sites), model.max_sites or 0)
        for value in [model.value(np.isin(np.arange(model.num_sites), chosen) & model.upper)]
        if value is not None
    )
    # Windows grow to all open sites, and are then searched to the end.
    assert model.value(kept.is_open) == kept.best == best


class _Best:
    """Keeps what is offered, and counts it anew."""

    def __init__(self, model: CoverModel, first: BoolArray) -> None:
        self._model = model
        self.is_open = first
        self.best = model.value(first) or 0

    def consider(self, is_open: BoolArray) -> None:
        value = self._model.value(is_open)
        assert value is not None
        if value < self.best:
            self.best, self.is_open = value, is_open.copy()

    def rebase(self, model: CoverModel) -> None:
        raise AssertionError("searches of parts leave the model alone")

    def open_sites(self, model: CoverModel) -> BoolArray | None:
        return self.is_open


class _Patient:
    seed = 1
    time_left_s = math.inf

    def should_stop(self) -> bool:
        return False

    def step(self) -> bool:
        return True

    def raise_bound(self, value: int) -> None:
        raise AssertionError("bounds of parts are none of the whole")


def _drawn_plane(rng: np.random.Generator) -> SitingProblem:
    ground = PointGround(
        site_xy=rng.random((12, 2)),
        customer_xy=rng.random((40, 2)),
        demand_units=rng.integers(1, 10, size=40),
        reach=float(rng.uniform(0.2, 0.5)),
    )
    return ground.problem(goal="max-coverage", max_sites=int(rng.integers(2, 5)))
