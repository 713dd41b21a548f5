"""Column generation: its pricing against enumeration, its bounds against optima, its refusals."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import io
from dispatchopt.core import Status, Stop, UnsupportedError
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.routing import (
    DOMAIN,
    Couriers,
    Options,
    Orders,
    RoutingProblem,
    Stores,
    lower_bound,
    solve,
)
from dispatchopt.routing.engines import _ng_pricing as kernel
from dispatchopt.routing.engines._route_graph import RouteGraph, route_graph
from dispatchopt.routing.engines._route_master import FINE, RouteMaster, remembered
from dispatchopt.routing.engines.colgen import whole
from dispatchopt.testing.conformance import CHECKS, EngineCases

Line = Callable[..., RoutingProblem]
SOLOMON = Path(os.environ.get("DISPATCHOPT_DATA", "../shared/data")) / "routing" / "solomon"


def windowed(
    seed: int, num_orders: int, *, is_optional: bool = False, is_late: bool = False
) -> RoutingProblem:
    """Return orders around a store, with windows that a round may meet; late ones are not ready."""
    rng = np.random.default_rng(seed)
    xy = rng.integers(0, 100, (num_orders + 1, 2))
    metres = np.ceil(np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))).astype(np.int64)
    earliest_s = rng.integers(140, 500, num_orders)
    orders: dict[str, Any] = {
        "place": 1 + np.arange(num_orders),
        "load": rng.integers(1, 5, (num_orders, 1)),
        "service_s": rng.integers(0, 15, num_orders),
        "earliest_s": earliest_s,
        "latest_s": earliest_s + rng.integers(10, 150, num_orders),
    }
    if is_late:
        ready_s = earliest_s + rng.integers(-200, 40, num_orders)
        orders["release_s"] = np.where(rng.random(num_orders) < 0.7, ready_s, 0)
        orders["latest_s"] += 90
    if is_optional:
        orders["refusal_cost"] = np.where(rng.random(num_orders) < 0.5, -1, 120)
    return RoutingProblem(
        travel=(TravelMatrix(distance_m=metres, duration_s=metres),),
        orders=Orders.of(**orders),
        stores=Stores.of(place=[0]),
        couriers=Couriers.of(
            start_place=[0],
            end_place=[0],
            count=[num_orders],
            capacity=[[10]],
            fixed_cost=[int(rng.integers(0, 60))],
            cost_per_order=[int(rng.integers(0, 3))],
        ),
    )


def _bits(sets: list[list[int]]) -> Any:
    return np.array([[sum(1 << i for i in members)] for members in sets], dtype=np.int64)


def _pairs(stops: tuple[int, ...], cut: tuple[int, ...], kept: set[int]) -> int:
    """Return how many pairs of visits of a cut's doors are not parted by a door that forgets."""
    parts: list[list[int]] = [[]]
    for stop in stops:
        if stop in cut:
            parts[-1].append(stop)
        elif stop not in kept:
            parts.append([])
    return sum(len(part) // 2 for part in parts)


def _least(
    graph: RouteGraph, duals: Any, cuts: list[tuple[int, ...]], kept: list[set[int]], prices: Any
) -> float:
    """Return the least reduced cost of all routes, by enumeration."""
    n, least = len(graph), math.inf
    for size in range(1, n + 1):
        for stops in itertools.permutations(range(n), size):
            if sum(graph.load[list(stops)]) > graph.most_load:
                continue
            now = graph.release_s[list(stops)].max() + graph.out_s[stops[0]]
            now = max(now, graph.window_s[0, stops[0]])
            is_open = now <= graph.window_s[1, stops[0]]
            for i, j in itertools.pairwise(stops):
                now = max(now + graph.duration_s[i, j], graph.window_s[0, j])
                is_open &= bool(now <= graph.window_s[1, j])
            cost = graph.cost(stops)
            if not is_open or not math.isfinite(cost):
                continue
            cost -= duals[list(stops)].sum()
            cost += sum(
                price * _pairs(stops, cut, memory)
                for cut, memory, price in zip(cuts, kept, prices, strict=True)
            )
            least = min(least, cost)
    return least


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), is_late=st.booleans(), most_units=st.integers(1, 12))
def test_pricing_finds_the_least_reduced_cost(seed: int, is_late: bool, most_units: int) -> None:
    rng = np.random.default_rng(seed)
    graph = route_graph(windowed(seed, 5, is_late=is_late))
    duals = rng.integers(0, 200, 5).astype(float)
    cuts: list[tuple[int, ...]] = [(0, 1, 2), (1, 3, 4)]
    kept = [{3}, set[int]()] if rng.random() < 0.5 else [{3, 4}, {0, 2}]
    prices = rng.integers(0, 60, 2)
    costs = tuple(whole(cost) for cost in (graph.start - duals, graph.arc - duals, graph.end))
    grid = graph.first_s, graph.width_s, graph.steps
    unit = -(-graph.most_load // most_units)
    units = graph.load // unit
    most = graph.most_load // unit
    if graph.has_order:
        ways = graph.release_s + graph.out_s, graph.duration_s, graph.window_s
        ahead = kernel.beginnings(costs[0], costs[1], ways, (units, most), *grid)
    else:
        nothing = np.full((5, graph.steps, most + 1), -kernel.NEVER)
        ahead = nothing, nothing, np.full(nothing.shape, -1, dtype=np.int32)
    everything = _bits([list(range(5))] * 5)
    member = _bits([[c for c, cut in enumerate(cuts) if i in cut] for i in range(5)])
    cut_kept = _bits([[c for c in (0, 1) if i in cuts[c] or i in kept[c]] for i in range(5)])
    price = np.zeros(64, dtype=np.int64)
    price[:2] = prices * FINE
    found = {}
    for care in (kernel.TIME, kernel.LOAD, kernel.EXACT):
        pool = (
            np.zeros(5_000, dtype=np.int32),
            np.zeros(5_000, dtype=np.int32),
            np.zeros(5_000, dtype=np.int64),
            np.zeros((5_000, 6), dtype=np.int64),
        )
        count, status = kernel.label(
            costs,
            (
                graph.release_s,
                graph.out_s,
                graph.soonest_s,
                graph.duration_s,
                graph.window_s,
                *grid,
            ),
            (graph.load, graph.most_load, unit),
            (_bits([[i] for i in range(5)]), everything),
            (member, cut_kept, price),
            ahead,
            pool,
            care,
            10**9,
        )
        assert status == kernel.COMPLETE
        found[care] = float(pool[2][:count].min(initial=0)) / FINE
    least = min(0.0, _least(graph, duals, cuts, kept, prices))
    assert found[kernel.EXACT] == pytest.approx(least)
    # What is careless finds routes that are there, but perhaps not the best.
    assert found[kernel.TIME] >= least - 1e-9
    assert found[kernel.LOAD] >= least - 1e-9
    if graph.has_order:
        last = ahead[0][np.arange(5), -1, most - units]
        assert min(0.0, float((last + costs[2]).min()) / FINE) <= least + 1e-9


@given(seed=st.integers(0, 10**6))
def test_routes_pay_for_cuts_as_far_as_they_are_remembered(seed: int) -> None:
    rng = np.random.default_rng(seed)
    master = RouteMaster(route_graph(windowed(1, 6)), seed=1)
    stops = tuple(rng.integers(0, 6, 8).tolist())
    triple = tuple(rng.choice(6, 3, replace=False).tolist())
    kept = set(rng.choice(6, 2, replace=False).tolist())
    master.cut([triple], [kept])
    assert master.pairs(stops, 0) == _pairs(stops, triple, kept)
    assert master.pairs(stops[::-1], 0) == master.pairs(stops, 0)
    # What lies between the visits that a cut is made for is enough for it to be paid in full.
    master.cut([triple], [remembered(triple, [stops])])
    visits = sum(stop in triple for stop in stops)
    assert master.pairs(stops, 1) == visits // 2


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), is_optional=st.booleans(), is_late=st.booleans())
def test_bounds_stay_below_optima(seed: int, is_optional: bool, is_late: bool) -> None:
    problem = windowed(seed, 6, is_optional=is_optional, is_late=is_late)
    if is_late:
        problem = problem.replace(orders=problem.orders.replace(refusal_cost=400))
    best = solve(problem, engine="bundles")
    assert best.status is Status.OPTIMAL
    found = solve(problem, engine="colgen", stop=Stop(iterations=400))
    assert best.objective is not None
    assert found.objective is not None
    assert found.bound is not None
    assert found.bound <= best.objective <= found.objective
    assert found.bound >= lower_bound(problem)
    # Six orders leave nothing to be guessed once pricing is done.
    assert found.bound >= 0.9 * best.objective


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_trips_and_ready_times_are_relaxed(seed: int) -> None:
    """Few couriers with several trips each can do no more than as many routes as orders."""
    problem = windowed(seed, 5, is_late=True)
    orders = problem.orders.replace(refusal_cost=400)
    several = problem.couriers.replace(count=[2], max_trips=[3], capacity=[[5]], max_stops=[3])
    problem = problem.replace(orders=orders, couriers=several)
    best = solve(problem, engine="bundles")
    unlimited = problem.replace(couriers=several.replace(max_stops=1 << 40))
    found = solve(unlimited, engine="colgen", stop=Stop(iterations=200))
    assert best.status is Status.OPTIMAL
    assert best.objective is not None
    assert found.bound is not None
    assert found.bound <= best.objective
    away = unlimited.replace(couriers=unlimited.couriers.replace(end_place=[1]))
    with pytest.raises(UnsupportedError, match="several trips only"):
        solve(away, engine="colgen")


