"""Distributions of demand, vectorised over millions of SKU-store pairs.

Each law is given by mean and variance. Never returns NaN for finite input: limits (no demand, no
variance, counts that are as regular as Poisson) are cases of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import BoolArray, FloatArray, frozen
from dispatchopt.inventory import empirical
from dispatchopt.inventory.problem import MIN_EXCESS, DemandLaw, InventoryProblem

#: Smaller means of laws on numbers >= 0 are no demand; their squares would underflow.
_MIN_MEAN = 1e-100
#: Success rate of a negative binomial below which its complement is inexact.
_RARE = 1e-6
#: Smaller variances relative to mean^2 are none: float64 cannot tell such a gamma from its mean.
_MIN_SPREAD = 1e-24
#: Beyond these many standard deviations a normal law has no tail in float64.
_Z_LIMIT = 38.0
_DISCRETE = (DemandLaw.NEGATIVE_BINOMIAL, DemandLaw.POISSON)


@dataclass(frozen=True, kw_only=True, eq=False)
class Demand:
    """Independent demands of one law.

    Parameters
    ----------
    law
        The distribution.
    mean_units, variance_units
        Mean and variance, same shape, >= 0. Poisson ignores the variance; laws on numbers >= 0
        with mean 0 are no demand; a negative binomial with variance <= mean is Poisson.
    sample_units
        Equally likely demands, sorted along the first axis, (N, ...), of the law ``empirical``,
        whose mean and variance must be theirs.

    Examples
    --------
    >>> demand = Demand(law=DemandLaw.POISSON, mean_units=6.0, variance_units=6.0)
    >>> demand.ppf(0.8).item(), demand.loss(8.0).item().__round__(4)
    (8.0, 0.314)
    """

    law: DemandLaw
    mean_units: FloatArray
    variance_units: FloatArray
    sample_units: FloatArray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "law", DemandLaw(self.law))
        mean, variance = np.broadcast_arrays(self.mean_units, self.variance_units)
        if self.law is not DemandLaw.NORMAL:
            mean = np.where(mean < _MIN_MEAN, 0.0, mean)
        object.__setattr__(self, "mean_units", frozen(mean, np.float64).reshape(mean.shape))
        object.__setattr__(self, "variance_units", frozen(variance, np.float64).reshape(mean.shape))

    @classmethod
    def of(cls, problem: InventoryProblem) -> Demand:
        """Return the demands of all pairs of a problem, (S, K)."""
        return cls(
            law=problem.demand_law,
            mean_units=problem.mean_units,
            variance_units=problem.variance_units,
            sample_units=problem.sample_units,
        )

    @property
    def is_discrete(self) -> bool:
        """Whether demands are whole numbers."""
        return self.law in _DISCRETE

    @property
    def is_counted_as_poisson(self) -> BoolArray:
        """Which demands are Poisson, because the law says so or the variance is too small."""
        if self.law is DemandLaw.POISSON:
            return np.ones(self.mean_units.shape, dtype=np.bool_)
        if self.law is not DemandLaw.NEGATIVE_BINOMIAL:
            return np.zeros(self.mean_units.shape, dtype=np.bool_)
        excess = self.variance_units - self.mean_units
        return np.asarray(excess <= MIN_EXCESS * self.mean_units)

    @property
    def true_variance(self) -> FloatArray:
        """Variance of the law that is really meant, after the limits in the class's text."""
        variance = self.variance_units
        if self.is_discrete:
            variance = np.where(self.is_counted_as_poisson, self.mean_units, variance)
        if self.law is not DemandLaw.NORMAL:
            has_spread = (self.mean_units > 0) & (variance > _MIN_SPREAD * self.mean_units**2)
            variance = np.where(has_spread, variance, 0.0)
        return np.asarray(variance)

    def take(self, index: Any) -> Demand:
        """Return the demands at an index."""
        return Demand(
            law=self.law,
            mean_units=self.mean_units[index],
            variance_units=self.variance_units[index],
            sample_units=None if self.sample_units is None else _take(self.sample_units, index),
        )

    def cdf(self, level_units: npt.ArrayLike) -> FloatArray:
        """Return P(D <= y)."""
        return 1.0 - self.sf(level_units)

    def sf(self, level_units: npt.ArrayLike) -> FloatArray:
        """Return P(D > y)."""
        return self._split(level_units, _sf)

    def loss(self, level_units: npt.ArrayLike) -> FloatArray:
        """Return the expected demand not met, E[(D - y)+].

        For Poisson and negative binomial from ``sum_{d > y} d P(d) = mean P'(D' >= y)``, where D'
        has the same law with the exponent raised by 1 (Zipkin, Foundations of Inventory
        Management, 2000, appendix C).
        """
        level = np.asarray(level_units, dtype=np.float64)
        return np.maximum(self._split(level, _loss), np.maximum(self.mean_units - level, 0.0))

    def surplus(self, level_units: npt.ArrayLike) -> FloatArray:
        """Return the expected stock left over, E[(y - D)+]."""
        level = np.asarray(level_units, dtype=np.float64)
        return np.maximum(level - self.mean_units + self.loss(level), 0.0)

    def ppf(self, probability: npt.ArrayLike) -> FloatArray:
        """Return the least y with P(D <= y) >= probability; whole numbers for discrete laws.

        Parameters
        ----------
        probability
            In [0, 1). 0 gives the lower end of the support, and -inf for the normal law.
        """
        mean, wanted = np.broadcast_arrays(self.mean_units, np.asarray(probability, np.float64))
        shape = mean.shape
        if self.sample_units is not None:
            return empirical.ppf(self.sample_units, np.asarray(wanted))
        variance = np.broadcast_to(self.true_variance, shape).ravel()
        mean, wanted = mean.ravel(), wanted.ravel()
        if self.is_discrete:
            flat = Demand(law=self.law, mean_units=mean, variance_units=variance)
            return _discrete_ppf(flat, wanted).reshape(shape)
        return _continuous_ppf(self.law, mean, variance, wanted).reshape(shape)

    def sample(self, rng: np.random.Generator, num: int = 1) -> FloatArray:
        """Draw demands.

        Parameters
        ----------
        rng
            Source of randomness.
        num
            Number of draws of each demand.

        Returns
        -------
        array of shape (num, *shape)
            Normal demands may be negative, as their law says.
        """
        mean, variance = self.mean_units, self.true_variance
        size = (num, *mean.shape)
        if self.sample_units is not None:
            return empirical.draw(self.sample_units, rng, num)
        if self.law is DemandLaw.NORMAL:
            return rng.normal(mean, np.sqrt(variance), size)
        has_demand = mean > 0
        mean = np.where(has_demand, mean, 1.0)
        if self.law is DemandLaw.GAMMA:
            is_random = has_demand & (variance > 0)
            spread = np.where(is_random, variance, 1.0)
            drawn = rng.gamma(mean**2 / spread, spread / mean, size)
            return np.where(is_random, drawn, np.where(has_demand, mean, 0.0))
        # A negative binomial is a Poisson whose rate is gamma with the excess variance.
        is_poisson = self.is_counted_as_poisson
        excess = np.where(is_poisson | ~has_demand, 1.0, variance - mean)
        mixed = rng.gamma(np.maximum(mean**2 / excess, 1e-300), excess / mean, size)
        rate = np.where(is_poisson, mean, np.minimum(mixed, 1e18))
        return np.where(has_demand, rng.poisson(rate).astype(np.float64), 0.0)

    def _split(self, level_units: npt.ArrayLike, function: Any) -> FloatArray:
        """Apply a function of (law, mean, variance, y), each pair under its true law."""
        if self.sample_units is not None:
            level = np.asarray(level_units, np.float64)
            of_samples = empirical.sf if function is _sf else empirical.loss
            return of_samples(self.sample_units, level)
        arrays = np.broadcast_arrays(
            self.mean_units, self.true_variance, np.asarray(level_units, np.float64)
        )
        shape = arrays[0].shape
        mean, variance, level = (array.ravel() for array in arrays)
        if self.law is not DemandLaw.NEGATIVE_BINOMIAL:
            return np.asarray(function(self.law, mean, variance, level)).reshape(shape)
        is_poisson = np.broadcast_to(self.is_counted_as_poisson, shape).ravel()
        out = np.empty(mean.size)
        for law, mask in ((DemandLaw.POISSON, is_poisson), (self.law, ~is_poisson)):
            if mask.all():
                return np.asarray(function(law, mean, variance, level)).reshape(shape)
            if mask.any():
                out[mask] = function(law, mean[mask], variance[mask], level[mask])
        return out.reshape(shape)


