"""Serving from open sites with capacities: regret, room made by ejection, shifts and swaps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.engines._load_table import LoadTable

#: Least gain of a move, relative to the cost.
_GAIN = 1e-9
#: Open sites that a customer is tried at, and the first temperature as a part of a mean cost.
_NEAR_SITES, _HEAT = 8, 0.15
#: Moves of one annealing.
_MOVES = 400_000
#: Above every cost.
_FAR = 1e18
#: Customers up to which each is tried in the place of each.
_MOST_SWAPPED = 2_000


def assigned(
    table: LoadTable, is_open: BoolArray, fill_price: FloatArray, should_stop: Callable[[], bool]
) -> IntArray | None:
    """Return the site of each customer (m for unserved), or None if no room was found.

    Costs with what room is worth at each site decide who goes first and where.
    """
    opened = np.flatnonzero(is_open)
    if not len(opened):
        return None if np.isinf(table.price).any() else np.full(table.num_customers, -1)
    guided = table.cost[opened] + fill_price[opened, None] * table.units
    found = _filled(table, opened, guided)
    if found is None:
        return None
    return improved(table, found, is_open, should_stop)


def packed(
    table: LoadTable,
    is_open: BoolArray,
    fill_price: FloatArray,
    moves: int = _MOVES,
    *,
    seed: int = 1,
) -> IntArray | None:
    """Return the site of each customer, all served, or None if no room was found; compiled.

    Everyone starts where it costs least, with what room is worth, and moves until it fits.
    """
    opened = np.flatnonzero(is_open)
    if not len(opened):
        return None
    guided = table.cost[opened] + fill_price[opened, None] * table.units
    site = opened[np.argmin(guided, axis=0)]
    if not np.isfinite(guided.min(axis=0)).all():
        return None
    return annealed(table, site, is_open, fill_price, moves, seed=seed)


def annealed(
    table: LoadTable,
    site: IntArray,
    is_open: BoolArray,
    fill_price: FloatArray,
    moves: int = _MOVES,
    *,
    seed: int = 1,
    heat: float = _HEAT,
) -> IntArray | None:
    """Return the best assignment of a simulated annealing over shifts and swaps, compiled.

    None if it met no assignment within the room.
    """
    from dispatchopt.siting.engines import _load_exchange

    opened, served = np.flatnonzero(is_open), site >= 0
    if len(opened) < 2 or not served.any():
        return None
    width = min(len(opened), _NEAR_SITES)
    rank = np.argpartition(table.cost[opened], width - 1, axis=0)[:width]
    near = np.ascontiguousarray(opened[rank].T)
    load = np.bincount(site[served], weights=table.units[served], minlength=len(is_open))
    own = table.cost[site[served], np.flatnonzero(served)]
    hot = heat * float(np.abs(own).mean()) + 1e-9
    dear = max(float(fill_price[opened].mean()), hot / float(table.units.mean()))
    cost, units, room = table.ground[:3]
    bits = np.array([seed], dtype=np.int64)
    work = (cost, units, room, site.copy(), load.astype(np.int64), bits)
    found, is_found = _load_exchange.anneal(near, moves, hot, dear, work)
    if not is_found:
        return None
    served = found >= 0
    load = np.bincount(found[served], weights=table.units[served], minlength=len(is_open))
    work = (cost, units, room, found, load.astype(np.int64), bits)
    _load_exchange.exchanged(opened, work)
    best: IntArray = found
    return best


def _filled(table: LoadTable, opened: IntArray, guided: FloatArray) -> IntArray | None:
    """Place customers, those with most to lose first."""
    room = table.room[opened].copy()
    best = np.sort(guided, axis=0)
    second = best[min(1, len(opened) - 1)]
    # Whoever has one site only goes before all others; who has none does not matter.
    least = np.where(np.isfinite(best[0]), best[0], 0.0)
    loss = np.where(np.isfinite(second), second, _FAR) - least
    urgency = loss + 1e-3 * table.units * (np.abs(least).mean() / table.units.mean())
    site = np.full(table.num_customers, -1)
    left = []
    for customer in np.argsort(-urgency, kind="stable"):
        units = table.units[customer]
        own = np.where(room >= units, guided[:, customer], np.inf)
        at = int(np.argmin(own))
        if np.isfinite(own[at]):
            site[customer], room[at] = at, room[at] - units
        else:
            left.append(int(customer))
    for customer in left:
        found = _made_room(table.units, guided, (site, room), customer)
        if not found and np.isinf(table.price[customer]):
            return None
    return np.where(site >= 0, opened[site], -1)


def _made_room(
    all_units: IntArray, guided: FloatArray, state: tuple[IntArray, IntArray], customer: int
) -> bool:
    """Move another customer elsewhere, at least cost, so that one finds room."""
    site, room = state
    units = all_units
    served = np.flatnonzero(site >= 0)
    here = site[served]
    # The one that leaves makes enough room, and fits in where it goes.
    frees = room[here] + units[served] >= units[customer]
    fits = room[:, None] >= units[served]
    fits[here, np.arange(len(served))] = False
    cost = np.where(fits & frees, guided[:, served], np.inf)
    cost = cost - guided[here, served] + guided[here, customer]
    if not cost.size or not np.isfinite(cost).any():
        return False
    to, at = divmod(int(np.argmin(cost)), len(served))
    if not np.isfinite(cost[to, at]):
        return False
    moved, place = served[at], here[at]
    room[place] += units[moved] - units[customer]
    room[to] -= units[moved]
    site[moved], site[customer] = to, place
    return True


def improved(
    table: LoadTable, site: IntArray, is_open: BoolArray, should_stop: Callable[[], bool]
) -> IntArray:
    """Take the best shift or swap of customers until none saves anything."""
    everyone = np.arange(table.num_customers)
    cost = np.where(is_open[:, None], table.cost, np.inf)
    units, site = table.units, site.copy()
    served = site >= 0
    load = np.bincount(site[served], weights=units[served], minlength=len(is_open))
    room = table.room - load.astype(np.int64)
    while not should_stop():
        own = np.where(site >= 0, cost[site, everyone], table.price)
        least = _GAIN * max(1.0, float(own[np.isfinite(own)].sum()))
        shift = np.where(room[:, None] >= units, cost, np.inf) - own
        to, who = divmod(int(np.argmin(shift)), len(everyone))
        swap, one, other = _best_swap(cost, units, room, site, own)
        if min(shift[to, who], swap) >= -least:
            return site
        if shift[to, who] <= swap:
            if site[who] >= 0:
                room[site[who]] += units[who]
            room[to] -= units[who]
            site[who] = to
        else:
            change = units[one] - units[other]
            room[site[one]] += change
            room[site[other]] -= change
            site[one], site[other] = site[other], site[one]
    return site


def _best_swap(
    cost: FloatArray, units: IntArray, room: IntArray, site: IntArray, own: FloatArray
) -> tuple[float, int, int]:
    """Return what the best exchange of two customers' sites adds to the cost."""
    served = np.flatnonzero(site >= 0)
    if len(served) < 2 or len(served) > _MOST_SWAPPED:
        return np.inf, -1, -1
    at = site[served]
    there = cost[at[:, None], served[None, :]]
    # Entry (a, b): b is served where a is now.
    change = there + there.T - own[served][:, None] - own[served][None, :]
    more = units[served][None, :] - units[served][:, None]
    fits = more <= room[at][:, None]
    change = np.where(fits & fits.T, change, np.inf)
    one, other = divmod(int(np.argmin(change)), len(served))
    return float(change[one, other]), int(served[one]), int(served[other])
