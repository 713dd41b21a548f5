"""Prices of slots, room and floors that bound what one store can complete.

With a price on every limit the choice of SKUs is a closure. The least of these bounds over all
prices is found by cutting planes (Kelley, Journal of SIAM 8, 1960); with one limit this walks along
the hull of the best sets by size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray
from dispatchopt.inventory.assortment.engines._block import Block
from dispatchopt.inventory.assortment.engines._closure import Closure

#: Prices after which they are as good as they get.
_MAX_ROUNDS = 60
#: Share of all weight below which the bound has settled.
_SETTLED = 2e-8
#: Floors beyond which they go without prices; the bound holds all the same.
_MAX_FLOORS = 40


@dataclass(kw_only=True, eq=False)
class Dual:
    """What pricing found.

    Parameters
    ----------
    bound
        Most weight that any allowed choice completes.
    inside, outside
        Best sets that keep slots and room, and the one nearest to them that does not.
    price
        Price of each SKU at the best bound, (K,).
    """

    bound: float
    inside: BoolArray
    outside: BoolArray | None
    price: FloatArray
    seen: list[tuple[float, FloatArray]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Limits:
    """Rows ``use @ taken <= limit``, scaled to the size of one SKU; (J, K) and (J,)."""

    use: FloatArray
    limit: FloatArray


def price_block(block: Block, should_stop: Callable[[], bool]) -> Dual:
    """Return prices, bound and sets of a block."""
    rows = _limits(block)
    total = float(block.weight.sum())
    nothing = np.zeros(block.is_free.size, dtype=bool)
    everything = nothing.copy()
    everything[block.sku] = True
    dual = Dual(bound=total, inside=nothing, outside=None, price=np.zeros(nothing.size))
    if total <= 0 or not rows.limit.size:
        dual.inside = everything
        return dual
    closure = Closure(block)
    everything |= block.is_free & (rows.use < 0).any(axis=0)
    for known in (nothing, everything):
        _see(dual, block, rows, known)
    for _ in range(_MAX_ROUNDS):
        if should_stop():
            break
        price, estimate = _master(dual, rows, total)
        of_sku = price @ rows.use
        taken, gain = closure.best(of_sku)
        bound = gain + float(price @ rows.limit)
        if bound < dual.bound:
            dual.bound, dual.price = bound, of_sku
        _see(dual, block, rows, taken)
        if bound - estimate <= _SETTLED * total:
            break
    return dual


def _see(dual: Dual, block: Block, rows: _Limits, taken: BoolArray) -> None:
    """Remember what a set completes and uses."""
    value, slack = block.value(taken), rows.limit - rows.use @ taken
    dual.seen.append((value, slack))
    if block.fits(taken):
        if value >= block.value(dual.inside):
            dual.inside = taken
    elif dual.outside is None or taken.sum() < dual.outside.sum():
        dual.outside = taken


def _limits(block: Block) -> _Limits:
    use: list[FloatArray] = []
    limit: list[float] = []
    ordered = np.zeros(block.is_free.size, dtype=bool)
    ordered[block.sku] = True
    volume = np.where(block.is_free, block.volume, 0.0)
    may_take = ordered | (block.is_free & (block.need > 0)[block.category])
    if block.slots < np.count_nonzero(may_take):
        use.append(block.is_free.astype(np.float64))
        limit.append(block.slots)
    if block.room < volume[may_take].sum():
        scale = max(1.0, float(volume[may_take].mean()))
        use.append(volume / scale)
        limit.append(block.room / scale)
    needed = np.flatnonzero(block.need)
    for category in needed if limit and needed.size <= _MAX_FLOORS else ():
        use.append(-1.0 * (block.is_free & (block.category == category)))
        limit.append(-float(block.need[category]))
    return _Limits(use=np.array(use).reshape(len(limit), volume.size), limit=np.array(limit))


def _master(dual: Dual, rows: _Limits, total: float) -> tuple[FloatArray, float]:
    """Return the prices at which the sets seen so far leave the least bound, and that bound."""
    from scipy.optimize import linprog

    value = np.array([each for each, _ in dual.seen])
    slack = np.array([each for _, each in dual.seen])
    # Prices of the size of weight per SKU, bound as a share of the weight.
    unit = total / max(1.0, float(np.abs(rows.limit).max()))
    matrix = np.column_stack([-np.ones(value.size), slack * unit / total])
    cost = np.zeros(1 + rows.limit.size)
    cost[0] = 1.0
    found = linprog(cost, A_ub=matrix, b_ub=-value / total, bounds=(0, None), method="highs")
    if found.x is None:
        # No bound of the cuts on the prices: any prices are good enough to go on from.
        return np.full(rows.limit.size, unit), 0.0
    return np.asarray(found.x[1:]) * unit, float(found.x[0]) * total
