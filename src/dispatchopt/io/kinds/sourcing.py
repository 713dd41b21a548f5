"""The sourcing document and the ``SourcingProblem``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dispatchopt.core.errors import InputError
from dispatchopt.inventory.sourcing.problem import SourcingProblem
from dispatchopt.io.instance import Instance
from dispatchopt.io.kinds._pairs import check_once
from dispatchopt.io.kinds.base import Kind, Parts
from dispatchopt.io.schema.sourcing import TABLES, SourcingHeader
from dispatchopt.io.tables import references


def build(parts: Parts) -> SourcingProblem:
    """Return the sourcing problem of a checked document."""
    issues, given = parts.issues, parts.header.parameters
    pairs = {}
    for name, first, second in (
        ("lines", ("order", "orders"), ("sku", "skus")),
        ("options", ("order", "orders"), ("store", "stores")),
        ("stock", ("store", "stores"), ("sku", "skus")),
    ):
        rows = tuple(
            references(parts[name], column, parts[target], issues)
            for column, target in (first, second)
        )
        check_once(parts[name], second[0], rows, issues)
        pairs[name] = rows
    issues.raise_if_any()
    stock = np.zeros((len(parts["stores"]), len(parts["skus"])), dtype=np.int64)
    stock[pairs["stock"]] = parts["stock"]["units"]
    price = np.zeros(stock.shape)
    price[pairs["stock"]] = parts["stock"]["price"]
    try:
        return SourcingProblem(
            num_orders=len(parts["orders"]),
            line_order=pairs["lines"][0],
            line_sku=pairs["lines"][1],
            line_units=parts["lines"]["units"],
            unserved_cost=parts["lines"]["unserved_cost"],
            option_order=pairs["options"][0],
            option_store=pairs["options"][1],
            shipment_cost=parts["options"]["shipment_cost"],
            stock_units=stock,
            split_cost=given.split_cost,
            max_shipments=given.max_shipments,
            stock_price=price if price.any() else None,
            order_ids=parts["orders"].ids(),
            store_ids=parts["stores"].ids(),
            sku_ids=parts["skus"].ids(),
        )
    except InputError as error:
        issues.extend(error.issues)
        issues.raise_if_any()
        raise


def lay_out(
    instance: Instance,
) -> tuple[dict[str, Any], dict[str, dict[str, Sequence[Any]]]]:
    """Return header fields and tables of a sourcing problem."""
    problem: SourcingProblem = instance.problem
    stores, skus, orders = (
        np.array(names, dtype=object)
        for names in (problem.store_ids, problem.sku_ids, problem.order_ids)
    )
    price = problem.stock_price
    is_listed = (
        problem.stock_units > 0 if price is None else (problem.stock_units > 0) | (price > 0)
    )
    store, sku = np.nonzero(is_listed)
    tables: dict[str, dict[str, Any]] = {
        "stores": {"id": stores},
        "skus": {"id": skus},
        "orders": {"id": orders},
        "lines": {
            "order": orders[problem.line_order],
            "sku": skus[problem.line_sku],
            "units": problem.line_units,
            "unserved_cost": problem.unserved_cost,
        },
        "options": {
            "order": orders[problem.option_order],
            "store": stores[problem.option_store],
            "shipment_cost": problem.shipment_cost,
        },
        "stock": {
            "store": stores[store],
            "sku": skus[sku],
            "units": problem.stock_units[store, sku],
        },
    }
    if price is not None:
        tables["stock"]["price"] = price[store, sku]
    parameters = {"split_cost": problem.split_cost, "max_shipments": problem.max_shipments}
    return {"parameters": parameters}, tables


KIND = Kind(
    name="sourcing",
    header=SourcingHeader,
    rows=TABLES,
    build=build,
    lay_out=lay_out,
    problem_type=lambda: SourcingProblem,
)
