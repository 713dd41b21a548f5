"""Compiled moves of the local search on large covering models; imported only for these.

Compiled code is kept on disk, so that only the first use on a machine waits for the compiler.
"""

from __future__ import annotations

from typing import Any

from dispatchopt.core.compiled import compiled

# A ``state`` is (times, owner, gain, loss, extra, is_open, missed); a ``ground`` is (first row of
# each site, rows by site, first site of each row, sites by row, units of rows).


@compiled()
def count_single(row: Any, sign: Any, ground: Any, state: Any) -> None:
    """Count a row with one cover in (1) or out (-1) of its loss and extra."""
    _, _, start, site_of, units = ground
    _, owner, _, loss, extra, _, _ = state
    cover, weight = owner[row], sign * units[row]
    loss[cover] += weight
    for at in range(start[row], start[row + 1]):
        extra[cover, site_of[at]] += weight


@compiled()
def count_bare(row: Any, sign: Any, ground: Any, state: Any) -> None:
    """Count a row without a cover in (1) or out (-1) of the gains."""
    _, _, start, site_of, units = ground
    _, _, gain, _, _, _, missed = state
    weight = sign * units[row]
    missed[0] += weight
    for at in range(start[row], start[row + 1]):
        gain[site_of[at]] += weight


@compiled()
def open_site(site: Any, ground: Any, state: Any) -> None:
    """Open a site."""
    indptr, row_of, _, _, _ = ground
    times, owner, _, _, _, is_open, _ = state
    for at in range(indptr[site], indptr[site + 1]):
        row = row_of[at]
        if times[row] == 1:
            count_single(row, -1, ground, state)
        times[row] += 1
        owner[row] += site
        if times[row] == 1:
            count_single(row, 1, ground, state)
            count_bare(row, -1, ground, state)
    is_open[site] = True


@compiled()
def close_site(site: Any, ground: Any, state: Any) -> None:
    """Close a site."""
    indptr, row_of, _, _, _ = ground
    times, owner, _, _, _, is_open, _ = state
    for at in range(indptr[site], indptr[site + 1]):
        row = row_of[at]
        if times[row] == 1:
            count_single(row, -1, ground, state)
            count_bare(row, 1, ground, state)
        times[row] -= 1
        owner[row] -= site
        if times[row] == 1:
            count_single(row, 1, ground, state)
    is_open[site] = False


@compiled()
def best_move(limits: Any, spent: Any, num_open: Any, state: Any) -> Any:
    """Return the sites to close (or -1) and to open (or -1) that gain most."""
    lower, upper, spend, budget, most = limits
    _, _, gain, loss, extra, is_open, _ = state
    count = len(is_open)
    best, out, into = 0, -1, -1
    if num_open < most:
        for site in range(count):
            fits = upper[site] and not is_open[site] and spent + spend[site] <= budget
            if fits and gain[site] > best:
                best, into = gain[site], site
        if into >= 0:
            return out, into
    for one in range(count):
        if not is_open[one] or lower[one]:
            continue
        left = budget - spent + spend[one]
        for site in range(count):
            value = gain[site] + extra[one, site] - loss[one]
            if value > best and upper[site] and not is_open[site] and spend[site] <= left:
                best, out, into = value, one, site
    return out, into


@compiled()
def descend(limits: Any, most_moves: Any, ground: Any, state: Any) -> Any:
    """Take the best move until none gains or so many are taken; how many were."""
    spend = limits[2]
    is_open = state[5]
    spent, num_open = 0, 0
    for site in range(len(is_open)):
        if is_open[site]:
            spent += spend[site]
            num_open += 1
    for move in range(most_moves):
        out, into = best_move(limits, spent, num_open, state)
        if into < 0:
            return move
        if out >= 0:
            close_site(out, ground, state)
            spent -= spend[out]
            num_open -= 1
        open_site(into, ground, state)
        spent += spend[into]
        num_open += 1
    return most_moves


@compiled()
def draw(seed: Any, below: Any) -> Any:
    """Return a random number in [0, below) (xorshift, Marsaglia 2003)."""
    bits = seed[0]
    bits ^= bits << 13
    bits ^= bits >> 7
    bits ^= bits << 17
    seed[0] = bits
    # 62 bits: never negative.
    return (bits & 0x3FFFFFFFFFFFFFFF) % below


@compiled()
def kick(limits: Any, most: Any, seed: Any, ground: Any, state: Any) -> None:
    """Close some sites at random and open half as many, as far as the budget goes."""
    lower, upper, spend, budget, _ = limits
    is_open = state[5]
    count, spent, loose = len(is_open), 0, 0
    for site in range(count):
        if is_open[site]:
            spent += spend[site]
            loose += not lower[site]
    closing = 1 + draw(seed, min(most, loose))
    done, tries = 0, 0
    while done < closing and tries < 50 * count:
        tries += 1
        site = draw(seed, count)
        if is_open[site] and not lower[site]:
            close_site(site, ground, state)
            spent -= spend[site]
            done += 1
    opened, tries = 0, 0
    while opened < (closing + 1) // 2 and tries < 10 * count:
        tries += 1
        site = draw(seed, count)
        if upper[site] and not is_open[site] and spent + spend[site] <= budget:
            open_site(site, ground, state)
            spent += spend[site]
            opened += 1


@compiled()
def kicks(limits: Any, how: Any, best: Any, ground: Any, state: Any) -> Any:
    """Kick and descend from ``best``, which is updated; return what it leaves unserved.

    ``how`` is (rounds, most sites that a kick closes, random bits).
    """
    rounds, most, seed = how
    is_open, missed = state[5], state[6]
    count = len(is_open)
    reached = missed[0]
    for _ in range(rounds):
        kick(limits, most, seed, ground, state)
        descend(limits, 10 * count, ground, state)
        if missed[0] <= reached:
            reached = missed[0]
            best[:] = is_open
            continue
        for site in range(count):
            if is_open[site] and not best[site]:
                close_site(site, ground, state)
        for site in range(count):
            if best[site] and not is_open[site]:
                open_site(site, ground, state)
    return reached
