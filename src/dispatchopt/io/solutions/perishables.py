"""Perishables solutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.inventory.perishables.check import orders
from dispatchopt.inventory.perishables.problem import (
    OrderRule,
    PerishablesProblem,
    PerishablesSolution,
)
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues
from dispatchopt.io.schema.perishables import PerishablesDecisions
from dispatchopt.io.solutions.base import Feature, Names, SolutionKind, Unserved


def rows(instance: Instance, made: PerishablesSolution) -> Sequence[Mapping[str, Any]]:
    """Return rule, level and today's order of each item."""
    problem: PerishablesProblem = instance.problem
    result = []
    for row, item in enumerate(problem.items):
        state = problem.start(row)[None, :]
        size = int(np.prod(item.shape))
        is_table = made.rule[row] is OrderRule.TABLE
        now = None
        if not is_table or made.table_units[row].size == size:
            now = int(orders(item, made, row, state)[0])
        result.append(
            {
                "item": problem.item_ids[row],
                "rule": str(made.rule[row]),
                "level_units": None if is_table else int(made.level_units[row]),
                "order_now_units": now,
            }
        )
    return result


def decisions(instance: Instance, made: PerishablesSolution) -> dict[str, Any]:
    """Return policies by name."""
    names = instance.problem.item_ids
    policies = [
        {
            "item": name,
            "rule": str(made.rule[row]),
            "level_units": int(made.level_units[row]),
            "orders": made.table_units[row].tolist(),
        }
        for row, name in enumerate(names)
    ]
    return {"policies": policies}


def solution(instance: Instance, made: Any, issues: Issues) -> PerishablesSolution:
    """Return the solution that decisions describe."""
    problem: PerishablesProblem = instance.problem
    items = Names("items", problem.item_ids, issues)
    count = len(problem.items)
    rule = [OrderRule.ORDER_UP_TO] * count
    level = np.zeros(count, dtype=np.int64)
    tables: list[IntArray] = [np.zeros(0, dtype=np.int64)] * count
    seen: set[int] = set()
    for at, each in enumerate(made.policies):
        where = f"/decisions/policies/{at}/item"
        row = items.row(each.item, where)
        if row < 0:
            continue
        if row in seen:
            issues.add("duplicate-pair", where, each.item, "each item once")
        seen.add(row)
        rule[row], level[row] = OrderRule(each.rule), each.level_units
        if max(map(abs, each.orders), default=0) > 2**53:
            wanted = "orders within 2**53"
            issues.add("out-of-range", f"/decisions/policies/{at}/orders", "a number", wanted)
            continue
        tables[row] = np.array(each.orders, dtype=np.int64)
    return PerishablesSolution(rule=tuple(rule), level_units=level, table_units=tuple(tables))


def unserved(instance: Instance, made: PerishablesSolution) -> Sequence[Unserved]:
    """Return nothing: what is short is a matter of chance; ``explain`` tells how much and why."""
    del instance, made
    return []


def features(instance: Instance, made: PerishablesSolution) -> Sequence[Feature]:
    """Return nothing: items have no places."""
    del instance, made
    return []


SOLUTION = SolutionKind(
    name="perishables",
    model=PerishablesDecisions,
    decisions=decisions,
    solution=solution,
    unserved=unserved,
    rows=rows,
    features=features,
)
