"""Lagrangian bounds with capacities: "served once" is relaxed, sites fill their own knapsacks.

With multipliers u, site j open earns the knapsack of u_i - c_ij: in parts where demand may be split
(Dantzig 1957), else over whole customers, which bounds better than any linear relaxation. Which
sites open is a choice of at most p with enough room in all (Beasley 1988; Holmberg, Ronnqvist and
Yuan 1999). Any u gives a valid bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.engines._load_choice import choice
from dispatchopt.siting.engines._load_table import LoadTable

#: Multipliers are multiples of its inverse where costs are whole.
GRID = 1024.0
#: Rounds without a better bound after which steps get shorter, and the least step.
PATIENCE, LEAST_STEP = 10, 2e-3
#: More room to spare than any problem has.
FREE = 2**53
#: Share of the old direction in a step (Camerini, Fratta and Maffioli 1975), and of the old mean
#: in how often a site was open.
_DEFLECTION, _MEMORY = 0.6, 0.9
#: Entries of the table from which on rounds are compiled; below, loading the compiler costs more.
_COMPILED_ENTRIES = 600
#: Entries that plain rounds in place of compiled ones may look at in all.
_PLAIN_ENTRIES = 100_000


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadBound:
    """A bound with what it costs at least to leave its solution.

    Parameters
    ----------
    value
        The bound, constants left out.
    served
        Share of each customer that its open sites serve, shape (n,).
    chosen
        Sites that it opens, shape (m,).
    to_open, to_close
        Rise of the bound if a site is opened that is not, or closed that is; 0 for the others.
    fill_price
        What a unit of each site's room is worth, shape (m,).
    total
        What the sites are worth at least in all.
    site_value
        What opening each site costs less what it earns, inf where it stays closed, shape (m,).
    """

    value: float
    served: FloatArray
    chosen: BoolArray
    to_open: FloatArray
    to_close: FloatArray
    fill_price: FloatArray
    total: float
    site_value: FloatArray


def is_compiled(table: LoadTable) -> bool:
    """Whether rounds on a table are compiled."""
    return table.cost.size >= _COMPILED_ENTRIES


def fills_whole(table: LoadTable) -> bool:
    """Whether bounds can count on whole customers."""
    return table.is_single and is_compiled(table)


def load_bound(
    table: LoadTable,
    worth: FloatArray,
    lower: BoolArray,
    upper: BoolArray,
    *,
    is_whole: bool = False,
    with_rises: bool = True,
    spare: int = FREE,
) -> LoadBound:
    """Return the bound of multipliers, for solutions within bounds on the open sites.

    ``is_whole`` fills sites with whole customers, and leaves no more room than ``spare`` unused;
    without ``with_rises`` what it costs to leave the solution is not worked out.
    """
    used = np.flatnonzero(upper)
    share, earned, price = _filled(table, worth, used)
    if is_whole:
        share, earned = _filled_whole(table, worth, used, least_loads(table, upper, spare))
    fill_price, value = np.zeros(table.num_sites), np.full(table.num_sites, np.inf)
    fill_price[used], value[used] = price, table.opening[used] - earned
    made = choice(table, value, lower, upper, with_rises=with_rises)
    unserved = np.minimum(table.price - worth, 0.0)
    return LoadBound(
        value=made.total + float(worth.sum() + unserved.sum()),
        served=share[made.chosen[used]].sum(axis=0) + (unserved < 0),
        chosen=made.chosen,
        to_open=made.to_open,
        to_close=made.to_close,
        fill_price=fill_price,
        total=made.total,
        site_value=value,
    )


def _filled(
    table: LoadTable, worth: FloatArray, used: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Fill sites in parts; return shares, what they earn, and what a unit of room is worth."""
    units, room = table.units, table.room[used]
    per_unit = (worth - table.cost[used]) / units
    order = np.argsort(-per_unit, axis=1)
    gain = np.take_along_axis(per_unit, order, axis=1)
    amount = np.where(gain > 0, units[order], 0)
    before = np.cumsum(amount, axis=1) - amount
    taken = np.clip(room[:, None] - before, 0, amount)
    share = np.zeros(per_unit.shape)
    np.put_along_axis(share, order, taken / units[order], axis=1)
    # The first that does not fit wholly sets the price of room.
    is_cut = (taken < amount) & (gain > 0)
    first = is_cut.argmax(axis=1)
    price = np.where(is_cut.any(axis=1), gain[np.arange(len(used)), first], 0.0)
    return share, (taken * np.where(gain > 0, gain, 0.0)).sum(axis=1), price


