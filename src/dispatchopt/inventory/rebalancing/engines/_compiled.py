"""Minimum-cost flows of many SKUs, compiled. Import it only for large problems.

Successive shortest paths that start from prices (Ahuja, Magnanti, Orlin, Network Flows, 1993,
sections 9.7 and 14.5): at a price of a unit in each store, stores offer and ask for whole units,
and each unit on offer goes the cheapest way to one that is asked for. Store i is two nodes, what is
in it (i) and what leaves it (S + i), with ``movable`` between; a last node takes what stays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.compiled import compiled
from dispatchopt.inventory.rebalancing.engines._compiled_sums import (
    bound,
    by_end,
    common_price,
    total,
)

_INF = np.inf
#: How a node was reached, where not by a lane: not, as a begin, within a store, from the last node.
_NEVER, _BEGIN, _INSIDE, _FROM_LAST = -4, -1, -2, -3


@compiled()
def _set_gains(
    i: int, added: IntArray, down: Any, up: Any, gain: FloatArray, loss: FloatArray
) -> None:
    """Set what one unit more saves in a store (-inf: none comes), and one less costs (inf)."""
    first_down, first_up, n = down[0][i], up[0][i], added[i]
    if n < 0:
        gain[i] = down[1][first_down - n - 1]
    else:
        gain[i] = up[1][first_up + n] if first_up + n < up[0][i + 1] else -_INF
    if n > 0:
        loss[i] = up[1][first_up + n - 1]
    else:
        loss[i] = down[1][first_down - n] if first_down - n < down[0][i + 1] else _INF


@compiled()
def _from_store(
    i: int, least: float, passed: IntArray, movable: IntArray, in_first: IntArray, in_row: IntArray,
    tail: IntArray, cost: FloatArray, flow: IntArray, gain: FloatArray, price: FloatArray,
    key: FloatArray, via: IntArray, touched: IntArray, count: int,
) -> int:  # fmt: skip
    """Go on from what is in a store: it may stay, leave, or not have come."""
    stores = movable.size
    base = least + price[i]
    out = stores + i
    if passed[i] < movable[i]:
        value = max(base - price[out], least)
        if value < key[out]:
            if via[out] == _NEVER:
                touched[count] = out
                count += 1
            key[out], via[out] = value, _INSIDE
    last = 2 * stores
    value = max(base - gain[i] - price[last], least)
    if value < key[last]:
        if via[last] == _NEVER:
            touched[count] = last
            count += 1
        key[last], via[last] = value, i
    for r in range(in_first[i], in_first[i + 1]):
        e = in_row[r]
        if flow[e] > 0:
            out = stores + tail[e]
            value = max(base - cost[e] - price[out], least)
            if value < key[out]:
                if via[out] == _NEVER:
                    touched[count] = out
                    count += 1
                key[out], via[out] = value, e
    return count


@compiled()
def _from_exit(
    i: int, least: float, passed: IntArray, out_first: IntArray, out_row: IntArray,
    head: IntArray, cost: FloatArray, room: IntArray, flow: IntArray, price: FloatArray,
    key: FloatArray, via: IntArray, touched: IntArray, count: int,
) -> int:  # fmt: skip
    """Go on from what leaves a store: by its lanes, or back into it."""
    base = least + price[passed.size + i]
    if passed[i] > 0:
        value = max(base - price[i], least)
        if value < key[i]:
            if via[i] == _NEVER:
                touched[count] = i
                count += 1
            key[i], via[i] = value, _INSIDE
    for r in range(out_first[i], out_first[i + 1]):
        e = out_row[r]
        to = head[e]
        value = base + cost[e] - price[to]
        if value < key[to] and flow[e] < room[e]:
            value = max(value, least)
            if value < key[to]:
                if via[to] == _NEVER:
                    touched[count] = to
                    count += 1
                key[to], via[to] = value, e
    return count


@compiled()
def _from_last(
    stores: int, least: float, loss: FloatArray, price: FloatArray,
    key: FloatArray, via: IntArray, touched: IntArray, count: int,
) -> int:  # fmt: skip
    """Go on from what stays: a unit of any store may leave instead."""
    base = least + price[2 * stores]
    for i in range(stores):
        value = max(base + loss[i] - price[i], least)
        if value < key[i]:
            if via[i] == _NEVER:
                touched[count] = i
                count += 1
            key[i], via[i] = value, _FROM_LAST
    return count


@compiled()
def _search(
    begin: int, ends: Any, rows: Any, lanes: Any, state: Any, label: Any, steps: Any,
    price: FloatArray,
) -> int:  # fmt: skip
    """Send one unit to the nearest node that asks for any (Dijkstra), and lower prices before it.

    Returns that node, or -1.
    """
    tail, head = ends
    out_first, out_row, in_first, in_row = rows
    cost, room = lanes
    flow, passed, movable, gain, loss, excess = state
    key, via, touched, is_done = label
    stores, count = movable.size, 1
    touched[0] = begin
    key[begin], via[begin] = 0.0, _BEGIN
    found = -1
    while True:
        node, least = -1, _INF
        for t in range(count):
            v = touched[t]
            if key[v] < least and not is_done[v]:
                node, least = v, key[v]
        if node < 0 or excess[node] < 0:
            found = node
            break
        is_done[node] = True
        if node == 2 * stores:
            count = _from_last(stores, least, loss, price, key, via, touched, count)
        elif node < stores:
            count = _from_store(
                node, least, passed, movable, in_first, in_row, tail, cost, flow, gain, price,
                key, via, touched, count,
            )  # fmt: skip
        else:
            count = _from_exit(
                node - stores, least, passed, out_first, out_row, head, cost, room, flow, price,
                key, via, touched, count,
            )  # fmt: skip
    _settle(found, count, ends, state, label, steps, price)
    return found


@compiled()
def _settle(
    found: int, count: int, ends: Any, state: Any, label: Any, steps: Any, price: FloatArray
) -> None:
    """Send the unit to what was found (-1: nothing), and clear the labels."""
    key, via, touched, is_done = label
    for t in range(count):
        v = touched[t]
        if is_done[v] and found >= 0:
            price[v] -= key[found] - key[v]
        is_done[v] = False
    if found >= 0:
        _push(found, ends, state, via, steps)
    for t in range(count):
        key[touched[t]], via[touched[t]] = _INF, _NEVER


@compiled()
def _push(at: int, ends: Any, state: Any, via: IntArray, steps: Any) -> None:
    """Send one unit along the path that ends at a node."""
    tail, head = ends
    flow, passed, movable, gain, loss, _ = state
    added, down, up = steps
    stores = movable.size
    node = at
    while via[node] != _BEGIN:
        e = via[node]
        if node == 2 * stores:
            added[e] += 1
            _set_gains(e, added, down, up, gain, loss)
            node = e
        elif e == _FROM_LAST:
            added[node] -= 1
            _set_gains(node, added, down, up, gain, loss)
            node = 2 * stores
        elif e == _INSIDE:
            passed[node % stores] += 1 if node >= stores else -1
            node = node - stores if node >= stores else node + stores
        elif node < stores:
            flow[e] += 1
            node = stores + tail[e]
        else:
            flow[e] -= 1
            node = head[e]


@compiled()
def _begin(ends: Any, cost: FloatArray, state: Any, steps: Any, price: FloatArray) -> None:
    """Lower prices until no lane pays, and let each store offer or ask for units at them."""
    tail, head = ends
    _, _, movable, gain, loss, excess = state
    added, down, up = steps
    stores = movable.size
    goes_on = True
    while goes_on:
        goes_on = False
        for e in range(tail.size):
            value = price[tail[e]] + cost[e]
            if price[head[e]] > value and movable[tail[e]] > 0:
                price[head[e]] = value
                goes_on = True
    price[stores : 2 * stores] = price[:stores]
    price[2 * stores] = 0.0
    for i in range(stores):
        _set_gains(i, added, down, up, gain, loss)
        while loss[i] < price[i]:
            added[i] -= 1
            _set_gains(i, added, down, up, gain, loss)
        while gain[i] > price[i]:
            added[i] += 1
            _set_gains(i, added, down, up, gain, loss)
        excess[i] = -added[i]
        excess[2 * stores] += added[i]


@compiled()
def send(
    ends: tuple[IntArray, IntArray],
    lanes: tuple[FloatArray, IntArray],
    movable: IntArray,
    down: tuple[IntArray, FloatArray],
    up: tuple[IntArray, FloatArray],
    worth: FloatArray,
    flow: IntArray,
) -> tuple[float, float]:
    """Find the best transfers of one SKU.

    Parameters
    ----------
    ends
        Stores at the ends of its lanes, (n,) each.
    lanes
        Cost of a unit on each lane, and most units, (n,) each.
    movable
        Units that may leave each store, (S,).
    down, up
        Units that may leave and come: first row of each store, (S + 1,), and their costs or gains.
    worth
        What a unit is thought to be worth in each store, (S,), NaN if unknown; receives what it is.
    flow
        Receives the units on each lane, (n,).

    Returns
    -------
    Cost of the transfers, and a bound on the cost of any without limits of lanes.
    """
    stores = movable.size
    n = ends[0].size
    out_first, in_first = np.empty(stores + 1, np.int64), np.empty(stores + 1, np.int64)
    out_row, in_row = np.empty(n, np.int64), np.empty(n, np.int64)
    by_end(ends[0], out_first, out_row)
    by_end(ends[1], in_first, in_row)
    rows = (out_first, out_row, in_first, in_row)
    nodes = 2 * stores + 1
    flow[:] = 0
    state = (
        flow, np.zeros(stores, np.int64), movable, np.empty(stores), np.empty(stores),
        np.zeros(nodes, np.int64),
    )  # fmt: skip
    steps = (np.zeros(stores, np.int64), down, up)
    label = (
        np.full(nodes, _INF), np.full(nodes, _NEVER), np.empty(nodes, np.int64),
        np.zeros(nodes, np.bool_),
    )  # fmt: skip
    price, excess = np.empty(nodes), state[5]
    if stores and np.isnan(worth[0]):
        worth[:] = common_price(down, up)
    price[:stores] = worth
    _begin(ends, lanes[0], state, steps, price)
    for begin in range(nodes):
        node = 2 * stores - begin
        while excess[node] > 0:
            at = _search(node, ends, rows, lanes, state, label, steps, price)
            if at >= 0:
                excess[at] += 1
            excess[node] -= 1
    worth[:] = price[:stores] - price[2 * stores]
    least = bound(ends[1], rows, lanes[0], movable, worth, down, up)
    return total(lanes[0], flow, steps), least


@compiled()
def send_all(
    skus: IntArray,
    ends: tuple[IntArray, IntArray],
    lanes: tuple[IntArray, IntArray, FloatArray],
    movable: IntArray,
    down: tuple[IntArray, FloatArray],
    up: tuple[IntArray, FloatArray],
    worth: FloatArray,
    out: tuple[IntArray, FloatArray, FloatArray],
) -> None:
    """Find the best transfers of some SKUs.

    Parameters
    ----------
    skus
        The SKUs.
    ends
        Stores at the ends of all lanes, (L,) each.
    lanes
        First entry of each SKU, (K + 1,), lane of each entry, and cost of a unit on it, (N,).
    movable
        Units that may leave, (K, S).
    down, up
        First row of each SKU and store, (K S + 1,), and costs or gains.
    worth
        What units are thought to be worth, (K, S), NaN if unknown; receives what they are.
    out
        Receives the units of each entry, (N,), cost and bound of each SKU, (K,).
    """
    stores = movable.shape[1]
    for k in skus:
        a, b = lanes[0][k], lanes[0][k + 1]
        if a == b:
            out[1][k] = out[2][k] = 0.0
            continue
        of = lanes[1][a:b]
        tail, head = ends[0][of], ends[1][of]
        room = movable[k][tail]
        rows = slice(k * stores, (k + 1) * stores + 1)
        out[1][k], out[2][k] = send(
            (tail, head),
            (lanes[2][a:b], room),
            movable[k],
            (down[0][rows], down[1]),
            (up[0][rows], up[1]),
            worth[k],
            out[0][a:b],
        )
