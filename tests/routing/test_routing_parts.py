"""Parts of PyVRP's plans: what is cut out, searched alone and put back."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import pyvrp
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core import Stop
from dispatchopt.core.run import Run
from dispatchopt.core.stop import StopClock
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.routing import (
    Couriers,
    Orders,
    RoutingProblem,
    RoutingSolution,
    Stores,
    check,
)
from dispatchopt.routing.engines import _pyvrp_model, _pyvrp_search
from dispatchopt.routing.engines import pyvrp as pyvrp_engine
from dispatchopt.routing.engines._polish import Polish
from dispatchopt.routing.engines._pyvrp_parts import Parts
from dispatchopt.routing.engines._pyvrp_search import Search
from dispatchopt.routing.engines.pyvrp import PyVrpEngine
from dispatchopt.routing.tables import Options

KINDS = ("windows", "prizes", "trips", "depots", "choice", "free choice", "pick-ups")


def make(kind: str, seed: int, num_orders: int = 30) -> RoutingProblem:
    """Return a problem whose plan that serves nobody is sound, but for mandatory orders."""
    rng = np.random.default_rng(seed)
    num_stores = 1 if kind in {"windows", "prizes", "trips"} else 3
    points = rng.integers(0, 1_000, (num_stores + 2 * num_orders, 2))
    metres = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1)).astype(np.int64)
    metres += rng.integers(0, 20, metres.shape)
    np.fill_diagonal(metres, 0)
    seconds = metres + 5
    np.fill_diagonal(seconds, 0)
    place = num_stores + np.arange(num_orders)
    refusal = rng.integers(200, 2_000, num_orders) if kind != "windows" else np.int64(-1)
    latest = rng.integers(3_000, 20_000, num_orders)
    options = [sorted(rng.choice(3, size=2, replace=False).tolist()) for _ in range(num_orders)]
    row = np.arange(num_stores)
    columns: dict[str, Any] = {
        "start_place": row,
        "end_place": row,
        "store_options": Options.of([[each] for each in range(num_stores)]),
    }
    if kind == "free choice":
        columns = {"start_place": [-1], "end_place": [-1]}
    return RoutingProblem(
        travel=(TravelMatrix(distance_m=metres, duration_s=seconds),),
        orders=Orders.of(
            place=place,
            load=rng.integers(1, 5, (num_orders, 1)),
            service_s=30,
            latest_s=latest,
            release_s=rng.integers(0, 900, num_orders) if kind == "trips" else -(1 << 40),
            refusal_cost=refusal,
            pickup_place=place + num_orders if kind == "pick-ups" else np.int64(-1),
            store_options=Options.of(options) if kind in {"choice", "free choice"} else None,
        ),
        stores=Stores.of(place=row, service_s=10),
        couriers=Couriers.of(
            count=[num_orders] if kind == "free choice" else [num_orders] * num_stores,
            capacity=[[12]] * (1 if kind == "free choice" else num_stores),
            max_trips=3 if kind == "trips" else 1,
            cost_per_m=1,
            fixed_cost=rng.integers(0, 200, 1 if kind == "free choice" else num_stores),
            **columns,
        ),
    )


def planned(kind: str, seed: int) -> tuple[Any, Any]:
    """Return PyVRP's data of a problem and a plan that keeps all rules."""
    model = _pyvrp_model.build(make(kind, seed))
    assert model is not None
    found = pyvrp.solve(model.data, pyvrp.stop.MaxIterations(15), seed=seed, display=False)
    return model.data, found.best


def stops(plan: Any) -> list[tuple[int, list[str]]]:
    """Return vehicle types and stops of routes, in an order that does not tell how it was made."""
    return sorted((each.vehicle_type(), [str(stop) for stop in each]) for each in plan.routes())


@pytest.mark.filterwarnings("ignore::pyvrp.exceptions.PenaltyBoundWarning")
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), near=st.integers(0, 29), size=st.integers(1, 30))
def test_a_part_costs_in_the_plan_what_it_costs_alone(
    kind: str, seed: int, near: int, size: int
) -> None:
    data, plan = planned(kind, seed)
    parts = Parts(data)
    part = parts.cut(plan, near % parts.num_items, size)
    assert stops(parts.put_back(plan, part, part.start)) == stops(plan)
    assert part.start.is_feasible() or not plan.is_feasible()
    found = pyvrp.solve(part.data, pyvrp.stop.MaxIterations(10), seed=seed, display=False).best
    whole = parts.put_back(plan, part, found)
    before, after, old, new = (
        _pyvrp_search._cost(each) for each in (plan, whole, part.start, found)
    )
    assert after - before == new - old
    if plan.is_feasible():
        assert whole.is_feasible() == found.is_feasible()


def test_a_part_holds_whole_routes_near_an_order() -> None:
    data, plan = planned("windows", 3)
    parts = Parts(data)
    routes = [{stop.idx for stop in each if stop.is_client()} for each in plan.routes()]
    for near in range(parts.num_items):
        for size in (1, 10, 30):
            part = parts.cut(plan, near, size)
            items = set(part.items.tolist())
            assert near in items
            assert items == set().union(*(routes[row] for row in part.routes))
            assert len(part.routes) == 1 or len(items) <= 1.25 * size
    assert len(parts.cut(plan, 0, 30).items) == 30