def _filled_whole(
    table: LoadTable, worth: FloatArray, used: IntArray, low: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Fill sites with whole customers; return shares and what they earn."""
    from dispatchopt.siting.engines import _load_knapsack

    cost, units, room = table.ground[:3]
    share, earned = np.zeros((len(used), len(units))), np.zeros(len(used))
    for row, site in enumerate(used):
        profit, limits = worth - cost[site], (low[site], room[site])
        earned[row] = _load_knapsack.fill_between(profit, units, limits, share[row])
    return share, earned


def least_loads(table: LoadTable, upper: BoolArray, spare: int = FREE) -> IntArray:
    """Return the least load of each site if it opens, shape (m,).

    That is what other open sites cannot take if at most ``spare`` units of room are more than
    needed, of all that is open.
    """
    most = int(np.sort(table.room[upper])[::-1][: table.max_open].sum())
    spare = min(spare, most - table.least_units)
    return np.where(upper, np.maximum(table.room - spare, 0), 0).astype(np.int64)


def to_serve(
    table: LoadTable,
    worth: FloatArray,
    found: LoadBound,
    low: IntArray,
    *,
    is_whole: bool,
) -> FloatArray:
    """Return the rise of a bound if an open site serves a customer wholly, shape (m, n)."""
    if not is_whole:
        spent = found.fill_price[:, None] * table.units - worth + table.cost
        return np.maximum(spent, 0.0)
    from dispatchopt.siting.engines import _load_knapsack

    cost, units, room = table.ground[:3]
    earned = table.opening - found.site_value
    limits = (low, room)
    rise: FloatArray = _load_knapsack.rises(np.array(worth), cost, units, limits, earned)
    return rise


@dataclass(frozen=True, kw_only=True, eq=False)
class Raised:
    """The best bound of an ascent.

    Parameters
    ----------
    value, worth
        Bound and multipliers, constants left out.
    often
        How often each site was open of late, in [0, 1], shape (m,).
    step
        Length of the last step, to go on with.
    shares
        How much of each customer each site served of late, shape (m, n); empty if not asked for.
    """

    value: float
    worth: FloatArray
    often: FloatArray
    step: float
    shares: FloatArray


def ascend(
    table: LoadTable,
    worth: FloatArray,
    lower: BoolArray,
    upper: BoolArray,
    *,
    goal: float,
    rounds: int,
    step: float,
    is_whole: bool = False,
    patience: int = PATIENCE,
    spare: int = FREE,
    with_shares: bool = False,
    is_plain: bool = False,
) -> Raised:
    """Raise a bound by deflected subgradients, until it reaches ``goal``.

    ``is_plain`` needs no compiler; large tables have few rounds then, and sites fill in parts.
    """
    if not np.isfinite(goal):
        goal = 2.0**60
    if is_compiled(table) and not is_plain:
        # On a grid, with whole costs, no sum is rounded.
        grid = GRID if is_whole and table.grain else 0.0
        rules = (goal, rounds, step, patience, LEAST_STEP, _DEFLECTION, _MEMORY, is_whole, grid)
        span = (np.array(lower), np.array(upper), least_loads(table, upper, spare))
        return _compiled(table, worth, span, rules, with_shares)
    if is_plain:
        rounds = min(rounds, _PLAIN_ENTRIES // table.cost.size)
    found = load_bound(table, worth, lower, upper, with_rises=False)
    best, kept = found, worth
    often = found.chosen.astype(np.float64)
    way, since = np.zeros(len(worth)), 0
    for _ in range(rounds):
        way = 1.0 - found.served + _DEFLECTION * way
        size = float(way @ way)
        if step < LEAST_STEP or best.value >= goal or size <= 1e-12:
            break
        length = step * (_aim(goal, best.value) - found.value) / size
        worth = np.minimum(worth + length * way, table.price)
        found = load_bound(table, worth, lower, upper, with_rises=False)
        often = _MEMORY * often + (1 - _MEMORY) * found.chosen
        since += 1
        if found.value > best.value + 1e-7 * abs(best.value):
            best, kept, since = found, worth, 0
        if since >= patience:
            step, since = step / 1.6, 0
            worth, found, way = kept, best, 0.0 * way
    return Raised(value=best.value, worth=kept, often=often, step=step, shares=np.zeros((0, 0)))


def _aim(goal: float, best: float) -> float:
    """Return what steps aim at: far goals would make them wild."""
    return min(max(goal, best + 1e-4 * abs(best) + 1e-9), best + 0.05 * abs(best) + 1.0)


def _compiled(
    table: LoadTable,
    worth: FloatArray,
    span: tuple[BoolArray, BoolArray, IntArray],
    rules: tuple[float, int, float, int, float, float, float, bool, float],
    with_shares: bool,
) -> Raised:
    from dispatchopt.siting.engines import _load_kernels

    often = np.zeros(table.num_sites)
    shares = np.zeros(table.cost.shape if with_shares else (0, 0))
    # Arrays that are read-only would be another type to compile for.
    start, means = np.array(worth), (often, shares)
    value, kept, step = _load_kernels.ascend(start, table.ground, span, rules, means)
    return Raised(value=float(value), worth=kept, often=often, step=float(step), shares=shares)


def usual_worth(table: LoadTable) -> FloatArray:
    """Return multipliers to start from: the second least cost of each customer."""
    second = min(1, table.num_sites - 1)
    cost = np.partition(table.cost, second, axis=0)[second]
    worth = np.where(np.isfinite(cost), cost, table.cost.min(axis=0))
    usual: FloatArray = np.minimum(worth, table.price)
    return usual
