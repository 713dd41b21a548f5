"""Our policy for waves: decide what most sampled futures agree on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray
from dispatchopt.core.seeds import stream
from dispatchopt.core.stop import Stop, StopClock
from dispatchopt.dispatch.waves.routes import can_wait, plan
from dispatchopt.dispatch.waves.state import Requests, WaveRoute, WaveState


@dataclass(frozen=True, kw_only=True)
class Consensus:
    """Sampled futures are planned with what is open, and what most of them send leaves now.

    In rounds: requests of the next epochs are drawn several times and planned together with what
    is open; a request that leaves now in most plans is fixed to leave, one that seldom does is
    fixed to wait, and the next round plans under what is fixed. What is fixed to leave is planned
    for itself at last, and a route of it that could as well leave at the next epoch stays.

    The idea of fixing decisions over rounds of sampled plans is that of the iterative conditional
    dispatch of Lan, van Doorn, Wouda, Rijal and Bhulai (2023).

    Parameters
    ----------
    rounds
        Rounds of fixing.
    samples
        Futures drawn in each round.
    ahead
        Epochs drawn in each future.
    go_share
        A request leaves if it does so in at least this share of the plans.
    wait_share
        It waits if it leaves in at most this share.
    final_share
        Share of the time for the last plan.
    sample_iterations
        Steps of the engine per sampled plan where the time is not limited.
    """

    name: str = "consensus"
    rounds: int = 3
    samples: int = 6
    ahead: int = 1
    go_share: float = 0.5
    wait_share: float = 0.2
    final_share: float = 0.15
    sample_iterations: int = 200

    def decide(self, state: WaveState, *, stop: Stop, seed: int) -> tuple[WaveRoute, ...]:
        """Return the routes that leave now."""
        clock = stop.start()
        n = len(state.requests)
        goes = state.must_go.copy()
        if state.epochs_left > 0 and not goes.all():
            goes = self._fixed(state, clock, seed)
        rows = np.flatnonzero(goes)
        last = clock.share(1.0) if stop.time_s is not None else stop
        routes, _ = plan(state, state.requests.rows(rows), stop=last, seed=seed)
        chosen = [tuple(int(rows[at]) for at in route) for route in routes]
        kept = [route for route in chosen if not can_wait(state, state.requests, route)]
        assert n >= len(kept)
        return tuple(kept)

    def _fixed(self, state: WaveState, clock: StopClock, seed: int) -> BoolArray:
        """Return which requests leave now."""
        rng = stream(seed, "waves", "consensus", str(state.epoch))
        goes, waits = state.must_go.copy(), np.zeros(len(state.requests), dtype=np.bool_)
        share: FloatArray = goes.astype(np.float64)
        total = self.rounds * self.samples
        for turn in range(self.rounds):
            counts, done = np.zeros(len(state.requests)), 0
            for sample in range(self.samples):
                left = total - turn * self.samples - sample
                limits = self._limits(clock, left)
                if limits is None:
                    break
                counts += self._leaving(state, goes, waits, limits, rng)
                done += 1
            if done == 0:
                break
            share = counts / done
            goes = goes | ((share >= self.go_share) & ~waits)
            waits = waits | (share <= self.wait_share) & ~goes
            if (goes | waits).all():
                break
        return goes

    def _limits(self, clock: StopClock, left: int) -> Stop | None:
        """Return the limits of one of so many sampled plans that are left."""
        if clock.stop.time_s is None:
            return Stop(iterations=self.sample_iterations, cancel=clock.stop.cancel)
        time_s = clock.time_left_s - self.final_share * clock.stop.time_s
        return None if time_s <= 0.02 else Stop(time_s=time_s / left, cancel=clock.stop.cancel)

    def _leaving(
        self,
        state: WaveState,
        goes: BoolArray,
        waits: BoolArray,
        limits: Stop,
        rng: np.random.Generator,
    ) -> BoolArray:
        """Return which requests leave now in a plan with one sampled future."""
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
        now, _ = plan(
            state,
            requests,
            stop=limits,
            seed=int(rng.integers(1 << 31)),
            release_s=np.concatenate(release),
            is_now=np.concatenate([goes, np.zeros(later, dtype=np.bool_)]),
            is_later=np.concatenate([waits, np.ones(later, dtype=np.bool_)]),
        )
        leaves = np.zeros(n, dtype=np.bool_)
        for route in now:
            rows = list(route)
            if goes[rows].any() or not can_wait(state, requests, route):
                leaves[rows] = True
        return leaves


POLICY = Consensus()
