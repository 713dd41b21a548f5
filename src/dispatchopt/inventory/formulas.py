"""Closed forms of single items, each with the worked example of its source.

Levels of whole assortments are in ``levels``; these are for one item or an array of items.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import FloatArray
from dispatchopt.inventory.demand import Demand


def critical_ratio(holding_cost: npt.ArrayLike, shortage_cost: npt.ArrayLike) -> FloatArray:
    """Return p / (p + h), the best chance of meeting all demand; 0 where both costs are 0.

    Source: Arrow, Harris, Marschak, Optimal inventory policy, Econometrica 19 (1951).

    Examples
    --------
    >>> round(critical_ratio(0.18, 0.70).item(), 4)
    0.7955
    """
    held, short = np.asarray(holding_cost, np.float64), np.asarray(shortage_cost, np.float64)
    both = held + short
    return np.asarray(np.where(both > 0, short / np.where(both > 0, both, 1.0), 0.0))


def newsvendor_level(
    demand: Demand, holding_cost: npt.ArrayLike, shortage_cost: npt.ArrayLike
) -> FloatArray:
    """Return the level with the least expected cost: the quantile at the critical ratio.

    Snyder and Shen, Fundamentals of Supply Chain Theory (2nd ed., 2019), example 4.3.

    Examples
    --------
    >>> from dispatchopt.inventory.problem import DemandLaw
    >>> demand = Demand(law=DemandLaw.NORMAL, mean_units=50.0, variance_units=64.0)
    >>> round(newsvendor_level(demand, 0.18, 0.70).item(), 4)
    56.604
    """
    return demand.ppf(critical_ratio(holding_cost, shortage_cost))


def expected_cost(
    demand: Demand,
    level_units: npt.ArrayLike,
    holding_cost: npt.ArrayLike,
    shortage_cost: npt.ArrayLike,
) -> FloatArray:
    """Return E[h (y - D)+ + p (D - y)+]; the same book's example 4.7, Poisson with mean 6.

    Examples
    --------
    >>> from dispatchopt.inventory.problem import DemandLaw
    >>> demand = Demand(law=DemandLaw.POISSON, mean_units=6.0, variance_units=6.0)
    >>> round(expected_cost(demand, 8, 1.0, 4.0).item(), 4)
    3.5701
    """
    held, short = np.asarray(holding_cost), np.asarray(shortage_cost)
    return np.asarray(held * demand.surplus(level_units) + short * demand.loss(level_units))


def fill_rate(demand: Demand, level_units: npt.ArrayLike) -> FloatArray:
    """Return the expected share of demand met, 1 - E[(D - y)+] / E[D]; 1 without demand.

    Examples
    --------
    >>> from dispatchopt.inventory.problem import DemandLaw
    >>> demand = Demand(law=DemandLaw.POISSON, mean_units=1.0, variance_units=1.0)
    >>> round(fill_rate(demand, 1).item(), 4)  # 1 - 1/e
    0.6321
    """
    has_demand = demand.mean_units > 0
    mean = np.where(has_demand, demand.mean_units, 1.0)
    return np.where(has_demand, 1.0 - demand.loss(level_units) / mean, 1.0)


def cycle_service(demand: Demand, level_units: npt.ArrayLike) -> FloatArray:
    """Return the chance that no demand is missed, P(D <= y)."""
    return demand.cdf(level_units)


def protection_interval(
    mean_per_day: npt.ArrayLike,
    variance_per_day: npt.ArrayLike,
    mean_days: npt.ArrayLike,
    variance_days: npt.ArrayLike = 0.0,
) -> tuple[FloatArray, FloatArray]:
    """Return mean and variance of the demand over a random number of days.

    ``mean = L mu`` and ``variance = L sigma^2 + mu^2 Var(L)``, for independent days (Zipkin,
    Foundations of Inventory Management, 2000, chapter 7).

    Examples
    --------
    >>> mean, variance = protection_interval(10.0, 4.0, 5.0, 1.0)
    >>> mean.item(), variance.item()
    (50.0, 120.0)
    """
    mu, days = np.asarray(mean_per_day, np.float64), np.asarray(mean_days, np.float64)
    variance = days * np.asarray(variance_per_day) + mu**2 * np.asarray(variance_days)
    return np.asarray(mu * days), np.asarray(variance)


def reorder_point(
    mean_units: npt.ArrayLike, variance_units: npt.ArrayLike, z: npt.ArrayLike = 1.65
) -> FloatArray:
    """Return mu + z sigma over the protection interval; z = 1.65 covers 95 % of normal demand.

    Examples
    --------
    >>> reorder_point(50.0, 100.0).item()
    66.5
    """
    return np.asarray(np.asarray(mean_units) + np.asarray(z) * np.sqrt(variance_units))


def economic_order(
    fixed_cost: npt.ArrayLike, holding_cost: npt.ArrayLike, demand_rate: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Return the economic order quantity sqrt(2 K d / h) and its cost rate sqrt(2 K d h).

    Harris, How many parts to make at once (1913); Snyder and Shen, example 3.1.

    Examples
    --------
    >>> quantity, cost = economic_order(8.0, 0.225, 1300.0)
    >>> round(quantity.item(), 4), round(cost.item(), 4)
    (304.0468, 68.4105)
    """
    k, h, d = (np.asarray(each, np.float64) for each in (fixed_cost, holding_cost, demand_rate))
    return np.asarray(np.sqrt(2 * k * d / h)), np.asarray(np.sqrt(2 * k * d * h))
