"""Our policy for waves: what leaves now is what enough plans of sampled futures send."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.core.seeds import stream
from dispatchopt.core.stop import Stop, StopClock
from dispatchopt.dispatch.waves.routes import can_wait, plan, routes_for
from dispatchopt.dispatch.waves.state import Requests, WaveRoute, WaveState

#: A plan is not worth beginning in less time.
_LEAST_S = 0.02


@dataclass(frozen=True, kw_only=True)
class Consensus:
    """Sampled futures are planned with what is open, and what enough of them send leaves now.

    Requests of the next epochs are drawn several times and planned together with what is open, each
    plan from nothing, as routes made for another future hold up the search. What leaves now in
    enough plans is planned for itself at last, and a route of it that could as well leave at the
    next epoch stays. A plan knows the future that was drawn for it and so thinks too well of
    waiting: less than half of the plans is enough to leave.

    That sampled plans vote on what leaves is the idea of the iterative conditional dispatch of Lan,
    van Doorn, Wouda, Rijal and Bhulai (2023).

    Parameters
    ----------
    samples
        Futures drawn at most.
    ahead
        Epochs drawn in each future.
    go_share
        A request leaves if it does so in at least this share of the plans.
    final_share
        Share of the time for the routes of what leaves.
    plan_s
        Seconds that a plan needs per request: in shorter time fewer futures are drawn, and where
        there is no time for any, routes leave that hold what must go.
    plan_iterations
        Steps of the engine per plan where neither time nor steps are limited.
    """

    name: str = "consensus"
    samples: int = 8
    ahead: int = 1
    go_share: float = 0.4
    final_share: float = 0.1
    plan_s: float = 0.003
    plan_iterations: int = 200

    def decide(self, state: WaveState, *, stop: Stop, seed: int) -> tuple[WaveRoute, ...]:
        """Return the routes that leave now."""
        clock = stop.start()
        every = np.arange(len(state.requests))
        if state.epochs_left == 0 or state.must_go.all():
            return routes_for(state, every, stop=stop, seed=seed)
        plans = self._plans(state, clock, seed)
        if not plans:
            # Without time to look ahead, routes leave that hold what must go.
            routes = routes_for(state, every, stop=self._part(clock, 1.0), seed=seed)
            return tuple(route for route in routes if state.must_go[list(route)].any())
        share = np.mean([_is_leaving(state, plan) for plan in plans], axis=0)
        goes = state.must_go | (share >= self.go_share)
        routes = routes_for(
            state,
            np.flatnonzero(goes),
            stop=self._part(clock, 1.0),
            seed=seed,
            start=_rest(plans[-1], goes),
        )
        return tuple(
            route
            for route in routes
            if state.must_go[list(route)].any() or not can_wait(state, state.requests, route)
        )

    def _part(self, clock: StopClock, share: float) -> Stop:
        """Return the limits of one plan."""
        if clock.stop.time_s is None:
            steps = clock.stop.iterations or self.plan_iterations
            return Stop(iterations=steps, cancel=clock.stop.cancel)
        return clock.share(share)

    def _plans(self, state: WaveState, clock: StopClock, seed: int) -> list[list[WaveRoute]]:
        """Return the routes of each sampled plan; rows beyond the state's are what was drawn."""
        rng = stream(seed, "waves", "consensus", str(state.epoch))
        samples = self._samples(state, clock)
        plans: list[list[WaveRoute]] = []
        for sample in range(samples):
            limits = self._limits(clock, samples - sample)
            if limits is None:
                break
            requests, release_s = self._future(state, rng)
            engine_seed = int(rng.integers(1 << 31))
            found = plan(state, requests, stop=limits, seed=engine_seed, release_s=release_s)
            if found is not None:
                plans.append(found)
        return plans

    def _samples(self, state: WaveState, clock: StopClock) -> int:
        """Return how many futures there is time for."""
        if clock.stop.time_s is None:
            return self.samples
        ahead = min(self.ahead, state.epochs_left) * state.forecast.per_epoch
        each_s = self.plan_s * (len(state.requests) + ahead)
        time_s = (1 - self.final_share) * clock.stop.time_s
        return max(1, min(self.samples, int(time_s / each_s)))

    def _limits(self, clock: StopClock, left: int) -> Stop | None:
        """Return the limits of one of so many sampled plans that are left; None without time."""
        if clock.stop.time_s is None:
            return self._part(clock, 1.0)
        time_s = clock.time_left_s - self.final_share * clock.stop.time_s
        return None if time_s <= _LEAST_S else Stop(time_s=time_s / left, cancel=clock.stop.cancel)

    def _future(self, state: WaveState, rng: np.random.Generator) -> tuple[Requests, IntArray]:
        """Return what is open and what is drawn for the next epochs, and when each is there."""
        parts, release = [state.requests], [np.full(len(state.requests), state.start_s)]
        for step in range(1, min(self.ahead, state.epochs_left) + 1):
            at_s = state.start_s + step * state.step_s
            drawn = state.forecast.draw(rng)
            drawn = drawn.rows(state.servable(drawn, at_s))
            parts.append(drawn)
            release.append(np.full(len(drawn), at_s))
        return Requests.concatenate(*parts), np.concatenate(release)


def _is_leaving(state: WaveState, routes: list[WaveRoute]) -> BoolArray:
    """Return which requests leave now in a sampled plan."""
    n = len(state.requests)
    leaves = np.zeros(n, dtype=np.bool_)
    for route in routes:
        if max(route) < n and not can_wait(state, state.requests, route):
            leaves[list(route)] = True
    return leaves


def _rest(routes: list[WaveRoute], is_kept: BoolArray) -> list[WaveRoute]:
    """Return routes without the requests that are not kept, those beyond the state's included."""
    n = len(is_kept)
    left = (tuple(row for row in route if row < n and is_kept[row]) for route in routes)
    return [route for route in left if route]


POLICY = Consensus()
