"""Every engine of every domain passes the conformance checks, found by the registry alone."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from dispatchopt.core import UnsupportedError
from dispatchopt.generators import generate
from dispatchopt.geography.coverage import Coverage
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.inventory import InventoryProblem
from dispatchopt.registry import domains
from dispatchopt.routing import Couriers, Orders, RoutingProblem, Stores
from dispatchopt.siting import SitingGoal, SitingProblem
from dispatchopt.testing import CHECKS, EngineCases
from dispatchopt.testing.documents import examples

#: Engines that prove whatever they accept, given time; the others are heuristics with a bound.
EXACT = {
    ("siting", "coverage"),
    ("siting", "median"),
    ("siting", "center"),
    ("siting", "mip"),
    ("siting", "capacitated"),
    ("inventory", "levels"),
    ("inventory", "exact"),
    ("routing", "bundles"),
}

NONE = np.zeros(0, dtype=np.int64)

ENGINES = [
    (domain.name, name)
    for domain in domains().values()
    for name, engine in domain.engines().items()
    if getattr(engine, "is_installed", True)
]


def no_coverage(num_sites: int, num_customers: int) -> Coverage:
    return Coverage(
        indptr=np.zeros(num_sites + 1, dtype=np.int64),
        customer_idx=NONE,
        distance_m=NONE,
        num_customers=num_customers,
        cutoff_m=3000,
    )


SITING_GOALS: tuple[tuple[SitingGoal, dict[str, Any]], ...] = (
    (SitingGoal.COVER_ALL, {}),
    (SitingGoal.P_MEDIAN, {"max_sites": 1}),
    (SitingGoal.P_CENTER, {"max_sites": 1}),
)


def limited(problem: Any) -> Any:
    """Return a siting problem whose sites hold half of the demand each."""
    room = np.full(problem.num_sites, problem.total_units // 2 + 1)
    return problem.replace(capacity_units=room, single_source=True)


def roomy(num_sites: int) -> dict[str, Any]:
    return {"max_sites": 1, "capacity_units": np.full(num_sites, 9)}


@cache
def siting_cases() -> dict[str, Any]:
    small: dict[str, Any] = {"nodes": 120, "customers": 25, "sites": 7, "orders": 40, "seed": 3}
    return {
        "usual": (
            generate("siting", **small, goal="max-coverage", max_sites=2),
            generate("siting", **small, goal="p-median", max_sites=3, reach_m=20_000),
            generate("siting", **small, goal="cover-all", reach_m=20_000),
            generate("siting", **small, goal="p-center", max_sites=3, reach_m=20_000),
            limited(generate("siting", **small, goal="p-median", max_sites=3, reach_m=20_000)),
        ),
        # One of each sort of goal: no engine takes them all.
        "empty": tuple(
            SitingProblem(goal=goal, coverage=no_coverage(0, 0), demand_units=NONE, **limit)
            for goal, limit in (*SITING_GOALS, (SitingGoal.P_MEDIAN, roomy(0)))
        ),
        "infeasible": tuple(
            SitingProblem(
                goal=goal,
                coverage=no_coverage(2, 1),
                demand_units=np.ones(1, dtype=np.int64),
                **limit,
            )
            for goal, limit in (*SITING_GOALS, (SitingGoal.P_MEDIAN, roomy(2)))
        ),
    }


def one_pair(**changes: Any) -> InventoryProblem:
    fields: dict[str, Any] = {
        "mean_units": np.array([[4.0]]),
        "variance_units": np.array([[9.0]]),
        "holding_cost": np.array([1.0]),
        "shortage_cost": np.array([4.0]),
        "on_hand_units": np.array([[1]]),
        "volume_ml": np.array([10]),
        "case_pack_units": np.array([1]),
    }
    return InventoryProblem(**{**fields, **changes})


@cache
def inventory_cases() -> dict[str, Any]:
    small: dict[str, Any] = {
        "nodes": 120,
        "customers": 20,
        "sites": 5,
        "orders": 60,
        "stores": 3,
        "seed": 3,
    }
    city = generate("inventory", **small, skus=6)
    alone = city.replace(store_volume_ml=None, available_units=None, delivery_volume_ml=None)
    none = np.zeros((0, 0))
    return {
        "usual": (alone, one_pair(), city),
        "empty": InventoryProblem(
            mean_units=none,
            variance_units=none,
            holding_cost=np.zeros(0),
            shortage_cost=np.zeros(0),
            on_hand_units=np.zeros((0, 0), dtype=np.int64),
            volume_ml=NONE,
            case_pack_units=NONE,
        ),
        "infeasible": one_pair(min_units=np.array([[9]]), store_volume_ml=np.array([20])),
    }


def windowed_orders(num_orders: int, latest_s: int = 900) -> RoutingProblem:
    """Return one store, couriers that are alike, and windows that must be kept."""
    metres = 120 * np.abs(np.subtract.outer(np.arange(num_orders + 1), np.arange(num_orders + 1)))
    return RoutingProblem(
        travel=(TravelMatrix(distance_m=metres, duration_s=metres),),
        orders=Orders.of(
            place=1 + np.arange(num_orders),
            load=np.ones((num_orders, 1), dtype=np.int64),
            earliest_s=200,
            latest_s=latest_s,
        ),
        stores=Stores.of(place=[0]),
        couriers=Couriers.of(start_place=[0], end_place=[0], count=[4], capacity=[[2]]),
    )


@cache
def routing_cases() -> dict[str, Any]:
    usual = [
        generate("routing", nodes=120, orders=orders, couriers=3, stores=2, seed=3)
        for orders in (1, 7)
    ]
    # The promise as a hard window is what engines without a price of lateness take.
    hard = usual[-1].orders.replace(latest_s=usual[-1].orders.promise_s, late_cost_per_s=[0] * 7)
    usual.append(usual[-1].replace(orders=hard))
    slow = usual[-1].stores.replace(pick_s=45)
    usual.append(usual[-1].replace(stores=slow))
    nobody: RoutingProblem = generate("routing", nodes=120, orders=2, couriers=0, stores=1, seed=3)
    must = nobody.replace(orders=nobody.orders.replace(refusal_cost=np.full(2, -1)))
    empty = generate("routing", nodes=120, orders=0, couriers=2, stores=1, seed=3)
    idle = empty.replace(stores=empty.stores.replace(pick_s=45))
    late = must.replace(stores=must.stores.replace(pick_s=45))
    return {
        "usual": (*usual, windowed_orders(6)),
        "empty": (empty, windowed_orders(0), idle),
        "infeasible": (must, windowed_orders(6, latest_s=600), late),
    }


CASES = {"siting": siting_cases, "inventory": inventory_cases, "routing": routing_cases}


def accepted(domain: str, engine: str) -> EngineCases:
    """Return the cases of a domain that an engine takes; it must take at least one."""
    found = domains()[domain].engines()[engine]
    if domain in examples():
        example = examples()[domain]
        given = example.cases()
        usual = tuple(each for each in given.usual if not found.unsupported(each))
        return replace(given, usual=usual, exact=engine in example.exact)
    cases = CASES[domain]()
    usual = tuple(problem for problem in cases["usual"] if not found.unsupported(problem))
    if not usual:
        raise UnsupportedError(f"{engine} takes none of the usual problems of {domain}")

    def taken(problem: Any) -> Any:
        """Return the first of several problems that the engine takes."""
        several = problem if isinstance(problem, tuple) else (problem,)
        return next((each for each in several if not found.unsupported(each)), None)

    return EngineCases(
        usual=usual,
        empty=taken(cases["empty"]),
        infeasible=taken(cases["infeasible"]),
        exact=(domain, engine) in EXACT,
    )


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("domain", "engine"), ENGINES, ids=str)
def test_conformance(domain: str, engine: str, check: Any) -> None:
    check(domains()[domain], engine, accepted(domain, engine))


def test_every_domain_has_engines_and_cases() -> None:
    assert {domain for domain, _ in ENGINES} == set(domains()) == {*CASES, *examples()}
    for domain, example in examples().items():
        assert example.exact <= set(domains()[domain].engines())
        assert all(accepted(domain, engine).usual for engine in domains()[domain].engines())
