"""Laws of units on order, summed term by term; best levels of stages without customers of theirs.

A store's units on order are the demand of its lead time plus those units that its warehouse owes
and that are the store's: of each unit owed this is so with the chance of the store's share,
independently (Simon, Management Science 17, 1971; Graves, Management Science 31, 1985).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.inventory.echelon.problem import EchelonProblem

#: Chance that is left out at the end of a law.
TAIL = 1e-13
#: Largest sum of products for which a plain loop beats a transform.
_PLAIN = 64


def poisson(mean: FloatArray) -> FloatArray:
    """Return the laws of Poisson demand, one row per mean, from 0 on."""
    from scipy import stats

    most = int(stats.poisson.isf(TAIL, float(mean.max(initial=0.0)))) + 2
    made: FloatArray = stats.poisson.pmf(np.arange(most + 1), mean[:, None])
    return made


def debt(law: FloatArray, level: int) -> FloatArray:
    """Return the law of what a stage owes at a level, from that of what it has on order."""
    if level >= law.size - 1:
        return np.ones(1)
    owed = np.concatenate([[law[: level + 1].sum()], law[level + 1 :]])
    tail = np.cumsum(owed[::-1])[::-1]
    return owed[: int(np.flatnonzero(tail > TAIL).max(initial=0)) + 1]


def on_order(share: float, mean: FloatArray, owed: FloatArray) -> FloatArray:
    """Return the law of units on order of one stage with a share in its supplier's debt."""
    group = _group(np.zeros(1, dtype=np.int64), np.array([share]), mean, owed.size - 1)
    law: FloatArray = group.on_order(owed)[0]
    return law


@dataclass(frozen=True, kw_only=True, eq=False)
class _Group:
    """Stages whose shares are alike: tables that hold for any debt of their supplier.

    A stage's chance of j of b units is that of the group's largest share times ratios to the
    powers b and j, so that one product of matrices serves all stages.
    """

    rows: IntArray
    table: FloatArray
    of_debt: FloatArray
    of_units: FloatArray
    demand: FloatArray

    def on_order(self, owed: FloatArray) -> FloatArray:
        """Return the laws of units on order, (stages of the group, units)."""
        size = owed.size
        if size == 1:
            return self.demand
        taken = (self.of_debt[:, :size] * owed) @ self.table[:size]
        taken *= self.of_units
        used = np.flatnonzero(taken.max(axis=0) > TAIL * 1e-3)
        taken = taken[:, : int(used.max(initial=0)) + 1]
        width = taken.shape[1] + self.demand.shape[1] - 1
        if min(taken.shape[1], self.demand.shape[1]) > _PLAIN:
            from scipy.signal import fftconvolve

            found: FloatArray = np.maximum(fftconvolve(taken, self.demand, axes=1), 0.0)
            return found
        short, wide = sorted((taken, self.demand), key=lambda each: each.shape[1])
        law = np.zeros((taken.shape[0], width))
        for at in range(short.shape[1]):
            law[:, at : at + wide.shape[1]] += short[:, at : at + 1] * wide
        return law


