"""Base stock on several levels: a line of stages exactly, and one warehouse with many stores.

Both are under continuous review, order whatever is taken at once, and backorder what is missing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.errors import InputError
from dispatchopt.inventory.faults import issue_of

#: Most units that a table of demand may reach.
MAX_UNITS = 1_000_000
#: Probability of demand beyond the tables.
_TAIL = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class SerialBaseStock:
    """Echelon base-stock levels of a line of stages, the one that sells first, and their cost."""

    echelon_units: IntArray
    cost: float


@dataclass(frozen=True, kw_only=True, eq=False)
class TwoLevelBaseStock:
    """Base-stock levels of a warehouse and its stores, and what they come to.

    Parameters
    ----------
    warehouse_units, store_units
        Levels; whole units, the second of shape (stores,).
    cost
        Holding and backorder cost of a unit of time.
    warehouse_backorders, store_backorders
        Expected units missing at any moment; the second of shape (stores,).
    """

    warehouse_units: int
    store_units: IntArray
    cost: float
    warehouse_backorders: float
    store_backorders: FloatArray


def serial_base_stock(
    *,
    rate: float,
    lead_time: npt.ArrayLike,
    echelon_holding_cost: npt.ArrayLike,
    shortage_cost: float,
) -> SerialBaseStock:
    """Return the optimal echelon base-stock levels of a line under Poisson demand.

    The recursion of Clark and Scarf, Management Science 6, 1960, in the form of Chen and Zheng,
    Management Science 40, 1994. Stock on its way to a stage costs what its supplier's does.

    Parameters
    ----------
    rate
        Mean demand of a unit of time, >= 0.
    lead_time
        Time from each stage's supplier to it, (n,), stage 1 first, which sells.
    echelon_holding_cost
        Cost of a unit of time that each stage adds to a unit in stock, (n,), > 0.
    shortage_cost
        Cost of a unit of time that a unit is missing, > 0.

    Raises
    ------
    InputError
        If a number is out of range; lists every problem found.

    Examples
    --------
    Row 1 of Table 1 in Shang and Song, Management Science 49, 2003:

    >>> made = serial_base_stock(
    ...     rate=16, lead_time=[0.25] * 4, echelon_holding_cost=[0.25] * 4, shortage_cost=9
    ... )
    >>> made.echelon_units.tolist(), round(made.cost, 2)
    ([8, 13, 18, 22], 12.69)
    """
    times, holding = _arrays(lead_time=lead_time, echelon_holding_cost=echelon_holding_cost)
    _require_range(
        rate=rate, lead_time=times, echelon_holding_cost=holding, shortage_cost=shortage_cost
    )
    laws = [(0, _poisson(rate * float(time))) for time in times]
    units, cost = line_levels(laws, holding.tolist(), shortage_cost)
    return SerialBaseStock(echelon_units=np.array(units, dtype=np.int64), cost=cost)


def line_levels(
    laws: list[tuple[int, FloatArray]], holding_cost: list[float], shortage_cost: float
) -> tuple[list[int], float]:
    """Return the echelon levels of a line and their cost.

    Parameters
    ----------
    laws
        For each stage, the one that sells first, the least demand of its lead time and the
        chances from there on.
    holding_cost
        Echelon holding cost of each stage, >= 0.
    shortage_cost
        Cost of a unit of time that a unit is missing.
    """
    reach = sum(law.size + abs(first) for first, law in laws) + 1
    # Levels from -reach to reach: whatever demand does, values asked for lie in the table.
    level = np.arange(-reach, reach + 1, dtype=np.float64)
    below: FloatArray = (shortage_cost + sum(holding_cost)) * np.maximum(-level, 0.0)
    units = []
    cost = 0.0
    for (first, law), each in zip(laws, holding_cost, strict=True):
        after = each * level + below
        # Expected cost at level y is the sum over demand d of P(d) * after(y - d). Beyond the
        # table cost is a line: everything is missing, or more stock only costs.
        pad = law.size + abs(first)
        low = after[0] - (after[1] - after[0]) * np.arange(pad, 0, -1)
        high = after[-1] + (after[-1] - after[-2]) * np.arange(1, pad + 1)
        wide = np.concatenate([low, after, high])
        start = pad - first
        expected = np.convolve(wide, law)[start : start + level.size]
        best = int(np.argmin(expected))
        units.append(best - reach)
        cost = float(expected[best])
        below = expected[np.minimum(np.arange(level.size), best)]
    return units, cost


def two_level_base_stock(
    *,
    rate: npt.ArrayLike,
    lead_time: npt.ArrayLike,
    holding_cost: npt.ArrayLike,
    shortage_cost: npt.ArrayLike,
    warehouse_lead_time: float,
    warehouse_holding_cost: float,
    warehouse_units: int | None = None,
) -> TwoLevelBaseStock:
    """Return base-stock levels of one warehouse and its stores under Poisson demand.

    Orders of stores that wait at the warehouse are served in sequence, so that each store's share
    of them is binomial. Mean and variance of what a store has on order are exact, its law is taken
    as negative binomial (Graves, Management Science 31, 1985; the METRIC of Sherbrooke, Operations
    Research 16, 1968, takes the mean alone). For every warehouse level the stores' best levels are
    critical quantiles; all warehouse levels are tried.

    Parameters
    ----------
    rate, lead_time, holding_cost, shortage_cost
        Per store, (stores,): demand of a unit of time, time from the warehouse, cost of a unit of
        time of a unit in stock and of one missing.
    warehouse_lead_time, warehouse_holding_cost
        Of the warehouse, whose supplier never lacks anything.
    warehouse_units
        Level of the warehouse; the best one if None.

    Raises
    ------
    InputError
        If a number is out of range; lists every problem found.
    """
    rates, times, holding, shortage = _arrays(
        rate=rate, lead_time=lead_time, holding_cost=holding_cost, shortage_cost=shortage_cost
    )
    _require_range(
        rate=rates,
        lead_time=times,
        holding_cost=holding,
        shortage_cost=shortage,
        warehouse_lead_time=warehouse_lead_time,
        warehouse_holding_cost=warehouse_holding_cost,
        warehouse_units=0 if warehouse_units is None else warehouse_units,
    )
    total = float(rates.sum())
    law = _poisson(total * warehouse_lead_time)
    mean, variance = _backorders(law, warehouse_units)
    share = rates / total if total > 0 else np.zeros_like(rates)
    pipeline = rates * times
    on_order = pipeline + share * mean[:, None]
    spread = on_order + share**2 * (variance - mean)[:, None]
    level, missing, left = _store_levels(on_order, spread, shortage / (shortage + holding))
    costs = (holding * left + shortage * missing).sum(axis=1)
    first = 0 if warehouse_units is None else int(warehouse_units)
    kept = first + np.arange(mean.size) - total * warehouse_lead_time + mean
    costs += warehouse_holding_cost * kept
    best = int(np.argmin(costs))
    return TwoLevelBaseStock(
        warehouse_units=first + best,
        store_units=level[best].astype(np.int64),
        cost=float(costs[best]),
        warehouse_backorders=float(mean[best]),
        store_backorders=missing[best],
    )


def _backorders(law: FloatArray, level: int | None) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of demand beyond levels 0, 1, ... up to where there is none, or one."""
    levels = np.arange(law.size) if level is None else np.array([level])
    tail = np.concatenate([np.cumsum(law[::-1])[::-1][1:], [0.0]])
    # Sums of P(D > x) and of x P(D > x) from a level on give both moments.
    first = np.cumsum(tail[::-1])[::-1]
    second = np.cumsum((np.arange(law.size) * tail)[::-1])[::-1]
    at = np.minimum(levels, law.size - 1)
    mean = np.where(levels < law.size, first[at], 0.0)
    square = np.where(levels < law.size, 2 * (second[at] - levels * first[at]) + first[at], 0.0)
    return mean, np.maximum(square - mean**2, 0.0)


