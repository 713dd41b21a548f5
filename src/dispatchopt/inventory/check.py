"""The independent checker: feasibility and expected cost of orders, from the definition."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray
from dispatchopt.core.result import Report, Violation
from dispatchopt.inventory.problem import (
    MIN_EXCESS,
    DemandLaw,
    InventoryProblem,
    InventorySolution,
    LevelRule,
)

#: Pairs evaluated at a time, which keeps memory flat for any number of stores.
_CHUNK_PAIRS = 20_000
#: Terms of a sum over demands, and least chance of no demand from which its terms are built.
_MAX_TERMS, _MIN_CHANCE = 600, 1e-280
#: Shortages below this share of the level come from the tail of the law, not from a difference.
_MIN_LOST = 1e-5
#: Slack of a service target, for levels that meet it exactly.
_SERVICE_SLACK = 1e-9


def check(problem: InventoryProblem, solution: InventorySolution) -> Report:
    """Recompute what the orders cost and which rules they break.

    Rules: ``shape``, ``order-negative``, ``case-pack``, ``min-facings``, ``central-stock``,
    ``store-volume``, ``delivery-volume``, ``service-target``.
    """
    order = solution.order_units
    if order.shape != problem.shape:
        broken = Violation(rule="shape", where=f"order_units {order.shape}", by=1.0)
        return Report(objective=float("inf"), violations=(broken,))
    rows = max(1, _CHUNK_PAIRS // max(1, problem.num_skus))
    chunks = [slice(first, first + rows) for first in range(0, problem.num_stores, rows)]
    if len(chunks) > 1:
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            sums = list(pool.map(lambda chunk: _expect(problem, order, chunk), chunks))
    else:
        sums = [_expect(problem, order, chunk) for chunk in chunks]
    violations = [*_pair_rules(problem, solution), *_limits(problem, solution)]
    for each in sums:
        violations += each.violations
    holding = float(sum(each.holding_cost for each in sums))
    shortage = float(sum(each.shortage_cost for each in sums))
    missed = float(sum(each.missed_units for each in sums))
    demand = float(problem.mean_units.sum())
    is_priced = problem.rule is LevelRule.CRITICAL_RATIO
    waste = float(sum(each.waste_cost for each in sums))
    parts = {"holding": holding}
    if problem.waste_cost is not None:
        parts["waste"] = waste
    if is_priced:
        parts["shortage"] = shortage
    figures = {
        "order_units": float(order.sum(dtype=np.float64)),
        "stock_units": float((problem.on_hand_units + order.astype(np.float64)).sum()),
        "missed_units": missed,
        "fill_rate": 1.0 - missed / demand if demand > 0 else 1.0,
        "shortage_cost": shortage,
    }
    return Report(
        objective=holding + waste + (shortage if is_priced else 0.0),
        parts=parts,
        violations=tuple(violations),
        figures=figures,
    )


@dataclass(frozen=True, kw_only=True)
class _Sums:
    holding_cost: float
    waste_cost: float
    shortage_cost: float
    missed_units: float
    violations: list[Violation]


def _expect(problem: InventoryProblem, order: object, chunk: slice) -> _Sums:
    """Expected costs of the pairs of some stores, and the service targets they miss."""
    mean = problem.mean_units[chunk]
    level = np.asarray(order)[chunk].astype(np.float64) + problem.on_hand_units[chunk]
    if problem.sample_units is None:
        lost, left = _lost_and_left(problem.demand_law, mean, problem.variance_units[chunk], level)
    else:
        seen = problem.sample_units[:, chunk]
        lost = np.mean([np.maximum(each - level, 0.0) for each in seen], axis=0)
        left = np.mean([np.maximum(level - each, 0.0) for each in seen], axis=0)
    sums = _Sums(
        holding_cost=float((problem.holding_cost_of_pair[chunk] * left).sum()),
        waste_cost=float((problem.waste_cost_of_pair[chunk] * left).sum()),
        shortage_cost=float((problem.shortage_cost_of_pair[chunk] * lost).sum()),
        missed_units=float(lost.sum()),
        violations=[],
    )
    if problem.rule is not LevelRule.CRITICAL_RATIO:
        sums.violations.extend(_service(problem, chunk, level, lost))
    return sums


def _lost_and_left(
    law: DemandLaw, mean: FloatArray, variance: FloatArray, level: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return E[(D - y)+] and E[(y - D)+].

    Each comes from the tail in which it is small, the other from
    ``E[(y - D)+] - E[(D - y)+] = y - E[D]``, so that neither loses its digits.
    """
    is_lost = level >= mean
    tail, is_open = np.empty(level.shape), np.ones(level.shape, dtype=np.bool_)
    if law in (DemandLaw.NEGATIVE_BINOMIAL, DemandLaw.POISSON):
        left, is_open = _left_by_sum(law, mean, variance, level)
        tail = np.where(is_lost, left - (level - mean), left)
    for is_upper, mask in ((True, is_lost & is_open), (False, ~is_lost & is_open)):
        if mask.any():
            tail[mask] = _tail(law, mean[mask], variance[mask], level[mask], is_upper=is_upper)
    tail = np.maximum(tail, 0.0)
    lost = np.where(is_lost, tail, mean - level + tail)
    left = np.where(is_lost, level - mean + tail, tail)
    return lost, left


