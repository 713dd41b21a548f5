"""The independent checker: stock, reach and cost of a sourcing, order by order."""

from __future__ import annotations

from collections import defaultdict

from dispatchopt.core.result import Report, Violation
from dispatchopt.inventory.sourcing.problem import SourcingProblem, SourcingSolution


def check(problem: SourcingProblem, solution: SourcingSolution) -> Report:
    """Recompute what the shipments cost and which rules they break.

    Rules: ``shape``, ``store-unknown``, ``out-of-reach``, ``stock``, ``max-shipments``.
    """
    chosen = solution.store_of_line
    if chosen.shape != (problem.num_lines,):
        broken = Violation(rule="shape", where=f"store_of_line {chosen.shape}", by=1.0)
        return Report(objective=float("inf"), violations=(broken,))
    pairs = zip(problem.option_order.tolist(), problem.option_store.tolist(), strict=True)
    cost_of = dict(zip(pairs, problem.shipment_cost.tolist(), strict=True))
    violations: list[Violation] = []
    stores_of: dict[int, set[int]] = defaultdict(set)
    sent: dict[tuple[int, int], int] = defaultdict(int)
    unserved, lines_unserved = 0.0, 0
    incomplete: set[int] = set()
    rows = zip(
        problem.line_order.tolist(),
        problem.line_sku.tolist(),
        problem.line_units.tolist(),
        problem.unserved_cost.tolist(),
        chosen.tolist(),
        strict=True,
    )
    for line, (order, sku, units, penalty, store) in enumerate(rows):
        where = f"order {problem.order_ids[order]} sku {problem.sku_ids[sku]}"
        if store == -1:
            unserved += penalty
            lines_unserved += 1
            incomplete.add(order)
        elif not 0 <= store < problem.num_stores:
            violations.append(Violation(rule="store-unknown", where=f"line {line}", by=1.0))
        elif (order, store) not in cost_of:
            at = f"{where} from store {problem.store_ids[store]}"
            violations.append(Violation(rule="out-of-reach", where=at, by=1.0))
        else:
            stores_of[order].add(store)
            sent[store, sku] += units
    for (store, sku), units in sent.items():
        over = units - int(problem.stock_units[store, sku])
        if over > 0:
            at = f"store {problem.store_ids[store]} sku {problem.sku_ids[sku]}"
            violations.append(Violation(rule="stock", where=at, by=float(over)))
    shipments, extra = 0.0, 0
    for order, stores in stores_of.items():
        shipments += sum(cost_of[order, store] for store in sorted(stores))
        extra += len(stores) - 1
        if len(stores) > problem.max_shipments:
            at = f"order {problem.order_ids[order]}"
            over = len(stores) - problem.max_shipments
            violations.append(Violation(rule="max-shipments", where=at, by=float(over)))
    parts = {"shipments": shipments, "splits": extra * problem.split_cost, "unserved": unserved}
    lines, orders = max(1, problem.num_lines), max(1, problem.num_orders)
    served = len(stores_of)
    return Report(
        objective=sum(parts.values()),
        parts=parts,
        violations=tuple(violations),
        figures={
            "complete_orders": 1.0 - len(incomplete) / orders,
            "line_fill_rate": 1.0 - lines_unserved / lines,
            "shipments": float(served + extra),
            "split_orders": sum(len(stores) > 1 for stores in stores_of.values()) / orders,
        },
    )
