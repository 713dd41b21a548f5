"""What comes after PyVRP: ruin and recreate from its plan, and a choice among all routes met.

The two searches fail on different instances: one goes on where the other is stuck. The routes that
ruin and recreate passes through are a pool for set partitioning, whose plan it starts from again.
"""

from __future__ import annotations

import math
from typing import Any

from dispatchopt.core.run import Run
from dispatchopt.routing.engines._route_pool import RoutePool
from dispatchopt.routing.engines._strings import Strings
from dispatchopt.routing.problem import RoutingProblem, RoutingSolution

#: Temperatures at the start of a round and at its end, as shares of what an order costs.
_HOT, _COLD = 0.5, 0.04
#: Steps per order of a round, if time allows, and rounds without a limit of time.
_STEPS_PER_ORDER, _ROUNDS = 6_000, 2
#: Share of the time for choosing among routes, after each round, and most routes to choose from.
_CHOICE, _MOST_ROUTES = 0.1, 20_000
#: Seconds between two looks at the clock and at the plan, and seconds between offers.
_LOOK_S, _OFFER_S = 0.03, 1.0


class Polish:
    """One polish, watched.

    Parameters
    ----------
    problem
        One that ``_strings.unsupported`` lets through.
    start
        The plan to begin with; without any, from orders that are all refused.
    """

    def __init__(
        self, problem: RoutingProblem, run: Run[Any], start: RoutingSolution | None
    ) -> None:
        self._run = run
        self._pool = RoutePool(problem)
        self._search = Strings(problem, start or RoutingSolution(), seed=run.seed)
        self._offered = self._search.best_cost
        self._next_offer_s = 0.0

    def go(self) -> None:
        """Run all rounds, within the time left."""
        search, run = self._search, self._run
        if not search.is_sound:
            return
        price = max(1.0, search.best_cost / max(1, len(search.kept)))
        if search.best() is None:
            price = search.longest / 4
        rounds, share = self._rounds(_COLD * price)
        hot = _COLD * (_HOT / _COLD) ** math.cbrt(share)
        for left in range(rounds, 0, -1):
            self._anneal(hot * price, _COLD * price, (1 - _CHOICE) * run.time_left_s / left)
            self._offer()
            if run.should_stop():
                return
            self._choose(run.time_left_s if left == 1 else _CHOICE * run.time_left_s / left)
            best = search.best()
            if run.should_stop() or best is None:
                return
            search.load(best)

    def _rounds(self, heat: float) -> tuple[int, float]:
        """Return how many rounds there is time for, and what share of the steps each has.

        A round of too few steps must not begin hot: it would never get back to where it was.
        """
        if math.isinf(self._run.time_left_s):
            return _ROUNDS, 1.0
        size, begin_s = len(self._search.kept), self._run.clock.elapsed_s
        self._search.run(10 * size, heat)
        each_s = max(1e-9, _STEPS_PER_ORDER / 10 * (self._run.clock.elapsed_s - begin_s))
        rounds = (1 - _CHOICE) * self._run.time_left_s / each_s
        return max(1, round(rounds)), min(1.0, rounds)

    def _anneal(self, hot: float, cold: float, time_s: float) -> None:
        search, run = self._search, self._run
        most = _STEPS_PER_ORDER * len(search.kept)
        begin_s, steps, done = run.clock.elapsed_s, 100, 0
        while True:
            at_s = run.clock.elapsed_s
            share = done / most if math.isinf(time_s) else (at_s - begin_s) / max(1e-9, time_s)
            if share >= 1 or not run.step():
                return
            search.run(steps, hot * (cold / hot) ** share)
            done += steps
            if math.isinf(time_s):
                steps = 1_000
            elif run.clock.elapsed_s - at_s < _LOOK_S:
                steps = int(1.3 * steps) + 1
            if run.clock.elapsed_s > self._next_offer_s:
                self._offer()

    def _choose(self, time_s: float) -> None:
        """Put the routes met together anew; a better plan becomes the best one."""
        known = self._search.best()
        if known is None:
            return
        self._pool.add(self._search.met(_MOST_ROUTES))
        if not self._pool.has_news():
            return
        found = self._pool.best(
            known, time_s=time_s, seed=self._run.seed, should_stop=self._run.should_stop
        )
        if found is not None and self._search.load(found):
            self._offer()

    def _offer(self) -> None:
        self._next_offer_s = self._run.clock.elapsed_s + _OFFER_S
        if self._search.best_cost < self._offered:
            found = self._search.best()
            if found is not None:
                self._offered = self._search.best_cost
                self._run.offer(found)
