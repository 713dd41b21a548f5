"""What to order when units expire: exactly for short lives, and by order-up-to rules."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import FloatArray, IntArray, frozen
from dispatchopt.core.errors import InputError
from dispatchopt.inventory.faults import issue_of
from dispatchopt.inventory.perishables.item import LIFO, PerishableItem

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

#: Weight of a step of value iteration, below 1 so that a system with a period settles too.
_STEP = 0.9
#: Levels without gain after which no higher ones are tried, at least.
_PATIENCE = 8
#: States up to which a policy's discounted cost is found from linear equations.
_DENSE = 1_000
#: Days that a policy is followed at most.
_MAX_DAYS = 100_000


@dataclass(frozen=True, kw_only=True, eq=False)
class PerishablePolicy:
    """How much to order in each state, and what it costs.

    Parameters
    ----------
    order_units
        Units ordered by state, of the item's ``shape``.
    cost
        Below a discount of 1 the discounted cost from each state; else its difference to the empty
        state's.
    mean_cost
        Cost of a mean day, at a discount of 1; else nan.
    lower, upper
        Proven limits: of ``cost`` in the empty state, or of ``mean_cost``.
    """

    order_units: IntArray
    cost: FloatArray
    mean_cost: float
    lower: float
    upper: float


def optimal_policy(item: PerishableItem, *, tolerance: float = 1e-9) -> PerishablePolicy:
    """Return a policy of least cost, by value iteration over all states.

    Parameters
    ----------
    item
        The item; its number of states is (max_order + 1) ** (shelf_life + lead_time - 1).
    tolerance
        Width of the proven limits relative to cost (MacQueen; Puterman, Markov Decision Processes,
        section 6.6), at which it ends.

    Raises
    ------
    InputError
        If the limits do not meet.
    """
    return _iterate(_Days(item), None, tolerance)


def evaluate_policy(
    item: PerishableItem, order_units: npt.ArrayLike, *, tolerance: float = 1e-9
) -> PerishablePolicy:
    """Return what a policy costs; ``order_units`` is a table of the item's ``shape``.

    Raises
    ------
    InputError
        If the table does not fit.
    """
    table = np.asarray(order_units, dtype=np.int64)
    if table.shape != item.shape or table.min() < 0 or table.max() > item.max_order:
        found = f"shape {table.shape}, {table.min()} to {table.max()} units"
        wanted = f"shape {item.shape}, 0 to {item.max_order} units"
        raise InputError(issue_of("bad-shape", "order_units", found, wanted))
    return _iterate(_Days(item), table, tolerance)


def long_run_units(item: PerishableItem, order_units: npt.ArrayLike) -> dict[str, float]:
    """Return units ordered, short, wasted and held on a mean day under a policy."""
    free = item.replace(
        order_cost=0.0, shortage_cost=0.0, waste_cost=0.0, holding_cost=0.0, price=0.0, discount=1.0
    )
    found = {}
    for name in ("order", "shortage", "waste", "holding"):
        one = free.replace(**{f"{name}_cost": 1.0})
        found[name] = evaluate_policy(one, order_units, tolerance=1e-7).mean_cost
    return found


def order_up_to(item: PerishableItem, level: int, *, count_waste: bool = False) -> IntArray:
    """Return the table of an order-up-to rule.

    Units on hand and under way are filled up to ``level``. With ``count_waste``, units that will
    expire before the order arrives, if each day's demand is its mean, do not count (as the EWA
    rule of Broekmeulen and van Donselaar, Computers & Operations Research 36, 2009, does).
    """
    state = np.indices(item.shape).reshape(len(item.shape), -1).T.astype(np.float64)
    position = state.sum(axis=1)
    if count_waste:
        position -= _waste_before_arrival(item, state)
    # Rounded first, so that sums of fractions that are whole do not order one more.
    wanted = np.ceil(np.round(level - position, 9))
    table: IntArray = np.clip(wanted, 0, item.max_order).astype(np.int64).reshape(item.shape)
    return table


def best_order_up_to(
    item: PerishableItem, *, count_waste: bool = False
) -> tuple[int, PerishablePolicy]:
    """Return the level of least cost, and what its rule costs from empty shelves.

    See ``best_level`` for how it is searched.
    """
    level, _ = best_level(item, count_waste=count_waste)
    return level, evaluate_policy(item, order_up_to(item, level, count_waste=count_waste))


def best_level(
    item: PerishableItem, *, count_waste: bool = False, start: tuple[int, ...] | None = None
) -> tuple[int, float]:
    """Return the level of least cost, and that cost from a state.

    Levels are tried upward until many in a row, twice a day's mean demand, have brought nothing.

    Parameters
    ----------
    item, count_waste
        As in ``order_up_to``.
    start
        The first state, an index of the item's ``shape``; empty shelves if None.
    """
    most = item.max_order * (item.shelf_life + item.lead_time - 1)
    first = 0 if start is None else int(np.ravel_multi_index(start, item.shape))
    days = _Days(item)
    patience = max(_PATIENCE, math.ceil(2 * item.mean_demand))
    best: tuple[float, int] | None = None
    previous = None
    for level in range(most + 1):
        table = order_up_to(item, level, count_waste=count_waste).ravel()
        # Levels beyond what a day can order and sell only repeat each other; the first is kept.
        if previous is not None and (table == previous).all():
            continue
        previous = table
        cost = days.forward(table, first)
        if best is None or cost < best[0] - 1e-9 * max(1.0, abs(best[0])):
            best = (cost, level)
        elif level - best[1] > patience:
            break
    if best is None:  # pragma: no cover - level 0 is always tried
        raise AssertionError
    return best[1], best[0]


def _waste_before_arrival(item: PerishableItem, state: FloatArray) -> FloatArray:
    under_way, stock = state[:, : item.lead_time - 1], state[:, item.lead_time - 1 :]
    total = np.zeros(len(state))
    for day in range(item.lead_time):
        stock = _left(item, stock, item.mean_demand)
        total += stock[:, -1]
        arrives = under_way[:, -1 - day] if day < item.lead_time - 1 else np.zeros(len(state))
        stock = np.column_stack([arrives, stock[:, :-1]])
    return total


def _left(item: PerishableItem, stock: FloatArray, demand: float) -> FloatArray:
    """Return units of each age that demand leaves."""
    if item.issue == LIFO:
        reach = np.cumsum(stock, axis=1)
    else:
        reach = np.cumsum(stock[:, ::-1], axis=1)[:, ::-1]
    left: FloatArray = np.clip(reach - demand, 0, stock)
    return left


class _Days:
    """What a day costs and where it leads, by the units on hand."""

    def __init__(self, item: PerishableItem) -> None:
        from scipy.sparse import csr_matrix

        self.item = item
        base, life = item.max_order + 1, item.shelf_life
        stock = np.indices((base,) * life).reshape(life, -1).T.astype(np.float64)
        held = stock.sum(axis=1)
        # Beyond all that can lie on the shelf, demand makes no difference to what is left.
        most = min(item.demand_probability.size, life * item.max_order + 1)
        chance = item.demand_probability[:most].copy()
        chance[-1] += item.demand_probability[most:].sum()
        power = base ** np.arange(life - 2, -1, -1)
        rows = np.arange(len(stock))
        lead: csr_matrix = csr_matrix((len(stock), base ** (life - 1)))
        cost = np.zeros(len(stock))
        for demand, share in enumerate(chance.tolist()):
            if share <= 0:
                continue
            left = _left(item, stock, float(demand))
            sold = held - left.sum(axis=1)
            kept = left[:, :-1]
            cost += share * (
                item.waste_cost * left[:, -1]
                + item.holding_cost * kept.sum(axis=1)
                - (item.price + item.shortage_cost) * sold
            )
            ends = (kept @ power).astype(np.int64) if life > 1 else np.zeros_like(rows)
            lead += csr_matrix((np.full(len(rows), share), (rows, ends)), shape=lead.shape)
        self.cost: FloatArray = cost + item.shortage_cost * item.mean_demand
        self.lead = lead

    def ahead(self, value: FloatArray) -> FloatArray:
        """Return expected cost of days to come, (orders, states under way, states on hand)."""
        base = self.item.max_order + 1
        made = (self.lead @ value.reshape(-1, self.lead.shape[1]).T).T
        table: FloatArray = self.item.discount * made.reshape(base, -1, len(self.cost))
        table += self.item.order_cost * np.arange(base)[:, None, None]
        return table

    def forward(self, order: IntArray, first: int) -> float:
        """Return the cost of a policy from one state, by following the states that it reaches."""
        item, count = self.item, len(self.cost)
        width = self.lead.shape[1]
        under_way = order.size // count
        place = np.full(order.size, -1, dtype=np.int64)
        place[first] = 0
        front, found, moves, known = np.array([first]), [], [], 1
        while front.size:
            found.append(front)
            way, shelf = np.divmod(front, count)
            to = (order[front] * under_way + way) * width
            part = self.lead[shelf].tocoo()
            after = to[part.row] + part.col
            fresh = np.unique(after[place[after] < 0])
            place[fresh] = known + np.arange(fresh.size)
            moves.append((place[front[part.row]], place[after], part.data))
            known += fresh.size
            front = fresh
        states = np.concatenate(found)
        source, target, chance = (np.concatenate(each) for each in zip(*moves, strict=True))
        cost = self.cost[states % count] + item.order_cost * order[states]
        return _followed(source, target, chance, cost, item.discount)


def _followed(
    source: IntArray, target: IntArray, chance: FloatArray, cost: FloatArray, discount: float
) -> float:
    """Return discounted or mean cost from state 0, by the chance of every state day by day."""
    from scipy.sparse import csr_matrix

    size = cost.size
    lead = csr_matrix((chance, (target, source)), shape=(size, size))
    if discount < 1 and size <= _DENSE:
        # Few states: what each day leads to, all days at once.
        value = np.linalg.solve(np.eye(size) - discount * lead.T.toarray(), cost)
        return float(value[0])
    share = np.zeros(cost.size)
    share[0] = 1.0
    total, weight = 0.0, 1.0
    if discount < 1:
        while weight > 1e-10 * (1.0 - discount):
            total += weight * float(share @ cost)
            share = lead @ share
            weight *= discount
        return total
    before = math.inf
    for day in range(_MAX_DAYS):
        share = (1 - _STEP) * share + _STEP * (lead @ share)
        if day % 20 == 19:
            total = float(share @ cost)
            # Levels are compared by it, so nine digits are enough.
            if abs(total - before) <= 1e-9 * max(1.0, abs(total)):
                break
            before = total
    return total


def _iterate(days: _Days, fixed: IntArray | None, tolerance: float) -> PerishablePolicy:
    item = days.item
    discount, count = item.discount, len(days.cost)
    value = np.zeros(math.prod(item.shape))
    under_way = value.size // count
    order = None if fixed is None else fixed.reshape(1, under_way, count)
    low = high = math.nan
    for _ in range(200_000):
        table = days.ahead(value)
        best = table.min(axis=0) if order is None else np.take_along_axis(table, order, 0)[0]
        new = (best + days.cost).ravel()
        change = new - value
        low, high = float(change.min()), float(change.max())
        scale = 1.0 / (1.0 - discount) if discount < 1 else 1.0
        limits = (value[0] * (discount < 1) + low * scale, value[0] * (discount < 1) + high * scale)
        if limits[1] - limits[0] <= tolerance * max(1.0, abs(limits[0])):
            break
        value = value + _STEP * change
        # Only differences matter; a shift by a constant is undone by the limits.
        value += _STEP * 0.5 * (low + high) * discount * scale if discount < 1 else -value[0]
    else:
        found = f"limits {limits[0]:g} and {limits[1]:g}"
        raise InputError(issue_of("bad-value", "order_units", found, "a policy with one mean cost"))
    if order is None:
        # The fewest units of those that cost the same up to rounding.
        slack = tolerance * max(1.0, abs(limits[0]))
        order = (table <= best + slack).argmax(axis=0)[None]
    cost = value + 0.5 * (low + high) * scale if discount < 1 else value - value[0]
    return PerishablePolicy(
        order_units=frozen(order.reshape(item.shape), np.int64),
        cost=frozen(cost.reshape(item.shape), np.float64),
        mean_cost=math.nan if discount < 1 else 0.5 * (low + high),
        lower=limits[0],
        upper=limits[1],
    )