def test_middling_problems_are_nearly_proven() -> None:
    problem = windowed(3, 40)
    result = solve(problem, engine="colgen", stop=Stop(time_s=30))
    assert result.gap is not None
    assert result.gap <= 0.02
    assert result.bound is not None
    assert result.bound > 1.02 * lower_bound(problem)
    more = problem.replace(couriers=problem.couriers.replace(count=np.array([41])))
    assert solve(more, engine="colgen", stop=Stop(time_s=30)).bound == pytest.approx(
        result.bound, rel=0.01
    )


def test_wider_windows_never_cost_more() -> None:
    problem = windowed(5, 20)
    wider = problem.replace(orders=problem.orders.replace(latest_s=problem.orders.latest_s + 60))
    tight = solve(problem, engine="colgen", stop=Stop(time_s=20))
    loose = solve(wider, engine="colgen", stop=Stop(time_s=20))
    assert loose.bound is not None
    assert tight.objective is not None
    assert loose.bound <= tight.objective


def test_a_cut_raises_the_bound() -> None:
    """Three orders, pairs at 2, all together or alone too dear: half of each pair costs 3."""
    graph = route_graph(windowed(1, 3))
    for name, value in (("start", 2.0), ("arc", 0.0), ("end", 0.0)):
        getattr(graph, name)[...] = value
    master = RouteMaster(graph, seed=1)
    master.add([(0, 1), (1, 2), (0, 2)])
    first = master.solve(10)
    assert first is not None
    assert first.value == pytest.approx(3)
    assert first.order.sum() + 3 * first.route == pytest.approx(3, abs=1e-3)
    master.cut([(0, 1, 2)], [set()])
    then = master.solve(10)
    assert then is not None
    assert then.value == pytest.approx(4)
    assert master.plan(10, 1, 100) is not None
    master.forbid([{0, 1, 2}] * 3)
    assert master.add([(0, 1)]) == 0


