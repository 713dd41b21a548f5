"""The search of PyVRP on a model, watched: on the whole plan, and on parts of it by turns."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from dispatchopt.core.run import Run
from dispatchopt.core.seeds import stream
from dispatchopt.routing.engines._pyvrp_model import Model
from dispatchopt.routing.engines._pyvrp_parts import Parts
from dispatchopt.routing.problem import RoutingSolution

#: Iterations between two improvements that are checked and offered, so that the early ones cost
#: little: as many, and by orders, as a check takes the longer the more there are.
_BETWEEN_OFFERS, _BETWEEN_PER_ORDER = 100, 2
#: PyVRP multiplies penalties with violations of up to 1e9: the product has to fit 64 bits.
_LARGEST_PENALTY = 1e7
#: Stops of parts that take turns with the whole plan, turns that there is time for, and iterations
#: per item without improvement after which a part is left.
_SIZES, _TURNS, _PART_PATIENCE = (100, 250), 20, 3


class Search:
    """One run of PyVRP, which may be gone on with.

    Parameters
    ----------
    model, run
        What is solved, and who is told.
    num_neighbours
        Length of the neighbour lists of the local search.
    patience
        Iterations without improvement after which the search is stuck.
    """

    def __init__(
        self, model: Model, run: Run[Any], *, num_neighbours: int, patience: float
    ) -> None:
        self._run = run
        self.is_stuck = False
        self._model = model
        self._num_neighbours = num_neighbours
        self._patience = patience
        self._pending: Any = None
        self._next_offer = 0
        self._last_improved = 0
        self._best_cost = math.inf
        #: PyVRP's best plan, which may break rules at first; None if there was no time for any.
        self._best: Any = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._begin()

    def _begin(self) -> None:
        import pyvrp

        data, run = self._model.data, self._run
        self._rng = pyvrp.RandomNumberGenerator(seed=run.seed)
        self._penalties = self._penalty_manager()
        self._local = self._local_search(data)
        if run.should_stop():
            return
        initial = None if run.start is None else self._model.start(run.start)
        if initial is None:
            random = pyvrp.Solution.make_random(data, self._rng)
            initial = self._local(random, self._penalties.max_cost_evaluator(), exhaustive=True)
        self._best = initial
        self._improve(initial)

    def whole(self, until_s: float = math.inf, *, needs_plan: bool = False) -> None:
        """Search the whole plan till a time of the run's clock, till it is stuck, or to the end.

        ``needs_plan``: not before there is a plan that keeps all rules either. To begin anew
        without one would be to begin where the search began.
        """

        def is_over(_: int) -> bool:
            is_late = self._run.clock.elapsed_s >= until_s
            return is_late and not (needs_plan and math.isinf(self._best_cost))

        if self._best is not None:
            data, local = self._model.data, self._local
            self._best = self._iterate(data, local, self._best, is_over, self._improve)

    def resume(self, solution: RoutingSolution) -> None:
        """Go on from a plan that was found elsewhere, if it costs less; stuck or not before."""
        found = None if self._best is None else self._model.start(solution)
        self._last_improved = self._run.iterations
        if found is not None and self._claim(found) < self._best_cost:
            self._best = found
            self._best_cost = self._claim(found)

    def alternate(self) -> None:
        """Search the whole plan and parts of it by turns, whichever has gained more lately.

        The longer a way is followed, the less it gains, so the others come back by themselves.
        There are no parts of few stops, or without a limit of time for turns to be shares of.
        """
        run, turn_s = self._run, self._run.time_left_s / _TURNS
        parts, rng = Parts(self._model.data), stream(run.seed, "parts")
        visits = np.zeros(parts.num_items, dtype=np.int64)
        # 0 is the whole plan; it comes last as it has had a turn while all gains are unknown.
        sizes = [*(size for size in _SIZES if 2 * size <= parts.num_stops), 0]
        if len(sizes) == 1 or math.isinf(turn_s):
            self.whole()
            return
        self.whole(run.clock.elapsed_s + turn_s, needs_plan=True)
        gain, last_turn = dict.fromkeys(sizes, math.inf), dict.fromkeys(sizes, 0)
        for turn in itertools.count(1):
            if self._best is None or self._is_over():
                return
            begin_s, before = run.clock.elapsed_s, self._best_cost
            size = max(sizes, key=lambda each: (gain[each], -last_turn[each]))
            if size == 0:
                self.whole(begin_s + turn_s)
            while size and run.clock.elapsed_s < begin_s + turn_s and not self._is_over():
                near = int(rng.choice(np.flatnonzero(visits == visits.min())))
                visits[near] += 1
                visits[self._search_part(parts, near, size, begin_s + turn_s)] += 1
            last_turn[size] = turn
            gain[size] = (before - self._best_cost) / max(1e-9, run.clock.elapsed_s - begin_s)

    def _search_part(self, parts: Parts, near: int, size: int, until_s: float) -> Any:
        """Search a part till it seems stuck or a time; the plan changes if it costs less then."""
        part = parts.cut(self._best, near, size)
        patience, seen_cost, since = _PART_PATIENCE * len(part.items), math.inf, 0

        def is_over(best_cost: int) -> bool:
            nonlocal seen_cost, since
            since = 0 if best_cost < seen_cost else since + 1
            seen_cost = min(seen_cost, best_cost)
            return since > patience or self._run.clock.elapsed_s >= until_s

        local = self._local_search(part.data)
        found = self._iterate(part.data, local, part.start, is_over, lambda _: None)
        if found.is_feasible() and _cost(found) < _cost(part.start):
            self._best = parts.put_back(self._best, part, found)
            self._improve(self._best)
        return part.items

    def _iterate(
        self,
        data: Any,
        local: Any,
        start: Any,
        is_over: Callable[[int], bool],
        on_best: Callable[[Any], None],
    ) -> Any:
        """Return the best plan that iterations from a plan find."""
        import pyvrp

        watch: Any = _Watch(self._tick, is_over, on_best)
        params = pyvrp.IteratedLocalSearchParams(callbacks=watch)
        search = pyvrp.IteratedLocalSearch(data, self._penalties, local, start, params)
        with warnings.catch_warnings():
            # A large penalty is no news: what PyVRP finds is checked in any case.
            warnings.simplefilter("ignore")
            return search.run(watch, collect_stats=False, display=False).best

    def _local_search(self, data: Any) -> Any:
        from pyvrp import search as parts

        near = parts.NeighbourhoodParams(num_neighbours=self._num_neighbours)
        perturbation = parts.PerturbationManager(parts.PerturbationParams())
        neighbours = parts.compute_neighbours(data, near)
        made = parts.LocalSearch(data, self._rng, neighbours, perturbation)
        for operator in parts.OPERATORS:
            if operator.supports(data):
                made.add_operator(operator(data))
        return made

    def _penalty_manager(self) -> Any:
        """Let penalties outgrow refusal costs and legs, or breaking a rule would pay."""
        import pyvrp

        problem = self._model.problem
        price = int(problem.orders.refusal_cost.max(initial=0))
        for travel in problem.travel:
            price = max(price, int(travel.distance_m[travel.is_reachable].max(initial=0)))
        usual = pyvrp.PenaltyParams()
        most = min(max(usual.max_penalty, 2.0 * price), _LARGEST_PENALTY)
        begin = usual.midpoint_penalties(self._model.data)
        return pyvrp.PenaltyManager(begin, pyvrp.PenaltyParams(max_penalty=most))

    def _tick(self, *, is_first: bool) -> bool:
        """Count an iteration that has passed, unless it is the first; returns whether to stop."""
        run = self._run
        if not is_first:
            run.step()
        if self._pending is not None and run.iterations >= self._next_offer:
            self._offer_pending()
        return self._is_over()

    def _is_over(self) -> bool:
        self.is_stuck = self._run.iterations - self._last_improved >= self._patience
        return self.is_stuck or self._run.should_stop()

    def _improve(self, best: Any) -> None:
        """Keep an improvement; the first is offered at once."""
        cost = self._claim(best) if best.is_feasible() else math.inf
        if cost < self._best_cost:
            self._best_cost = cost
            self._last_improved = self._run.iterations
            self._pending = best
            if self._run.iterations >= self._next_offer:
                self._offer_pending()

    def flush(self) -> None:
        """Offer the best plan, if it was not yet."""
        if self._pending is not None:
            self._offer_pending()

    def _offer_pending(self) -> None:
        found, self._pending = self._pending, None
        pause = max(_BETWEEN_OFFERS, _BETWEEN_PER_ORDER * len(self._model.problem.orders))
        self._next_offer = self._run.iterations + pause
        solution = self._model.solution(found)
        if solution is not None:
            self._run.offer(solution, claimed=self._claim(found))

    def _claim(self, found: Any) -> float:
        """Return what PyVRP says a solution costs, in our terms."""
        return float(_cost(found) - self._model.surplus)


def _cost(found: Any) -> int:
    """Return what a plan costs that keeps all rules."""
    return int(
        found.distance_cost()
        + found.duration_cost()
        + found.fixed_vehicle_cost()
        + found.uncollected_prizes()
    )


class _Watch:
    """What PyVRP asks before each iteration, and calls during them."""

    def __init__(
        self,
        tick: Callable[..., bool],
        is_over: Callable[[int], bool],
        on_best: Callable[[Any], None],
    ) -> None:
        self._tick = tick
        self._is_over = is_over
        self._is_first = True
        self.on_best = on_best

    def __call__(self, best_cost: int) -> bool:
        """Whether to stop, before an iteration."""
        is_first, self._is_first = self._is_first, False
        return self._tick(is_first=is_first) or self._is_over(best_cost)

    def on_start(self, ils: Any) -> None:
        """Nothing to do."""

    def on_end(self, result: Any) -> None:
        """Nothing to do."""

    def on_iteration(self, *_: Any) -> None:
        """Nothing to do."""

    def on_restart(self, best: Any) -> None:
        """Nothing to do."""