def _store_levels(
    mean: FloatArray, variance: FloatArray, ratio: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return best levels, expected units missing, and expected units left, of units on order."""
    from scipy import stats

    # A variance no larger than the mean is taken as a little larger: Poisson in the limit.
    excess = np.maximum(variance - mean, 1e-6 * np.maximum(mean, 1e-9))
    size = np.maximum(mean, 1e-12) ** 2 / excess
    chance = size / (size + np.maximum(mean, 1e-12))
    level = np.maximum(stats.nbinom.ppf(ratio, size, chance), 0.0)
    more = stats.nbinom.sf(level - 1, size + 1, chance)
    missing = np.maximum(mean * more - level * stats.nbinom.sf(level, size, chance), 0.0)
    return level, missing, level - mean + missing


def _poisson(mean: float) -> FloatArray:
    from scipy import stats

    most = int(stats.poisson.isf(_TAIL, mean)) + 2
    law: FloatArray = stats.poisson.pmf(np.arange(most + 1), mean)
    whole: FloatArray = law / law.sum()
    return whole


def _arrays(**given: npt.ArrayLike) -> list[FloatArray]:
    issues, made = [], []
    size = None
    for name, values in given.items():
        try:
            array = np.atleast_1d(np.asarray(values, dtype=np.float64))
        except (ValueError, TypeError, OverflowError) as error:
            issues.append(issue_of("bad-number", name, str(error)[:60], "numbers"))
            continue
        size = array.size if size is None else size
        if array.ndim != 1 or array.size != size or not size:
            issues.append(issue_of("bad-shape", name, f"shape {array.shape}", f"({size or 1},)"))
        made.append(array)
    if issues:
        raise InputError(issues)
    return made


def _require_range(**given: Any) -> None:
    issues = []
    for name, value in given.items():
        values = np.asarray(value, dtype=np.float64)
        # Ratios of costs need both above 0; a rate or a time may be 0.
        low = 1e-9 if name.endswith("_cost") and name != "warehouse_holding_cost" else 0.0
        if not ((values >= low) & (values <= 1e9)).all():
            found, wanted = str(value)[:60], f"numbers from {low:g} to 1e9"
            issues.append(issue_of("out-of-range", name, found, wanted))
    if issues:
        raise InputError(issues)
    times = np.asarray(given["lead_time"]).sum() + given.get("warehouse_lead_time", 0.0)
    mean = float(np.asarray(given["rate"]).sum() * times)
    if not math.isfinite(mean) or mean > MAX_UNITS:
        found = f"{mean:g} units of demand in the lead times"
        raise InputError(issue_of("too-large", "rate", found, f"at most {MAX_UNITS}"))
