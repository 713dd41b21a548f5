"""A Lagrangian bound on p-median by subgradients, in whole numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray
from dispatchopt.siting.engines._local import Landscape

#: Sums up to which float64 holds whole numbers exactly.
_EXACT = 2.0**52
#: Rounds without a better bound after which steps are halved.
_PATIENCE = 6


def p_median_bound(
    land: Landscape,
    multipliers: FloatArray,
    target: float,
    *,
    rounds: int,
    should_stop: Callable[[], bool],
) -> float:
    """Return a bound on service costs (without constants) from relaxing "served once".

    L(v) = sum v_r - sum of the p greatest sum_r max(0, v_r - c_rj), with v_r at most what leaving
    the row unserved costs (Cornuejols, Fisher and Nemhauser 1977). Costs are whole numbers and the
    multipliers are rounded to such, so that the sums are exact.

    Parameters
    ----------
    land
        Rows with their costs, and which sites may be open.
    multipliers
        Where to start, shape (num_rows,), such as each row's cost in a good solution.
    target
        Cost of a known solution.
    rounds
        Subgradient steps.
    should_stop
        Asked each round.
    """
    pairs, sites = land.pairs, len(land.is_allowed)
    most = np.where(np.isfinite(pairs.price), pairs.price, _row_most(land))
    value, best, scale, stale = np.minimum(multipliers, most), -math.inf, 1.0, 0
    for _ in range(rounds):
        if should_stop():
            break
        whole = np.floor(value)
        saved = np.maximum(whole[pairs.row] - pairs.cost, 0.0)
        gain = np.bincount(pairs.site, weights=saved, minlength=sites).astype(np.float64)
        chosen = _chosen(land, gain)
        total = float(whole.sum())
        if total + float(gain.sum()) > _EXACT:
            return -math.inf
        bound = total - float(gain[chosen].sum())
        if bound > best:
            best, stale = bound, 0
        else:
            stale += 1
            if stale >= _PATIENCE:
                scale, stale = scale / 2, 0
        is_served = chosen[pairs.site] & (saved > 0)
        slope = 1.0 - np.bincount(pairs.row[is_served], minlength=pairs.num_rows)
        length = float(slope @ slope)
        if length == 0 or target - bound < 1:
            break
        value = np.clip(value + scale * (target - bound) / length * slope, 0.0, most)
    return best


def _chosen(land: Landscape, gain: FloatArray) -> BoolArray:
    """Return the sites that the relaxed problem opens."""
    chosen = land.is_fixed.copy()
    free = np.flatnonzero(land.is_allowed & ~land.is_fixed)
    room = max(0, land.max_sites - int(chosen.sum()))
    order = free[np.argsort(-gain[free], kind="stable")][:room]
    chosen[order] = True
    return chosen


def _row_most(land: Landscape) -> FloatArray:
    """Return the greatest cost of each row: no multiplier above it helps where all are served."""
    most = np.zeros(land.pairs.num_rows)
    np.maximum.at(most, land.pairs.row, land.pairs.cost)
    return most
