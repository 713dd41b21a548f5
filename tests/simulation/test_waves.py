"""Days in epochs: drawn, decided, checked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core import EngineError, InputError, Stop, UnsupportedError
from dispatchopt.dispatch.waves import WaveState, find_wave_policy, wave_policies
from dispatchopt.dispatch.waves.policies.consensus import Consensus
from dispatchopt.dispatch.waves.routes import can_wait, latest_start_s
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.routing.problem import Couriers, Orders, RoutingProblem, Stores
from dispatchopt.simulation.waves import (
    WaveDay,
    WaveOutcome,
    check_waves,
    hindsight,
    simulate_waves,
    wave_day,
)

QUICK = Stop(iterations=20)


def static_problem(seed: int = 1, *, n: int = 30, capacity: int = 40) -> RoutingProblem:
    """Customers on a plane with windows over six hours; the depot is no place 0."""
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 2400, (2, n + 1))
    way = np.ceil(np.hypot(x[:, None] - x, y[:, None] - y)).astype(np.int64)
    early = rng.integers(2, 6, n) * 3600
    return RoutingProblem(
        travel=(TravelMatrix(distance_m=way, duration_s=way),),
        orders=Orders.of(
            place=np.arange(n),
            load=rng.integers(1, 10, (n, 1)),
            service_s=rng.integers(60, 300, n),
            earliest_s=early,
            latest_s=early + rng.integers(1, 3, n) * 3600,
        ),
        stores=Stores.of(place=[n]),
        couriers=Couriers.of(
            start_place=[n], end_place=[n], count=[n], capacity=[[capacity]], latest_s=[9 * 3600]
        ),
    )


def small_day(seed: int = 1, **options: Any) -> WaveDay:
    return wave_day(static_problem(), seed=seed, **{"per_epoch": 12, **options})


def test_the_draw_is_that_of_the_competition() -> None:
    """Places, windows, demands and service times come from one generator, in this order."""
    day = small_day(seed=7)
    rng = np.random.default_rng(7)
    place, window, load, service = (rng.integers(30, size=12) for _ in range(4))
    orders = static_problem().orders
    start_s = day.start_s(day.first_epoch)
    here = day.forecast.customers.place[place]
    arrive = np.maximum(start_s + day.duration_s[0, here], orders.earliest_s[window])
    back = arrive + orders.service_s[service] + day.duration_s[here, 0]
    kept = (arrive <= orders.latest_s[window]) & (back <= day.closes_s)
    first = day.requests.rows(day.arrives == day.first_epoch)
    assert first.place.tolist() == here[kept].tolist()
    assert first.load.tolist() == orders.load[load, 0][kept].tolist()
    assert first.latest_s.tolist() == orders.latest_s[window][kept].tolist()
    assert day.first_epoch == (orders.earliest_s.min() - 3600) // 3600
    assert day.last_epoch == (orders.earliest_s.max() - 3600) // 3600


def test_the_depot_comes_first() -> None:
    problem, day = static_problem(), small_day()
    assert day.duration_s[0, 1:].tolist() == problem.travel[0].duration_s[30, :30].tolist()


def test_what_must_go_is_what_the_next_epoch_cannot_serve() -> None:
    day = small_day()
    epoch = day.first_epoch
    state = day.state(epoch, np.ones(len(day.requests), dtype=np.bool_))
    assert not (state.must_go & state.servable(state.requests, day.start_s(epoch + 1))).any()
    assert (state.must_go | state.servable(state.requests, day.start_s(epoch + 1))).all()
    last = day.state(day.last_epoch, np.ones(len(day.requests), dtype=np.bool_))
    assert last.must_go.all()
    assert state.epochs_left == day.last_epoch - epoch


@pytest.mark.parametrize("policy", sorted(wave_policies()))
def test_every_policy_serves_everything_and_repeats(policy: str) -> None:
    day = small_day(most_epochs=3)
    outcome = simulate_waves(day, policy, stop=QUICK)
    assert check_waves(day, outcome).violations == ()
    assert sum(len(route) for wave in outcome.waves for route in wave.routes) == len(day.requests)
    assert check_waves(day, outcome).objective == outcome.cost_s
    assert simulate_waves(day, policy, stop=QUICK).digest == outcome.digest
    assert outcome.figures()["cost_s"] == outcome.cost_s


def test_waiting_for_company_pays() -> None:
    """Over a few days: futures agreed on beat waiting for what must go, and that beats haste."""
    ours = Consensus(samples=2)
    total = {"greedy": 0, "patient": 0, "consensus": 0}
    for seed in range(2):
        day = wave_day(static_problem(n=60, capacity=80), seed=seed, per_epoch=25)
        for policy in total:
            chosen = ours if policy == "consensus" else policy
            total[policy] += simulate_waves(day, chosen, stop=Stop(iterations=30)).cost_s
    assert total["consensus"] < total["greedy"]
    assert total["patient"] < total["greedy"]


def test_with_next_to_no_time_everything_is_still_served() -> None:
    day = small_day()
    for policy in wave_policies():
        outcome = simulate_waves(day, policy, stop=Stop(time_s=0.001))
        assert check_waves(day, outcome).violations == ()


def test_latest_start_by_hand() -> None:
    """Ways of 100, service of 10: the second window shuts first."""
    problem = RoutingProblem(
        travel=(
            TravelMatrix(
                distance_m=np.full((3, 3), 100) - 100 * np.eye(3, dtype=int),
                duration_s=np.full((3, 3), 100) - 100 * np.eye(3, dtype=int),
            ),
        ),
        orders=Orders.of(
            place=[1, 2],
            load=[[1], [1]],
            service_s=[10, 10],
            earliest_s=[3600, 3600],
            latest_s=[9000, 8000],
        ),
        stores=Stores.of(place=[0]),
        couriers=Couriers.of(
            start_place=[0], end_place=[0], count=[2], capacity=[[5]], latest_s=[20_000]
        ),
    )
    day = wave_day(problem, per_epoch=1)
    both = day.forecast.customers
    state = day.state(day.first_epoch, np.ones(len(day.requests), dtype=np.bool_))
    assert latest_start_s(state, both, (0, 1)) == 8000 - 100 - 10 - 100
    assert latest_start_s(state, both, (1, 0)) == 7900
    assert latest_start_s(state, both, (0,)) == 8900
    later = replace(state, last_epoch=state.epoch + 1)
    # The next epoch's routes leave at 3600 + 3600.
    assert can_wait(later, both, (0, 1))
    assert not can_wait(state, both, (0, 1))
    assert not can_wait(replace(later, start_s=7000), both, (0, 1))


def test_hindsight_is_not_worse_than_greedy() -> None:
    day = small_day()
    found = hindsight(day, stop=Stop(iterations=150))
    assert found is not None
    assert found <= simulate_waves(day, "greedy", stop=QUICK).cost_s


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), per_epoch=st.integers(1, 12), epochs=st.integers(1, 4))
def test_any_day_is_served(seed: int, per_epoch: int, epochs: int) -> None:
    day = small_day(seed=seed, per_epoch=per_epoch, most_epochs=epochs)
    assert day.last_epoch - day.first_epoch < epochs
    for policy in ("lazy", "patient"):
        outcome = simulate_waves(day, policy, stop=Stop(iterations=2))
        assert check_waves(day, outcome).violations == ()


def _changed(outcome: WaveOutcome, at: int, **changes: Any) -> WaveOutcome:
    waves = list(outcome.waves)
    waves[at] = replace(waves[at], **changes)
    return replace(outcome, waves=tuple(waves))


def test_the_checker_names_what_is_wrong() -> None:
    day = small_day()
    good = simulate_waves(day, "greedy", stop=QUICK)
    wave = good.waves[0]

    def rules(outcome: WaveOutcome, on: WaveDay = day) -> set[str]:
        return {violation.rule for violation in check_waves(on, outcome).violations}

    assert rules(_changed(good, 0, cost_s=wave.cost_s + 5)) == {"wrong-cost"}
    assert "request-missed" in rules(_changed(good, 0, routes=wave.routes[1:]))
    assert "request-twice" in rules(_changed(good, 0, routes=(*wave.routes, wave.routes[0])))
    assert "empty-route" in rules(_changed(good, 0, routes=(*wave.routes, ())))
    assert "unknown-request" in rules(_changed(good, 0, routes=(*wave.routes, (10**6,))))
    early = _changed(good, 0, routes=(*wave.routes, good.waves[1].routes[0]))
    assert {"future-request-known", "request-twice"} <= rules(early)
    assert rules(good, replace(day, capacity=10)) == {"capacity"}
    assert rules(good, replace(day, closes_s=8 * 3600 - 1800)) <= {"route-after-close"}
    shut = replace(day.requests, latest_s=day.requests.earliest_s)
    assert rules(good, replace(day, requests=shut)) == {"late"}


class _Idle:
    """Leaves everything where it is."""

    name = "idle"

    def decide(self, state: WaveState, *, stop: Stop, seed: int) -> tuple[tuple[int, ...], ...]:
        del state, stop, seed
        return ()


class _Crammed(_Idle):
    """Puts everything on one route, the last first."""

    name = "crammed"

    def decide(self, state: WaveState, *, stop: Stop, seed: int) -> tuple[tuple[int, ...], ...]:
        del stop, seed
        return (tuple(reversed(range(len(state.requests)))),)


@pytest.mark.parametrize(
    ("policy", "said"), [(_Idle(), "must go stay"), (_Crammed(), "overloaded|too late")]
)
def test_illegal_decisions_are_refused(policy: Any, said: str) -> None:
    with pytest.raises(EngineError, match=said):
        simulate_waves(small_day(), policy)


def test_what_is_no_static_problem_is_refused() -> None:
    problem = static_problem()
    two = problem.replace(stores=Stores.of(place=[30, 0]))
    with pytest.raises(InputError) as caught:
        wave_day(two, per_epoch=0, seed=-1)
    assert len(caught.value.issues) == 3
    with pytest.raises(UnsupportedError, match="consensus"):
        find_wave_policy("hasty")
