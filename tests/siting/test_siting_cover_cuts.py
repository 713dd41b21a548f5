"""Cuts and annealing of the coverage engine against enumeration."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from dispatchopt.siting import PointGround, SitingProblem
from dispatchopt.siting.engines._cover_anneal import Annealer
from dispatchopt.siting.engines._cover_build import model_of
from dispatchopt.siting.engines._cover_cuts import separate
from dispatchopt.siting.engines._cover_lp import Relaxation
from dispatchopt.siting.engines._cover_model import dual_bound


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


def _drawn_plane(rng: np.random.Generator) -> SitingProblem:
    ground = PointGround(
        site_xy=rng.random((12, 2)),
        customer_xy=rng.random((40, 2)),
        demand_units=rng.integers(1, 10, size=40),
        reach=float(rng.uniform(0.2, 0.5)),
    )
    return ground.problem(goal="max-coverage", max_sites=int(rng.integers(2, 5)))
