"""The assortment document and the ``AssortmentProblem``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dispatchopt.inventory.assortment.problem import (
    MAX_ORDERS,
    MAX_STORE_ML,
    MUST,
    NEVER,
    AssortmentProblem,
)
from dispatchopt.io.cells import NO_INT
from dispatchopt.io.instance import Instance
from dispatchopt.io.kinds._building import built
from dispatchopt.io.kinds._pairs import check_once
from dispatchopt.io.kinds.base import Kind, Parts
from dispatchopt.io.schema.assortment import TABLES, AssortmentHeader
from dispatchopt.io.tables import references

#: Tables of pairs, and what they refer to.
_PAIRS = (
    ("reach", ("zone", "zones"), ("store", "stores")),
    ("lines", ("order", "orders"), ("sku", "skus")),
    ("listing", ("store", "stores"), ("sku", "skus")),
    ("floors", ("store", "stores"), ("category", "categories")),
)


def build(parts: Parts) -> AssortmentProblem:
    """Return the assortment problem of a checked document."""
    issues = parts.issues
    pairs = {}
    for name, *named in _PAIRS:
        rows = tuple(
            references(parts[name], column, parts[target], issues) for column, target in named
        )
        check_once(parts[name], named[1][0], rows, issues)
        pairs[name] = rows
    zone = references(parts["orders"], "zone", parts["zones"], issues)
    category = references(parts["skus"], "category", parts["categories"], issues)
    issues.raise_if_any()
    stores, skus = len(parts["stores"]), len(parts["skus"])
    reach = np.zeros((len(parts["zones"]), stores), dtype=bool)
    reach[pairs["reach"]] = True
    listing = np.zeros((stores, skus), dtype=np.int64)
    listing[pairs["listing"]] = np.where(parts["listing"]["rule"] == "must", MUST, NEVER)
    floor = np.zeros((stores, len(parts["categories"])), dtype=np.int64)
    floor[pairs["floors"]] = parts["floors"]["least"]
    return built(
        lambda: AssortmentProblem(
            num_skus=skus,
            order_weight=parts["orders"]["weight"],
            line_order=pairs["lines"][0],
            line_sku=pairs["lines"][1],
            reach=reach,
            order_zone=zone,
            may_split=parts.header.parameters.may_split,
            slots=_limit(parts["stores"]["slots"], MAX_ORDERS),
            store_volume_ml=_limit(parts["stores"]["volume_ml"], MAX_STORE_ML),
            volume_ml=parts["skus"]["volume_ml"],
            listing=listing if listing.any() else None,
            sku_category=np.maximum(category, 0),
            floor=floor if floor.any() else None,
            store_ids=parts["stores"].ids(),
            sku_ids=parts["skus"].ids(),
            zone_ids=parts["zones"].ids(),
            category_ids=parts["categories"].ids(),
            order_ids=parts["orders"].ids(),
        ),
        issues,
    )


def _limit(stated: Any, most: int) -> Any:
    if (stated == NO_INT).all():
        return None
    return np.where(stated == NO_INT, most, stated)


def lay_out(
    instance: Instance,
) -> tuple[dict[str, Any], dict[str, dict[str, Sequence[Any]]]]:
    """Return header fields and tables of an assortment problem."""
    problem: AssortmentProblem = instance.problem
    stores, skus, zones, categories, orders = (
        np.array(names, dtype=object)
        for names in (
            problem.store_ids,
            problem.sku_ids,
            problem.zone_ids,
            problem.category_ids,
            problem.order_ids,
        )
    )
    store_columns: dict[str, Any] = {"id": stores}
    if problem.slots is not None:
        store_columns["slots"] = problem.slots
    if problem.store_volume_ml is not None:
        store_columns["volume_ml"] = problem.store_volume_ml
    zone, store = np.nonzero(problem.reach)
    tables: dict[str, dict[str, Any]] = {
        "stores": store_columns,
        "categories": {"id": categories},
        "skus": {
            "id": skus,
            "category": categories[problem.sku_category],
            "volume_ml": problem.volume_ml,
        },
        "zones": {"id": zones},
        "reach": {"zone": zones[zone], "store": stores[store]},
        "orders": {
            "id": orders,
            "zone": zones[problem.order_zone],
            "weight": problem.order_weight,
        },
        "lines": {"order": orders[problem.line_order], "sku": skus[problem.line_sku]},
    }
    if problem.listing is not None:
        store, sku = np.nonzero(problem.listing)
        rule = np.where(problem.listing[store, sku] == MUST, "must", "never").astype(object)
        tables["listing"] = {"store": stores[store], "sku": skus[sku], "rule": rule}
    if problem.floor is not None:
        store, category = np.nonzero(problem.floor)
        tables["floors"] = {
            "store": stores[store],
            "category": categories[category],
            "least": problem.floor[store, category],
        }
    return {"parameters": {"may_split": problem.may_split}}, tables


KIND = Kind(
    name="assortment",
    header=AssortmentHeader,
    rows=TABLES,
    build=build,
    lay_out=lay_out,
    problem_type=lambda: AssortmentProblem,
)
