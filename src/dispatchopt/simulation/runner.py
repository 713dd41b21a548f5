"""Running a day: let the world move, ask the policy at every tick, check, carry out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.errors import InputError, Issue
from dispatchopt.core.result import StopReason
from dispatchopt.core.stop import Stop, StopClock
from dispatchopt.dispatch.entry import dispatch
from dispatchopt.dispatch.policy import Policy, find_policy
from dispatchopt.simulation import ledger as states
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.events import EventLog
from dispatchopt.simulation.noise import Noise
from dispatchopt.simulation.outcome import DayOutcome
from dispatchopt.simulation.records import courier_records, leg_table, order_records, trip_table
from dispatchopt.simulation.view import observe
from dispatchopt.simulation.world import World

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class DayProgress:
    """What a callback sees after each decision.

    Parameters
    ----------
    now_s
        Second of the day.
    num_orders, placed, delivered, lost, waiting
        Orders of the day; of these placed so far; and of the placed ones delivered, refused or
        cancelled, and on no trip yet.
    """

    now_s: int
    num_orders: int
    placed: int
    delivered: int
    lost: int
    waiting: int

    @property
    def orders_done(self) -> int:
        """Orders delivered, refused or cancelled."""
        return self.delivered + self.lost

    @property
    def share(self) -> float:
        """Share of the day's orders that are done, in [0, 1]."""
        return self.orders_done / self.num_orders if self.num_orders else 1.0


DayCallback = Callable[[DayProgress], bool | None]


def simulate(
    day: Day,
    policy: str | Policy = "rolling",
    *,
    seed: int = 1,
    stop: Stop | None = None,
    callback: DayCallback | None = None,
) -> DayOutcome:
    """Simulate a day under a dispatch policy.

    Parameters
    ----------
    day
        The day.
    policy
        Name of a policy, or a policy.
    seed
        A whole number >= 0. It fixes what the world draws, whatever the policy does, so that
        two policies meet the same day.
    stop
        Limits; ``time_s`` is wall clock, ``iterations`` a number of decisions. When one is
        reached, the day so far is returned.
    callback
        Sees the progress after each decision; returning True ends the run.

    Raises
    ------
    InputError
        If the seed is negative.
    UnsupportedError
        If there is no policy of this name.
    EngineError
        If the policy decides something illegal: a bug of the policy.
    """
    if seed < 0:
        raise InputError(
            Issue(code="bad-seed", where="seed", found=repr(seed), wanted="a whole number >= 0")
        )
    chosen = find_policy(policy) if isinstance(policy, str) else policy
    run = _Run(day, chosen, seed, Stop() if stop is None else stop, callback)
    stopped_by = run.run()
    outcome = run.outcome(stopped_by)
    log.info("day %r, policy %s: %s", day.name, chosen.name, stopped_by)
    return outcome


class _Run:
    def __init__(
        self, day: Day, policy: Policy, seed: int, stop: Stop, callback: DayCallback | None
    ) -> None:
        self.clock: StopClock = stop.start()
        self.day, self.policy, self.seed, self.callback = day, policy, seed, callback
        self.name = f"day {day.name!r}, seed {seed}"
        rules = day.rules
        self.noise = Noise(
            seed=seed,
            num_orders=len(day.orders),
            num_couriers=len(day.couriers),
            travel_sd=rules.travel_noise_sd,
            picking_sd=rules.picking_noise_sd,
            decline_probability=rules.decline_probability,
        )
        self.world = World(day, self.noise)
        self.decision_at_s: list[int] = []
        self.decision_wall_s: list[float] = []

    def run(self) -> StopReason:
        """Run until the day is over or a limit is reached."""
        try:
            return self._loop()
        except KeyboardInterrupt:
            return StopReason.CANCELLED

    def _loop(self) -> StopReason:
        world, tick_s = self.world, self.day.rules.tick_s
        now_s = self._next_tick(0)
        while True:
            num_events = world.advance(now_s)
            has_open = bool((world.ledger.status == states.OPEN).any())
            # News about open orders deserves an answer even when no courier is left.
            if world.is_over() and not (has_open and num_events):
                return StopReason.COMPLETED
            reason = self._limit()
            if reason is not None:
                return reason
            if has_open or num_events:
                self._decide(now_s)
                if self.callback is not None and self.callback(self._progress()):
                    return StopReason.CANCELLED
            # A tick at which nothing is open and nothing has happened is not worth asking at.
            now_s = now_s + tick_s if has_open or num_events else self._next_tick(now_s + tick_s)

    def _next_tick(self, after_s: int) -> int:
        """Return the first tick at or after a time at which something has happened."""
        next_s, tick_s = self.world.clock.next_s, self.day.rules.tick_s
        wanted_s = max(after_s, after_s if next_s is None else next_s)
        return -(-wanted_s // tick_s) * tick_s

    def _limit(self) -> StopReason | None:
        stop = self.clock.stop
        if self.clock.is_cancelled():
            return StopReason.CANCELLED
        if self.clock.time_left_s <= 0:
            return StopReason.TIME
        if stop.iterations is not None and len(self.decision_at_s) >= stop.iterations:
            return StopReason.ITERATIONS
        return None

    def _decide(self, now_s: int) -> None:
        state = observe(self.world)
        answer = dispatch(
            state, policy=self.policy, stop=self.clock.share(1.0), seed=self.seed, name=self.name
        )
        self.decision_wall_s.append(answer.elapsed_s)
        self.decision_at_s.append(now_s)
        self.world.apply(answer.decision)

    def _progress(self) -> DayProgress:
        counts = np.bincount(self.world.ledger.status, minlength=6)
        return DayProgress(
            now_s=self.world.clock.now_s,
            num_orders=len(self.day.orders),
            placed=int(counts.sum() - counts[states.HIDDEN]),
            delivered=int(counts[states.DELIVERED]),
            lost=int(counts[states.REFUSED] + counts[states.CANCELLED]),
            waiting=int(counts[states.OPEN]),
        )

    def outcome(self, stopped_by: StopReason) -> DayOutcome:
        """Return the day, or as much of it as was simulated."""
        orders = order_records(self.world, self.noise)
        trips, legs = trip_table(self.world.fleet.rides), leg_table(self.world.fleet.drives)
        return DayOutcome(
            day_name=self.day.name,
            policy=self.policy.name,
            seed=self.seed,
            stopped_by=stopped_by,
            simulated_until_s=self.world.clock.now_s,
            orders=orders,
            couriers=courier_records(self.world, orders, trips, legs),
            trips=trips,
            legs=legs,
            log=EventLog.from_rows(self.world.ledger.rows),
            decision_at_s=np.array(self.decision_at_s, dtype=np.int64),
            decision_wall_s=np.array(self.decision_wall_s, dtype=np.float64),
        )
