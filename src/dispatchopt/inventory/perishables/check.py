"""The independent checker: the days that a policy leads to, followed forward from the first.

Engines look backward, from costs to come to states. Here every state that the policy can reach is
found, and its chance followed day by day.
"""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.result import Report, Violation
from dispatchopt.inventory.perishables.item import PerishableItem
from dispatchopt.inventory.perishables.problem import (
    MAX_LEVEL,
    OrderRule,
    PerishablesProblem,
    PerishablesSolution,
)

#: What is counted each day.
COUNTS = ("order", "shortage", "waste", "holding", "sales")
#: Days followed at most; chance that still moves at the end of a mean day's search.
_MAX_DAYS, _SETTLED = 100_000, 1e-13


def check(problem: PerishablesProblem, solution: PerishablesSolution) -> Report:
    """Recompute costs and the rules that are broken.

    Rules: ``shape``, ``level-out-of-range``, ``order-out-of-range``.
    """
    count = len(problem.items)
    sizes = (len(solution.rule), solution.level_units.size, len(solution.table_units))
    if any(size != count for size in sizes):
        broken = Violation(rule="shape", where=f"{sizes} policies", by=1.0)
        return Report(objective=float("inf"), violations=(broken,))
    violations = _broken(problem, solution)
    if violations:
        return Report(objective=float("inf"), violations=tuple(violations))
    units = np.zeros(len(COUNTS))
    parts = dict.fromkeys(COUNTS, 0.0)
    for row, item in enumerate(problem.items):
        counted = counts(problem, solution, row)
        units += counted
        for name, value in zip(COUNTS, (counted * _costs(item)).tolist(), strict=True):
            parts[name] += value
    demand = sum(item.mean_demand for item in problem.items)
    scale = 1.0 if problem.discount >= 1 else 1.0 - problem.discount
    ordered = float(units[0])
    return Report(
        objective=sum(parts.values()),
        parts=parts,
        figures={
            "fill_rate": 1.0 - scale * float(units[1]) / demand if demand > 0 else 1.0,
            "waste_rate": float(units[2]) / ordered if ordered > 0 else 0.0,
            "order_units_per_day": scale * ordered,
            "waste_units_per_day": scale * float(units[2]),
        },
    )


def counts(problem: PerishablesProblem, solution: PerishablesSolution, row: int) -> FloatArray:
    """Return units ordered, short, wasted, kept and sold: of a mean day, or discounted sums."""
    from scipy.sparse import csr_matrix

    item = problem.items[row]
    states, moves, units = _reach(problem, solution, row)
    size = len(states)
    source, target, chance = moves
    lead = csr_matrix((chance, (target, source)), shape=(size, size))
    share = np.zeros(size)
    share[0] = 1.0
    if item.discount < 1:
        total, weight, largest = np.zeros(len(COUNTS)), 1.0, max(1.0, float(units.max(initial=0)))
        while weight * largest > 1e-12 * (1.0 - item.discount):
            total += weight * (share @ units)
            share = lead @ share
            weight *= item.discount
        return np.asarray(total)
    for _ in range(_MAX_DAYS):
        # Half a step only, so that states that come in turn settle as well.
        after = 0.5 * (share + lead @ share)
        moved = float(np.abs(after - share).sum())
        share = after
        if moved < _SETTLED:
            break
    return np.asarray(share @ units)


def orders(
    item: PerishableItem, solution: PerishablesSolution, row: int, states: IntArray
) -> IntArray:
    """Return what the policy orders in some states, (n, axes of the item's shape)."""
    rule, level = solution.rule[row], int(solution.level_units[row])
    if rule is OrderRule.TABLE:
        return np.asarray(solution.table_units[row][_number(item, states)])
    counted = states.sum(axis=1).astype(np.float64)
    if rule is OrderRule.WASTE_ADJUSTED:
        counted -= _waste_ahead(item, states)
    return np.clip(np.ceil(np.round(level - counted, 9)), 0, item.max_order).astype(np.int64)


def _waste_ahead(item: PerishableItem, states: IntArray) -> FloatArray:
    """Return units that expire before today's order arrives, if demand is its mean each day."""
    way = item.lead_time - 1
    shelf = states[:, way:].astype(np.float64)
    coming = states[:, :way].astype(np.float64)
    wasted = np.zeros(len(states))
    for day in range(item.lead_time):
        wanted = np.full(len(states), item.mean_demand)
        for age in _picked(item):
            sold = np.minimum(shelf[:, age], wanted)
            shelf[:, age] -= sold
            wanted -= sold
        wasted += shelf[:, -1]
        fresh = coming[:, way - 1 - day] if day < way else np.zeros(len(states))
        shelf = np.concatenate([fresh[:, None], shelf[:, :-1]], axis=1)
    return wasted


