"""Prices of sites in blocks that all solutions and leaves seen so far say are good.

A solution of block b that leaves u units unserved says that the block costs at most u + l_b @ y at
prices l, and so does a leaf of its tree with shares y. The least of these, made smooth with a soft
minimum, less p times the price s of opening a site, is raised near the best prices so far (a
proximal bundle method: Lemarechal 1975). At the best prices those of a site add up to s over its
blocks: a sum above s pays for a site more than blocks gain from it, and raising one below is free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray

#: Weight of the distance to the best prices so far.
_NEAR = 0.3
#: Steps at most.
_MOST_STEPS = 150


@dataclass(frozen=True, kw_only=True, eq=False)
class Cuts:
    """What a block is known to cost at most: ``missed + share @ price``.

    Parameters
    ----------
    missed
        Units left unserved, shape (k,).
    share
        Open shares of the block's sites, shape (k, n).
    """

    missed: FloatArray
    share: FloatArray

    def among(self, sites: BoolArray) -> Cuts:
        """Return the cuts over some of the sites; all others cost nothing."""
        return Cuts(missed=self.missed, share=self.share[:, sites])


def with_sum(price: FloatArray, inside: BoolArray, total: float) -> FloatArray:
    """Return the nearest prices >= 0 that add up to a total over the blocks of each site.

    Parameters
    ----------
    price
        Shape (blocks, m).
    inside
        Which sites are a block's, shape (blocks, m); other prices are 0.
    total
        What the prices of each site add up to, if it is any block's.
    """
    count = inside.sum(axis=0)
    falling = -np.sort(np.where(inside, -price, np.inf), axis=0)
    rank = np.arange(1, len(price) + 1)[:, None]
    is_there = rank <= count
    over = (np.cumsum(np.where(is_there, falling, 0.0), axis=0) - total) / rank
    last = np.maximum((is_there & (falling > over)).sum(axis=0) - 1, 0)
    by = np.take_along_axis(over, last[None], axis=0)[0]
    return np.where(inside, np.maximum(price - by, 0.0), 0.0)


def aimed(
    center: tuple[FloatArray, float], inside: BoolArray, cuts: list[Cuts], most: int, soft: float
) -> tuple[FloatArray, float]:
    """Return prices at which a block's cuts are high, and the price of opening a site.

    Parameters
    ----------
    center
        The best prices so far, shape (blocks, m), and their price of opening a site.
    inside
        Sites of each block, shape (blocks, m).
    cuts
        Cuts of each block, over its sites in order.
    most
        Sites that may open.
    soft
        Softness of the minimum, in units; steps are the shorter, the less it is.
    """
    from scipy.optimize import minimize

    task = _Task(center, inside, cuts, most, max(1.0, soft))
    result = minimize(
        task.value_and_slope,
        np.zeros(task.size),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _MOST_STEPS, "maxfun": 2 * _MOST_STEPS},
    )
    price, opening, _ = task.unpacked(result.x)
    opening = max(opening, 0.0)
    return with_sum(price, inside, opening), opening


class _Task:
    """What is minimised: changes of prices, block after block, then that of opening a site."""

    def __init__(
        self,
        center: tuple[FloatArray, float],
        inside: BoolArray,
        cuts: list[Cuts],
        most: int,
        soft: float,
    ) -> None:
        self._center, self._opening = center
        self._inside, self._cuts, self._most, self._soft = inside, cuts, most, soft
        self._count = np.maximum(inside.sum(axis=0), 1)
        self._sites: list[IntArray] = [np.flatnonzero(sites) for sites in inside]
        self.size = int(inside.sum()) + 1

    def unpacked(self, x: FloatArray) -> tuple[FloatArray, float, FloatArray]:
        """Return prices, the price of opening a site, and the change that shifts prices alone."""
        moved = np.zeros(self._inside.shape)
        moved[self._inside] = x[:-1]
        moved = np.where(self._inside, moved - moved.sum(axis=0) / self._count, 0.0)
        more = np.where(self._inside, x[-1] / self._count, 0.0)
        return self._center + moved + more, self._opening + float(x[-1]), moved

    def value_and_slope(self, x: FloatArray) -> tuple[float, FloatArray]:
        """Return the value, negative, and its slope."""
        price, opening, moved = self.unpacked(x)
        value, slope = -self._most * opening, np.zeros(price.shape)
        for at, (sites, cuts) in enumerate(zip(self._sites, self._cuts, strict=True)):
            each = cuts.missed + cuts.share @ price[at, sites]
            weight = np.exp((each.min() - each) / self._soft)
            value += float(each.min()) - self._soft * float(np.log(weight.sum()))
            slope[at, sites] = (weight / weight.sum()) @ cuts.share
        below = np.minimum(price, 0.0) / self._soft
        value -= 0.5 * self._soft * float((below**2).sum())
        slope -= below
        by_opening = float((slope / self._count).sum()) - self._most
        value -= 0.5 * _NEAR * float((moved**2).sum()) / self._soft
        slope -= _NEAR * moved / self._soft
        slope = slope - slope.sum(axis=0, where=self._inside) / self._count
        found: Any = np.append(slope[self._inside], by_opening)
        return -value, -found
