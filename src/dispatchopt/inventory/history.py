"""Demand estimated from sales, where days without stock show less than was asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, frozen
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.problem import MAX_UNITS, DemandLaw

#: Rounds of estimation, and relative change of the means below which they have settled.
_MAX_ROUNDS, _MIN_CHANGE = 200, 1e-7
#: Chance of a censored day below which its law says nothing about it.
_MIN_CHANCE = 1e-10


@dataclass(frozen=True, kw_only=True, eq=False)
class History:
    """Units sold day by day.

    Parameters
    ----------
    sold_units
        Sales, (T, S, K), >= 0, the last day last; nan for days without a record.
    is_out
        Days on which stock ran out, so that demand was at least what was sold, (T, S, K).

    Raises
    ------
    InputError
        If a number is out of range.
    """

    sold_units: FloatArray
    is_out: BoolArray

    def __post_init__(self) -> None:
        sold = frozen(self.sold_units, np.float64).reshape(np.shape(self.sold_units))
        object.__setattr__(self, "sold_units", sold)
        object.__setattr__(self, "is_out", frozen(self.is_out, np.bool_).reshape(sold.shape))
        is_bad = (sold < 0) | (sold > MAX_UNITS)
        if sold.ndim != 3 or is_bad.any():
            found = f"shape {sold.shape}, {int(is_bad.sum())} values out of range"
            wanted = f"days x stores x SKUs of numbers from 0 to {MAX_UNITS:g}"
            raise InputError(
                Issue(code="out-of-range", where="sold_units", found=found, wanted=wanted)
            )

    @property
    def num_days(self) -> int:
        """Number of days T."""
        return int(self.sold_units.shape[0])

    @property
    def is_known(self) -> BoolArray:
        """Days with a record, (T, S, K)."""
        return ~np.isnan(self.sold_units)

    def before(self, day: int) -> History:
        """Return the days before a day."""
        return History(sold_units=self.sold_units[:day], is_out=self.is_out[:day])

    def samples(self, interval_days: int = 1) -> FloatArray:
        """Return sales of intervals that begin on every day, (N, S, K), for empirical quantiles.

        A day without stock or without a record counts as the mean of the pair's estimated demand,
        or as what was sold, whichever is more.
        """
        filled = self._filled(estimate(self).mean_units)
        count = self.num_days - interval_days + 1
        if count < 1:
            found = f"{self.num_days} days"
            wanted = f"at least {interval_days}, the days of an interval"
            raise InputError(
                Issue(code="history-too-short", where="history", found=found, wanted=wanted)
            )
        ends = np.concatenate([np.zeros((1, *filled.shape[1:])), np.cumsum(filled, axis=0)])
        return np.asarray(ends[interval_days:] - ends[:-interval_days])

    def _filled(self, mean: FloatArray) -> FloatArray:
        sold = np.where(self.is_known, self.sold_units, 0.0)
        return np.where(self.is_known & ~self.is_out, sold, np.maximum(sold, mean))


@dataclass(frozen=True, kw_only=True, eq=False)
class DailyDemand:
    """Estimated demand of a day.

    Parameters
    ----------
    law
        Its distribution.
    mean_units, variance_units
        Moments, (S, K).
    out_share
        Share of the recorded days on which stock ran out, (S, K).
    is_borrowed
        Pairs that were never seen with stock; they have the SKU's mean over other stores, (S, K).
    """

    law: DemandLaw
    mean_units: FloatArray
    variance_units: FloatArray
    out_share: FloatArray
    is_borrowed: BoolArray

    def over(self, days: float, variance_days: float = 0.0) -> Demand:
        """Return the demand of a number of independent days, which may be random."""
        variance = days * self.variance_units + self.mean_units**2 * variance_days
        return Demand(law=self.law, mean_units=days * self.mean_units, variance_units=variance)


def estimate(
    history: History,
    law: DemandLaw = DemandLaw.NEGATIVE_BINOMIAL,
    *,
    half_life_days: float | None = None,
) -> DailyDemand:
    """Estimate mean and variance of a day's demand of every pair.

    Days without stock are censored: in each round they count with the first two moments of demand
    given that it is at least what was sold, under the law of the round before (expectation
    maximisation: Dempster, Laird, Rubin, JRSS B 39, 1977; exact maximum likelihood for Poisson and
    normal laws, matching of moments for the others).

    Parameters
    ----------
    history
        Sales.
    law
        Distribution.
    half_life_days
        Age at which a day counts half; None for equal weights.
    """
    sold = np.where(history.is_known, history.sold_units, 0.0)
    weight = history.is_known * _weights(history.num_days, half_life_days)[:, None, None]
    total = weight.sum(axis=0)
    safe = np.where(total > 0, total, 1.0)
    is_open = ~history.is_out & history.is_known
    mean, variance = _moments(sold, sold**2, weight, safe)
    is_borrowed = ~is_open.any(axis=0) & (sold.max(axis=0, initial=0.0) <= 0)
    day, store, sku = np.nonzero(history.is_out & history.is_known)
    if day.size:
        floor = sold[day, store, sku]
        for _ in range(_MAX_ROUNDS):
            at = (store, sku)
            first, second = _given_at_least(law, mean[at], variance[at], floor)
            one, two = sold.copy(), sold**2
            one[day, store, sku], two[day, store, sku] = first, second
            new, variance = _moments(one, two, weight, safe)
            change = np.abs(new - mean)
            mean = new
            if (change <= _MIN_CHANGE * np.maximum(mean, 1e-9)).all():
                break
    count = history.is_known.sum(axis=0)
    variance = variance * np.where(count > 1, count / np.maximum(count - 1, 1), 1.0)
    mean, variance = _borrow(mean, variance, is_borrowed)
    out = (history.is_out & history.is_known).sum(axis=0)
    return DailyDemand(
        law=law,
        mean_units=mean,
        variance_units=variance,
        out_share=out / np.maximum(count, 1),
        is_borrowed=is_borrowed,
    )


def _weights(num_days: int, half_life_days: float | None) -> FloatArray:
    if half_life_days is None:
        return np.ones(num_days)
    age = np.arange(num_days)[::-1]
    return np.asarray(0.5 ** (age / half_life_days))


def _moments(
    first: FloatArray, second: FloatArray, weight: FloatArray, total: FloatArray
) -> tuple[FloatArray, FloatArray]:
    mean = (first * weight).sum(axis=0) / total
    variance = np.maximum((second * weight).sum(axis=0) / total - mean**2, 0.0)
    return mean, variance


def _given_at_least(
    law: DemandLaw, mean: FloatArray, variance: FloatArray, floor: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """E[D | D >= s] and E[D^2 | D >= s].

    The partial moments of a gamma, Poisson or negative binomial are tails of the same law with a
    larger exponent: E[D; D >= s] = m P(D1 >= s - 1) and so on (Zipkin 2000, appendix C).
    """
    demand = Demand(law=law, mean_units=mean, variance_units=variance)
    spread = demand.true_variance
    if law is DemandLaw.NORMAL:
        first, second, chance = _normal_partial(mean, spread, floor)
    else:
        first, second, chance = _partial(demand, spread, floor)
    is_likely = chance > _MIN_CHANCE
    safe = np.where(is_likely, chance, 1.0)
    # Where the law all but excludes what was seen, demand is taken as what was seen.
    one = np.maximum(np.where(is_likely, first / safe, floor), floor)
    two = np.maximum(np.where(is_likely, second / safe, floor**2), one**2)
    return one, two


def _partial(
    demand: Demand, variance: FloatArray, floor: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    mean, law = demand.mean_units, demand.law
    safe = np.where(mean > 0, mean, 1.0)
    over = variance if law is DemandLaw.GAMMA else variance - mean
    # A Poisson law is the limit of an endless exponent.
    inverse = np.maximum(over, 0.0) / safe**2
    shift = 0 if law is DemandLaw.GAMMA else 1

    def tail(more: int) -> FloatArray:
        grown = 1.0 + more * inverse
        lifted = Demand(law=law, mean_units=mean * grown, variance_units=variance * grown)
        return lifted.sf(floor - shift * (more + 1))

    first = mean * tail(1)
    factorial = mean**2 * (1.0 + inverse) * tail(2)
    return first, factorial + shift * first, tail(0)


def _normal_partial(
    mean: FloatArray, variance: FloatArray, floor: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    from scipy import special

    sd = np.sqrt(np.where(variance > 0, variance, 1.0))
    z = np.clip((floor - mean) / sd, -38.0, 38.0)
    density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    chance = np.where(variance > 0, special.ndtr(-z), (floor <= mean) * 1.0)
    sd = np.where(variance > 0, sd, 0.0)
    first = mean * chance + sd * density
    second = (mean**2 + sd**2) * chance + sd * (mean + floor) * density
    return first, second, chance


def _borrow(
    mean: FloatArray, variance: FloatArray, is_borrowed: BoolArray
) -> tuple[FloatArray, FloatArray]:
    known = ~is_borrowed
    count = np.maximum(known.sum(axis=0), 1)
    usual = np.broadcast_to((mean * known).sum(axis=0) / count, mean.shape)
    spread = np.broadcast_to((variance * known).sum(axis=0) / count, mean.shape)
    return np.where(is_borrowed, usual, mean), np.where(is_borrowed, spread, variance)
