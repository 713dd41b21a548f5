"""Subset-row cuts: which triples are found, and that they cut off no plan."""

from __future__ import annotations

import dataclasses
import itertools
from functools import partial

import numpy as np
import pytest
from benchmarks.snapshot import snapshot

from dispatchopt.core import Stop
from dispatchopt.core.run import solve
from dispatchopt.routing import DOMAIN
from dispatchopt.routing.engines._effort import Effort
from dispatchopt.routing.engines._subset_rows import violated_triples
from dispatchopt.routing.engines.bundles import BundlesEngine

PAIRS = [[1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 1, 0], [0, 0, 0, 1]]


def test_three_halves_of_pairs_are_found() -> None:
    shares = np.array([0.5, 0.5, 0.5, 1.0])
    assert violated_triples(np.array(PAIRS, dtype=float), shares, 9).tolist() == [[0, 1, 2]]


def test_a_trip_with_all_three_counts_once() -> None:
    holds = np.array([[1, 1, 1, 0], [1, 1, 0, 1]], dtype=float)
    assert violated_triples(holds, np.array([0.6, 0.4]), 9).tolist() == []


@pytest.mark.parametrize("seed", range(5))
def test_found_as_by_counting(seed: int) -> None:
    rng = np.random.default_rng(seed)
    holds = (rng.random((12, 8)) < 0.35).astype(float)
    shares = rng.random(12)
    found = {tuple(row) for row in violated_triples(holds, shares, 1_000).tolist()}
    violated = {
        triple
        for triple in itertools.combinations(range(8), 3)
        if shares[holds[:, list(triple)].sum(axis=1) >= 2].sum() > 1.05
    }
    assert found <= violated
    assert bool(found) == bool(violated)


def test_whole_plans_are_never_cut_off() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        owner = rng.integers(0, 4, 9)
        holds = (owner[None, :] == np.arange(4)[:, None]).astype(float)
        assert len(violated_triples(holds, np.ones(4), 100)) == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_cuts_change_no_optimum(seed: int) -> None:
    problem = snapshot(24, 4, 7, seed)
    results = []
    for rounds in (0, 5):
        # The programme before the cuts is rough, so that something is left to be closed.
        engine = BundlesEngine(effort=Effort(cut_rounds=rounds, all_present=0, first_guess=60))
        domain = dataclasses.replace(DOMAIN, engines=partial(dict, bundles=engine))
        results.append(
            solve(domain, problem, engine="bundles", stop=Stop(iterations=5_000), seed=1)
        )
    assert [str(result.status) for result in results] == ["optimal", "optimal"]
    assert results[0].objective == results[1].objective
