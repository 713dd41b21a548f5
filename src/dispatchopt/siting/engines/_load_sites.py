"""A local search over which sites are open, with capacities: swaps, openings and closings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.siting.engines._load_choice import choice
from dispatchopt.siting.engines._load_dual import LoadBound
from dispatchopt.siting.engines._load_local import annealed, packed
from dispatchopt.siting.engines._load_table import LoadTable

#: Least moves, and moves per customer, of the annealing that values a neighbour, and of the longer
#: one that follows where that is near the best.
_QUICK, _LONG = (100_000, 400), (400_000, 2_000)
#: Where all sites are decided: annealings that start anew, and cooler ones that go on, at heats.
_FRESH, _COOLER, _HEATS = 6, 18, (0.05, 0.02, 0.01)
#: How far above the best a quick value may lie to be followed, relative to it.
_NEAR = 0.008
#: Neighbours valued from one choice of sites.
_MOST_TRIED = 30
#: Above every worth of a site.
_FAR = 1e15
#: Units of room beyond what is needed that shaken choices have, as parts of a mean demand.
_SPARE = (0.0, 0.3, 0.6, 1.2, 2.4)


def cost_of(table: LoadTable, site: IntArray) -> float:
    """Return what an assignment of everybody costs, sites that serve included."""
    used = np.unique(np.concatenate([site, np.flatnonzero(table.is_fixed)]))
    return float(table.cost[site, np.arange(len(site))].sum() + table.opening[used].sum())


class SiteSearch:
    """From one choice of sites to the next better one.

    What a neighbour would cost is guessed from what a bound says that sites are worth; the most
    promising are valued by annealing who is served from where.
    """

    def __init__(
        self,
        table: LoadTable,
        offer: Callable[[IntArray, BoolArray], None],
        should_stop: Callable[[], bool],
        rng: np.random.Generator,
    ) -> None:
        self._table, self._offer, self._should_stop = table, offer, should_stop
        self._rng = rng
        self._value = self._fill_price = np.zeros(table.num_sites)
        self._seen: set[bytes] = set()
        self._best, self._spare = np.inf, 0
        self._is_open: BoolArray | None = None

    def look(self, found: LoadBound) -> None:
        """Guess by another bound from now on."""
        self._value, self._fill_price = found.site_value, found.fill_price

    def start(self, is_open: BoolArray) -> bool:
        """Value a choice of sites; whether it is the best so far."""
        key = is_open.tobytes()
        if key in self._seen:
            return False
        self._seen.add(key)
        table, price = self._table, self._fill_price
        quick, long = (max(least, each * table.num_customers) for least, each in (_QUICK, _LONG))
        site = packed(table, is_open, price, quick)
        # Where no choice had room yet, none is given up easily.
        if site is None and np.isfinite(self._best):
            return False
        if site is not None and cost_of(table, site) > self._best * (1 + _NEAR):
            return False
        longer = packed(table, is_open, price, long)
        if site is None or (longer is not None and cost_of(table, longer) < cost_of(table, site)):
            site = longer
        return self._keep(site, is_open)

    def settle(self, is_open: BoolArray) -> None:
        """Serve from a choice of sites as well as several long annealings can.

        Some start anew; where that comes near the best, others go on from the best of them, cooler.
        """
        table, price = self._table, self._fill_price
        moves = max(_LONG[0], _LONG[1] * table.num_customers)
        own: IntArray | None = None
        least = np.inf
        for made in range(_FRESH + _COOLER):
            if self._should_stop() or (made >= _FRESH and least > self._best * (1 + 0.5 * _NEAR)):
                return
            if made < _FRESH:
                site = packed(table, is_open, price, moves, seed=made + 2)
            elif own is not None:
                heat = _HEATS[made % len(_HEATS)]
                site = annealed(table, own, is_open, price, moves, seed=made + 2, heat=heat)
            if site is not None and cost_of(table, site) <= least:
                own, least = site, cost_of(table, site)
                self._keep(site, is_open)

    def _keep(self, site: IntArray | None, is_open: BoolArray) -> bool:
        """Offer an assignment if it is the best so far; whether it is."""
        if site is None or (cost := cost_of(self._table, site)) >= self._best:
            return False
        self._best, self._is_open = cost, is_open
        self._offer(site, is_open)
        return True

    def improve(self, upper: BoolArray, most: int = _MOST_TRIED) -> bool:
        """Try neighbours of the best choice, until one is better; whether one was."""
        if self._is_open is None:
            return False
        for is_open in self._neighbours(self._is_open, upper)[:most]:
            if self._should_stop():
                return False
            if self.start(is_open):
                return True
        return False

    def shake(self, gap: float, upper: BoolArray) -> bool:
        """Value a choice of sites at worths that are off by up to a part of a gap."""
        table, rng = self._table, self._rng
        noise = rng.normal(size=table.num_sites) * rng.random()
        noise *= 0.5 * gap if np.isfinite(self._best) else 0.0
        if not np.isfinite(self._best):
            # Nobody was left over in no choice yet, whatever is known from elsewhere: ever more
            # room helps.
            self._spare += 1
        spare = int((self._spare + rng.choice(_SPARE)) * table.units.mean())
        made = choice(table, self._value + noise, table.is_fixed, upper, spare=spare)
        return self.start(made.chosen)

    def _neighbours(self, is_open: BoolArray, upper: BoolArray) -> list[BoolArray]:
        """Return choices that differ by a site or two, the most promising first."""
        table = self._table
        inside = np.append(np.flatnonzero(is_open & ~table.is_fixed), -1)
        outside = np.append(np.flatnonzero(upper & ~is_open), -1)
        # Sites that the bound does not open have no worth: they come last.
        value = np.append(np.where(np.isfinite(self._value), self._value, _FAR), 0.0)
        room = np.append(table.room, 0)
        guess = value[outside][None, :] - value[inside][:, None]
        rest = int(table.room[is_open].sum()) - room[inside][:, None] + room[outside][None, :]
        grows = (inside[:, None] < 0).astype(int) - (outside[None, :] < 0).astype(int)
        fits = (rest >= table.least_units) & (int(is_open.sum()) + grows <= table.max_open)
        guess = np.where(fits, guess, np.inf).ravel()
        made: list[BoolArray] = []
        for at in np.argsort(guess, kind="stable"):
            if not np.isfinite(guess[at]) or len(made) >= _MOST_TRIED:
                break
            out, into = inside[at // len(outside)], outside[at % len(outside)]
            other = is_open.copy()
            if out >= 0:
                other[out] = False
            if into >= 0:
                other[into] = True
            if other.tobytes() not in self._seen:
                made.append(other)
        return made
