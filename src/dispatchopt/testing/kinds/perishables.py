"""Examples of goods that expire."""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.inventory.perishables.item import PerishableItem
from dispatchopt.inventory.perishables.problem import (
    OrderRule,
    PerishablesProblem,
    PerishablesSolution,
)
from dispatchopt.io.instance import Instance
from dispatchopt.testing.conformance import EngineCases
from dispatchopt.testing.parts import Examples, Rng, names


def random_items(rng: Rng, size: int) -> PerishablesProblem:
    """Return small items, fifo and lifo, some with stock, discounted or not."""
    discount = 1.0 if rng.random() < 0.5 else 0.9
    items = []
    for _ in range(size):
        chance = rng.random(int(rng.integers(1, 5)))
        fields: dict[str, Any] = {
            f"{name}_cost": float(np.round(rng.random() * most, 2))
            for name, most in (("order", 3), ("shortage", 9), ("waste", 3), ("holding", 1))
        }
        items.append(
            PerishableItem(
                demand_probability=chance / chance.sum(),
                shelf_life=int(rng.integers(1, 4)),
                lead_time=int(rng.integers(1, 3)),
                max_order=int(rng.integers(1, 4)),
                issue="fifo" if rng.random() < 0.5 else "lifo",
                price=float(np.round(rng.random() * 2, 2)),
                discount=discount,
                **fields,
            )
        )
    start = tuple(rng.integers(0, item.max_order + 1, len(item.shape)) for item in items)
    return PerishablesProblem(
        items=tuple(items),
        start_units=start if rng.random() < 0.5 and size else None,
        item_ids=names(rng, size, "i"),
    )


def make(rng: Rng) -> Instance:
    """Return a few items."""
    problem = random_items(rng, int(rng.integers(1, 4)))
    return Instance(
        name="fresh", kind="perishables", problem=problem, names={"items": problem.item_ids}
    )


def answer(instance: Instance, rng: Rng) -> PerishablesSolution:
    """Return any policies."""
    problem: PerishablesProblem = instance.problem
    rules = rng.choice(list(OrderRule), len(problem.items))
    tables = [
        rng.integers(0, item.max_order + 1, int(np.prod(item.shape)))
        if rule == OrderRule.TABLE
        else np.zeros(0, dtype=np.int64)
        for item, rule in zip(problem.items, rules, strict=True)
    ]
    level = np.where(rules == OrderRule.TABLE, 0, rng.integers(0, 9, len(problem.items)))
    rule = tuple(OrderRule(each) for each in rules)
    return PerishablesSolution(rule=rule, level_units=level, table_units=tuple(tables))


def cases() -> EngineCases:
    """Return one item, some, and none."""
    rng = np.random.default_rng(6)
    usual = (random_items(rng, 1), random_items(rng, 3), random_items(rng, 2))
    return EngineCases(usual=usual, empty=random_items(rng, 0))


EXAMPLES = Examples(
    name="perishables", make=make, answer=answer, cases=cases, exact=frozenset({"dynamic"})
)
