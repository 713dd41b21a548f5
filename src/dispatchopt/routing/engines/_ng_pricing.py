"""Compiled labelling: routes of least reduced cost that may come back to a door they forgot.

A label is a partial route. Each door has near doors (its ng-set); a route remembers a door as long
as it moves among doors that have it near, and may not return to a door that it remembers (Baldacci,
Mingozzi and Roberti 2011, New route relaxation and pricing strategies for the vehicle routing
problem, Operations Research 59(5), 1269-1283). Subset-row cuts pay at every second visit of their
three doors (Jepsen, Petersen, Spoorendonk and Pisinger 2008, Operations Research 56(2), 497-511).
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

_NONE = -1
_INF = np.inf

#: What a search came to: everything was looked at, or a limit of memory or work was met.
COMPLETE, FULL = 0, 1
TIME, LOAD, EXACT = 0, 1, 2


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def completions(  # noqa: PLR0917 - compiled code takes no keywords
    arc: Any, end: Any, duration: Any, window: Any, first_s: int, width_s: int, steps: int
) -> Any:
    """Return least reduced costs from each door to the end, by time, without going straight back.

    Parameters
    ----------
    arc, end
        Reduced costs from door to door, inf without a way, (n, n); from a door to the end, (n,).
    duration
        Seconds from service at a door to the next, service included, (n, n).
    window
        Earliest and latest service, (2, n).
    first_s, width_s, steps
        Grid of times; ``width_s`` is at most the least duration.

    Returns
    -------
    tuple
        Best and second best with another next door, and the next door of the best, (n, steps).
    """
    n = len(end)
    best = np.full((n, steps), _INF)
    other = np.full((n, steps), _INF)
    following = np.full((n, steps), _NONE, dtype=np.int32)
    for step in range(steps - 1, -1, -1):
        begin_s = first_s + step * width_s
        for i in range(n):
            if begin_s > window[1, i]:
                continue
            least_s = max(begin_s, window[0, i])
            one, two, after = end[i], _INF, _NONE
            for j in range(n):
                if arc[i, j] == _INF:
                    continue
                at_s = max(least_s + duration[i, j], window[0, j])
                if at_s > window[1, j]:
                    continue
                k = (at_s - first_s) // width_s
                rest = best[j, k] if following[j, k] != i else other[j, k]
                value = arc[i, j] + rest
                if value < one:
                    one, two, after = value, one, j
                elif value < two:
                    two = value
            best[i, step], other[i, step], following[i, step] = one, two, after
    return best, other, following


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _penalty(word: Any, base: int, price: Any) -> float:
    """Sum of the prices of the cuts whose bits are set."""
    total = 0.0
    bit = base
    while word:
        if word & np.uint64(1):
            total += price[bit]
        word >>= np.uint64(1)
        bit += 1
    return total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _is_within(small: Any, large: Any) -> bool:
    """Whether every bit of the first is set in the second."""
    for word in range(len(small)):  # noqa: SIM110 - compiled
        if small[word] & ~large[word]:
            return False
    return True


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _excess(odd: Any, other: Any, price: Any) -> float:
    """What a label owes at most for cuts of which it has seen one door, and another label none."""
    total = 0.0
    for word in range(len(odd)):
        ahead = odd[word] & ~other[word]
        if ahead:
            total += _penalty(ahead, 64 * word, price)
    return total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def label(  # noqa: C901, PLR0912, PLR0915, PLR0917 - one loop, compiled as a whole
    costs: Any,
    times: Any,
    loads: Any,
    memory: Any,
    cuts: Any,
    rest: Any,
    pool: Any,
    care: int,
    most_work: int,
) -> Any:
    """Fill the pool with partial routes; what cannot come below zero any more is left out.

    Parameters
    ----------
    costs
        Reduced costs: from the start, (n,), from door to door, (n, n), and to the end, (n,).
    times
        Arrival at a first door, (n,), duration, (n, n), window, (2, n), first second, width, steps;
        and when a route with a door can leave the store, and ways to the doors, (n,) each, or
        nothing, (0,), if all can leave at once.
    loads
        Of each door, (n,), and the most of a route.
    memory
        Own bit, and bits of doors that are remembered at a door, (n, words) each.
    cuts
        Bits of the cuts that hold a door, (n, words), and price of each cut.
    rest
        What ``completions`` returned.
    pool
        Arrays for labels: door, label before, second, load, cost, remembered, odd, and (floor,
        delay, ready, high): service here begins at the later of floor and delay after leaving the
        store, which is at ready or later, and at high at the latest. For each door labels by cost:
        their costs, and which they are, (n, most).
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
    arrive, duration, window, first_s, width_s, steps, release, out = times
    load, most = loads
    own, kept = memory
    member, price = cuts
    best, other, following = rest
    door, before, second, carried, cost, known, odd, shift, front_cost, front = pool
    n, words, cut_words = len(end), own.shape[1], member.shape[1]
    room, width = len(door), front.shape[1]
    size = np.zeros(n, dtype=np.int64)
    head = np.full(steps, _NONE, dtype=np.int32)
    tail = np.full(steps, _NONE, dtype=np.int32)
    after = np.full(room, _NONE, dtype=np.int32)
    is_dead = np.zeros(room, dtype=np.bool_)
    now_known = np.zeros(words, dtype=np.uint64)
    now_odd = np.zeros(cut_words, dtype=np.uint64)
    has_release = len(release) > 0
    is_shifted = has_release and care == EXACT
    floor = delay = ready = high = 0
    count, work = 0, 0
    # The start is treated as a label of its own, before the first step.
    step, at = -1, _NONE
    while step < steps:
        if step >= 0:
            at = head[step] if at == _NONE else after[at]
            if at == _NONE:
                step += 1
                continue
            if is_dead[at]:
                continue
        for j in range(n):
            if step < 0:
                if start[j] == _INF:
                    continue
                now_s, now_load, now_cost = max(arrive[j], window[0, j]), load[j], start[j]
                if has_release:
                    floor, delay, ready = window[0, j], out[j], release[j]
                    high = window[1, j] - delay
            else:
                i = door[at]
                if arc[i, j] == _INF:
                    continue
                is_known = False
                for word in range(words):
                    if known[at, word] & own[j, word]:
                        is_known = True
                        break
                if is_known:
                    continue
                now_s = max(second[at] + duration[i, j], window[0, j])
                now_load, now_cost = carried[at] + load[j], cost[at] + arc[i, j]
                if has_release:
                    floor = max(shift[at, 0] + duration[i, j], window[0, j])
                    delay = shift[at, 1] + duration[i, j]
                    ready = max(shift[at, 2], release[j])
                    high = min(shift[at, 3], window[1, j] - delay)
            if has_release:
                if ready > high:
                    continue
                now_s = max(floor, ready + delay)
            if now_s > window[1, j] or now_load > most:
                continue
            k = (now_s - first_s) // width_s
            ahead = best[j, k]
            if step >= 0 and following[j, k] == door[at]:
                # Straight back only where the door before is forgotten here.
                for word in range(words):
                    if own[door[at], word] & kept[j, word]:
                        ahead = other[j, k]
                        break
            if now_cost + ahead >= 0.0:
                continue
            for word in range(cut_words):
                if step < 0:
                    now_odd[word] = member[j, word]
                else:
                    both = odd[at, word] & member[j, word]
                    if both:
                        now_cost += _penalty(both, 64 * word, price)
                    now_odd[word] = odd[at, word] ^ member[j, word]
            if now_cost + ahead >= 0.0:
                continue
            for word in range(words):
                if step < 0:
                    now_known[word] = own[j, word]
                else:
                    now_known[word] = (known[at, word] & kept[j, word]) | own[j, word]
            is_beaten = False
            place = size[j]
            work += size[j]
            for rank in range(size[j]):
                if front_cost[j, rank] > now_cost:
                    place = rank
                    break
                them = front[j, rank]
                if second[them] > now_s or (care >= LOAD and carried[them] > now_load):
                    continue
                if care == EXACT and not _is_within(known[them], now_known):
                    continue
                if is_shifted and (
                    shift[them, 1] > delay or shift[them, 2] > ready or shift[them, 3] < high
                ):
                    continue
                owed = _excess(odd[them], now_odd, price)
                if front_cost[j, rank] + owed <= now_cost:
                    is_beaten = True
                    break
            if is_beaten:
                continue
            put = place
            for rank in range(place, size[j]):
                them = front[j, rank]
                is_worse = second[them] >= now_s and (care < LOAD or carried[them] >= now_load)
                if is_worse and care == EXACT:
                    is_worse = _is_within(now_known, known[them])
                if is_worse and is_shifted:
                    is_worse = shift[them, 1] >= delay and shift[them, 2] >= ready
                    is_worse = is_worse and shift[them, 3] <= high
                if is_worse:
                    owed = _excess(now_odd, odd[them], price)
                    is_worse = now_cost + owed <= front_cost[j, rank]
                if is_worse:
                    is_dead[them] = True
                else:
                    front[j, put], front_cost[j, put] = them, front_cost[j, rank]
                    put += 1
            size[j] = put
            if count >= room or put >= width or work > most_work:
                return count, FULL
            for rank in range(put, place, -1):
                front[j, rank], front_cost[j, rank] = front[j, rank - 1], front_cost[j, rank - 1]
            front[j, place], front_cost[j, place] = count, now_cost
            size[j] += 1
            door[count], before[count], second[count] = j, at, now_s
            carried[count], cost[count] = now_load, now_cost
            if has_release:
                shift[count, 0], shift[count, 1] = floor, delay
                shift[count, 2], shift[count, 3] = ready, high
            for word in range(words):
                known[count, word] = now_known[word]
            for word in range(cut_words):
                odd[count, word] = now_odd[word]
            if tail[k] == _NONE:
                head[k] = count
            else:
                after[tail[k]] = count
            tail[k] = count
            count += 1
        if step < 0:
            step, at = 0, _NONE
    return count, COMPLETE
