"""Compiled annealing on blocks of covering models, whose sites have prices; imported when needed.

Compiled code is kept on disk, so that only the first use on a machine waits for the compiler.
"""

from __future__ import annotations

import math
from typing import Any

from dispatchopt.core.compiled import compiled
from dispatchopt.siting.engines._cover_kernels import draw

# A ``ground`` is (first row of each site, rows by site in order, units of rows, price of sites).


@compiled()
def _units(site: Any, often: Any, ground: Any, times: Any) -> Any:
    """Return the units of a site's rows that so many open sites cover.

    With none, it is what opening the site serves more; with one, what closing it leaves unserved.
    """
    start, row_of, units, _ = ground
    total = 0
    for at in range(start[site], start[site + 1]):
        if times[row_of[at]] == often:
            total += units[row_of[at]]
    return total


@compiled()
def _count(site: Any, change: Any, ground: Any, times: Any) -> None:
    """Let one open site more (1) or less (-1) cover the rows of a site."""
    start, row_of = ground[0], ground[1]
    for at in range(start[site], start[site + 1]):
        times[row_of[at]] += change


@compiled()
def _partner(free: Any, is_open: Any, bits: Any) -> Any:
    """Return an open site to close for one that opens; -1 for none, half of the time."""
    if draw(bits, 2) == 0:
        for _ in range(len(free)):
            site = free[draw(bits, len(free))]
            if is_open[site]:
                return site
    return -1


@compiled()
def _flip(site: Any, other: Any, is_open: Any, ground: Any, times: Any) -> None:
    """Close an open site, or open a closed one in the place of the other, already taken out."""
    is_open[site] = not is_open[site]
    _count(site, 1 if is_open[site] else -1, ground, times)
    if other >= 0:
        is_open[other] = False


@compiled()
def _change(site: Any, other: Any, is_open: Any, ground: Any, times: Any) -> Any:
    """Return what a move adds to the value; the other site is taken out of the counts."""
    price = ground[3]
    if is_open[site]:
        return _units(site, 1, ground, times) - price[site]
    change = price[site]
    if other >= 0:
        change += _units(other, 1, ground, times) - price[other]
        _count(other, -1, ground, times)
    return change - _units(site, 0, ground, times)


@compiled()
def anneal(free: Any, how: Any, best: Any, ground: Any, times: Any) -> Any:
    """Flip and swap sites at falling temperature; ``best`` is where to start and what is found.

    ``free`` are the sites that may move, ``how`` (first and last temperature, steps, state of the
    random numbers), ``times`` by how many open sites each row is covered. Returns what the best
    costs more than the start.
    """
    heat, steps, bits = how
    is_open = best.copy()
    value, lowest = 0, 0
    temperature = heat[0]
    cooling = (heat[1] / heat[0]) ** (1.0 / max(1, steps))
    for _ in range(steps):
        temperature *= cooling
        site = free[draw(bits, len(free))]
        other = -1 if is_open[site] else _partner(free, is_open, bits)
        change = _change(site, other, is_open, ground, times)
        chance = draw(bits, 1 << 30) / float(1 << 30)
        if change <= 0 or chance < math.exp(-change / temperature):
            _flip(site, other, is_open, ground, times)
            value += change
            if value < lowest:
                lowest = value
                best[:] = is_open
        elif other >= 0:
            _count(other, 1, ground, times)
    return lowest
