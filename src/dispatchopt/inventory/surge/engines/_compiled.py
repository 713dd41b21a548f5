"""One SKU over all scenarios: a bound by prices of scenarios, and units one by one, compiled.

In each scenario stores are tied by transfers alone: what moves is at most what shelves give up or
lack, and at most what is left. With prices on both, which add up to what a move saves, stores part
(Lagrangian relaxation; Fisher, Management Science 27, 1981): expected cost is convex in a store's
level, with breaks where the level meets the shelf, the stream, or both. One price for a scenario
remains, and one for central stock, found by bisection.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.compiled import compiled

_TINY = 1e-9
#: Halvings of the range of the price of central stock.
_HALVINGS = 40
#: Evaluations without a rise after which steps shrink, and by how much; weight of the newest slope.
_PATIENCE, _SHRINK, _NEW = 6, 0.6, 0.4
#: Step below which prices are settled.
_LEAST_STEP = 1e-3
#: Units that are tried in pairs, at most on each side.
_PAIRS = 6


@compiled()
def _breaks(shelf: IntArray, live: IntArray) -> tuple[IntArray, IntArray]:
    """Return where the cost of each store bends, sorted, and which scenario and kind it is."""
    num, stores = shelf.shape
    level, kind = np.empty((stores, 3 * num), np.int64), np.empty((stores, 3 * num), np.int64)
    every = np.empty(3 * num, np.int64)
    for i in range(stores):
        for n in range(num):
            every[3 * n], every[3 * n + 1] = shelf[n, i], live[n, i]
            every[3 * n + 2] = shelf[n, i] + live[n, i]
        kind[i] = np.argsort(every)
        level[i] = every[kind[i]]
    return level, kind


@compiled()
def _bends(
    price: FloatArray, chance: FloatArray, money: Any, pooled: bool, bend: FloatArray
) -> float:
    """Set by how much the slope rises at each break of a scenario; return the slope at no stock."""
    high, low, held, fare = money
    total = 0.0
    for n in range(chance.size):
        at_shelf, at_live, at_both = 0.0, 0.0, 0.0
        a = price[n]
        if not pooled:
            begin, at_shelf, at_both = -high, high - low, low + held
        elif a < high - low - fare:
            begin, at_shelf = a - high, fare
        elif a <= high - low:
            begin, at_shelf, at_both = a - high, high - low - a, a - high + fare + low
        else:
            begin, at_live, at_both = -low, a - high + low, fare
        total += chance[n] * begin
        bend[3 * n], bend[3 * n + 1] = chance[n] * at_shelf, chance[n] * at_live
        bend[3 * n + 2] = chance[n] * at_both
    return total


@compiled()
def _slopes(start: float, bend: FloatArray, kind: IntArray, slope: FloatArray) -> None:
    """Set the slope of each store after each of its breaks."""
    for i in range(kind.shape[0]):
        now = start
        for b in range(kind.shape[1]):
            now += bend[kind[i, b]]
            slope[i, b] = now


@compiled()
def _best(
    price: float, start: float, extra: FloatArray, level: IntArray, slope: FloatArray,
    held: IntArray, order: IntArray,
) -> float:  # fmt: skip
    """Order up to where a unit no longer pays at the price of stock; return how many that are."""
    total = 0.0
    for i in range(held.size):
        bar = -price - extra[i]
        order[i] = 0
        if start >= bar:
            continue
        low, high = 0, level.shape[1] - 1
        if slope[i, high] < bar:
            # Units pay without end.
            return np.inf
        while low < high:
            middle = (low + high) // 2
            if slope[i, middle] >= bar:
                high = middle
            else:
                low = middle + 1
        order[i] = max(0, level[i, low] - held[i])
        total += order[i]
    return total


@compiled()
def _share(
    start: float, stock: float, extra: FloatArray, level: IntArray, slope: FloatArray,
    held: IntArray, order: IntArray, above: IntArray,
) -> tuple[float, float]:  # fmt: skip
    """Return the price of central stock, and the share of ``above`` in a mix that uses it up.

    Both orders are best at about that price, ``order`` within the stock and ``above`` beyond it.
    """
    if _best(0.0, start, extra, level, slope, held, order) <= stock:
        return 0.0, 0.0
    low, high = 0.0, -start
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if _best(middle, start, extra, level, slope, held, order) > stock:
            low = middle
        else:
            high = middle
    less = _best(high, start, extra, level, slope, held, order)
    more = _best(low, start, extra, level, slope, held, above)
    return high, (stock - less) / (more - less) if more < np.inf else 0.0


@compiled()
def _value(
    start: float, none: float, level: IntArray, slope: FloatArray, held: IntArray, order: IntArray,
    extra: FloatArray,
) -> float:  # fmt: skip
    """Return the expected cost at prices of scenarios and of room."""
    total = none
    for i in range(held.size):
        y, before, now = held[i] + order[i], 0, start
        for b in range(level.shape[1]):
            if level[i, b] >= y:
                break
            total += now * (level[i, b] - before)
            before, now = level[i, b], slope[i, b]
        total += now * (y - before) + extra[i] * order[i]
    return total


@compiled()
def _rise(
    price: FloatArray, chance: FloatArray, money: Any, shelf: IntArray, live: IntArray,
    held: IntArray, order: IntArray, share: float, rise: FloatArray,
) -> None:  # fmt: skip
    """Add how the bound changes with each price, without the chance: left less given up."""
    high, low, _, fare = money
    for n in range(chance.size):
        a, total = price[n], 0.0
        for i in range(held.size):
            y, f, v = held[i] + order[i], shelf[n, i], live[n, i]
            if a < high - low - fare:
                lacks, missed = max(f - y, 0), v
            elif a <= high - low:
                lacks = max(f - y, 0)
                missed = min(max(f + v - y - lacks, 0), v)
            else:
                lacks = min(f, max(f + v - y, 0))
                missed = max(v - y, 0)
            total += y + missed - f - v
        rise[n] += share * total


@compiled()
def _mix(
    price: FloatArray, most: float, rise: FloatArray, new: float, chance: FloatArray,
    mixed: FloatArray,
) -> float:  # fmt: skip
    """Mix a slope into the direction; return its square where prices can follow it."""
    norm = 0.0
    for n in range(price.size):
        mixed[n] = new * rise[n] + (1 - new) * mixed[n]
        is_low, is_high = price[n] <= 0 and mixed[n] < 0, price[n] >= most and mixed[n] > 0
        if not is_low and not is_high:
            norm += chance[n] * mixed[n] ** 2
    return norm


@compiled()
def bound(
    shelf: IntArray, live: IntArray, chance: FloatArray, money: Any, held: IntArray,
    stock: float, extra: FloatArray, target: float, count: int, price: FloatArray,
    best: FloatArray,
) -> float:  # fmt: skip
    """Raise the bound of one SKU by subgradients.

    Parameters
    ----------
    shelf, live
        Demand, (N, S) each.
    chance
        Probability of each scenario, (N,).
    money
        Margins of shelf and stream, cost of a unit left over, and of a transfer (below 0: none).
    held
        Stock on hand, (S,).
    stock
        Central stock, or another limit of all that is sent.
    extra
        Cost of a unit sent to each store, as a price of room, (S,).
    target
        Cost of a known order, at those prices.
    count
        Evaluations at most.
    price
        Price of each scenario to begin at, (N,); receives the best.
    best
        Receives the order at the best prices, (S,), a mix of two that uses up the stock.

    Returns
    -------
    The bound on the cost at the prices of room.
    """
    high, low, keep, fare = money
    num, stores = shelf.shape
    saved = high + keep - fare if fare >= 0 else 0.0
    pooled = saved > 0
    level, kind = _breaks(shelf, live)
    bend, slope = np.empty(3 * num), np.empty((stores, 3 * num))
    order, rise, mixed = np.empty(stores, np.int64), np.zeros(num), np.zeros(num)
    above, share, is_new = np.empty(stores, np.int64), 0.0, True
    now, most, step, waited = price.copy(), -np.inf, 1.0, 0
    # Without any stock: all that is wanted is lacked or missed, at the price of the scenario.
    given_up = chance * shelf.sum(axis=1)
    lost = high * given_up.sum() + low * (chance * live.sum(axis=1)).sum()
    for _ in range(count):
        start = _bends(now, chance, money, pooled, bend)
        _slopes(start, bend, kind, slope)
        none = lost - (now * given_up).sum() if pooled else lost
        lam, share = _share(start, stock, extra, level, slope, held, order, above)
        value = _value(start, none, level, slope, held, order, extra)
        value += lam * (order.sum() - stock)
        waited = 0 if value > most + 1e-7 * abs(value) else waited + 1
        if value > most:
            most = value
            price[:] = now
            best[:] = (1.0 - share) * order + share * (above if share > 0 else order)
        if not pooled or target - most <= _TINY * abs(target) or step < _LEAST_STEP:
            break
        if waited > _PATIENCE:
            step, waited = _SHRINK * step, 0
            now[:] = price
            is_new = True
            continue
        rise[:] = 0.0
        _rise(now, chance, money, shelf, live, held, order, 1.0 - share, rise)
        if share > 0:
            _rise(now, chance, money, shelf, live, held, above, share, rise)
        norm = _mix(now, saved, rise, 1.0 if is_new else _NEW, chance, mixed)
        is_new = False
        if norm <= 0:
            break
        size = step * max(target - value, 1e-6 * abs(target)) / norm
        now[:] = np.minimum(np.maximum(now + size * mixed, 0.0), saved)
    return most


@compiled()
def _state(y: int, f: int, v: int) -> tuple[int, int, int, int, int]:
    """Return what a store lacks, misses, has left, streams, and could give to the stream."""
    rest = max(y - f, 0)
    missed = max(v - rest, 0)
    return max(f - y, 0), missed, max(rest - v, 0), min(rest, v), min(missed, y, f)


@compiled()
def _cost(money: Any, lacks: int, missed: int, left: int, streamed: int, later: int) -> float:
    """Return the cost of a scenario from sums over stores."""
    high, low, held, fare = money
    cost = high * lacks + low * missed + held * left
    if fare < 0:
        return float(cost)
    moved = min(lacks, left) if high + held > fare else 0
    kept = min(lacks - moved, streamed) if high - low > fare else 0
    freed = min(left - moved, later) if low + held > fare else 0
    cost -= (high + held - fare) * moved + (high - low - fare) * kept + (low + held - fare) * freed
    return float(cost)


@compiled()
def _sums(
    shelf: IntArray, live: IntArray, level: IntArray, chance: FloatArray, money: Any, sums: IntArray
) -> float:
    """Set the sums over stores of each scenario, (N, 5); return the expected cost."""
    total = 0.0
    for n in range(chance.size):
        sums[n] = 0
        for i in range(level.size):
            state = _state(level[i], shelf[n, i], live[n, i])
            for a in range(5):
                sums[n, a] += state[a]
        s = sums[n]
        total += chance[n] * _cost(money, s[0], s[1], s[2], s[3], s[4])
    return total


@compiled()
def _changed(
    i: int, step: int, shelf: IntArray, live: IntArray, level: IntArray, chance: FloatArray,
    money: Any, sums: IntArray,
) -> float:  # fmt: skip
    """Return the expected cost if a store had some units more."""
    total = 0.0
    for n in range(chance.size):
        a = _state(level[i], shelf[n, i], live[n, i])
        b = _state(level[i] + step, shelf[n, i], live[n, i])
        s = sums[n]
        total += chance[n] * _cost(
            money, s[0] + b[0] - a[0], s[1] + b[1] - a[1], s[2] + b[2] - a[2],
            s[3] + b[3] - a[3], s[4] + b[4] - a[4],
        )  # fmt: skip
    return total


@compiled()
def _swap(
    step: int, more: FloatArray, fewer: FloatArray, now: float, shelf: IntArray, live: IntArray,
    level: IntArray, chance: FloatArray, money: Any, extra: FloatArray, sums: IntArray,
) -> tuple[int, int]:  # fmt: skip
    """Return two stores of which one gives units to the other at a saving; -1 if none is found."""
    to, off = np.argsort(more)[:_PAIRS], np.argsort(fewer)[:_PAIRS]
    for i in off:
        if not np.isfinite(fewer[i]):
            break
        level[i] -= step
        _sums(shelf, live, level, chance, money, sums)
        for j in to:
            # Alone each is a loss, or it would have been made.
            if j == i or not np.isfinite(more[j]):
                continue
            cost = _changed(j, step, shelf, live, level, chance, money, sums)
            if cost + step * (extra[j] - extra[i]) < now - _TINY * (1.0 + abs(now)):
                level[i] += step
                return i, j
        level[i] += step
    return -1, -1


@compiled()
def polish(
    shelf: IntArray, live: IntArray, chance: FloatArray, money: Any, held: IntArray, stock: float,
    extra: FloatArray, room: IntArray, order: IntArray, max_moves: int,
) -> float:  # fmt: skip
    """Add, take away and exchange units of one SKU while that saves; return the expected cost.

    ``room`` are the most units that each store may get; costs are at the prices ``extra`` of room,
    and the result is without them.
    """
    num, stores = shelf.shape
    level, sums = held + order, np.empty((num, 5), np.int64)
    more, fewer = np.empty(stores), np.empty(stores)
    sent = order.sum()
    step = 1
    while step * 64 < order.max():
        step *= 2
    now = _sums(shelf, live, level, chance, money, sums)
    for _ in range(max_moves):
        add, take = -1, -1
        for i in range(stores):
            more[i] = fewer[i] = np.inf
            if level[i] - held[i] + step <= room[i]:
                cost = _changed(i, step, shelf, live, level, chance, money, sums)
                more[i] = cost - now + step * extra[i]
                add = i if add < 0 or more[i] < more[add] else add
            if level[i] - held[i] >= step:
                cost = _changed(i, -step, shelf, live, level, chance, money, sums)
                fewer[i] = cost - now - step * extra[i]
                take = i if take < 0 or fewer[i] < fewer[take] else take
        bar = -_TINY * (1.0 + abs(now))
        if add >= 0 and sent + step <= stock and more[add] < bar:
            level[add] += step
            sent += step
        elif take >= 0 and fewer[take] < bar:
            level[take] -= step
            sent -= step
        else:
            off, to = _swap(
                step, more, fewer, now, shelf, live, level, chance, money, extra, sums
            )  # fmt: skip
            if off >= 0:
                level[off] -= step
                level[to] += step
            elif step == 1:
                break
            else:
                step //= 2
        now = _sums(shelf, live, level, chance, money, sums)
    order[:] = level - held
    return _sums(shelf, live, level, chance, money, sums)
