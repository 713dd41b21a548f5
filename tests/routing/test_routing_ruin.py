"""Ruin and recreate, and the compiled timing of trips, against the plain ways."""

from __future__ import annotations

import numpy as np
import pytest

from dispatchopt.generators import generate_routing
from dispatchopt.routing import RoutingProblem, bundles, solve
from dispatchopt.routing.engines import _ruin
from dispatchopt.routing.engines._columns import columns_of
from dispatchopt.routing.engines._subset_rows import pair_shares, violated_triples
from dispatchopt.routing.engines.bundles import BundlesEngine


def _near_s(problem: RoutingProblem) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    place = problem.orders.place
    return np.asarray(problem.travel[0].duration_s[np.ix_(place, place)])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_compiled_and_plain_enumerations_are_equal(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sequences and costs too, where lateness and time have a price."""
    problem = generate_routing(seed=seed, orders=14, couriers=3)
    found = []
    for least in (0, 1 << 40):
        monkeypatch.setattr(bundles, "_COMPILED_FROM", least)
        found.append(bundles.enumerate_bundles(problem, limit=100_000))
    assert found[0].num_bundles == found[1].num_bundles > 0
    for one, other in zip(found[0].blocks, found[1].blocks, strict=True):
        assert np.array_equal(one.sequences, other.sequences)
        assert np.array_equal(one.cost, other.cost)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_plans_are_whole_and_cost_what_is_claimed(seed: int) -> None:
    """Every order is in one trip or refused; the cost is the sum over the columns."""
    problem = generate_routing(seed=seed, orders=12, couriers=3)
    columns, _ = columns_of(problem, bundles.enumerate_bundles(problem, limit=100_000).blocks)
    search = _ruin.Ruin(columns, _near_s(problem), seed=seed)
    chosen, cost = search.run(2_000, lambda: False)
    assert _ruin.is_plan(columns, chosen)
    assert cost == pytest.approx(columns.cost[chosen].sum())
    best = solve(problem, engine="bundles").objective
    assert best is not None
    assert best <= cost <= 1.02 * best


def test_it_goes_on_from_a_plan_and_never_loses_it() -> None:
    """No step at all gives the plan back."""
    problem = generate_routing(seed=4, orders=12, couriers=3)
    columns, _ = columns_of(problem, bundles.enumerate_bundles(problem, limit=100_000).blocks)
    first = _ruin.Ruin(columns, _near_s(problem), seed=1)
    chosen, cost = first.run(500, lambda: False)
    again = _ruin.Ruin(columns, _near_s(problem), seed=2)
    again.start_from(chosen)
    kept, same = again.run(500, lambda: True)
    assert np.array_equal(kept, chosen)
    assert same == pytest.approx(cost)
    assert again.run(500, lambda: False)[1] <= cost


def test_going_on_from_a_plan_forgets_the_one_before() -> None:
    """A search that has run already starts from what it is told, with no trip of its own left."""
    problem = generate_routing(seed=4, orders=12, couriers=3)
    columns, _ = columns_of(problem, bundles.enumerate_bundles(problem, limit=100_000).blocks)
    search = _ruin.Ruin(columns, _near_s(problem), seed=1)
    refused = np.flatnonzero(columns.store < 0)
    search.run(500, lambda: False)
    search.start_from(refused)
    kept, cost = search.run(0, lambda: True)
    assert np.array_equal(kept, refused)
    assert cost == pytest.approx(columns.cost[refused].sum())


def test_dear_couriers_stay_where_they_are() -> None:
    """At a price above all refusals no further courier goes out; the plan costs what it says."""
    problem = generate_routing(seed=4, orders=12, couriers=3)
    columns, _ = columns_of(problem, bundles.enumerate_bundles(problem, limit=100_000).blocks)
    search = _ruin.Ruin(columns, _near_s(problem), seed=1)
    search.price_couriers(np.full(len(problem.couriers), 1e9))
    chosen, _ = search.run(2_000, lambda: False)
    assert (columns.store[chosen] < 0).all()
    search.price_couriers(np.zeros(len(problem.couriers)))
    chosen, cost = search.run(2_000, lambda: False)
    assert _ruin.is_plan(columns, chosen)
    assert cost == pytest.approx(columns.cost[chosen].sum())
    assert (columns.store[chosen] >= 0).any()


def test_the_engine_offers_its_plan_before_the_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the search switched on for few trips, the answer is proven as before."""
    problem = generate_routing(seed=5, orders=12, couriers=3)
    plain = solve(problem, engine="bundles")
    monkeypatch.setattr("dispatchopt.routing.engines._bundle_search.LEAST_TRIPS", 1)
    early = solve(problem, engine="bundles")
    assert (early.status, early.objective) == (plain.status, plain.objective)
    assert early.trace[-1].objective == plain.objective
    assert BundlesEngine().effort.ruin_steps > 0


def test_violated_triples_are_those_of_enumeration() -> None:
    """The excess of the first one is the largest of all."""
    random = np.random.default_rng(7)
    holds = (random.random((30, 12)) < 0.25).astype(float)
    share = random.random(30)
    share /= np.maximum(1.0, (holds.T @ share).max())
    found = violated_triples(holds, share, 50)
    excess = {}
    for a in range(12):
        for b in range(a + 1, 12):
            for c in range(b + 1, 12):
                count = holds[:, a] + holds[:, b] + holds[:, c]
                excess[a, b, c] = float(share[count >= 2].sum()) - 1
    listed = [excess[a, b, c] for a, b, c in found.tolist()]
    assert all(each > 0.05 for each in listed)
    shared = holds.T @ (holds * share[:, None])
    assert pair_shares(holds, share) == pytest.approx(np.triu(shared, 1))
    worst = max(excess.values())
    assert (not listed and worst <= 0.05) or listed[0] == pytest.approx(worst)
