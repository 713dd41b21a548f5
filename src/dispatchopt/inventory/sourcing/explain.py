"""Why lines are not served, what the least change is that would serve them, and prices of stock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.explain import Finding, Row
from dispatchopt.inventory.sourcing.problem import SourcingProblem, SourcingSolution
from dispatchopt.inventory.sourcing.shadow import shadow_prices

#: What would have to change, by reason.
REMEDIES = {
    "no-store-in-reach": "a store within the promise",
    "no-stock-in-reach": "stock in a store that reaches the order",
    "stock-went-to-others": "more stock in a store that reaches the order",
    "too-many-shipments": "one more shipment allowed for the order",
    "dearer-than-unserved": "a cheaper shipment, or fewer splits",
    "worth-serving": "a longer search: serving it pays",
}
#: Lines from which on no prices of stock are computed.
_MAX_PRICED = 50_000


@dataclass(frozen=True, kw_only=True)
class UnservedLine:
    """A line that no store sends.

    Parameters
    ----------
    line
        Its number.
    reason
        A key of ``REMEDIES``.
    store
        The store that could serve it with the least change; -1 if none is in reach.
    missing_units
        Units that this store lacks; 0 if it has enough left.
    too_dear_by
        By how much its shipment would have to be cheaper to pay; 0 where it does.
    """

    line: int
    reason: str
    store: int
    missing_units: int
    too_dear_by: float


def unserved_lines(problem: SourcingProblem, solution: SourcingSolution) -> list[UnservedLine]:
    """Return the lines that are not served, in the order of the problem, each with a reason."""
    chosen = solution.store_of_line
    sent = chosen >= 0
    left = problem.stock_units.copy()
    np.subtract.at(left, (chosen[sent], problem.line_sku[sent]), problem.line_units[sent])
    by_order = np.argsort(problem.option_order, kind="stable")
    first = np.searchsorted(problem.option_order[by_order], np.arange(problem.num_orders + 1))
    ships: dict[int, set[int]] = {}
    for order, store in zip(problem.line_order[sent].tolist(), chosen[sent].tolist(), strict=True):
        ships.setdefault(order, set()).add(store)
    return [
        _why(
            problem, left, line, by_order[first[order] : first[order + 1]], ships.get(order, set())
        )
        for line in np.flatnonzero(~sent).tolist()
        for order in [int(problem.line_order[line])]
    ]


def _why(
    problem: SourcingProblem, left: np.ndarray, line: int, options: np.ndarray, ships: set[int]
) -> UnservedLine:
    sku, units = int(problem.line_sku[line]), int(problem.line_units[line])
    if not options.size:
        return UnservedLine(
            line=line, reason="no-store-in-reach", store=-1, missing_units=units, too_dear_by=0.0
        )
    stores = problem.option_store[options]
    missing = np.maximum(units - left[stores, sku], 0)
    is_used = np.isin(stores, sorted(ships))
    split = problem.split_cost if ships else 0.0
    added = np.where(is_used, 0.0, problem.shipment_cost[options] + split)
    dear = np.maximum(added - float(problem.unserved_cost[line]), 0.0)
    allowed = is_used | (len(ships) < problem.max_shipments)
    # Least units first, then least money: what a planner could change.
    best = int(np.lexsort((dear, missing, ~allowed))[0])
    if not (problem.stock_units[stores, sku] >= units).any():
        reason = "no-stock-in-reach"
    elif missing.min() > 0:
        reason = "stock-went-to-others"
    elif not (allowed & (missing == 0)).any():
        reason = "too-many-shipments"
        best = int(np.lexsort((dear, missing))[0])
    elif dear[best] > 0:
        reason = "dearer-than-unserved"
    else:
        reason = "worth-serving"
    return UnservedLine(
        line=line,
        reason=reason,
        store=int(stores[best]),
        missing_units=int(missing[best]),
        too_dear_by=float(dear[best]),
    )


def explain(problem: SourcingProblem, solution: SourcingSolution) -> Sequence[Finding]:
    """Return lines not served with reasons, orders that are split, and prices of stock."""
    price = None
    if 0 < problem.num_lines <= _MAX_PRICED:
        price = shadow_prices(problem)
    rows: list[Row] = []
    for each in unserved_lines(problem, solution):
        order, sku = int(problem.line_order[each.line]), int(problem.line_sku[each.line])
        is_near = each.store >= 0
        rows.append(
            {
                "order": problem.order_ids[order],
                "sku": problem.sku_ids[sku],
                "units": int(problem.line_units[each.line]),
                "lost": float(problem.unserved_cost[each.line]),
                "reason": each.reason,
                "store": problem.store_ids[each.store] if is_near else None,
                "missing_units": each.missing_units,
                "too_dear_by": each.too_dear_by,
                "remedy": REMEDIES[each.reason],
            }
        )
    rows.sort(key=lambda row: -float(row["lost"] or 0.0))
    findings = [
        Finding(
            name="unserved",
            about="lines that no store sends, the dearest first; the store that is nearest to "
            "serving it, the units it lacks, and by how much its shipment is too dear",
            rows=tuple(rows),
        ),
        Finding(
            name="splits",
            about="orders in several shipments, and what the further ones cost",
            rows=_splits(problem, solution),
        ),
    ]
    if price is not None:
        findings.append(
            Finding(
                name="stock_prices",
                about="what one more unit of a SKU in a store saves, at the margin",
                rows=_priced(problem, price),
            )
        )
    return tuple(findings)


def _splits(problem: SourcingProblem, solution: SourcingSolution) -> tuple[Row, ...]:
    sent = solution.store_of_line >= 0
    pairs = np.unique(
        np.column_stack([problem.line_order[sent], solution.store_of_line[sent]]), axis=0
    )
    cost = dict(
        zip(
            zip(problem.option_order.tolist(), problem.option_store.tolist(), strict=True),
            problem.shipment_cost.tolist(),
            strict=True,
        )
    )
    orders, count = np.unique(pairs[:, 0], return_counts=True)
    made: list[Row] = []
    for order in orders[count > 1].tolist():
        stores = pairs[pairs[:, 0] == order, 1].tolist()
        each = sorted(cost[order, store] for store in stores)
        made.append(
            {
                "order": problem.order_ids[order],
                "shipments": len(stores),
                "stores": ", ".join(problem.store_ids[store] for store in stores),
                "further_cost": sum(each[1:]) + problem.split_cost * (len(stores) - 1),
            }
        )
    return tuple(sorted(made, key=lambda row: -float(row["further_cost"] or 0.0)))


def _priced(problem: SourcingProblem, price: np.ndarray) -> tuple[Row, ...]:
    stores, skus = np.nonzero(price > 1e-9)
    order = np.argsort(-price[stores, skus], kind="stable")
    return tuple(
        {
            "store": problem.store_ids[store],
            "sku": problem.sku_ids[sku],
            "saving_per_unit": float(price[store, sku]),
        }
        for store, sku in zip(stores[order].tolist(), skus[order].tolist(), strict=True)
    )
