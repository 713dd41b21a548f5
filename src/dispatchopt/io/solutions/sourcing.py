"""Sourcing solutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dispatchopt.geography.points import Points
from dispatchopt.inventory.sourcing.explain import REMEDIES, unserved_lines
from dispatchopt.inventory.sourcing.problem import SourcingProblem, SourcingSolution
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues
from dispatchopt.io.schema.sourcing import SourcingDecisions
from dispatchopt.io.solutions.base import Feature, Names, SolutionKind, Unserved


def rows(instance: Instance, made: SourcingSolution) -> Sequence[Mapping[str, Any]]:
    """Return one row per line that is sent."""
    problem: SourcingProblem = instance.problem
    return [
        {
            "order": problem.order_ids[problem.line_order[line]],
            "sku": problem.sku_ids[problem.line_sku[line]],
            "units": int(problem.line_units[line]),
            "store": problem.store_ids[made.store_of_line[line]],
        }
        for line in np.flatnonzero(made.store_of_line >= 0)
    ]


def decisions(instance: Instance, made: SourcingSolution) -> dict[str, Any]:
    """Return who sends what, by name."""
    lines = [
        {name: row[name] for name in ("order", "sku", "store")} for row in rows(instance, made)
    ]
    return {"lines": lines}


def solution(instance: Instance, made: Any, issues: Issues) -> SourcingSolution:
    """Return the solution that decisions describe."""
    problem: SourcingProblem = instance.problem
    line_of = {
        (problem.order_ids[order], problem.sku_ids[sku]): line
        for line, (order, sku) in enumerate(
            zip(problem.line_order.tolist(), problem.line_sku.tolist(), strict=True)
        )
    }
    stores = Names("stores", problem.store_ids, issues)
    chosen = np.full(problem.num_lines, -1, dtype=np.int64)
    for at, each in enumerate(made.lines):
        where = f"/decisions/lines/{at}"
        store = stores.row(each.store, f"{where}/store")
        pair = (each.order, each.sku)
        line = line_of.get(pair, -1)
        if line < 0:
            issues.add("unknown-reference", where, pair, "a line of the instance: order and SKU")
            continue
        if chosen[line] >= 0:
            issues.add("duplicate-pair", where, pair, "each line once")
        chosen[line] = store
    return SourcingSolution(store_of_line=chosen)


def unserved(instance: Instance, made: SourcingSolution) -> Sequence[Unserved]:
    """Return lines that are not sent, and why."""
    problem: SourcingProblem = instance.problem
    return [
        Unserved(
            what="line",
            id=f"{problem.order_ids[order]}, {problem.sku_ids[sku]}",
            reason=each.reason,
            remedy=REMEDIES[each.reason],
        )
        for each in unserved_lines(problem, made)
        for order, sku in [(problem.line_order[each.line], problem.line_sku[each.line])]
    ]


def features(instance: Instance, made: SourcingSolution) -> Sequence[Feature]:
    """Return stores as points, and shipments as straight lines from store to order."""
    stores, orders = instance.places.get("stores"), instance.places.get("orders")
    if stores is None:
        return []
    problem: SourcingProblem = instance.problem
    sent = made.store_of_line >= 0
    pairs, lines = np.unique(
        np.column_stack([made.store_of_line[sent], problem.line_order[sent]]),
        axis=0,
        return_counts=True,
    )
    shipments = np.bincount(pairs[:, 0], minlength=problem.num_stores).tolist()
    shapes = [
        Feature(
            shape="point",
            places=stores[row : row + 1],
            properties={"layer": "stores", "id": name, "shipments": shipments[row]},
        )
        for row, name in enumerate(problem.store_ids)
    ]
    if orders is None:
        return shapes
    for (store, order), count in zip(pairs.tolist(), lines.tolist(), strict=True):
        way = Points.concatenate(stores[store : store + 1], orders[order : order + 1])
        names = {"store": problem.store_ids[store], "order": problem.order_ids[order]}
        properties = {"layer": "shipments", **names, "lines": count}
        shapes.append(Feature(shape="line", places=way, properties=properties))
    return shapes


SOLUTION = SolutionKind(
    name="sourcing",
    model=SourcingDecisions,
    decisions=decisions,
    solution=solution,
    unserved=unserved,
    rows=rows,
    features=features,
)