def _picked(item: PerishableItem) -> range:
    """Return ages in the order in which they are sold, as columns of the shelf."""
    last = item.shelf_life - 1
    return range(last, -1, -1) if item.issue == "fifo" else range(last + 1)


def _number(item: PerishableItem, states: IntArray) -> IntArray:
    number = np.zeros(len(states), dtype=np.int64)
    for axis in range(states.shape[1]):
        number = number * (item.max_order + 1) + states[:, axis]
    return number


def _reach(
    problem: PerishablesProblem, solution: PerishablesSolution, row: int
) -> tuple[IntArray, tuple[IntArray, IntArray, FloatArray], FloatArray]:
    """Return the states that the policy reaches, moves between them, and units counted in each."""
    item = problem.items[row]
    place = np.full(int(np.prod(item.shape)), -1, dtype=np.int64)
    front = problem.start(row)[None, :]
    place[_number(item, front)] = 0
    found, source, target, weight, counted = [front], [], [], [], []
    known, done, demands = 1, 0, _demands(item)
    while front.size:
        ordered = orders(item, solution, row, front)
        units = np.zeros((len(front), len(COUNTS)))
        units[:, 0] = ordered
        nexts, chances, rows = [], [], []
        for demand, chance, mean in demands:
            after, happened = _day(item, front, ordered, demand)
            # Demand beyond all that can be on the shelf is short, and changes nothing else.
            happened[:, 0] += mean - demand
            units[:, 1:] += chance * happened
            nexts.append(after)
            chances.append(np.full(len(front), chance))
            rows.append(np.arange(done, done + len(front)))
        counted.append(units)
        after = np.concatenate(nexts)
        number = _number(item, after)
        fresh, first = np.unique(number, return_index=True)
        is_new: BoolArray = place[fresh] < 0
        place[fresh[is_new]] = known + np.arange(int(is_new.sum()))
        source.append(np.concatenate(rows))
        target.append(place[number])
        weight.append(np.concatenate(chances))
        done += len(front)
        front = after[first[is_new]]
        known += len(front)
        found.append(front)
    moves = (np.concatenate(source), np.concatenate(target), np.concatenate(weight))
    return np.concatenate(found), moves, np.concatenate(counted)


def _demands(item: PerishableItem) -> list[tuple[int, float, float]]:
    """Return demands that differ on the shelf, their chances, and their means."""
    chance = item.demand_probability
    most = item.shelf_life * item.max_order
    made = [(units, float(each), float(units)) for units, each in enumerate(chance[:most])]
    beyond = float(chance[most:].sum())
    if beyond > 0:
        mean = float(chance[most:] @ np.arange(most, chance.size)) / beyond
        made.append((most, beyond, mean))
    return [each for each in made if each[1] > 0]


def _day(
    item: PerishableItem, states: IntArray, ordered: IntArray, demand: int
) -> tuple[IntArray, FloatArray]:
    """Return the next morning, and units short, wasted, kept and sold on the day."""
    way = item.lead_time - 1
    shelf = states[:, way:].copy()
    wanted = np.full(len(states), demand, dtype=np.int64)
    for age in _picked(item):
        sold = np.minimum(shelf[:, age], wanted)
        shelf[:, age] -= sold
        wanted -= sold
    wasted, kept = shelf[:, -1], shelf[:, :-1]
    pipeline = np.concatenate([ordered[:, None], states[:, :way]], axis=1)
    after = np.concatenate([pipeline[:, :way], pipeline[:, way:], kept], axis=1)
    happened = np.stack([wanted, wasted, kept.sum(axis=1), demand - wanted], axis=1)
    return after, happened.astype(np.float64)


def _costs(item: PerishableItem) -> FloatArray:
    return np.array(
        [item.order_cost, item.shortage_cost, item.waste_cost, item.holding_cost, -item.price]
    )


def _broken(problem: PerishablesProblem, solution: PerishablesSolution) -> list[Violation]:
    found = []
    for row, item in enumerate(problem.items):
        where = f"item {problem.item_ids[row]}"
        level, table = int(solution.level_units[row]), solution.table_units[row]
        if solution.rule[row] is not OrderRule.TABLE:
            if not 0 <= level <= MAX_LEVEL:
                by = float(max(-level, level - MAX_LEVEL))
                found.append(Violation(rule="level-out-of-range", where=where, by=by))
            continue
        if table.shape != (int(np.prod(item.shape)),):
            found.append(Violation(rule="shape", where=f"{where} {table.shape}", by=1.0))
            continue
        excess = int(max(table.max() - item.max_order, -table.min()))
        if excess > 0:
            found.append(Violation(rule="order-out-of-range", where=where, by=float(excess)))
    return found