def _take(samples: FloatArray, index: Any) -> FloatArray:
    where = index if isinstance(index, tuple) else (index,)
    return np.asarray(samples[(slice(None), *where)])


def _upper_nb(exponent: FloatArray, mean: FloatArray, variance: FloatArray, y: FloatArray) -> Any:
    """P(D > y) for whole y >= -1; ``exponent`` is the number of successes."""
    from scipy import special

    success = mean / variance
    upper = special.betainc(y + 1.0, exponent, (variance - mean) / variance)
    # A failure rate next to 1 has lost its digits; the complement has them, at ten times the time.
    rare = success < _RARE
    if rare.any():
        upper[rare] = special.betaincc(exponent[rare], y[rare] + 1.0, success[rare])
    return upper


def _sf(law: DemandLaw, mean: FloatArray, variance: FloatArray, level: FloatArray) -> FloatArray:
    from scipy import special

    if law is DemandLaw.NORMAL:
        z = _z(mean, variance, level)
        return np.where(variance > 0, special.ndtr(-z), (level < mean).astype(np.float64))
    if law is DemandLaw.GAMMA:
        is_random = (mean > 0) & (variance > 0)
        m, v = np.where(is_random, mean, 1.0), np.where(is_random, variance, 1.0)
        upper = special.gammaincc(np.maximum(m**2 / v, 1e-300), np.maximum(level, 0.0) * (m / v))
        return np.where(is_random, np.where(level < 0, 1.0, upper), (level < mean) * 1.0)
    m = np.where(mean > 0, mean, 1.0)
    y = np.maximum(np.floor(level), 0.0)
    if law is DemandLaw.POISSON:
        upper = special.gammainc(y + 1.0, m)
    else:
        v = np.where(mean > 0, variance, 2.0)
        upper = _upper_nb(np.maximum(m**2 / (v - m), 1e-300), m, v, y)
    return np.asarray(np.where(level < 0, 1.0, np.where(mean > 0, upper, 0.0)))


