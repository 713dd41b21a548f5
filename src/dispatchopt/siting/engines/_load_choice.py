"""Which sites open, given what each is worth: at most p with enough room in all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.engines._load_table import LoadTable

#: Prices of room that are tried in one choice of sites.
_MOST_PRICES = 200
#: Entries of a table of dynamic programming above which the relaxation has to do.
_MOST_CELLS = 2_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Choice:
    """Sites of least value.

    Parameters
    ----------
    chosen
        Sites that open, shape (m,).
    total
        What they are worth at least.
    to_open, to_close
        Rise of the total if a site is opened that is not, or closed that is; 0 for the others.
    """

    chosen: BoolArray
    total: float
    to_open: FloatArray
    to_close: FloatArray


def choice(
    table: LoadTable,
    value: FloatArray,
    lower: BoolArray,
    upper: BoolArray,
    *,
    with_rises: bool = True,
    spare: int = 0,
) -> Choice:
    """Choose whole sites where that is not too large, else bound by a price of room.

    ``spare`` asks for more room than is needed; ``with_rises`` for what it costs to differ.
    """
    least = table.least_units + spare
    relaxed = _priced(table, value, lower, upper, least)
    whole = _whole(table, value, lower, upper, least=least, with_rises=with_rises)
    return relaxed if whole is None or whole.total <= relaxed.total else whole


def _priced(
    table: LoadTable, value: FloatArray, lower: BoolArray, upper: BoolArray, least: int
) -> Choice:
    """Choose at the price of room that bounds best."""
    free = np.flatnonzero(upper & ~lower & np.isfinite(value))
    most = max(0, table.max_open - int(lower.sum()))
    prices = np.zeros(1)
    if least > 0:
        ratio = value[free] / np.maximum(table.room[free], 1)
        prices = np.unique(np.concatenate([prices, ratio[ratio > 0]]))
        prices = prices[:: -(-len(prices) // _MOST_PRICES)]
    loose = value[free] - prices[:, None] * table.room[free]
    always = float(value[lower].sum()) - prices * float(table.room[lower].sum())
    ranked = np.sort(np.minimum(loose, 0.0), axis=1)
    totals = prices * least + always + ranked[:, :most].sum(axis=1)
    at = int(np.argmax(totals))
    own = loose[at]
    order = np.argsort(own, kind="stable")
    inside = order[:most][own[order[:most]] < 0]
    outside = order[len(inside) :]
    to_open, to_close = np.where(np.isfinite(value), 0.0, np.inf), np.zeros(len(value))
    # With p sites chosen already, another one takes the place of the worst.
    worst = own[inside[-1]] if len(inside) == most and most else 0.0
    following = min(0.0, own[order[most]]) if len(order) > most else 0.0
    to_open[free[outside]] = np.maximum(own[outside] - worst, 0.0) if most else np.inf
    to_close[free[inside]] = np.maximum(following - own[inside], 0.0)
    chosen = lower.copy()
    chosen[free[inside]] = True
    return Choice(chosen=chosen, total=float(totals[at]), to_open=to_open, to_close=to_close)


def _whole(
    table: LoadTable,
    value: FloatArray,
    lower: BoolArray,
    upper: BoolArray,
    *,
    least: int,
    with_rises: bool,
) -> Choice | None:
    """Choose by dynamic programming over the room still wanted; None where it says nothing more.

    The limit on the number of sites is left out: a choice that breaks it says nothing.
    """
    free = np.flatnonzero(upper & ~lower)
    wanted = least - int(table.room[lower].sum())
    if wanted <= 0 or not len(free):
        return None
    unit = max(1, int(np.gcd.reduce(table.room[free])))
    wanted = -(-wanted // unit)
    if (len(free) + 1) * (wanted + 1) > _MOST_CELLS:
        return None
    own, room = value[free], np.minimum(table.room[free] // unit, wanted)
    ahead = _costs(own, room, wanted)
    if not np.isfinite(ahead[-1, wanted]):
        return None
    chosen, left = lower.copy(), wanted
    for at in range(len(free) - 1, -1, -1):
        if ahead[at + 1, left] < ahead[at, left]:
            chosen[free[at]] = True
            left = max(0, left - int(room[at]))
    if int(chosen.sum()) > table.max_open:
        return None
    total = float(ahead[-1, wanted])
    to_open, to_close = np.zeros(len(value)), np.zeros(len(value))
    if with_rises:
        opened, closed = _forced(own, room, ahead)
        is_in = chosen[free]
        to_open[free] = np.where(is_in, 0.0, np.maximum(opened - total, 0.0))
        to_close[free] = np.where(is_in, np.maximum(closed - total, 0.0), 0.0)
    always = float(value[lower].sum())
    return Choice(chosen=chosen, total=always + total, to_open=to_open, to_close=to_close)


def most_spare(
    table: LoadTable, value: FloatArray, lower: BoolArray, upper: BoolArray, limit: float
) -> int | None:
    """Return how much more room than needed a choice up to a limit may have; None for unknown."""
    free = np.flatnonzero(upper & ~lower)
    wanted = table.least_units - int(table.room[lower].sum())
    if not len(free):
        return max(0, -wanted)
    unit = max(1, int(np.gcd.reduce(table.room[free])))
    need = max(0, -(-wanted // unit))
    size = need + int(table.room[upper].max()) // unit + 1
    if (len(free) + 1) * (size + 1) > _MOST_CELLS:
        return None
    costs = _costs(value[free], np.minimum(table.room[free] // unit, size), size)[-1]
    within = np.flatnonzero(costs + value[lower].sum() <= limit)
    if not len(within) or within[-1] == size:
        return None
    return max(0, int(within[-1]) * unit - wanted)


def _costs(value: FloatArray, room: IntArray, wanted: int) -> FloatArray:
    """Return the least cost of the first sites with room of so much, shape (k + 1, wanted + 1)."""
    costs = np.full((len(value) + 1, wanted + 1), np.inf)
    costs[0, 0] = 0.0
    for at, (own, size) in enumerate(zip(value, room.tolist(), strict=True)):
        costs[at + 1, : size + 1] = costs[at, 0] + own
        costs[at + 1, size + 1 :] = costs[at, 1 : wanted + 1 - size] + own
        np.minimum(costs[at + 1], costs[at], out=costs[at + 1])
    return costs


def _forced(value: FloatArray, room: IntArray, ahead: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the least cost with each site open, and with each closed, shape (k,)."""
    wanted = ahead.shape[1] - 1
    behind = _costs(value[::-1], room[::-1], wanted)[::-1]
    opened, closed = np.empty(len(value)), np.empty(len(value))
    for at, size in enumerate(room.tolist()):
        before, after = ahead[at], behind[at + 1][::-1]
        closed[at] = (before + after).min()
        # With room c before it, what comes after gives wanted - size - c more, or nothing.
        end = wanted + 1 - size
        both = before[:end] + after[size:]
        more = before[end:].min() + after[-1] if size else np.inf
        opened[at] = value[at] + min(float(both.min()), float(more))
    return opened, closed
