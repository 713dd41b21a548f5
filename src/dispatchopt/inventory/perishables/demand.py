"""Chances of a day's demand in whole units, from a law with mean and variance."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.core.errors import InputError, Issue

#: Laws by name.
LAWS = ("poisson", "negative-binomial", "gamma")
#: Chance that is left out at the end of a law.
_TAIL = 1e-12
MAX_MEAN = 10_000.0


def day_demand(law: str, mean_units: float, variance_units: float | None = None) -> FloatArray:
    """Return the chances of 0, 1, 2, ... units.

    Parameters
    ----------
    law
        ``poisson``; ``negative-binomial``, Poisson where the variance is not above the mean; or
        ``gamma``, rounded to the nearest whole unit.
    mean_units
        Mean, from 0 to 10,000.
    variance_units
        Variance; the mean if None. Poisson has no other.

    Examples
    --------
    >>> day_demand("poisson", 0.5)[:2].round(4).tolist()
    [0.6065, 0.3033]
    """
    from scipy import stats

    spread = mean_units if variance_units is None else variance_units
    issues = [
        Issue(code="out-of-range", where=name, found=repr(value), wanted=f"0 to {most:g}")
        for name, value, most in (
            ("mean_units", mean_units, MAX_MEAN),
            ("variance_units", spread, MAX_MEAN**2),
        )
        if not 0 <= value <= most
    ]
    if law not in LAWS:
        found, wanted = repr(law), ", ".join(LAWS)
        issues.append(Issue(code="unknown-choice", where="law", found=found, wanted=wanted))
    if issues:
        raise InputError(issues)
    if mean_units == 0:
        return np.ones(1)
    if law == "gamma" and spread > 0:
        shape, scale = mean_units**2 / spread, spread / mean_units
        most = int(stats.gamma.isf(_TAIL, shape, scale=scale)) + 1
        edges = np.concatenate([[0.0], np.arange(most + 1) + 0.5])
        chance = np.diff(stats.gamma.cdf(edges, shape, scale=scale))
    elif law == "gamma":
        chance = np.zeros(round(mean_units) + 1)
        chance[-1] = 1.0
    elif law == "negative-binomial" and spread > mean_units:
        size, success = mean_units**2 / (spread - mean_units), mean_units / spread
        most = int(stats.nbinom.isf(_TAIL, size, success)) + 1
        chance = stats.nbinom.pmf(np.arange(most + 1), size, success)
    else:
        most = int(stats.poisson.isf(_TAIL, mean_units)) + 1
        chance = stats.poisson.pmf(np.arange(most + 1), mean_units)
    made: FloatArray = chance / chance.sum()
    return made