class Stores:
    """Stages that share a supplier and supply nobody: their best levels, whatever it owes."""

    def __init__(self, problem: EchelonProblem, stages: IntArray) -> None:
        self.stages = stages
        self.share = problem.share[stages]
        self.mean = problem.total_rate[stages] * problem.lead_time[stages]
        self.held, self.short = problem.holding_cost[stages], problem.shortage_cost[stages]
        # Nobody buys where the rate is 0: one unit in stock would only cost.
        self.sells = problem.rate[stages] > 0
        self._rows = self._split()
        self._most = 0
        self._groups: list[_Group] = []

    def best(self, owed: FloatArray) -> tuple[IntArray, FloatArray]:
        """Return best levels and their costs, (stages,), for a law of the supplier's debt."""
        level = np.zeros(self.stages.size, dtype=np.int64)
        cost = np.zeros(self.stages.size)
        expected = float(np.arange(owed.size) @ owed)
        if owed.size > self._most:
            # Tables twice as long as asked for, so that they are made a few times only.
            self._most = 2 ** int(np.ceil(np.log2(max(64, owed.size))))
            self._groups = [
                _group(rows, self.share[rows], self.mean[rows], self._most) for rows in self._rows
            ]
        for group in self._groups:
            rows = group.rows
            law = group.on_order(owed)
            below = np.cumsum(law, axis=1)
            ratio = self.short[rows] / (self.short[rows] + self.held[rows])
            at = (below < ratio[:, None]).sum(axis=1)
            # Sum of P(N > n) over n below the level, to be taken from the mean.
            met = np.cumsum(np.maximum(1.0 - below, 0.0), axis=1)
            before = np.maximum(at - 1, 0)[:, None]
            served = np.where(at > 0, np.take_along_axis(met, before, 1)[:, 0], 0.0)
            mean = self.mean[rows] + self.share[rows] * expected
            missing = np.maximum(mean - served, 0.0)
            level[rows] = at
            cost[rows] = self.held[rows] * (at - mean + missing) + self.short[rows] * missing
        level[~self.sells] = 0
        cost[~self.sells] = 0.0
        return level, cost

    def _split(self) -> list[IntArray]:
        """Split into rows of like share and like mean; a large share stands alone."""
        share = np.where(self.share > 0, self.share, 1e-300)
        kind = np.floor(np.log2(share)).astype(np.int64)
        alone = share > 0.25
        kind[alone] = 10_000 + np.flatnonzero(alone)
        size = np.ceil(0.5 * np.log2(np.maximum(self.mean, 16.0))).astype(np.int64)
        keys, back = np.unique(np.stack([kind, size]), axis=1, return_inverse=True)
        back = np.ravel(back)
        return [np.flatnonzero(back == each) for each in range(keys.shape[1])]


def _group(rows: IntArray, share: FloatArray, mean: FloatArray, most_owed: int) -> _Group:
    from scipy import stats

    top = float(share.max())
    units = most_owed
    if 0 < top < 1:
        units = min(int(stats.binom.isf(TAIL * 1e-3, most_owed, top)) + 1, most_owed)
    table = _binomial(most_owed, units, top)
    demand = poisson(mean)
    if share.size == 1:
        of_debt, of_units = np.ones((1, most_owed + 1)), np.ones((1, units + 1))
        return _Group(rows=rows, table=table, of_debt=of_debt, of_units=of_units, demand=demand)
    # In logarithms first: shares of a group differ by at most a factor of 2.
    less = np.log1p(-share) - np.log1p(-top)
    ratio = np.log(np.maximum(share, 1e-300) / max(top, 1e-300)) - less
    of_debt = np.exp(less[:, None] * np.arange(most_owed + 1))
    of_units = np.exp(np.maximum(ratio[:, None] * np.arange(units + 1), -700.0))
    return _Group(rows=rows, table=table, of_debt=of_debt, of_units=of_units, demand=demand)


def _binomial(most: int, units: int, share: float) -> FloatArray:
    """Return the chance of 0 to ``units`` of 0 to ``most``, each with the chance of the share."""
    from scipy import special

    tries, taken = np.arange(most + 1)[:, None], np.arange(units + 1)
    left = tries - taken
    if share >= 1:
        made: FloatArray = (left == 0).astype(np.float64)
        return made
    if share <= 0:
        return np.broadcast_to((taken == 0).astype(np.float64), left.shape).copy()
    logs = special.gammaln(np.arange(most + 1) + 1.0)
    inside = np.maximum(left, 0)
    chance = logs[tries] - logs[taken] - logs[inside]
    chance += taken * np.log(share) + inside * np.log1p(-share)
    return np.where(left >= 0, np.exp(chance), 0.0)
