"""Starts and improvements of open sites for the covering model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray
from dispatchopt.siting.engines._cover_model import CoverModel
from dispatchopt.siting.engines._cover_swap import CompiledSwaps, Swaps

#: Pair visits that the kicks of a start may cost in all.
_WORK = 5e6
#: Pairs from which on moves are compiled; below, importing the compiler costs more than it saves.
_MANY_PAIRS = 35_000
#: Kicks of a compiled start, the steps that they may cost in all, and how many sites one closes.
_KICKS, _STEPS, _KICKED = 300, 6e8, (3, 8, 20)


def missable(model: CoverModel) -> int | None:
    """Return the units that may stay unserved; None where each costs its weight."""
    return 0 if model.must_cover else model.may_miss


def rounded(model: CoverModel, share: FloatArray) -> BoolArray | None:
    """Return open sites from fractional ones, the greatest shares first; None if none fit."""
    is_open = model.lower.copy()
    free = np.flatnonzero(model.upper & ~model.lower)
    order = free[np.argsort(-share[free], kind="stable")]
    allowed = missable(model)
    if allowed is None:
        count, spent = int(is_open.sum()), int(model.spend[is_open].sum())
        for site in order:
            if model.max_sites is not None and count >= model.max_sites:
                break
            if model.budget is None or spent + int(model.spend[site]) <= model.budget:
                is_open[site] = True
                count, spent = count + 1, spent + int(model.spend[site])
        return is_open
    low, high = 0, len(order)
    while low < high:
        middle = (low + high) // 2
        is_open[order[:middle]] = True
        is_open[order[middle:]] = False
        if model.unserved_units(is_open) <= allowed:
            high = middle
        else:
            low = middle + 1
    is_open[order[:low]] = True
    is_open[order[low:]] = False
    return thinned(model, is_open) if model.unserved_units(is_open) <= allowed else None


def thinned(model: CoverModel, is_open: BoolArray) -> BoolArray:
    """Close sites, dearest first, without which enough is still covered."""
    allowed = missable(model)
    if allowed is None:
        return is_open
    indptr, row = model.rows_of_sites
    times = np.zeros(model.pairs.num_rows, dtype=np.int64)
    for site in np.flatnonzero(is_open):
        times[row[indptr[site] : indptr[site + 1]]] += 1
    missed = int(model.pairs.units[times == 0].sum())
    current = is_open.copy()
    loose = np.flatnonzero(is_open & ~model.lower)
    for site in loose[np.argsort(-model.site_cost[loose], kind="stable")]:
        own = row[indptr[site] : indptr[site + 1]]
        more = int(model.pairs.units[own[times[own] == 1]].sum())
        if missed + more <= allowed:
            missed += more
            times[own] -= 1
            current[site] = False
    return current


class Improver:
    """Swaps from given open sites; keeps its counts from one call to the next."""

    def __init__(self, model: CoverModel, should_stop: Callable[[], bool]) -> None:
        self.model = model
        self._should_stop = should_stop
        self._is_priced = missable(model) is None
        spend = model.spend if self._is_priced else model.site_cost
        is_large = len(model.pairs.row) >= _MANY_PAIRS
        self._compiled = CompiledSwaps(model, spend=spend) if is_large else None
        self._swaps = self._compiled or Swaps(model, spend=spend)
        self._calls = 0

    def improved(self, is_open: BoolArray) -> BoolArray:
        """Return open sites after swaps; where enough must be covered, at less and less cost."""
        model, swaps = self.model, self._swaps
        allowed = missable(model)
        if allowed is None and model.max_sites is None and model.budget is None:
            # No limit keeps sites from opening but what they cost.
            swaps.set_to(is_open)
            swaps.trade(model.site_cost, self._should_stop)
            return swaps.is_open.copy()
        if allowed is None:
            swaps.set_to(is_open)
            swaps.descend(self._should_stop, budget=model.budget, max_sites=model.max_sites)
            return swaps.is_open.copy()
        best = is_open
        while not self._should_stop():
            budget = int(model.site_cost[best].sum()) - model.grain
            swaps.set_to(best)
            if not self._cheapened(budget):
                return best
            swaps.descend(self._should_stop, budget=budget, max_sites=None)
            if swaps.missed > allowed:
                return best
            best = thinned(model, swaps.is_open)
        return best

    def long_search(self, is_open: BoolArray) -> BoolArray | None:
        """Return open sites after thousands of kicks; None where moves are not compiled."""
        if self._compiled is None or not self._is_priced:
            return None
        model, count = self.model, max(1, int(is_open.sum()))
        self._swaps.set_to(is_open)
        spread = len(model.pairs.row) / max(1, model.num_sites)
        near = len(model.pairs.row) / max(1, model.pairs.num_rows)
        steps = 16.0 * (count * model.num_sites + 4.0 * spread * near)
        self._kick(self._compiled, int(max(30, min(_KICKS, _STEPS / steps))))
        return self._swaps.is_open.copy()

    def _kick(self, swaps: CompiledSwaps, rounds: int) -> None:
        """Kick in small, middle and large steps."""
        model = self.model
        for most in _KICKED:
            self._calls += 1
            swaps.kicks(
                rounds // len(_KICKED),
                most,
                self._calls,
                self._should_stop,
                budget=model.budget,
                max_sites=model.max_sites,
            )

    def _cheapened(self, budget: int) -> bool:
        """Close the sites that lose least per cost until the budget holds; False if it cannot."""
        swaps, cost = self._swaps, self.model.site_cost
        while swaps.spent > budget:
            loose = np.flatnonzero(swaps.is_open & ~self.model.lower & (cost > 0))
            if not len(loose):
                return False
            swaps.close(int(loose[np.argmin(swaps.loss[loose] / cost[loose])]))
        return True


def start(
    improver: Improver,
    first: BoolArray | None,
    rng: np.random.Generator,
    should_stop: Callable[[], bool],
    found: Callable[[BoolArray], None],
    *,
    most_kicks: int,
) -> None:
    """Search from ``first`` (or the fixed sites), with kicks, and report what is found."""
    model = improver.model
    allowed = missable(model)
    if first is None:
        first = model.lower if allowed is None else thinned(model, model.upper)
    best = improver.improved(first)
    found(best)
    longer = improver.long_search(best)
    if longer is not None:
        found(longer)
        return
    value = model.value(best)
    visits = len(model.pairs.row) * int(best.sum()) / max(1, model.num_sites)
    kicks = int(min(most_kicks, _WORK / max(1.0, visits)))
    for _ in range(kicks):
        if should_stop() or value is None:
            return
        kicked = _kicked(model, best, rng)
        if kicked is None:
            return
        moved = improver.improved(kicked)
        reached = model.value(moved)
        if reached is not None and reached <= value:
            if reached < value:
                found(moved)
            best, value = moved, reached


def _kicked(model: CoverModel, is_open: BoolArray, rng: np.random.Generator) -> BoolArray | None:
    """Close some sites at random, or where enough must be covered, open some."""
    loose = np.flatnonzero(is_open & ~model.lower)
    fresh = np.flatnonzero(model.upper & ~is_open)
    if not len(loose) or not len(fresh):
        return None
    most = max(1, min(len(loose), len(fresh), round(0.5 * len(loose))))
    count = int(rng.integers(1, most + 1))
    kicked = is_open.copy()
    if missable(model) is not None:
        kicked[rng.choice(fresh, size=count, replace=False)] = True
        return _shuffled_thinning(model, kicked, rng)
    # Sites opened at random lead away from where closing alone would return to.
    kicked[rng.choice(loose, size=count, replace=False)] = False
    spent = int(model.spend[kicked].sum())
    for site in rng.choice(fresh, size=(count + 1) // 2, replace=False):
        if model.budget is None or spent + int(model.spend[site]) <= model.budget:
            kicked[site] = True
            spent += int(model.spend[site])
    return kicked


def _shuffled_thinning(
    model: CoverModel, is_open: BoolArray, rng: np.random.Generator
) -> BoolArray:
    current = is_open.copy()
    loose = np.flatnonzero(is_open & ~model.lower)
    # A few sites go in any order, so that thinning does not lead back to where it came from.
    for site in rng.permutation(loose)[: max(1, len(loose) // 3)]:
        current[site] = False
        if model.unserved_units(current) > (missable(model) or 0):
            current[site] = True
    return thinned(model, current)
