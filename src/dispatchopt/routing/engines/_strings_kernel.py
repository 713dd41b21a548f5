"""Compiled ruin and recreate of plans with one store: slack induction by string removals.

Christiaens and Vanden Berghe (2020), Slack induction by string removals for vehicle routing
problems, Transportation Science 54(2), 417-433. Strings of consecutive orders are taken out of
trips that lie near each other, and put back one by one where they add least; worse plans are taken
over as in simulated annealing. Routes of good plans are kept, each set of orders once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.compiled import compiled
from dispatchopt.routing.engines._strings_moves import insert, place_for, sort_out, take_string
from dispatchopt.routing.engines._strings_plan import (
    ABSENT,
    AFTER,
    BEST,
    BEST_SIZE,
    COST,
    COST_BEFORE,
    EAGERNESS,
    EMPTY,
    KIND,
    MET_SIZE,
    NUM_MET,
    NUM_ORDERS,
    NUM_OUT,
    NUM_ROUTES,
    NUM_TOUCHED,
    REFUSAL,
    ROUTE,
    SAVED_SIZE,
    TOTAL,
    TRIPS,
    VISIT,
    VISITS,
    add,
    drop,
    dump,
    renew,
    restore,
    tell,
    touch,
    uniform,
)

#: Mean number of orders taken out, and the longest string of them.
_MEAN_OUT, _LONGEST = 10.0, 10.0
#: Orders in no trip that are tried anew in a step.
_MOST_TRIED = 10
#: Times its refusal that an order may add in a share of the steps.
_EAGER, _EAGER_SHARE = 16, 0.3
#: Rows of ``met``, a column per route: where its text begins (-1: a cheaper sequence is known), its
#: cost, and the least cost of a plan that it was in.
MET_BEGIN, MET_COST, MET_TOTAL = range(3)
#: A plan that costs more than the best one by more than this share has no routes worth keeping.
_MARGIN = 0.03
_MIX = np.uint64(0x9E3779B97F4A7C15)


@compiled(error_model="numpy")
def _slot_of(route: int, given: Any, plan: Any, meta: Any, marks: Any, slots: Any) -> int:  # noqa: PLR0917 - compiled code takes no keywords
    """Return where the table has, or is to have, the orders and the class of a route."""
    n = meta[NUM_ORDERS]
    start = n + 2 * route
    key = np.uint64(given[KIND, start] + 1) * _MIX
    node = plan[AFTER, start]
    while node != start + 1:
        if node < n:
            key ^= marks[node]
        node = plan[AFTER, node]
    mask = np.uint64(slots.shape[1] - 1)
    place = np.int64((key * _MIX >> np.uint64(20)) & mask)
    while slots[0, place] != 0 and slots[1, place] != np.int64(key):
        place = np.int64((np.uint64(place) + np.uint64(1)) & mask)
    slots[1, place] = np.int64(key)
    return int(place)


@compiled(error_model="numpy")
def _meet(  # noqa: PLR0917 - compiled code takes no keywords
    route: int, given: Any, plan: Any, meta: Any, marks: Any, slots: Any, met: Any, text: Any
) -> None:
    """Keep a route, the cheapest of its orders and class of couriers."""
    n = meta[NUM_ORDERS]
    start = n + 2 * route
    is_good = meta[TOTAL] < (1.0 + _MARGIN) * meta[BEST]
    has_room = meta[NUM_MET] < met.shape[1] and meta[MET_SIZE] + 2 * n + 2 < len(text)
    if plan[TRIPS, start] == 0 or not is_good or not has_room:
        return
    place = _slot_of(route, given, plan, meta, marks, slots)
    at = slots[0, place] - 1
    if at >= 0 and met[MET_COST, at] <= plan[COST, start]:
        met[MET_TOTAL, at] = min(met[MET_TOTAL, at], meta[TOTAL])
        return
    if at >= 0:
        met[MET_BEGIN, at] = -1
    at = meta[NUM_MET]
    meta[NUM_MET] += 1
    slots[0, place] = at + 1
    met[MET_BEGIN, at] = meta[MET_SIZE]
    met[MET_COST, at], met[MET_TOTAL, at] = plan[COST, start], meta[TOTAL]
    meta[MET_SIZE] = tell(route, text, meta[MET_SIZE], plan, meta)


@compiled(error_model="numpy")
def _ruin(  # noqa: PLR0917 - compiled code takes no keywords
    seed: int,
    near: Any,
    out: Any,
    touched: Any,
    is_touched: Any,
    is_ruined: Any,
    saved: Any,
    plan: Any,
    meta: Any,
) -> None:
    """Take strings of orders out of trips near an order."""
    n = meta[NUM_ORDERS]
    # Every visit in use loads one trip more.
    trips = meta[NUM_ROUTES] - meta[EMPTY] + n - meta[VISITS]
    longest = max(1.0, min(_LONGEST, (n - meta[ABSENT]) / max(1, trips)))
    most = 4.0 * _MEAN_OUT / (1.0 + longest) - 1.0
    left = int(1.0 + uniform(meta) * max(0.0, most))
    for column in range(-1, near.shape[1]):
        order = seed if column < 0 else near[seed, column]
        route = plan[ROUTE, order]
        # An order that is out has kept the visit of its trip, which is marked.
        if route < 0 or is_ruined[plan[VISIT, order]]:
            continue
        touch(route, touched, is_touched, saved, plan, meta)
        is_ruined[plan[VISIT, order]] = True
        take_string(order, int(longest), out, plan, meta)
        left -= 1
        if left == 0:
            break
    for number in range(meta[NUM_OUT]):
        is_ruined[plan[VISIT, out[number]]] = False


@compiled(error_model="numpy")
def _call_absent(seed: int, near: Any, out: Any, given: Any, plan: Any, meta: Any) -> None:  # noqa: PLR0917 - compiled code takes no keywords
    """Add orders near one that are in no trip to those that are put back."""
    left = _MOST_TRIED
    num_out = meta[NUM_OUT]
    for column in range(-1, near.shape[1]):
        order = seed if column < 0 else near[seed, column]
        if left == 0:
            break
        if plan[ROUTE, order] >= 0:
            continue
        is_out = False
        for number in range(num_out):
            is_out |= out[number] == order
        if not is_out:
            out[meta[NUM_OUT]] = order
            meta[NUM_OUT] += 1
            meta[COST_BEFORE] += given[REFUSAL, order]
            left -= 1


@compiled(error_model="numpy")
def _recreate(  # noqa: PLR0917 - compiled code takes no keywords
    out: Any,
    beside: Any,
    touched: Any,
    is_touched: Any,
    saved: Any,
    ways: Any,
    given: Any,
    plan: Any,
    sets: Any,
    meta: Any,
) -> int:
    """Put orders back; returns what they cost that stay out, or -1 if a route misses its times."""
    refused = 0
    for number in range(meta[NUM_OUT]):
        order = out[number]
        where = place_for(order, beside, ways, given, plan, sets, meta)
        if where == -1:
            refused += given[REFUSAL, order]
            continue
        route = plan[ROUTE, where if where >= 0 else -2 - where]
        touch(route, touched, is_touched, saved, plan, meta)
        insert(order, where, given, plan, sets, meta)
        drop(ABSENT, order, sets, meta)
        if not renew(route, ways, given, plan, sets, meta):
            return -1
    return refused


@compiled(error_model="numpy")
def run(  # noqa: PLR0917 - compiled code takes no keywords
    steps: int,
    heat: float,
    ways: Any,
    given: Any,
    plan: Any,
    sets: Any,
    meta: Any,
    near: Any,
    beside: Any,
    best: Any,
    marks: Any,
    slots: Any,
    met: Any,
    text: Any,
) -> None:
    """Take some steps at a temperature; ``best`` is the cheapest plan met, as ``dump`` writes."""
    n = meta[NUM_ORDERS]
    out, keys = np.empty(n + _MOST_TRIED, np.int64), np.empty(n + _MOST_TRIED, np.float64)
    saved = np.empty(2 * n + 2 * meta[NUM_ROUTES] + 2, np.int64)
    touched = np.empty(meta[NUM_ROUTES], np.int64)
    is_touched = np.zeros(meta[NUM_ROUTES], np.bool_)
    is_ruined = np.zeros(given.shape[1], np.bool_)
    for _ in range(steps):
        meta[NUM_OUT], meta[NUM_TOUCHED], meta[SAVED_SIZE], meta[COST_BEFORE] = 0, 0, 0, 0
        meta[EAGERNESS] = _EAGER if uniform(meta) < _EAGER_SHARE else 1
        seed = int(uniform(meta) * n)
        _ruin(seed, near, out, touched, is_touched, is_ruined, saved, plan, meta)
        for number in range(meta[NUM_OUT]):
            plan[ROUTE, out[number]] = -1
            add(ABSENT, out[number], sets, meta)
        is_sound = True
        for number in range(meta[NUM_TOUCHED]):
            is_sound &= renew(touched[number], ways, given, plan, sets, meta)
        if meta[ABSENT] > meta[NUM_OUT]:
            _call_absent(seed, near, out, given, plan, meta)
        sort_out(out, keys, ways, given, meta)
        after = _recreate(out, beside, touched, is_touched, saved, ways, given, plan, sets, meta)
        is_sound &= after >= 0
        for number in range(meta[NUM_TOUCHED]):
            after += plan[COST, n + 2 * touched[number]]
            is_touched[touched[number]] = False
        slack = -heat * np.log(max(uniform(meta), 1e-300))
        if not is_sound or after >= meta[COST_BEFORE] + slack:
            restore(touched, saved, ways, given, plan, sets, meta)
            continue
        meta[TOTAL] += after - meta[COST_BEFORE]
        if meta[TOTAL] < meta[BEST]:
            meta[BEST] = meta[TOTAL]
            meta[BEST_SIZE] = dump(plan, meta, best)
        for number in range(meta[NUM_TOUCHED]):
            _meet(touched[number], given, plan, meta, marks, slots, met, text)
