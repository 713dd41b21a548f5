"""The independent checker: what transfers cost, and the rules that they break."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.result import Report, Violation
from dispatchopt.inventory.check import check as check_stock
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.problem import InventorySolution
from dispatchopt.inventory.rebalancing.problem import RebalancingProblem, RebalancingSolution


def check(problem: RebalancingProblem, solution: RebalancingSolution) -> Report:
    """Recompute the expected cost after the transfers, and the rules that are broken.

    Rules: ``shape``, ``moved-negative``, ``movable``, ``expiring``, ``lane-capacity``.
    """
    moved, old = solution.moved_units, solution.expiring_units
    for name, given in (("moved_units", moved), ("expiring_units", old)):
        if given.shape != (problem.num_lanes, problem.num_skus):
            broken = Violation(rule="shape", where=f"{name} {given.shape}", by=1.0)
            return Report(objective=float("inf"), violations=(broken,))
    stock = problem.stock
    level = stock.on_hand_units.copy()
    sent = np.zeros_like(level)
    carried = [0] * problem.num_lanes
    units = rides = 0.0
    violations: list[Violation] = []
    for lane, sku in np.argwhere(moved != 0).tolist():
        count = int(moved[lane, sku])
        tail, head = int(problem.lane_from[lane]), int(problem.lane_to[lane])
        where = f"{stock.store_ids[tail]} to {stock.store_ids[head]}"
        if count < 0:
            at = f"{where} sku {stock.sku_ids[sku]}"
            violations.append(Violation(rule="moved-negative", where=at, by=float(-count)))
            continue
        sent[tail, sku] += count
        level[tail, sku] -= count
        level[head, sku] += count
        units += count * float(problem.unit_cost[lane])
        rides += 0.0 if carried[lane] else float(problem.lane_cost[lane])
        carried[lane] += max(1, count * int(stock.volume_ml[sku]))
    violations += _over(problem, sent, moved)
    expiring, of_age = _expiring(problem, moved, old)
    violations += of_age
    parts: dict[str, float] = {"transfers": units, "lanes": rides}
    if violations:
        cost = sum(parts.values())
        return Report(objective=cost, parts=parts, violations=tuple(violations))
    after = check_stock(
        stock.replace(on_hand_units=level), InventorySolution(order_units=np.zeros_like(level))
    )
    parts = {**after.parts, **parts}
    wasted = {}
    if problem.has_expiring:
        units_wasted = Demand.of(stock).surplus(expiring.astype(np.float64))
        parts["waste"] = float((units_wasted * problem.waste_cost).sum())
        wasted = {"expiring_units": float(expiring.sum()), "waste_units": float(units_wasted.sum())}
    return Report(
        objective=sum(parts.values()),
        parts=parts,
        figures={
            **{name: value for name, value in after.figures.items() if name != "order_units"},
            "units_moved": float(moved.sum()),
            "lanes_used": float(np.count_nonzero(moved.any(axis=1))),
            **wasted,
            **_distance(problem, moved),
        },
    )


def _distance(problem: RebalancingProblem, moved: np.ndarray) -> dict[str, float]:
    """Return units times km, if the length of every lane that is used is known."""
    units = moved.sum(axis=1)
    if (problem.distance_m[units > 0] < 0).any():
        return {}
    return {"unit_km": float(units @ np.maximum(problem.distance_m, 0)) / 1000.0}


def _expiring(
    problem: RebalancingProblem, moved: np.ndarray, old: np.ndarray
) -> tuple[np.ndarray, list[Violation]]:
    """Return expiring units after the transfers, (S, K), and what breaks the rules about them."""
    stock, found = problem.stock, []
    for lane, sku in np.argwhere((old < 0) | (old > np.maximum(moved, 0))).tolist():
        ends = problem.lane_from[lane], problem.lane_to[lane]
        where = " to ".join(stock.store_ids[end] for end in ends) + f" sku {stock.sku_ids[sku]}"
        by = float(max(-old[lane, sku], old[lane, sku] - max(moved[lane, sku], 0)))
        found.append(Violation(rule="expiring", where=where, by=by))
    # Only what was in a store at first leaves it, of either age.
    left = problem.expiring_units.copy()
    np.subtract.at(left, problem.lane_from, old)
    fresh = stock.on_hand_units - problem.expiring_units
    np.subtract.at(fresh, problem.lane_from, moved - old)
    if problem.has_expiring or old.any():
        for store, sku in np.argwhere((left < 0) | (fresh < 0)).tolist():
            where = f"store {stock.store_ids[store]} sku {stock.sku_ids[sku]}"
            by = float(-min(left[store, sku], fresh[store, sku]))
            found.append(Violation(rule="expiring", where=where, by=by))
    after = left
    np.add.at(after, problem.lane_to, old)
    return after, found


def _over(problem: RebalancingProblem, sent: np.ndarray, moved: np.ndarray) -> list[Violation]:
    """Return the pairs that send more than may leave, and the lanes that are overfull."""
    stock = problem.stock
    found = []
    for store, sku in np.argwhere(sent > problem.movable_units).tolist():
        over = float(sent[store, sku] - problem.movable_units[store, sku])
        where = f"store {stock.store_ids[store]} sku {stock.sku_ids[sku]}"
        found.append(Violation(rule="movable", where=where, by=over))
    if problem.capacity_ml is not None:
        load = np.maximum(moved, 0) @ stock.volume_ml
        for lane in np.flatnonzero(load > problem.capacity_ml).tolist():
            ends = problem.lane_from[lane], problem.lane_to[lane]
            where = " to ".join(stock.store_ids[end] for end in ends)
            over = float(load[lane] - problem.capacity_ml[lane])
            found.append(Violation(rule="lane-capacity", where=where, by=over))
    return found
