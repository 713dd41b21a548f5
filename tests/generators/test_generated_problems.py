from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.cli.common import kind_names
from dispatchopt.core.arrays import digest
from dispatchopt.core.errors import InputError
from dispatchopt.generators import (
    GENERATORS,
    CityOptions,
    generate,
    generate_city,
    generate_day,
    generate_document,
    generate_inventory,
    generate_routing,
    generate_siting,
    generate_streets,
)
from dispatchopt.generators.views import open_stores
from dispatchopt.io.documents import kinds
from dispatchopt.pipeline.city import SiteStatus
from dispatchopt.siting.problem import SitingGoal

_TINY: dict[str, Any] = {"nodes": 150, "customers": 20, "sites": 6, "orders": 40}
_DIGESTS = """
from dispatchopt.core.arrays import digest
from dispatchopt.generators import GENERATORS, generate
for kind in sorted(GENERATORS):
    problem = generate(kind, nodes=150, orders=20)
    fields = [name for name in vars(problem) if name != "travel"]
    print(kind, [digest(getattr(problem, name)) for name in fields])
"""


def test_registry_names_every_kind_with_typed_options() -> None:
    assert set(GENERATORS) == set(kinds()) == set(kind_names())
    for kind, generator in GENERATORS.items():
        assert generator.kind == kind
        options = {each.name: each for each in generator.options}
        assert options["size"].choices == ("small", "medium", "large")
        assert options["nodes"].kind is int
        assert all(each.about for each in generator.options)
    city = {each.name: each for each in GENERATORS["city"].options}
    assert set(city) == set(CityOptions.__dataclass_fields__)
    assert city["fresh_share"].kind is float
    assert city["fresh_share"].default == 0.4
    assert (city["fresh_share"].low, city["fresh_share"].high) == (0, 1)


def test_same_seed_same_problem_whatever_the_hash_seed() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", _DIGESTS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "77")
    }
    assert len(found) == 1
    assert found.pop().count("\n") == len(GENERATORS)


def test_unknown_kind_and_options_are_refused() -> None:
    with pytest.raises(InputError, match=f"one of {', '.join(GENERATORS)}"):
        generate("moon")
    for kind in GENERATORS:
        with pytest.raises(InputError, match="unknown-option"):
            generate(kind, colour=3)
        with pytest.raises(InputError, match="seed"):
            generate(kind, seed=-1)
    with pytest.raises(InputError, match="one of cover-all, max-coverage"):
        generate("siting", goal="cover")


@pytest.mark.parametrize("goal", [goal.value for goal in SitingGoal])
def test_siting_of_every_goal(goal: str) -> None:
    # P-center needs every customer in reach of some site.
    problem = generate_siting(goal=goal, reach_m=20_000, **_TINY)
    assert problem.goal == goal
    assert (problem.num_customers, problem.num_sites) == (20, 6)
    assert problem.total_units == 40
    assert problem.coverage.num_pairs > 0
    assert problem.capacity_units is None
    limited = generate_siting(goal=goal, reach_m=20_000, capacities=True, max_sites=2, **_TINY)
    assert limited.capacity_units is not None
    assert limited.max_sites == 2


def test_p_center_leaves_out_customers_that_no_site_reaches() -> None:
    """They would make the problem infeasible; everybody else keeps the demand of other goals."""
    problem = generate_siting(goal="p-center", reach_m=300, **_TINY)
    other = generate_siting(goal="max-coverage", reach_m=300, **_TINY)
    reached = np.bincount(problem.coverage.customer_idx, minlength=problem.num_customers) > 0
    assert not reached.all()
    assert (problem.demand_units == np.where(reached, other.demand_units, 0)).all()


def test_inventory_splits_the_demand_of_the_city() -> None:
    problem = generate_inventory(skus=60, stores=3, **_TINY)
    city = generate_city(skus=60, **_TINY)
    reach = open_stores(city, 3)
    assert problem.mean_units.shape == (3, 60)
    covered = city.customers.demand_units[reach.nearest >= 0].sum() / 40
    np.testing.assert_allclose(
        problem.mean_units.sum(axis=0), covered * city.skus.demand_mean_units, rtol=1e-9
    )
    assert problem.available_units is not None
    assert (problem.variance_units >= problem.mean_units).all()


