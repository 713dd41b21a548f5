"""Compiled annealing on covering models; imported only where a quick descent was not enough.

Compiled code is kept on disk, so that only the first use on a machine waits for the compiler.
"""

from __future__ import annotations

import math
from typing import Any

from dispatchopt.core.compiled import compiled
from dispatchopt.siting.engines._cover_kernels import draw

# A ``ground`` is (first row of each site, rows by site in order, first site of each row, sites by
# row, units of rows). A ``state`` is (times, owner, gain, loss, extra, slot_of, site_at, sums):
# open sites hold slots, of which ``owner`` sums those that cover a row, and ``loss`` and ``extra``
# are counted by slot; sums are (unserved units, spent, open sites, swaps so far).


@compiled()
def _single(row: Any, sign: Any, ground: Any, state: Any) -> None:
    """Count a row with one cover in (1) or out (-1) of its loss and extra."""
    _, _, start, site_of, units = ground
    _, owner, _, loss, extra, _, _, _ = state
    slot, weight = owner[row], sign * units[row]
    loss[slot] += weight
    for at in range(start[row], start[row + 1]):
        extra[slot, site_of[at]] += weight


@compiled()
def _bare(row: Any, sign: Any, ground: Any, state: Any) -> None:
    """Count a row without a cover in (1) or out (-1) of the gains."""
    _, _, start, site_of, units = ground
    _, _, gain, _, _, _, _, sums = state
    weight = sign * units[row]
    sums[0] += weight
    for at in range(start[row], start[row + 1]):
        gain[site_of[at]] += weight


@compiled()
def _covered(row: Any, slot: Any, ground: Any, state: Any) -> None:
    """Let a slot cover a row as well."""
    times, owner = state[0], state[1]
    if times[row] == 1:
        _single(row, -1, ground, state)
    times[row] += 1
    owner[row] += slot
    if times[row] == 1:
        _single(row, 1, ground, state)
        _bare(row, -1, ground, state)


@compiled()
def _bared(row: Any, slot: Any, ground: Any, state: Any) -> None:
    """Let a slot cover a row no more."""
    times, owner = state[0], state[1]
    if times[row] == 1:
        _single(row, -1, ground, state)
        _bare(row, 1, ground, state)
    times[row] -= 1
    owner[row] -= slot
    if times[row] == 1:
        _single(row, 1, ground, state)


@compiled()
def enter(site: Any, slot: Any, spend: Any, ground: Any, state: Any) -> None:
    """Open a site in an empty slot."""
    indptr, row_of = ground[0], ground[1]
    slot_of, site_at, sums = state[5], state[6], state[7]
    for at in range(indptr[site], indptr[site + 1]):
        _covered(row_of[at], slot, ground, state)
    slot_of[site], site_at[slot] = slot, site
    sums[1] += spend[site]
    sums[2] += 1


@compiled()
def leave(slot: Any, spend: Any, ground: Any, state: Any) -> None:
    """Close the site in a slot."""
    indptr, row_of = ground[0], ground[1]
    slot_of, site_at, sums = state[5], state[6], state[7]
    site = site_at[slot]
    for at in range(indptr[site], indptr[site + 1]):
        _bared(row_of[at], slot, ground, state)
    slot_of[site], site_at[slot] = -1, -1
    sums[1] -= spend[site]
    sums[2] -= 1


@compiled()
def swap(slot: Any, into: Any, spend: Any, ground: Any, state: Any) -> None:
    """Put another site into a slot; rows that both reach are left alone."""
    indptr, row_of = ground[0], ground[1]
    slot_of, site_at, sums = state[5], state[6], state[7]
    out = site_at[slot]
    one, one_end = indptr[out], indptr[out + 1]
    two, two_end = indptr[into], indptr[into + 1]
    while one < one_end or two < two_end:
        if two >= two_end or (one < one_end and row_of[one] < row_of[two]):
            _bared(row_of[one], slot, ground, state)
            one += 1
        elif one >= one_end or row_of[two] < row_of[one]:
            _covered(row_of[two], slot, ground, state)
            two += 1
        else:
            one += 1
            two += 1
    slot_of[out], slot_of[into], site_at[slot] = -1, slot, into
    sums[1] += spend[into] - spend[out]
    sums[3] += 1


@compiled()
def anneal(  # noqa: C901, PLR0912, PLR0915 - one loop: calls would copy its tuples each step
    limits: Any, how: Any, best: Any, ground: Any, state: Any
) -> Any:
    """Take so many random moves at falling temperature; return what ``best`` leaves unserved.

    ``how`` is (steps, first and last temperature, random bits, best value so far); ``best`` holds
    the sites of the slots where that is beaten. Nearby sites, which share most rows, are tried
    most.
    """
    lower, upper, spend, budget, most, changes_count, near_start, near_site = limits
    steps, first, last, seed, reached = how
    _, _, gain, loss, extra, slot_of, site_at, sums = state
    slots, count = len(site_at), len(slot_of)
    warm = first
    cooling = (last / first) ** (1.0 / max(1, steps // 100))
    for step in range(steps):
        if step % 100 == 99:
            warm *= cooling
        slot = draw(seed, slots)
        out = site_at[slot]
        if out < 0:
            if not changes_count or sums[2] >= most:
                continue
            into = draw(seed, count)
            if upper[into] and slot_of[into] < 0 and sums[1] + spend[into] <= budget:
                enter(into, slot, spend, ground, state)
        elif lower[out]:
            continue
        elif changes_count and draw(seed, 16) == 0:
            if draw(seed, 1 << 30) < math.exp(-loss[slot] / warm) * (1 << 30):
                leave(slot, spend, ground, state)
            continue
        else:
            begin, length = near_start[out], near_start[out + 1] - near_start[out]
            if length > 0 and draw(seed, 16) > 0:
                part = draw(seed, 1 << 30) / (1 << 30)
                into = near_site[begin + int(length * part * part)]
            else:
                into = draw(seed, count)
            if slot_of[into] >= 0 or not upper[into]:
                continue
            if sums[1] + spend[into] - spend[out] > budget:
                continue
            change = gain[into] + extra[slot, into] - loss[slot]
            if change < 0 and draw(seed, 1 << 30) >= math.exp(change / warm) * (1 << 30):
                continue
            swap(slot, into, spend, ground, state)
        if sums[0] < reached:
            reached = sums[0]
            for each in range(slots):
                best[each] = site_at[each]
    return reached
