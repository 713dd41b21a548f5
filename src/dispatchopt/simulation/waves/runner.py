"""Running a day in epochs: ask the policy, check, let routes leave."""

from __future__ import annotations

import time

import numpy as np

from dispatchopt.core.errors import EngineError
from dispatchopt.core.stop import Stop
from dispatchopt.dispatch.waves.policy import WavePolicy, find_wave_policy
from dispatchopt.dispatch.waves.routes import plan
from dispatchopt.dispatch.waves.state import WaveRoute, WaveState
from dispatchopt.simulation.waves.outcome import Wave, WaveOutcome
from dispatchopt.simulation.waves.setting import WaveDay


def simulate_waves(
    day: WaveDay, policy: str | WavePolicy = "consensus", *, stop: Stop | None = None, seed: int = 1
) -> WaveOutcome:
    """Simulate a day under a policy.

    Parameters
    ----------
    day
        The day.
    policy
        Name of a policy, or a policy.
    stop
        Limits of each decision. With a limit of ``iterations`` the day is repeatable.
    seed
        What the policy draws with; the day has a seed of its own.

    Raises
    ------
    UnsupportedError
        If there is no policy of this name.
    EngineError
        If the policy decides something illegal: a bug of the policy.
    """
    chosen = find_wave_policy(policy) if isinstance(policy, str) else policy
    limits = Stop() if stop is None else stop
    is_open = np.ones(len(day.requests), dtype=np.bool_)
    waves = []
    for epoch in range(day.first_epoch, day.last_epoch + 1):
        state = day.state(epoch, is_open)
        started_s = time.perf_counter()
        routes = chosen.decide(state, stop=limits, seed=seed) if len(state.requests) else ()
        wall_s = time.perf_counter() - started_s
        cost_s = _carried_out(state, routes, f"policy {chosen.name}, epoch {epoch}")
        numbers = tuple(tuple(int(state.id[row]) for row in route) for route in routes)
        is_open[[number for route in numbers for number in route]] = False
        waves.append(
            Wave(
                epoch=epoch,
                num_open=len(state.requests),
                num_must=int(state.must_go.sum()),
                routes=numbers,
                cost_s=cost_s,
                wall_s=wall_s,
            )
        )
    return WaveOutcome(day_name=day.name, policy=chosen.name, seed=seed, waves=tuple(waves))


def _carried_out(state: WaveState, routes: tuple[WaveRoute, ...], who: str) -> int:
    """Return what routes cost, once they are seen to be legal."""
    served = [row for route in routes for row in route]
    missed = np.setdiff1d(np.flatnonzero(state.must_go), served)
    faults = []
    if len(missed):
        faults.append(f"{len(missed)} requests that must go stay")
    if len(set(served)) < len(served) or not all(routes):
        faults.append("a request twice, or an empty route")
    if served and not 0 <= min(served) <= max(served) < len(state.requests):
        faults.append("a request that is not open")
    cost_s = 0
    for route in routes if not faults else ():
        rows = list(route)
        stops = [0, *state.requests.place[rows].tolist(), 0]
        ways_s = state.duration_s[stops[:-1], stops[1:]]
        cost_s += int(ways_s.sum())
        at_s = state.start_s
        for row, way_s in zip(rows, ways_s.tolist(), strict=False):
            at_s = max(at_s + way_s, int(state.requests.earliest_s[row]))
            if at_s > state.requests.latest_s[row]:
                faults.append(f"request {state.id[row]} is served too late")
            at_s += int(state.requests.service_s[row])
        if at_s + ways_s[-1] > state.closes_s:
            faults.append("a route ends too late")
        if state.requests.load[rows].sum() > state.capacity:
            faults.append("a route is overloaded")
    if faults:
        raise EngineError(f"{who}: {'; '.join(faults[:5])}")
    return cost_s


def hindsight(day: WaveDay, *, stop: Stop, seed: int = 1) -> int | None:
    """Return what the day costs in seconds of driving if all of it is known; None if not found.

    Requests still leave no earlier than the routes of the epoch at which they arrive. It is a good
    plan and no bound: an engine has made it within ``stop``.
    """
    state = day.state(day.first_epoch, np.ones(len(day.requests), dtype=np.bool_))
    release_s = day.arrives * day.step_s + day.margin_s
    found = plan(state, day.requests, stop=stop, seed=seed, release_s=release_s)
    if found is None:
        return None
    total = 0
    for route in found:
        stops = [0, *day.requests.place[list(route)].tolist(), 0]
        total += int(day.duration_s[stops[:-1], stops[1:]].sum())
    return total
