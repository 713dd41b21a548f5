"""How wrong demand estimated from sales is on days that were not used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.history import History, estimate
from dispatchopt.inventory.problem import DemandLaw

#: Quantiles whose coverage is reported.
COVERAGES = (0.5, 0.8, 0.9, 0.95)
#: Least chance that a score counts with: one impossible day must not outweigh all others.
_MIN_CHANCE = 1e-9


def forecast_errors(
    history: History,
    law: DemandLaw = DemandLaw.NEGATIVE_BINOMIAL,
    *,
    holdout_days: int,
    interval_days: int = 1,
    half_life_days: float | None = None,
) -> dict[str, Any]:
    """Fit on the days before the last ones, and report how wrong that is on the last ones.

    Parameters
    ----------
    history, law, half_life_days
        As in ``estimate``.
    holdout_days
        Days kept for judging, >= ``interval_days`` and less than all.
    interval_days
        Days forecast together; intervals without stock or record on a day are left out.

    Returns
    -------
    dict
        ``num_intervals``, those of them with stock all along (``num_open``), and two kinds of
        judgement. Over all intervals, those that ran out as demand of at least what was sold:
        ``log_score`` (mean logarithm of the chance that the forecast gave to what was seen, the
        larger the better, a proper score where stock does not depend on the demand to come) and
        ``coverage``, the share of demand within each quantile, which should be at least the
        quantile's own. Over open intervals only, where demand is low: ``wape`` (sum of absolute
        errors over sum of demand), ``bias`` (forecast less demand over demand), ``mae``, ``rmse``
        in units. ``if_sales_were_demand``: score, coverage, wape and bias of a forecast that takes
        days without stock as they are. ``out_share``; ``num_borrowed`` pairs.
    """
    if not 0 < interval_days <= holdout_days < history.num_days:
        found = f"{holdout_days} of {history.num_days} days, intervals of {interval_days}"
        wanted = "interval_days <= holdout_days < days of the history"
        raise InputError(
            Issue(code="out-of-range", where="holdout_days", found=found, wanted=wanted)
        )
    begin = history.num_days - holdout_days
    past = history.before(begin)
    fitted = estimate(past, law, half_life_days=half_life_days)
    naive = estimate(
        History(sold_units=past.sold_units, is_out=np.zeros(past.is_out.shape, dtype=np.bool_)),
        law,
        half_life_days=half_life_days,
    )
    seen = _intervals(history, begin, interval_days)
    plain = _judged(naive.over(interval_days), seen)
    report: dict[str, Any] = {
        "num_intervals": int(seen.is_known.sum()),
        "num_open": int(seen.is_open.sum()),
        **_judged(fitted.over(interval_days), seen),
        "if_sales_were_demand": {
            name: plain[name] for name in ("log_score", "coverage", "wape", "bias")
        },
    }
    report["out_share"] = float(fitted.out_share.mean()) if fitted.out_share.size else 0.0
    report["num_borrowed"] = int(fitted.is_borrowed.sum())
    return report


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """Intervals of the days kept for judging.

    Parameters
    ----------
    units
        Units sold, (N, S, K).
    is_known, is_open
        Intervals with a record of every day, and those of them with stock on every day, same shape.
    """

    units: FloatArray
    is_known: BoolArray
    is_open: BoolArray


def _intervals(history: History, begin: int, days: int) -> _Seen:
    count = (history.num_days - begin) // days
    rows = slice(begin, begin + count * days)
    shape = (count, days, *history.sold_units.shape[1:])
    is_known = history.is_known[rows].reshape(shape).all(axis=1)
    has_stock = ~history.is_out[rows].reshape(shape).any(axis=1)
    sold = np.nan_to_num(history.sold_units[rows]).reshape(shape).sum(axis=1)
    is_known = np.asarray(is_known, dtype=np.bool_)
    return _Seen(units=sold, is_known=is_known, is_open=np.asarray(is_known & has_stock))


def _judged(law: Demand, seen: _Seen) -> dict[str, Any]:
    """Score, coverage and errors of a forecast, (S, K), on what was seen."""
    # P(D >= s) and P(D > s), half a unit around sales, so that continuous laws have a chance too.
    least, beyond = law.sf(seen.units - 0.5), law.sf(seen.units + 0.5)
    least = np.where(seen.units <= 0, 1.0, least)
    chance = np.where(seen.is_open, least - beyond, least)
    score = np.log(np.maximum(chance[seen.is_known], _MIN_CHANCE))
    return {
        "log_score": _mean_or_none(score),
        "coverage": {str(level): _covered(law, seen, least, level) for level in COVERAGES},
        **_errors(law.mean_units, seen.units, seen.is_open),
    }


def _covered(law: Demand, seen: _Seen, least: FloatArray, level: float) -> float | None:
    """Share of demand within a quantile.

    Demand that ran out at s is within q with the chance P(D <= q | D >= s) (redistribution to the
    right: Efron, Proceedings of the Fifth Berkeley Symposium 4, 1967).
    """
    quantile = law.ppf(level)
    above = np.maximum(least - law.sf(quantile), 0.0) / np.maximum(least, _MIN_CHANCE)
    share = np.where(seen.is_open, seen.units <= quantile, above)
    return _mean_or_none(share[seen.is_known])


def _errors(forecast: FloatArray, actual: FloatArray, is_clean: BoolArray) -> dict[str, Any]:
    error = (forecast - actual)[is_clean]
    total = float(actual[is_clean].sum())
    return {
        "wape": float(np.abs(error).sum()) / total if total > 0 else None,
        "bias": float(error.sum()) / total if total > 0 else None,
        "mae": _mean_or_none(np.abs(error)),
        "rmse": None if not error.size else float(np.sqrt((error**2).mean())),
    }


def _mean_or_none(values: Any) -> float | None:
    return float(np.mean(values)) if np.size(values) else None
