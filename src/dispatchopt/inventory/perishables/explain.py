"""Why units are short or wasted, what to order now, and what a longer life would be worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dispatchopt.core.errors import InputError
from dispatchopt.core.explain import Finding, Row
from dispatchopt.inventory.perishables.check import counts, orders
from dispatchopt.inventory.perishables.item import PerishableItem
from dispatchopt.inventory.perishables.policies import optimal_policy
from dispatchopt.inventory.perishables.problem import PerishablesProblem, PerishablesSolution

#: States up to which an item is solved again with one thing changed.
_MAX_STATES = 20_000
#: Share of a day's orders at the limit from which the limit is to blame for what is short.
_AT_LIMIT = 0.5
#: What would have to change, by reason.
REMEDIES = {
    "order-limit": "a larger order limit",
    "waste-dearer": "a longer shelf life, or a shorter lead time",
    "shortage-cheap": "nothing: a unit earns less than it costs",
}


def explain(problem: PerishablesProblem, solution: PerishablesSolution) -> Sequence[Finding]:
    """Return units short and wasted with reasons, and savings of relaxed limits, by item."""
    short: list[Row] = []
    relaxed: list[Row] = []
    scale = 1.0 if problem.discount >= 1 else 1.0 - problem.discount
    for row, item in enumerate(problem.items):
        name = problem.item_ids[row]
        units = scale * counts(problem, solution, row)
        now = problem.start(row)[None, :]
        reason = _reason(item, units[0])
        if units[1] > 1e-9 or units[2] > 1e-9:
            short.append(
                {
                    "item": name,
                    "short_units_per_day": float(units[1]),
                    "waste_units_per_day": float(units[2]),
                    "order_units_per_day": float(units[0]),
                    "order_now_units": int(orders(item, solution, row, now)[0]),
                    "reason": reason,
                    "remedy": REMEDIES[reason],
                }
            )
        saved = _savings(problem, row)
        if saved is not None:
            relaxed.append({"item": name, **saved})
    short.sort(key=lambda each: -float(each["short_units_per_day"] or 0.0))
    relaxed.sort(key=lambda each: -max(float(each[name] or 0.0) for name in _CHANGES))
    return (
        Finding(
            name="short",
            about="items that run short or expire, units of a mean day, and why no more is ordered",
            rows=tuple(short),
        ),
        Finding(
            name="savings",
            about="what the best policy saves, in the unit of the objective, with one more day of "
            "life, one day less of lead time, or one more unit a day that may be ordered",
            rows=tuple(relaxed),
        ),
    )


def _reason(item: PerishableItem, ordered: float) -> str:
    if item.price + item.shortage_cost <= item.order_cost:
        return "shortage-cheap"
    if ordered > _AT_LIMIT * item.max_order and item.mean_demand > _AT_LIMIT * item.max_order:
        return "order-limit"
    return "waste-dearer"


_CHANGES = ("longer_life", "shorter_lead", "larger_order")


def _savings(problem: PerishablesProblem, row: int) -> dict[str, float | None] | None:
    """Return what the best policy saves when one limit is relaxed; None for too many states."""
    item = problem.items[row]
    base = _cost(item)
    if base is None:
        return None
    others: dict[str, dict[str, int] | None] = {
        "longer_life": {"shelf_life": item.shelf_life + 1},
        "shorter_lead": {"lead_time": item.lead_time - 1} if item.lead_time > 1 else None,
        "larger_order": {"max_order": item.max_order + 1},
    }
    saved: dict[str, float | None] = {}
    for name, change in others.items():
        cost = None
        if change is not None:
            try:
                cost = _cost(item.replace(**change))
            except InputError:
                cost = None
        saved[name] = None
        if cost is not None:
            # Costs are known to seven digits.
            gain = base - cost
            saved[name] = gain if gain > 1e-6 * max(1.0, abs(base)) else 0.0
    return saved


def _cost(item: PerishableItem) -> float | None:
    """Return the least cost from empty shelves."""
    if int(np.prod(item.shape)) > _MAX_STATES:
        return None
    made = optimal_policy(item, tolerance=1e-7)
    return 0.5 * (made.lower + made.upper)