@pytest.mark.parametrize("conforms", CHECKS, ids=lambda each: str(each.__name__))
def test_conformance(conforms: Any, line_problem: Line) -> None:
    window: dict[str, Any] = {"earliest_s": [0, 30, 5], "latest_s": [60, 90, 80]}
    couriers = {"count": [3]}
    cases = EngineCases(
        usual=(
            line_problem(orders=window, couriers=couriers),
            line_problem(orders={"place": [2], "load": [[1]], "latest_s": 50}, couriers=couriers),
            line_problem(orders={**window, "refusal_cost": [4, 30, 99]}, couriers=couriers),
        ),
        empty=line_problem(orders={"place": [], "load": np.zeros((0, 1), dtype=np.int64)}),
        infeasible=line_problem(orders={"latest_s": [60, 10, 80]}, couriers=couriers),
    )
    conforms(DOMAIN, "colgen", cases)


@pytest.mark.parametrize(
    ("orders", "stores", "couriers", "why"),
    [
        ({}, {}, {}, "without windows"),
        ({"latest_s": 90}, {"place": [0, 1]}, {}, "one store"),
        ({"latest_s": 90}, {}, {"count": [0]}, "one row of couriers"),
        ({"latest_s": 90, "load": np.ones((3, 2))}, {}, {"capacity": [[3, 3]]}, "dimension"),
        ({"latest_s": 90, "pickup_place": [2, 1, 1]}, {}, {}, "pick-up"),
        ({"latest_s": 90, "max_age_s": 5}, {}, {}, "freshness"),
        ({"latest_s": 90}, {}, {"max_stops": [2]}, "stops"),
        ({"latest_s": 90}, {}, {"cost_per_s": [1]}, "price of time"),
        ({"latest_s": 90, "skills": 1}, {}, {}, "skills"),
        ({"latest_s": 90, "store_options": Options.of([[0], [], [0]])}, {}, {}, "choice"),
    ],
)
def test_refusals(
    line_problem: Line,
    orders: dict[str, Any],
    stores: dict[str, Any],
    couriers: dict[str, Any],
    why: str,
) -> None:
    problem = line_problem(orders=orders, stores=stores, couriers=couriers)
    with pytest.raises(UnsupportedError, match=why):
        solve(problem, engine="colgen")


@pytest.mark.skipif(not SOLOMON.is_dir(), reason="Solomon's instances are not there")
@pytest.mark.parametrize(("name", "optimum"), [("C101", 8273), ("RC101", 16198)])
def test_solomon_is_proven(name: str, optimum: int) -> None:
    """Kohl, Desrosiers, Madsen, Solomon and Soumis (1999), distances with one truncated decimal."""
    problem = io.read(SOLOMON / f"{name}.txt").problem
    result = solve(problem, engine="colgen", stop=Stop(time_s=90))
    assert result.bound is not None
    assert result.objective is not None
    assert 0.99 * optimum <= result.bound <= optimum <= result.objective