class _Clock(StopClock):
    """A clock that goes on by a hundredth of a second whenever it is asked."""

    def __init__(self, stop: Stop) -> None:
        self._now = 0.0
        super().__init__(stop, self._tick)

    def _tick(self) -> float:
        self._now += 0.01
        return self._now


def run_of(problem: RoutingProblem, time_s: float) -> Run[Any]:
    run: Run[Any] = Run(
        check=partial(check, problem), stop=Stop(time_s=time_s), seed=1, label="parts"
    )
    run.clock = _Clock(Stop(time_s=time_s))
    run.raise_bound(0.0)
    return run


@pytest.mark.parametrize("kind", KINDS)
def test_turns_end_with_a_plan_that_is_checked(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = make(kind, 1)
    searched: list[int] = []
    inner = Search._search_part

    def spied(self: Search, parts: Parts, near: int, size: int, until_s: float) -> Any:
        searched.append(size)
        return inner(self, parts, near, size, until_s)

    monkeypatch.setattr(Search, "_search_part", spied)
    monkeypatch.setattr(_pyvrp_search, "_SIZES", (8, 15, 40))
    # A claim that differs from the checker's cost is an error of the run.
    run = run_of(problem, 10.0)
    PyVrpEngine().search(problem, run)
    assert run.report is not None
    assert not run.report.violations
    assert run.clock.time_left_s < 1
    # Both sizes of which two parts can be made are tried.
    assert set(searched) == {8, 15}


def test_a_search_without_a_plan_is_not_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """One courier cannot serve everybody; PyVRP would begin where it began."""
    problem = make("windows", 1)
    problem = problem.replace(couriers=problem.couriers.replace(count=1))
    begun: list[object] = []
    inner = Search._iterate

    def spied(self: Search, *args: Any) -> Any:
        begun.append(args[0])
        return inner(self, *args)

    monkeypatch.setattr(Search, "_iterate", spied)
    monkeypatch.setattr(_pyvrp_search, "_SIZES", (8,))
    run = run_of(problem, 10.0)
    model = _pyvrp_model.build(problem)
    assert model is not None
    Search(model, run, num_neighbours=20, patience=math.inf).alternate()
    assert run.solution is None
    assert len(begun) == 1


def test_without_a_limit_of_time_the_whole_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = make("prizes", 2)
    monkeypatch.setattr(_pyvrp_search, "_SIZES", (8,))
    monkeypatch.setattr(
        Search, "_search_part", lambda *_: pytest.fail("parts need a limit of time")
    )
    run: Run[Any] = Run(
        check=partial(check, problem), stop=Stop(iterations=50), seed=1, label="parts"
    )
    run.raise_bound(0.0)
    PyVrpEngine().search(problem, run)
    assert run.iterations == 50
    assert run.objective is not None
    assert math.isfinite(run.objective)


@pytest.mark.parametrize("kind", KINDS)
def test_a_search_goes_on_from_a_plan_that_costs_less(kind: str) -> None:
    problem = make(kind, 4)
    model = _pyvrp_model.build(problem)
    assert model is not None
    found = pyvrp.solve(model.data, pyvrp.stop.MaxIterations(400), seed=9, display=False).best
    plan = model.solution(found)
    assert plan is not None
    cost = check(problem, plan).objective
    run: Run[Any] = Run(
        check=partial(check, problem), stop=Stop(iterations=2), seed=1, label="parts"
    )
    search = Search(model, run, num_neighbours=20, patience=math.inf)
    before = search._best_cost
    search.resume(plan)
    assert search._best_cost == min(cost, before)
    search.alternate()
    search.flush()
    # What it went on from was offered by whoever found it.
    assert run.objective is None or run.objective <= before
    search.resume(RoutingSolution())
    assert search._best_cost <= min(cost, before)


def test_a_polish_stands_between_two_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its share of the time, by the kind of problem."""
    problem = make("windows", 2)
    told: list[tuple[str, float]] = []
    monkeypatch.setattr(pyvrp_engine, "_LEAST_S", 0)

    def spy(owner: type, name: str) -> None:
        inner = getattr(owner, name)

        def spied(self: Any, *given: Any) -> None:
            told.append((name, self._run.time_left_s))
            inner(self, *given)

        monkeypatch.setattr(owner, name, spied)

    spy(Search, "whole")
    spy(Polish, "go")
    spy(Search, "resume")
    PyVrpEngine(window_shares=(0.25, 0.25)).search(problem, run_of(problem, 8.0))
    assert [name for name, _ in told] == ["whole", "go", "resume", "whole"]
    left = [time_s for _, time_s in told]
    assert left[0] > 7
    assert left[1] == pytest.approx(4, abs=0.5)
    assert left[2] == pytest.approx(2, abs=0.7)
    told.clear()
    couriers = problem.couriers.replace(max_trips=2)
    problem = problem.replace(couriers=couriers)
    PyVrpEngine(shares=(0.5, 0.25)).search(problem, run_of(problem, 4.0))
    assert [name for name, _ in told] == ["whole", "go", "resume", "whole"]
    assert told[1][1] == pytest.approx(1, abs=0.3)
