"""The independent checker: what an order costs over all scenarios, and the rules it breaks."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.result import Report, Violation
from dispatchopt.inventory.surge.problem import SurgeProblem, SurgeSolution


def check(problem: SurgeProblem, solution: SurgeSolution) -> Report:
    """Recompute the expected cost, scenario by scenario, and the rules that are broken.

    Rules: ``shape``, ``order-negative``, ``central-stock``, ``store-room``.
    """
    order = solution.order_units
    if order.shape != problem.shape:
        broken = Violation(rule="shape", where=f"order_units {order.shape}", by=1.0)
        return Report(objective=float("inf"), violations=(broken,))
    level = problem.on_hand_units + order
    parts = {"lost_shelf": 0.0, "lost_live": 0.0, "left_over": 0.0, "transfers": 0.0}
    worst, wanted, sold = 0.0, 0.0, 0.0
    for chance, shelf, live in zip(
        problem.probability.tolist(), problem.shelf_units, problem.live_units, strict=True
    ):
        lacks = np.maximum(shelf - level, 0).sum(axis=0)
        rest = np.maximum(level - shelf, 0)
        missed = np.maximum(live - rest, 0).sum(axis=0)
        left = np.maximum(rest - live, 0).sum(axis=0)
        moved = np.zeros_like(left)
        kept, freed = np.zeros_like(left), np.zeros_like(left)
        if problem.transfer_cost is not None:
            earns = problem.shelf_margin - problem.transfer_cost
            moved = np.where(earns + problem.holding_cost > 0, np.minimum(lacks, left), 0)
            # What the stream would sell is kept for the shelves of others where they earn more.
            streamed = np.minimum(rest, live).sum(axis=0)
            kept = np.where(earns > problem.live_margin, np.minimum(lacks - moved, streamed), 0)
            # What shelves hold for later goes to the stream where leftovers of others replace it.
            short = np.maximum(live - rest, 0)
            later = np.minimum(short, np.minimum(level, shelf)).sum(axis=0)
            pays = problem.live_margin + problem.holding_cost > problem.transfer_cost
            freed = np.where(pays, np.minimum(left - moved, later), 0)
        missed = missed + kept - freed
        lacks = lacks - moved - kept
        costs = {
            "lost_shelf": float(lacks @ problem.shelf_margin),
            "lost_live": float(missed @ problem.live_margin),
            "left_over": float((left - moved - freed) @ problem.holding_cost),
            "transfers": float((moved + kept + freed).sum()) * (problem.transfer_cost or 0.0),
        }
        for name, value in costs.items():
            parts[name] += chance * value
        worst = max(worst, sum(costs.values()))
        demand = float(shelf.sum() + live.sum())
        wanted += chance * demand
        sold += chance * (demand - float(lacks.sum() + missed.sum()))
    return Report(
        objective=sum(parts.values()),
        parts=parts,
        violations=tuple(_broken(problem, order)),
        figures={
            "order_units": float(order.sum()),
            "worst_scenario": worst,
            "fill_rate": sold / wanted if wanted > 0 else 1.0,
        },
    )


def _broken(problem: SurgeProblem, order: np.ndarray) -> list[Violation]:
    found = []
    for store, sku in np.argwhere(order < 0).tolist():
        where = f"store {problem.store_ids[store]} sku {problem.sku_ids[sku]}"
        by = float(-order[store, sku])
        found.append(Violation(rule="order-negative", where=where, by=by))
    if problem.available_units is not None:
        over = order.sum(axis=0) - problem.available_units
        for sku in np.flatnonzero(over > 0).tolist():
            where = f"sku {problem.sku_ids[sku]}"
            found.append(Violation(rule="central-stock", where=where, by=float(over[sku])))
    if problem.room_ml is not None:
        excess = order @ problem.volume_ml - problem.room_ml
        for store in np.flatnonzero(excess > 0).tolist():
            where = f"store {problem.store_ids[store]}"
            found.append(Violation(rule="store-room", where=where, by=float(excess[store])))
    return found
