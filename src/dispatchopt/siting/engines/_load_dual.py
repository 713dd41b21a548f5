"""Lagrangian bounds with capacities: "served once" is relaxed, sites fill their own knapsacks.

With multipliers u, site j open earns the fractional knapsack of u_i - c_ij (Dantzig 1957); which
sites open is a choice of at most p with enough room in all, relaxed in its turn (Beasley 1988;
Holmberg, Ronnqvist and Yuan 1999). Any u gives a valid bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray
from dispatchopt.siting.engines._load_table import LoadTable

#: Rounds without a better bound after which steps are halved, and the least step.
_PATIENCE, _LEAST_STEP = 10, 2e-3
#: Share of the old direction in a step (Camerini, Fratta and Maffioli 1975), and of the old mean
#: in how often a site was open.
_DEFLECTION, _MEMORY = 0.6, 0.9
#: Entries of the table from which on rounds are compiled; below, loading the compiler costs more.
_COMPILED_ENTRIES = 600
#: Prices of room that are tried in one choice of sites.
_MOST_PRICES = 200


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
    """

    value: float
    served: FloatArray
    chosen: BoolArray
    to_open: FloatArray
    to_close: FloatArray
    fill_price: FloatArray

    def to_serve(self, table: LoadTable, worth: FloatArray) -> FloatArray:
        """Return the rise if an open site serves a customer wholly, shape (m, n)."""
        spent = self.fill_price[:, None] * table.units - worth + table.cost
        return np.maximum(spent, 0.0)


def is_compiled(table: LoadTable) -> bool:
    """Whether rounds on a table are compiled."""
    return table.cost.size >= _COMPILED_ENTRIES


def load_bound(
    table: LoadTable, worth: FloatArray, lower: BoolArray, upper: BoolArray
) -> LoadBound:
    """Return the bound of multipliers, for solutions within bounds on the open sites."""
    used = np.flatnonzero(upper)
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
    rows = np.arange(len(used))
    fill_price = np.zeros(table.num_sites)
    fill_price[used] = np.where(is_cut.any(axis=1), gain[rows, first], 0.0)
    value = np.full(table.num_sites, np.inf)
    value[used] = table.opening[used] - (taken * np.where(gain > 0, gain, 0.0)).sum(axis=1)
    chosen, total, to_open, to_close = choice(table, value, lower, upper)
    unserved = np.minimum(table.price - worth, 0.0)
    return LoadBound(
        value=total + float(worth.sum() + unserved.sum()),
        served=share[chosen[used]].sum(axis=0) + (unserved < 0),
        chosen=chosen,
        to_open=to_open,
        to_close=to_close,
        fill_price=fill_price,
    )


def choice(
    table: LoadTable, value: FloatArray, lower: BoolArray, upper: BoolArray
) -> tuple[BoolArray, float, FloatArray, FloatArray]:
    """Choose sites of least value with enough room, relaxed; with what it costs to differ."""
    least, free = table.least_units, np.flatnonzero(upper & ~lower)
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
    to_open, to_close = np.zeros(len(value)), np.zeros(len(value))
    # With p sites chosen already, another one takes the place of the worst.
    worst = own[inside[-1]] if len(inside) == most and most else 0.0
    following = min(0.0, own[order[most]]) if len(order) > most else 0.0
    to_open[free[outside]] = np.maximum(own[outside] - worst, 0.0) if most else np.inf
    to_close[free[inside]] = np.maximum(following - own[inside], 0.0)
    chosen = lower.copy()
    chosen[free[inside]] = True
    return chosen, float(totals[at]), to_open, to_close


@dataclass(frozen=True, kw_only=True, eq=False)
class Raised:
    """The best bound of an ascent.

    Parameters
    ----------
    value, worth
        Bound and multipliers, constants left out.
    often
        How often each site was open of late, in [0, 1], shape (m,).
    """

    value: float
    worth: FloatArray
    often: FloatArray


def ascend(
    table: LoadTable,
    worth: FloatArray,
    lower: BoolArray,
    upper: BoolArray,
    *,
    goal: float,
    rounds: int,
    step: float,
) -> Raised:
    """Raise a bound by deflected subgradients, until it reaches ``goal``."""
    if not np.isfinite(goal):
        goal = 2.0**60
    if is_compiled(table):
        return _compiled(table, worth, lower, upper, goal=goal, rounds=rounds, step=step)
    found = load_bound(table, worth, lower, upper)
    best, kept = found, worth
    often = found.chosen.astype(np.float64)
    way, since = np.zeros(len(worth)), 0
    for _ in range(rounds):
        way = 1.0 - found.served + _DEFLECTION * way
        size = float(way @ way)
        if step < _LEAST_STEP or best.value >= goal or size <= 1e-12:
            break
        length = step * (_aim(goal, best.value) - found.value) / size
        worth = np.minimum(worth + length * way, table.price)
        found = load_bound(table, worth, lower, upper)
        often = _MEMORY * often + (1 - _MEMORY) * found.chosen
        since += 1
        if found.value > best.value + 1e-7 * abs(best.value):
            best, kept, since = found, worth, 0
        if since >= _PATIENCE:
            step, since = step / 1.6, 0
            worth, found, way = kept, best, 0.0 * way
    return Raised(value=best.value, worth=kept, often=often)


def _aim(goal: float, best: float) -> float:
    """Return what steps aim at: far goals would make them wild."""
    return min(max(goal, best + 1e-4 * abs(best) + 1e-9), best + 0.05 * abs(best) + 1.0)


def _compiled(
    table: LoadTable,
    worth: FloatArray,
    lower: BoolArray,
    upper: BoolArray,
    *,
    goal: float,
    rounds: int,
    step: float,
) -> Raised:
    from dispatchopt.siting.engines import _load_kernels

    often = np.zeros(table.num_sites)
    rules = (goal, rounds, step, _PATIENCE, _LEAST_STEP, _DEFLECTION, _MEMORY)
    # Arrays that are read-only would be another type to compile for.
    span = (np.array(lower), np.array(upper))
    value, kept = _load_kernels.ascend(np.array(worth), table.ground, span, rules, often)
    return Raised(value=float(value), worth=kept, often=often)


def usual_worth(table: LoadTable) -> FloatArray:
    """Return multipliers to start from: the second least cost of each customer."""
    second = min(1, table.num_sites - 1)
    cost = np.partition(table.cost, second, axis=0)[second]
    worth = np.where(np.isfinite(cost), cost, table.cost.min(axis=0))
    usual: FloatArray = np.minimum(worth, table.price)
    return usual
