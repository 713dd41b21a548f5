"""Better solutions beside a tree: annealing, and exact searches in parts of what it finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.siting.engines import _cover_local
from dispatchopt.siting.engines._cover_anneal import Annealer
from dispatchopt.siting.engines._cover_build import shrunk
from dispatchopt.siting.engines._cover_model import CoverModel
from dispatchopt.siting.engines._cover_tree import Keeper

#: Work of annealing at the root at most; searches that find the best value until it is trusted.
_FIRST_WORK, _TRUSTED_HITS = 4e7, 2
#: Work of annealing for one unit of work of a relaxation with cuts, and how far trust lowers it:
#: looking for cuts is not counted, and what they leave open is mostly the solution.
_SHARE, _MOST_TRUST = 4.0, 8
#: Nodes of a search among the sites of several answers; what a simplex step weighs.
_FUSED_NODES, STEP_WORK = 200, 0.3
#: Pairs below which annealing, for which code is compiled, waits for so much other work.
_MANY_PAIRS, _LATE_WORK = 35_000, 3e6
#: Open sites of the first window, how much the next ones are larger, and the largest one.
_WINDOW, _WIDER, _WIDEST = 6, 1.25, 16
#: Windows, at least, that hold all open sites; with fewer, one is about as hard as all together.
_WINDOWS = 5
#: Nodes of a search in a window; simplex steps that each is taken to need, by which it counts.
_WINDOW_NODES, _NODE_STEPS = 60, 100


class Watch(Protocol):
    """What a search may use, and where its bounds go."""

    seed: int

    @property
    def time_left_s(self) -> float:
        """Seconds left."""

    def should_stop(self) -> bool:
        """Whether to return now."""

    def step(self) -> bool:
        """Count a node; whether to go on."""

    def raise_bound(self, value: int) -> None:
        """Report a proven bound."""


#: Branch and bound: swaps on a model, who keeps what is found, limits.
Branch = Callable[[_cover_local.Improver, Keeper, Watch], None]


def relaxation_work(simplex_steps: int, num_sets: int) -> float:
    """Return the work of a relaxation, which no clock decides."""
    return (10 + simplex_steps) * num_sets * STEP_WORK


class Search:
    """Annealing and exact searches in parts of its answers, as the tree's work goes on.

    Parts are the sites of several answers together, and windows: some open sites that lie side by
    side are chosen anew, while all others stay as they are.

    Parameters
    ----------
    model
        A covering model in which every unserved unit has its price.
    keeper
        Holds the best solution, and is offered others.
    watch
        Limits.
    branch
        Searches a model exactly.
    has_cuts
        Whether the tree's relaxation has cuts.
    """

    def __init__(
        self,
        model: CoverModel,
        keeper: Keeper,
        watch: Watch,
        branch: Branch,
        *,
        has_cuts: bool = True,
    ) -> None:
        self._model = model
        self._keeper = keeper
        self._watch = watch
        self._branch = branch
        self._has_cuts = has_cuts
        self._made: Annealer | None = None
        self._waited = 0.0
        self._due = _LATE_WORK
        self._work = 0.0
        self._fused: set[bytes] = set()
        self._rng = np.random.default_rng(watch.seed)
        self._width = float(_WINDOW)
        # Values of answers leave out what is due in any case.
        self._fixed = (model.value(model.lower) or 0) - model.unserved_units(model.lower)

    @property
    def _annealer(self) -> Annealer:
        if self._made is None:
            self._made = Annealer(self._model, self._watch.should_stop, self._watch.seed)
        return self._made

    def begin(self, *, is_short: bool = False) -> None:
        """Search until independent searches agree on the best value, or for long enough.

        With ``is_short``, take one turn.
        """
        if len(self._model.pairs.row) < _MANY_PAIRS:
            return
        if is_short:
            self.turn()
            return
        while self._annealer.hits < _TRUSTED_HITS and self._spent() < _FIRST_WORK:
            if self._watch.should_stop() or not self.turn():
                return

    def between(self, simplex_steps: int) -> None:
        """Search on once the tree has worked for long enough."""
        self.after(relaxation_work(simplex_steps, self._model.sets.num_sets))

    def after(self, work: float) -> None:
        """Search on once so much more work makes it due."""
        self._waited += work
        if self._waited >= self._due:
            self.turn()

    def turn(self) -> bool:
        """Anneal, then search exactly in parts of the answers; False if there are none.

        The more searches have ended at the best value, the longer the next turn waits; without
        cuts a proof is mostly near, and turns become rare soon.
        """
        keeper, annealer = self._keeper, self._annealer
        if not annealer.answers:
            first = keeper.open_sites(self._model)
            if first is None:
                return False
            annealer.keep(first)
        before, work = annealer.answers[0][0], self._spent()
        annealer.cycle()
        for most in (5, 10):
            self._fuse(annealer.answers[:most])
        self._look_through_windows()
        ended = len(annealer.ended)
        annealer.conclude(before)
        if len(annealer.ended) > ended:
            self._fuse(annealer.ended[:5])
        self._waited = 0.0
        trust = 1 + annealer.hits
        factor = min(trust, 1 + _MOST_TRUST) / _SHARE if self._has_cuts else float(trust) ** 2
        self._due = (self._spent() - work) * factor
        return True

    def _spent(self) -> float:
        return self._work + self._annealer.work

    def _fuse(self, answers: list[tuple[int, bytes, BoolArray]]) -> None:
        """Search exactly among the sites of some answers."""
        if not answers:
            return
        self._keeper.consider(answers[0][2])
        together = np.any([is_open for _, _, is_open in answers], axis=0)
        key = together.tobytes()
        if self._watch.should_stop() or len(answers) < 2 or key in self._fused:
            return
        self._fused.add(key)
        model = self._model
        self._search_part(model.lower, model.upper & together, answers[0][0], _FUSED_NODES)

    def _look_through_windows(self) -> None:
        """Choose sites anew in windows of the best answer, each about once; wider if in vain."""
        annealer = self._annealer
        value, _, best = annealer.answers[0]
        count = int((best & ~self._model.lower).sum())
        if count < _WINDOWS * _WINDOW or not annealer.knows_neighbours:
            return
        width = int(min(self._width, _WIDEST, count // _WINDOWS))
        has_gained = False
        for _ in range(-(-count // width)):
            if self._watch.should_stop():
                return
            value, _, best = annealer.answers[0]
            loose = self._window(best, width)
            free = annealer.neighbours(loose) & ~best
            lower = best.copy()
            lower[loose] = False
            upper = self._model.upper & (best | free)
            has_gained |= self._search_part(lower, upper, value, _WINDOW_NODES)
        self._width = min(_WIDEST, self._width * (1.0 if has_gained else _WIDER))

    def _window(self, is_open: BoolArray, width: int) -> IntArray:
        """Return so many open sites that lie around one drawn at random."""
        loose = np.flatnonzero(is_open & ~self._model.lower)
        inside = np.zeros(len(is_open), dtype=bool)
        inside[self._rng.choice(loose)] = True
        while int((inside & is_open).sum()) < width:
            around = self._annealer.neighbours(np.flatnonzero(inside)) & ~self._model.lower
            if not (around & ~inside).any():
                break
            fresh = np.flatnonzero(around & is_open & ~inside)
            room = width - int((inside & is_open).sum())
            inside |= around & ~is_open
            inside[self._rng.permutation(fresh)[:room]] = True
        return np.flatnonzero(inside & is_open & ~self._model.lower)

    def _search_part(self, lower: BoolArray, upper: BoolArray, value: int, nodes: int) -> bool:
        """Search exactly between bounds on y for less than ``value``; whether that was found."""
        model, keeper, annealer = self._model, self._keeper, self._annealer
        part = shrunk(model, lower, upper)
        if self._watch.should_stop():
            return False
        inner = _Inner(part, value + self._fixed)
        watch = _InnerWatch(self._watch, nodes)
        self._branch(_cover_local.Improver(part, self._watch.should_stop), inner, watch)
        steps = _NODE_STEPS * watch.count
        self._work += relaxation_work(steps, part.sets.num_sets) + len(model.pairs.row)
        if inner.found is None:
            return False
        annealer.keep(inner.found)
        keeper.consider(inner.found)
        return True


class _Inner:
    """Keeps the best solution of a search among few sites."""

    def __init__(self, model: CoverModel, best: int) -> None:
        self._model = model
        self.best = best
        self.found: BoolArray | None = None

    def consider(self, is_open: BoolArray) -> None:
        """Keep open sites if they are better."""
        value = self._model.value(is_open)
        if value is not None and value < self.best:
            self.best, self.found = value, is_open.copy()

    def rebase(self, model: CoverModel) -> None:
        """Go on with a smaller model."""
        self._model = model

    def open_sites(self, model: CoverModel) -> BoolArray | None:
        """Return the best open sites, if the model allows them."""
        return None if self.found is None or model.value(self.found) is None else self.found


class _InnerWatch:
    """So many nodes within the time of another search; bounds are of no use outside."""

    def __init__(self, outer: Watch, nodes: int) -> None:
        self._outer = outer
        self._most = nodes
        self.count = 0
        self.seed = outer.seed

    @property
    def time_left_s(self) -> float:
        """Seconds left."""
        return self._outer.time_left_s

    def should_stop(self) -> bool:
        """Whether to return now."""
        return self._outer.should_stop()

    def step(self) -> bool:
        """Count a node; whether to go on."""
        self.count += 1
        return self.count < self._most and not self._outer.should_stop()

    def raise_bound(self, value: int) -> None:
        """Forget a bound."""
