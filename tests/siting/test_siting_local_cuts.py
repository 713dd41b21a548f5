"""Local cuts of the coverage engine against enumeration and a linear programme over all choices."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.siting import PointGround
from dispatchopt.siting.engines import _cover_pattern_kernels as kernels
from dispatchopt.siting.engines._cover_build import model_of
from dispatchopt.siting.engines._cover_cuts import halved, violated_sums
from dispatchopt.siting.engines._cover_lp import Relaxation
from dispatchopt.siting.engines._cover_model import dual_bound
from dispatchopt.siting.engines._cover_patterns import local_cut, local_cuts

_SEEDS = st.integers(min_value=0, max_value=10_000)


@given(seed=_SEEDS)
@settings(max_examples=100, deadline=None)
def test_a_local_cut_holds_for_all_open_sites_and_cuts_off_its_point(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table, share, missed = _drawn_few(rng)
    found = local_cut(sparse.csr_array(table), share, missed)
    if found is None:
        return
    sites, of_sites, of_missed, limit = found
    weight = np.zeros(table.shape[1], dtype=np.int64)
    weight[sites] = of_sites
    for chosen in itertools.product((0, 1), repeat=table.shape[1]):
        is_open = np.array(chosen)
        assert weight @ is_open + of_missed @ (table @ is_open == 0) >= limit
    assert weight @ share + of_missed @ missed < limit


@given(seed=_SEEDS)
@settings(max_examples=60, deadline=None)
def test_prices_are_those_of_the_linear_programme_over_all_choices(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 6))
    patterns = rng.choice(np.arange(1, 1 << count), size=6, replace=False)
    mask = np.concatenate([patterns, 1 << np.arange(count)]).astype(np.int64)
    weight = rng.random(len(mask)) * 0.6
    price, weighs = kernels.prices(mask, count, weight, (1.0, 500, 500))
    choices = [
        chosen
        for chosen in itertools.product((0.0, 1.0), repeat=len(mask))
        if _union(mask, chosen) == (1 << count) - 1
    ]
    least = linprog(weight, A_ub=-np.array(choices), b_ub=-np.ones(len(choices))).fun
    if weighs <= 1.0:
        assert math.isclose(weighs, least, abs_tol=1e-6)
        assert min(float(np.dot(price, chosen)) for chosen in choices) >= 1 - 1e-5
    else:
        assert least > 1.0 - 1e-6


@given(seed=_SEEDS)
@settings(max_examples=20, deadline=None)
def test_local_cuts_keep_every_whole_solution_and_move_the_bound_only_up(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ground = PointGround(
        site_xy=rng.random((12, 2)),
        customer_xy=rng.random((40, 2)),
        demand_units=rng.integers(1, 10, size=40),
        reach=float(rng.uniform(0.2, 0.5)),
    )
    most = int(rng.integers(2, 5))
    model = model_of(ground.problem(goal="max-coverage", max_sites=most))
    assert model is not None
    relaxation = Relaxation(model, time_left_s=lambda: math.inf, should_stop=lambda: False, seed=1)
    root = relaxation.first(model.lower, model.upper)
    before = dual_bound(model, root.row_dual, model.lower, model.upper).value(model)
    known: dict[bytes, IntArray] = {}
    for _ in range(3):
        sums = violated_sums(*model.whole_rows(), np.concatenate([root.sites, root.missed]))
        cuts = halved(sums, 5).joined(local_cuts(sums, *model.table_of_sets(), known))
        if not cuts.count:
            return
        shape = (cuts.count, model.num_sites + model.sets.num_sets)
        table = sparse.csr_array((cuts.value, cuts.column, cuts.indptr), shape=shape)
        best = math.inf
        for chosen in itertools.combinations(np.flatnonzero(model.upper), most):
            is_open = np.isin(np.arange(model.num_sites), chosen)
            best = min(best, model.value(is_open) or 0)
            whole = np.concatenate([is_open, model.sets.is_uncovered(is_open)])
            assert (table @ whole.astype(np.int64) >= cuts.limit).all()
        relaxation.add(cuts)
        model = replace(model, cuts=model.cuts.joined(cuts))
        root = relaxation.solve(model.lower, model.upper)
        after = dual_bound(model, root.row_dual, model.lower, model.upper).value(model)
        assert before is not None
        assert after is not None
        assert before <= after <= best
        before = after


def _drawn_few(rng: np.random.Generator) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return who reaches whom, and a fractional solution that covers everyone just so."""
    count, sites = int(rng.integers(3, 7)), int(rng.integers(3, 9))
    table = (rng.random((count, sites)) < 0.45).astype(np.int64)
    wanted = np.where(table.any(axis=1), -1.0, 0.0)
    solved = linprog(rng.random(sites) + 0.5, A_ub=-table, b_ub=wanted)
    share = np.clip(solved.x, 0.0, 1.0)
    return table, share, np.maximum(0.0, 1 - table @ share)


def _union(mask: IntArray, chosen: tuple[float, ...]) -> int:
    return int(np.bitwise_or.reduce(mask[np.array(chosen) > 0], initial=0))
