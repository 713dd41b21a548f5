"""Our policy for waves: decide what most sampled futures agree on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.core.seeds import stream
from dispatchopt.core.stop import Stop, StopClock
from dispatchopt.dispatch.waves.insertion import completed
from dispatchopt.dispatch.waves.routes import can_wait, plan, routes_for
from dispatchopt.dispatch.waves.state import Requests, WaveRoute, WaveState


@dataclass(frozen=True, kw_only=True)
class Consensus:
    """Sampled futures are planned with what is open, and what most of them send leaves now.

    In rounds: requests of the next epochs are drawn several times and planned together with what
    is open; a request that leaves now in enough plans is fixed to leave, one that never does is
    fixed to wait, and the next round plans under what is fixed. What is fixed to leave is planned
    for itself at last, and a route of it that could as well leave at the next epoch stays. A plan
    knows the future that was drawn for it and so thinks too well of waiting: a small share of the
    plans is enough to leave.

    The idea of fixing decisions over rounds of sampled plans is that of the iterative conditional
    dispatch of Lan, van Doorn, Wouda, Rijal and Bhulai (2023).

    Parameters
    ----------
    rounds
        Rounds of fixing.
    samples
        Futures drawn in each round at most.
    ahead
        Epochs drawn in each future.
    go_share
        A request leaves if it does so in at least this share of the plans.
    wait_share
        It waits if it leaves in at most this share.
    first_share, final_share
        Share of the time for the first plan, of what is open alone, from which the sampled plans
        begin, and for the last one.
    plan_s
        Seconds that a plan needs per request: in shorter time fewer futures are drawn, and where
        there is no time for any, routes leave that hold what must go.
    plan_iterations
        Steps of the engine per plan where neither time nor steps are limited.
    """

    name: str = "consensus"
    rounds: int = 1
    samples: int = 6
    ahead: int = 1
    go_share: float = 0.15
    wait_share: float = 0.0
    first_share: float = 0.25
    final_share: float = 0.15
    plan_s: float = 0.003
    plan_iterations: int = 200

    def decide(self, state: WaveState, *, stop: Stop, seed: int) -> tuple[WaveRoute, ...]:
        """Return the routes that leave now."""
        clock = stop.start()
        every = np.arange(len(state.requests))
        must = state.must_go
        if state.epochs_left == 0 or must.all():
            return routes_for(state, every, stop=stop, seed=seed)
        first = routes_for(state, every, stop=self._part(clock, self.first_share), seed=seed)
        goes = self._fixed(state, clock, seed, list(first))
        rows = np.flatnonzero(goes)
        begun = [tuple(row for row in route if goes[row]) for route in first]
        routes = routes_for(
            state,
            rows,
            stop=self._part(clock, 1.0),
            seed=seed,
            start=[route for route in begun if route],
        )
        return tuple(route for route in routes if not can_wait(state, state.requests, route))

    def _part(self, clock: StopClock, share: float) -> Stop:
        """Return the limits of one plan."""
        if clock.stop.time_s is None:
            steps = clock.stop.iterations or self.plan_iterations
            return Stop(iterations=steps, cancel=clock.stop.cancel)
        return clock.share(share)

    def _fixed(
        self, state: WaveState, clock: StopClock, seed: int, first: list[WaveRoute]
    ) -> BoolArray:
        """Return which requests leave now."""
        rng = stream(seed, "waves", "consensus", str(state.epoch))
        goes, waits = state.must_go.copy(), np.zeros(len(state.requests), dtype=np.bool_)
        samples = self._samples(state, clock)
        is_known = False
        for turn in range(self.rounds):
            plans = []
            for sample in range(samples):
                limits = self._limits(clock, samples * (self.rounds - turn) - sample)
                if limits is None:
                    break
                leaves = self._leaving(state, goes, waits, limits, rng, first)
                if leaves is not None:
                    plans.append(leaves)
            if not plans:
                break
            is_known = True
            share = np.mean(plans, axis=0)
            goes = goes | ((share >= self.go_share) & ~waits)
            waits = waits | ((share <= self.wait_share) & ~goes)
            if (goes | waits).all():
                break
        if not is_known:
            # Without time to look ahead, routes leave that hold what must go.
            for route in first:
                goes[list(route)] |= state.must_go[list(route)].any()
        return goes

    def _samples(self, state: WaveState, clock: StopClock) -> int:
        """Return how many futures a round has time for."""
        if clock.stop.time_s is None:
            return self.samples
        ahead = min(self.ahead, state.epochs_left) * state.forecast.per_epoch
        each_s = self.plan_s * (len(state.requests) + ahead)
        time_s = (1 - self.first_share - self.final_share) * clock.stop.time_s
        return max(1, min(self.samples, int(time_s / (self.rounds * each_s))))

    def _limits(self, clock: StopClock, left: int) -> Stop | None:
        """Return the limits of one of so many sampled plans that are left."""
        if clock.stop.time_s is None:
            return self._part(clock, 1.0)
        time_s = clock.time_left_s - self.final_share * clock.stop.time_s
        return None if time_s <= 0.02 else Stop(time_s=time_s / left, cancel=clock.stop.cancel)

    def _leaving(  # noqa: PLR0917 (what a sampled plan rests on)
        self,
        state: WaveState,
        goes: BoolArray,
        waits: BoolArray,
        limits: Stop,
        rng: np.random.Generator,
        first: list[WaveRoute],
    ) -> BoolArray | None:
        """Return which requests leave now in a plan with one sampled future; None without one."""
        n = len(state.requests)
        parts, release = [state.requests], [np.full(n, state.start_s)]
        for step in range(1, min(self.ahead, state.epochs_left) + 1):
            at_s = state.start_s + step * state.step_s
            drawn = state.forecast.draw(rng)
            drawn = drawn.rows(state.servable(drawn, at_s))
            parts.append(drawn)
            release.append(np.full(len(drawn), at_s))
        requests = Requests.concatenate(*parts)
        later = len(requests) - n
        release_s = np.concatenate(release)
        found = plan(
            state,
            requests,
            stop=limits,
            seed=int(rng.integers(1 << 31)),
            release_s=release_s,
            start=_begun(state, requests, first, goes, waits, release_s),
            is_now=np.concatenate([goes, np.zeros(later, dtype=np.bool_)]),
            is_later=np.concatenate([waits, np.ones(later, dtype=np.bool_)]),
        )
        if found is None:
            return None
        leaves = np.zeros(n, dtype=np.bool_)
        for route in found[0]:
            rows = list(route)
            if goes[rows].any() or not can_wait(state, requests, route):
                leaves[rows] = True
        return leaves


def _begun(  # noqa: PLR0917 (all that the plan rests on)
    state: WaveState,
    requests: Requests,
    first: list[WaveRoute],
    goes: BoolArray,
    waits: BoolArray,
    release_s: IntArray,
) -> tuple[list[WaveRoute], list[WaveRoute]]:
    """Return routes to begin from: those of the first plan, and what is drawn put into them."""
    n, next_s = len(state.requests), state.start_s + state.step_s
    now: list[WaveRoute] = []
    later: list[WaveRoute] = []
    for route in first:
        left = tuple(row for row in route if not waits[row])
        held = tuple(row for row in route if waits[row])
        if left and not goes[list(left)].any() and can_wait(state, requests, route):
            held, left = route, ()
        if left:
            now.append(left)
        if held:
            later += [held] if can_wait(state, requests, held) else [(row,) for row in held]
    drawn = np.arange(n, len(requests))
    return now, completed(state, requests, later, drawn, release_s, next_s)


POLICY = Consensus()