def test_greedy_stores_obey_statuses() -> None:
    city = generate_city(nodes=800, customers=60, sites=40, skus=0, orders=80, couriers=0)
    reach = open_stores(city, 5)
    status = city.sites.status
    assert len(reach.store_sites) == 5
    assert not (status[reach.store_sites] == SiteStatus.FORBIDDEN).any()
    fixed = np.flatnonzero((status == SiteStatus.EXISTING) | (status == SiteStatus.REQUIRED))
    assert set(fixed.tolist()) <= set(reach.store_sites.tolist())


def test_day_has_stock_and_matrix_of_its_own() -> None:
    day = generate_day(skus=10, couriers=4, **_TINY)
    assert len(day.orders) == 40
    assert len(day.couriers) == 4
    assert day.stores.stock_units is not None
    assert day.stores.stock_units.sum() > 0
    assert day.places is not None
    everywhere = np.arange(day.travel.num_places)
    block = day.travel.block(everywhere, everywhere)
    assert block.distance_m.shape == (len(day.places),) * 2
    assert block.is_reachable.all()
    assert day.travel.slowdown(8 * 3600) > 1


def test_routing_snapshot_is_feasible_and_about_now() -> None:
    problem = generate_routing(orders=30, couriers=12, seed=3)
    assert (len(problem.orders), len(problem.couriers)) == (30, 12)
    assert (problem.orders.promise_s > 1_000).all()
    assert (problem.orders.promise_s <= 1_800).all()
    assert problem.orders.release_s.min() >= 0
    assert problem.orders.release_s.max() < 900
    assert problem.couriers.earliest_s.max() <= 480
    assert (problem.orders.load[:, 0] < 70_000).all()
    counts = [len(problem.stores_of_order(order)) for order in range(30)]
    assert min(counts) >= 1
    assert max(counts) > 1
    single = generate_routing(orders=30, couriers=12, seed=3, choice_of_store=False)
    assert {len(single.stores_of_order(order)) for order in range(30)} == {1}


def test_problems_on_given_streets() -> None:
    streets = generate_streets(num_nodes=200, seed=8)
    made = generate_document("siting", network=streets, customers=10, sites=4, orders=20)
    assert "generated streets" in made.source
    lon = made.places["customers"].lon
    assert len(lon) == 10
    assert streets.lon.min() - 0.01 < lon.min() < lon.max() < streets.lon.max() + 0.01
    plain = generate_siting(network=streets, customers=10, sites=4, orders=20)
    assert digest(plain) == digest(made.problem)


def test_document_says_how_it_was_made() -> None:
    made = generate_document("city", seed=5, customers=10, sites=2, nodes=60, skus=3, orders=12)
    assert made.source.startswith("made by dispatchopt generate city --size small --seed 5 --set")
    assert "--set customers=10" in made.source
    assert made.source.endswith("Apache-2.0")
    assert made.problem.source == made.source
    assert made.name == made.problem.name == "Generated city, small, seed 5"


@settings(max_examples=20, deadline=None)
@given(
    kind=st.sampled_from(["siting", "inventory", "routing", "day"]),
    seed=st.integers(0, 2**31),
    orders=st.integers(0, 40),
    nodes=st.integers(25, 150),
    data=st.data(),
)
def test_any_options_make_a_valid_problem(
    kind: str, seed: int, orders: int, nodes: int, data: st.DataObject
) -> None:
    options: dict[str, Any] = {"orders": orders, "nodes": nodes}
    names = {each.name for each in GENERATORS[kind].options}
    for name, low, high in (("customers", 1, 30), ("sites", 1, 9), ("skus", 1, 9)):
        if name in names:
            options[name] = data.draw(st.integers(low, high), label=name)
    if "couriers" in names:
        options["couriers"] = data.draw(st.integers(0, 5), label="couriers")
    if "stores" in names:
        options["stores"] = data.draw(st.integers(1, 4), label="stores")
    # The problem classes check themselves; what is left to show is that nothing gets lost.
    problem = generate(kind, seed=seed, **options)
    if kind == "siting":
        assert problem.total_units == orders
    elif kind == "inventory":
        assert problem.mean_units.shape[1] == options["skus"]
        assert np.isfinite(problem.mean_units).all()
    else:
        assert len(problem.orders) == orders
        assert len(problem.couriers) == options["couriers"]