def _loss(law: DemandLaw, mean: FloatArray, variance: FloatArray, level: FloatArray) -> FloatArray:
    from scipy import special

    if law is DemandLaw.NORMAL:
        z = _z(mean, variance, level)
        density = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
        return np.asarray(np.sqrt(variance) * (density - z * special.ndtr(-z)))
    m = np.where(mean > 0, mean, 1.0)
    if law is DemandLaw.GAMMA:
        is_random = (mean > 0) & (variance > 0)
        m, v = np.where(is_random, mean, 1.0), np.where(is_random, variance, 1.0)
        shape, x = np.maximum(m**2 / v, 1e-300), np.maximum(level, 0.0) * (m / v)
        tail = m * special.gammaincc(shape + 1.0, x) - level * special.gammaincc(shape, x)
        return np.where(is_random & (level > 0), tail, np.maximum(mean - level, 0.0))
    y = np.floor(level)
    x = np.maximum(y, 1.0)
    v = np.where(mean > 0, variance, 2.0)
    if law is DemandLaw.POISSON:
        first, above = special.gammainc(x, m), special.gammainc(x + 1.0, m)
    else:
        exponent = np.maximum(m**2 / (v - m), 1e-300)
        above = _upper_nb(exponent, m, v, x)
        first = _upper_nb(exponent + 1.0, m, v, x - 1.0)
    # Between whole numbers the loss is linear, with slope -P(D > floor y).
    whole = np.where(y >= 1, m * first - level * above, m - level)
    partial = np.where((y < 1) & (level > 0), m - level * _sf(law, m, v, y * 0.0), whole)
    return np.where(mean > 0, partial, np.maximum(-level, 0.0))


