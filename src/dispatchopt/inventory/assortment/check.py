"""The independent checker: limits of an assortment, and the orders that it leaves incomplete."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from dispatchopt.core.result import Report, Violation
from dispatchopt.inventory.assortment.problem import AssortmentProblem, AssortmentSolution


def check(problem: AssortmentProblem, solution: AssortmentSolution) -> Report:
    """Recount the orders that are not complete, and the rules that are broken.

    Rules: ``shape``, ``slots``, ``store-volume``, ``must-carry``, ``never-carry``,
    ``category-floor``.
    """
    carried = solution.is_carried
    if carried.shape != (problem.num_stores, problem.num_skus):
        broken = Violation(rule="shape", where=f"is_carried {carried.shape}", by=1.0)
        return Report(objective=float("inf"), violations=(broken,))
    violations: list[Violation] = []
    for store in range(problem.num_stores):
        violations += _broken(problem, store, np.flatnonzero(carried[store]).tolist())
    incomplete, lines_missing, fill = _incomplete(problem, solution)
    total = float(problem.order_weight.sum())
    return Report(
        objective=incomplete,
        parts={"incomplete": incomplete},
        violations=tuple(violations),
        figures={
            "complete_orders": 1.0 - incomplete / total if total > 0 else 1.0,
            "line_fill_rate": fill,
            "lines_not_carried": float(lines_missing),
            "skus_carried": float(carried.sum()),
        },
    )


def _broken(problem: AssortmentProblem, store: int, skus: list[int]) -> list[Violation]:
    """Return the rules that one store breaks."""
    found: list[Violation] = []
    name = problem.store_ids[store]
    if problem.slots is not None:
        over = len(skus) - int(problem.slots[store])
        if over > 0:
            found.append(Violation(rule="slots", where=f"store {name}", by=float(over)))
    if problem.store_volume_ml is not None:
        used = sum(int(problem.volume_ml[sku]) for sku in skus)
        over = used - int(problem.store_volume_ml[store])
        if over > 0:
            found.append(Violation(rule="store-volume", where=f"store {name}", by=float(over)))
    return found + _unlisted(problem, store, set(skus)) + _below_floor(problem, store, skus)


def _unlisted(problem: AssortmentProblem, store: int, held: set[int]) -> list[Violation]:
    """Return musts that are not carried and SKUs that never should be."""
    found: list[Violation] = []
    name = problem.store_ids[store]
    if problem.listing is not None:
        for sku in np.flatnonzero(problem.listing[store]).tolist():
            must = bool(problem.listing[store, sku] > 0)
            if must != (sku in held):
                rule = "must-carry" if must else "never-carry"
                where = f"store {name} sku {problem.sku_ids[sku]}"
                found.append(Violation(rule=rule, where=where, by=1.0))
    return found


def _below_floor(problem: AssortmentProblem, store: int, skus: list[int]) -> list[Violation]:
    """Return the categories of which too few SKUs are carried."""
    found: list[Violation] = []
    name = problem.store_ids[store]
    if problem.floor is not None:
        count = [0] * problem.num_categories
        for sku in skus:
            count[int(problem.sku_category[sku])] += 1
        for category, least in enumerate(problem.floor[store].tolist()):
            if count[category] < least:
                where = f"store {name} category {problem.category_ids[category]}"
                by = float(least - count[category])
                found.append(Violation(rule="category-floor", where=where, by=by))
    return found


def _incomplete(
    problem: AssortmentProblem, solution: AssortmentSolution
) -> tuple[float, int, float]:
    """Return weight of incomplete orders, lines that no store in reach carries, line fill."""
    carried = [set(np.flatnonzero(row).tolist()) for row in solution.is_carried]
    stores = [np.flatnonzero(row).tolist() for row in problem.reach]
    together = [set().union(*(carried[store] for store in each)) for each in stores]
    lines: dict[int, list[int]] = defaultdict(list)
    for order, sku in zip(problem.line_order.tolist(), problem.line_sku.tolist(), strict=True):
        lines[order].append(sku)
    lost, missing, wanted, filled = [0.0], 0, 0.0, 0.0
    zones, weights = problem.order_zone.tolist(), problem.order_weight.tolist()
    for order, skus in lines.items():
        zone, weight = zones[order], weights[order]
        absent = sum(sku not in together[zone] for sku in skus)
        missing += absent
        wanted += weight * len(skus)
        filled += weight * (len(skus) - absent)
        if problem.may_split:
            is_complete = absent == 0
        else:
            is_complete = any(carried[store].issuperset(skus) for store in stores[zone])
        if not is_complete:
            lost.append(weight)
    return float(np.sum(np.array(lost))), missing, filled / wanted if wanted > 0 else 1.0
