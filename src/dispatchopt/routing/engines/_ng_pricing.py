"""Compiled labelling: routes of least reduced cost that may come back to a door they forgot.

A label is the rest of a route, from a door to the end; it grows backwards. Each door has near
doors (its ng-set); a route remembers a door as long as it moves among doors that have it near, and
may not return to a door that it remembers (Baldacci, Mingozzi and Roberti 2011, New route
relaxation and pricing strategies for the vehicle routing problem, Operations Research 59(5),
1269-1283). Which routes these are does not depend on the direction. Subset-row cuts pay at every
second visit of their three doors (Jepsen, Petersen, Spoorendonk and Pisinger 2008, Operations
Research 56(2), 497-511), as far as the route stays among the doors where the cut is remembered
(Pecin, Pessoa, Poggi and Uchoa 2017, Improved branch-cut-and-price for capacitated vehicle routing,
Mathematical Programming Computation 9(1), 61-100).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.compiled import compiled

_NONE = -1
#: No way; sums of a few of them stay within 64 bits.
NEVER = 1 << 60

#: What a search came to: everything was looked at, or a limit of memory or work was met.
COMPLETE, FULL = 0, 1
TIME, LOAD, EXACT = 0, 1, 2
#: Columns of a label: cost, latest service, when the route may leave, load; then remembered doors
#: and cuts of which one door more was seen.
_COST, _SECOND, _READY, _LOAD, _WORDS = 0, 1, 2, 3, 4
#: Spans of time that labels of a door are kept apart by.
_BUCKETS = 32


@compiled()
def beginnings(  # noqa: C901, PLR0917 - compiled as a whole, without keywords
    start: Any, arc: Any, times: Any, loads: Any, first_s: int, width_s: int, steps: int
) -> Any:
    """Return least reduced costs from the start to each door, by time, without going straight back.

    Parameters
    ----------
    start, arc
        Reduced costs from the start, (n,), and from door to door, (n, n); ``NEVER`` without a way.
    times
        Arrival from the start, (n,), seconds from service at a door to the next, (n, n), and
        earliest and latest service, (2, n).
    loads
        Of each door, in whole units, rounded down, (n,), and units of a route.
    first_s, width_s, steps
        Grid of times; ``width_s`` is at most the least duration.

    Returns
    -------
    tuple
        For at most so many units at the doors before, and service not after a step: best and
        second best with another door before, and the door before of the best, (n, steps, units +
        1).
    """
    arrive, duration, window = times
    units, most = loads
    n = len(start)
    best = np.full((n, steps, most + 1), NEVER, dtype=np.int64)
    other = np.full((n, steps, most + 1), NEVER, dtype=np.int64)
    before = np.full((n, steps, most + 1), _NONE, dtype=np.int32)
    for step in range(steps):
        end_s = first_s + (step + 1) * width_s - 1
        for j in range(n):
            if end_s < window[0, j]:
                continue
            most_s = min(end_s, window[1, j])
            one, two, last = best[j, step], other[j, step], before[j, step]
            if arrive[j] <= most_s:
                one[:] = start[j]
            for i in range(n):
                if arc[i, j] >= NEVER:
                    continue
                at_s = most_s - duration[i, j]
                if at_s < window[0, i]:
                    continue
                k, more = (at_s - first_s) // width_s, units[i]
                for q in range(more, most + 1 - units[j]):
                    if before[i, k, q - more] != j:
                        value = best[i, k, q - more]
                    else:
                        value = other[i, k, q - more]
                    value += arc[i, j]
                    if value < one[q]:
                        two[q] = one[q]
                        one[q], last[q] = value, i
                    elif value < two[q]:
                        two[q] = value
    return best, other, before


@compiled()
def _penalty(word: Any, base: int, price: Any) -> Any:
    """Sum of the prices of the cuts whose bits are set."""
    total = 0
    bit = base
    left = np.uint64(word)
    while left:
        if left & np.uint64(1):
            total += price[bit]
        left >>= np.uint64(1)
        bit += 1
    return total


@compiled()
def _owed(label: Any, other: Any, first: int, price: Any, most: int) -> Any:
    """What a label owes at most for cuts of which it has seen a door more than another label."""
    total = 0
    for word in range(first, len(label)):
        ahead = label[word] & ~other[word]
        if ahead:
            total += _penalty(ahead, 64 * (word - first), price)
            if total > most:
                break
    return total


@compiled()
def _beats(label: Any, other: Any, care: int, first: int, price: Any) -> bool:
    """Whether a label can do whatever another one can, at no higher cost."""
    if label[_COST] > other[_COST] or label[_SECOND] < other[_SECOND]:
        return False
    if care >= LOAD and (label[_LOAD] > other[_LOAD] or label[_READY] > other[_READY]):
        return False
    if care >= EXACT:
        for word in range(_WORDS, first):
            if label[word] & ~other[word]:
                return False
    margin = other[_COST] - label[_COST]
    return bool(_owed(label, other, first, price, margin) <= margin)


@compiled()
def _is_beaten(  # noqa: PLR0917 - compiled code takes no keywords
    label: Any,
    itself: int,
    row: Any,
    bucket: int,
    lists: Any,
    labels: Any,
    care: int,
    first: int,
    price: Any,
) -> Any:
    """Whether a label of the same door beats this one, and comparisons made.

    ``row`` holds the first label of each bucket of the door; those at or above ``bucket`` have
    latest services that are as late. Each list goes by cost.
    """
    following, is_dead = lists
    work = 0
    for at in range(len(row) - 1, bucket - 1, -1):
        them, last = row[at], _NONE
        while them != _NONE and labels[them, _COST] <= label[_COST]:
            nxt = following[them]
            if is_dead[them]:
                if last == _NONE:
                    row[at] = nxt
                else:
                    following[last] = nxt
            else:
                work += 1
                if them != itself and _beats(labels[them], label, care, first, price):
                    return True, work
                last = them
            them = nxt
    return False, work


@compiled()
def _put(  # noqa: PLR0917 - compiled code takes no keywords
    new: int, row: Any, bucket: int, lists: Any, labels: Any, care: int, first: int, price: Any
) -> Any:
    """Put a label into its list, without those there that it beats; returns comparisons made."""
    following, is_dead = lists
    label = labels[new]
    work = 0
    them, last = row[bucket], _NONE
    while them != _NONE and labels[them, _COST] < label[_COST]:
        last, them = them, following[them]
        work += 1
    following[new] = them
    if last == _NONE:
        row[bucket] = new
    else:
        following[last] = new
    last = new
    while them != _NONE:
        nxt = following[them]
        work += 1
        if is_dead[them] or _beats(label, labels[them], care, first, price):
            is_dead[them] = True
            following[last] = nxt
        else:
            last = them
        them = nxt
    return work


@compiled()
def label(  # noqa: C901, PLR0912, PLR0915, PLR0917 - one loop, compiled as a whole
    costs: Any,
    times: Any,
    loads: Any,
    memory: Any,
    cuts: Any,
    ahead: Any,
    pool: Any,
    care: int,
    most_work: int,
) -> Any:
    """Fill the pool with ends of routes; what cannot come below zero any more is left out.

    Parameters
    ----------
    costs
        Reduced costs: from the start, (n,), from door to door, (n, n), and to the end, (n,).
    times
        When a route with a door can leave the store, way to the door, shortest way to it by any
        others, (n,) each, duration, (n, n), window, (2, n), first second, width, steps.
    loads
        Of each door, (n,), the most of a route, and the unit that ``ahead`` counts in.
    memory
        Own bit, and bits of doors that are remembered at a door, (n, words) each.
    cuts
        Bits of the cuts that hold a door, bits of those remembered at a door, (n, words) each, and
        price of each cut.
    ahead
        What ``beginnings`` returned.
    pool
        Arrays for labels: door, label after, total cost if the route begins here, and the label.
    care
        What a label must not exceed to dominate another, beside its cost: ``TIME``, ``LOAD`` (and
        time), or ``EXACT``: nor remember more. Only the last finds the least reduced cost for sure.
    most_work
        Comparisons of labels after which the search is given up.

    Returns
    -------
    tuple
        Number of labels, ``COMPLETE`` or ``FULL``.
    """
    start, arc, end = costs
    release, out, soonest, duration, window, first_s, width_s, steps = times
    load, most, unit = loads
    own, kept = memory
    member, cut_kept, price = cuts
    best, other, preceding = ahead
    door, then, total, labels = pool
    n, words, cut_words = len(end), own.shape[1], member.shape[1]
    room, first = len(door), _WORDS + own.shape[1]
    buckets = min(steps, _BUCKETS)
    front = np.full((n, buckets), _NONE, dtype=np.int32)
    head = np.full(steps, _NONE, dtype=np.int32)
    tail = np.full(steps, _NONE, dtype=np.int32)
    after = np.full(room, _NONE, dtype=np.int32)
    following = np.full(room, _NONE, dtype=np.int32)
    is_dead = np.zeros(room, dtype=np.bool_)
    lists = following, is_dead
    now = np.zeros(first + cut_words, dtype=np.int64)
    count, work = 0, 0
    # The end is treated as a label of its own, before the last step.
    step, at = steps, _NONE
    while step >= 0:
        if step < steps:
            at = head[step] if at == _NONE else after[at]
            if at == _NONE:
                step -= 1
                continue
            if is_dead[at]:
                continue
            i = door[at]
            span = window[1, i] - window[0, i] + 1
            place = (labels[at, _SECOND] - window[0, i]) * buckets // span
            beaten, done = _is_beaten(
                labels[at], at, front[i], place, lists, labels, care, first, price
            )
            work += done
            if beaten:
                is_dead[at] = True
                continue
        for j in range(n):
            if step == steps:
                if end[j] >= NEVER:
                    continue
                now[_SECOND], now[_LOAD], now[_COST] = window[1, j], load[j], end[j]
                now[_READY] = release[j]
            else:
                i = door[at]
                if arc[j, i] >= NEVER:
                    continue
                is_known = False
                for word in range(words):
                    if labels[at, _WORDS + word] & own[j, word]:
                        is_known = True
                        break
                if is_known:
                    continue
                now[_SECOND] = min(labels[at, _SECOND] - duration[j, i], window[1, j])
                now[_LOAD] = labels[at, _LOAD] + load[j]
                now[_COST] = labels[at, _COST] + arc[j, i]
                now[_READY] = max(labels[at, _READY], release[j])
            if now[_SECOND] < window[0, j] or now[_LOAD] > most:
                continue
            if now[_READY] + soonest[j] > now[_SECOND]:
                continue
            k = (now[_SECOND] - first_s) // width_s
            q = (most - now[_LOAD]) // unit
            left = best[j, k, q]
            if step < steps and preceding[j, k, q] == door[at]:
                # Straight back only where the door after is forgotten here.
                for word in range(words):
                    if own[door[at], word] & kept[j, word]:
                        left = other[j, k, q]
                        break
            if now[_COST] + left >= 0:
                continue
            for word in range(cut_words):
                now[first + word] = member[j, word]
                if step < steps:
                    seen = labels[at, first + word] & cut_kept[j, word]
                    both = seen & member[j, word]
                    if both:
                        now[_COST] += _penalty(both, 64 * word, price)
                    now[first + word] ^= seen
            if now[_COST] + left >= 0:
                continue
            for word in range(words):
                now[_WORDS + word] = own[j, word]
                if step < steps:
                    now[_WORDS + word] |= labels[at, _WORDS + word] & kept[j, word]
            place = (now[_SECOND] - window[0, j]) * buckets // (window[1, j] - window[0, j] + 1)
            beaten, done = _is_beaten(
                now, _NONE, front[j], place, lists, labels, care, first, price
            )
            work += done
            if beaten:
                continue
            if count >= room or work > most_work:
                return count, FULL
            labels[count] = now
            work += _put(count, front[j], place, lists, labels, care, first, price)
            door[count], then[count] = j, at
            total[count] = NEVER
            if now[_READY] + out[j] <= now[_SECOND]:
                total[count] = now[_COST] + start[j]
            if tail[k] == _NONE:
                head[k] = count
            else:
                after[tail[k]] = count
            tail[k] = count
            count += 1
        if step == steps:
            step, at = steps - 1, _NONE
    return count, COMPLETE