def _z(mean: FloatArray, variance: FloatArray, level: FloatArray) -> FloatArray:
    sd = np.sqrt(np.where(variance > 0, variance, 1.0))
    z = np.clip((level - mean) / sd, -_Z_LIMIT, _Z_LIMIT)
    return np.where(variance > 0, z, np.where(level < mean, -_Z_LIMIT, _Z_LIMIT))


def _continuous_ppf(
    law: DemandLaw, mean: FloatArray, variance: FloatArray, wanted: FloatArray
) -> FloatArray:
    from scipy import special

    if law is DemandLaw.NORMAL:
        is_random = variance > 0
        z = special.ndtri(np.where(is_random, wanted, 0.5))
        return np.asarray(mean + z * np.sqrt(variance))
    is_random = (mean > 0) & (variance > 0)
    m, v = np.where(is_random, mean, 1.0), np.where(is_random, variance, 1.0)
    return np.where(is_random, special.gammaincinv(m**2 / v, wanted) * (v / m), mean)


def _discrete_ppf(demand: Demand, wanted: FloatArray) -> FloatArray:
    """Least whole number at which the distribution function reaches ``wanted``.

    Starts from the Cornish-Fisher quantile and closes a bracket: steps as in Newton's method on
    the normal scores, which are nearly linear in y, and halving where these do not help.
    """
    from scipy import special

    mean, variance = demand.mean_units, demand.true_variance
    sd = np.sqrt(variance)
    missing = 1.0 - wanted
    z = -special.ndtri(np.clip(missing, 1e-300, 1.0))
    z = np.clip(z, -_Z_LIMIT, _Z_LIMIT)
    has_demand = mean > 0
    scale = np.maximum(mean * sd, 1e-100)
    skew = np.clip((2 * variance - mean) / scale, -1e6, 1e6)
    guess = np.maximum(np.floor(mean + sd * (z + skew * (z * z - 1) / 6)), 0.0)
    low, high = np.full(mean.size, -1.0), np.full(mean.size, np.inf)
    low_out = np.zeros(mean.size)
    todo = np.flatnonzero((wanted > 0) & has_demand)
    y = guess[todo]
    rounds = 0
    while todo.size:
        upper = demand.take(todo).sf(y)
        is_enough = upper <= missing[todo]
        high[todo] = np.where(is_enough, np.minimum(high[todo], y), high[todo])
        low[todo] = np.where(is_enough, low[todo], np.maximum(low[todo], y))
        is_open = high[todo] - low[todo] > 1
        low_out[todo[~is_open]] = high[todo[~is_open]]
        todo, y, upper = todo[is_open], y[is_open], upper[is_open]
        lo, hi = low[todo], high[todo]
        reach = np.where(np.isinf(hi), np.maximum(2 * lo + 2, y + 1), hi)
        score = np.clip(-special.ndtri(np.clip(upper, 1e-300, 1.0)), -_Z_LIMIT, _Z_LIMIT)
        step = np.rint((z[todo] - score) * sd[todo])
        step = np.where(step == 0, np.where(hi == y, -1.0, 1.0), step)
        middle = np.floor((lo + reach) / 2)
        y = np.where(rounds % 3 == 2, np.where(np.isinf(hi), reach, middle), y + step)
        y = np.clip(y, lo + 1, np.where(np.isinf(hi), np.maximum(reach, lo + 1), hi - 1))
        rounds += 1
    return low_out