def _left_by_sum(
    law: DemandLaw, mean: FloatArray, variance: FloatArray, level: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Return ``sum (y - d) P(d)`` over d < y, and the pairs for which this sum will not do.

    These are levels with too many terms, chances that underflow, and levels so high that what is
    lost has no digits left in the difference of what is left and what is left on average.
    """
    shape = level.shape
    mean, variance, level = (np.ravel(each) for each in (mean, variance, level))
    poisson = _is_poisson(law, mean, variance) | (mean <= 1e-100)
    over = np.where(poisson, 1.0, variance - mean)
    m = np.where(poisson, 1.0, mean)
    size, failure = m * m / over, np.where(poisson, 0.0, over / (m + over))
    with np.errstate(under="ignore"):
        chance = np.exp(np.where(poisson, -mean, size * np.log1p(-failure)))
    will_do = (level >= 0) & (level <= _MAX_TERMS) & (chance > _MIN_CHANCE)
    # From high levels to low: the pairs with a term for demand d are then the first ones.
    some = np.flatnonzero(will_do)
    some = some[np.argsort(-level[some].astype(np.int16), kind="stable")]
    top, chance = level[some], chance[some]
    add = np.where(poisson, mean, failure * size)[some]
    slope = failure[some]
    total = np.zeros(some.size)
    counts = some.size - np.cumsum(np.bincount(top.astype(np.int64), minlength=1))
    for demand, count in enumerate(counts.tolist()):
        total[:count] += (top[:count] - demand) * chance[:count]
        chance[:count] *= (add[:count] + slope[:count] * demand) / (demand + 1.0)
    left = np.zeros(level.size)
    left[some] = total
    lost = left - (level - mean)
    is_open = ~will_do | ((level >= mean) & (lost < _MIN_LOST * np.maximum(1.0, level)))
    return left.reshape(shape), is_open.reshape(shape)


def _tail(
    law: DemandLaw, mean: FloatArray, variance: FloatArray, level: FloatArray, *, is_upper: bool
) -> FloatArray:
    """E[(D - y)+] (upper) or E[(y - D)+] (lower) by integrating the tail of the law."""
    from scipy import special

    out = np.zeros(level.shape)
    sign = 1.0 if is_upper else -1.0
    if law is DemandLaw.NORMAL:
        some = variance > 0
        sd = np.sqrt(variance[some])
        z = np.clip(sign * (level[some] - mean[some]) / sd, 0.0, 38.0)
        density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
        out[some] = sd * (density - z * special.ndtr(-z))
        return out
    some = mean > 1e-100
    if law is DemandLaw.GAMMA:
        some &= variance > 1e-24 * mean**2
        m, v, y = mean[some], variance[some], level[some]
        shape = np.maximum(m * m / v, 1e-300)
        part = special.gammaincc if is_upper else special.gammainc
        out[some] = sign * (m * part(shape + 1, y * m / v) - y * part(shape, y * m / v))
        return out
    poisson = some & _is_poisson(law, mean, variance)
    m, y = mean[poisson], level[poisson]
    part = special.pdtrc if is_upper else special.pdtr
    out[poisson] = sign * (m * _at(part, y - 1, m, is_upper) - y * part(y, m))
    some &= ~poisson
    m, v, y = mean[some], variance[some], level[some]
    size = np.maximum(m * m / np.where(v > m, v - m, 1.0), 1e-300)
    # The partial mean is the mean times a tail of the law with one success more, and that tail is
    # this one plus or minus (y + size) / size times the density at y.
    tail = _negative_binomial(size, m / v, (v - m) / v, y, is_upper=is_upper)
    log_density = special.gammaln(y + size + 1) - special.gammaln(y + 1) - special.gammaln(size + 1)
    log_density += y * np.log((v - m) / v) + size * np.log(m / v)
    value = (m - y) * tail * sign + m * np.exp(log_density)
    # The density of a large size has lost its digits; the tail itself has them.
    large = np.flatnonzero(size + y > 1e3)
    m, v, y, size = m[large], v[large], y[large], size[large]
    first = _negative_binomial(size + 1, m / v, (v - m) / v, y - 1, is_upper=is_upper)
    value[large] = sign * (m * first - y * tail[large])
    out[some] = value
    return out


def _is_poisson(law: DemandLaw, mean: FloatArray, variance: FloatArray) -> BoolArray:
    if law is DemandLaw.POISSON:
        return np.ones(mean.shape, dtype=np.bool_)
    return np.asarray(variance - mean <= MIN_EXCESS * mean)


def _at(part: object, y: FloatArray, mean: FloatArray, is_upper: bool) -> FloatArray:
    """Poisson tail at y, which may be -1: everything lies above it."""
    value = part(np.maximum(y, 0.0), mean)  # type: ignore[operator]
    return np.where(y < 0, 1.0 if is_upper else 0.0, value)


def _negative_binomial(
    size: FloatArray, success: FloatArray, failure: FloatArray, y: FloatArray, *, is_upper: bool
) -> FloatArray:
    """P(D > y) or P(D <= y) for whole y >= -1, from the incomplete beta function."""
    from scipy import special

    at = np.maximum(y, 0.0) + 1.0
    if is_upper:
        rate, out = success, special.betainc(at, size, failure)
    else:
        rate, out = failure, special.betainc(size, at, success)
    # Where the argument is next to 1 its digits are in the complement.
    edge = rate < 1e-6
    if edge.any() and is_upper:
        out[edge] = special.betaincc(size[edge], at[edge], success[edge])
    elif edge.any():
        out[edge] = special.betaincc(at[edge], size[edge], failure[edge])
    return np.where(y < 0, 1.0 if is_upper else 0.0, out)


def _service(
    problem: InventoryProblem, chunk: slice, level: FloatArray, lost: FloatArray
) -> Iterator[Violation]:
    """Yield the pairs whose level misses the target of the rule."""
    mean, variance = problem.mean_units[chunk], problem.variance_units[chunk]
    target = problem.target_of_pair[chunk]
    if problem.rule is LevelRule.Z_SIGMA:
        by = mean + target * np.sqrt(_variance(problem.demand_law, mean, variance)) - level
        by = np.where(by > _SERVICE_SLACK * np.maximum(1.0, mean), by, 0.0)
    elif problem.rule is LevelRule.FILL_RATE:
        wanted = np.maximum(mean, 1e-100)
        by = np.where(mean > 0, target - (1.0 - lost / wanted), 0.0)
    elif problem.sample_units is not None:
        by = target - np.mean([each <= level for each in problem.sample_units[:, chunk]], axis=0)
    else:
        by = target - _cdf(problem.demand_law, mean, variance, level)
    for row, sku in np.argwhere(by > _SERVICE_SLACK):
        where = problem.name_of_pair((chunk.start or 0) + int(row), int(sku))
        yield Violation(rule="service-target", where=where, by=float(by[row, sku]))


def _variance(law: DemandLaw, mean: FloatArray, variance: FloatArray) -> FloatArray:
    if law in (DemandLaw.NORMAL, DemandLaw.EMPIRICAL):
        return variance
    if law is not DemandLaw.GAMMA:
        variance = np.where(_is_poisson(law, mean, variance), mean, variance)
    return np.where(mean > 1e-100, variance, 0.0)


def _cdf(law: DemandLaw, mean: FloatArray, variance: FloatArray, level: FloatArray) -> FloatArray:
    from scipy import special

    has_demand = (mean > 1e-100) | (law is DemandLaw.NORMAL)
    spread = _variance(law, mean, variance)
    out = np.where(level >= mean, 1.0, 0.0)
    some = has_demand & (spread > 0)
    m, v, y = mean[some], spread[some], level[some]
    if law is DemandLaw.NORMAL:
        out[some] = special.ndtr((y - m) / np.sqrt(v))
    elif law is DemandLaw.GAMMA:
        out[some] = special.gammainc(m * m / v, y * m / v)
    else:
        poisson = _is_poisson(law, m, variance[some])
        value = np.empty(m.shape)
        value[poisson] = special.pdtr(y[poisson], m[poisson])
        m, v, y = m[~poisson], v[~poisson], y[~poisson]
        size = np.maximum(m * m / np.where(v > m, v - m, 1.0), 1e-300)
        value[~poisson] = _negative_binomial(size, m / v, (v - m) / v, y, is_upper=False)
        out[some] = value
    return out


def _pair_rules(problem: InventoryProblem, solution: InventorySolution) -> Iterator[Violation]:
    order = solution.order_units
    negative = np.maximum(-order.astype(np.float64), 0.0)
    rest = np.where(order > 0, order % problem.case_pack_units, 0)
    rules = [("order-negative", negative), ("case-pack", rest)]
    if problem.min_units is not None:
        level = problem.on_hand_units + order.astype(np.float64)
        rules.append(("min-facings", np.maximum(problem.min_units - level, 0.0)))
    for rule, by in rules:
        for store, sku in np.argwhere(by > 0):
            where = problem.name_of_pair(int(store), int(sku))
            yield Violation(rule=rule, where=where, by=float(by[store, sku]))


def _limits(problem: InventoryProblem, solution: InventorySolution) -> Iterator[Violation]:
    # Sums of whole numbers below 2**53 are exact in float64, and larger ones cannot overflow.
    order = np.maximum(solution.order_units.astype(np.float64), 0.0)
    volume = problem.volume_ml.astype(np.float64)
    if problem.available_units is not None:
        excess = order.sum(axis=0) - problem.available_units
        for sku in np.flatnonzero(excess > 0):
            where = f"sku {problem.sku_ids[sku]}"
            yield Violation(rule="central-stock", where=where, by=float(excess[sku]))
    sent = order @ volume
    if problem.store_volume_ml is not None:
        taken = problem.on_hand_units.astype(np.float64) @ volume
        # What stands in an over-full store cannot be undone by sending nothing.
        excess = sent - np.maximum(problem.store_volume_ml - taken, 0.0)
        yield from _over(problem, "store-volume", excess)
    if problem.delivery_volume_ml is not None:
        yield from _over(problem, "delivery-volume", sent - problem.delivery_volume_ml)


def _over(problem: InventoryProblem, rule: str, excess: FloatArray) -> Iterator[Violation]:
    for store in np.flatnonzero(excess > 0):
        where = f"store {problem.store_ids[store]}"
        yield Violation(rule=rule, where=where, by=float(excess[store]))
