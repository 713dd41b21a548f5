"""The surge document and the ``SurgeProblem``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dispatchopt.inventory.surge.problem import MAX_ML, SurgeProblem
from dispatchopt.io.cells import NO_INT
from dispatchopt.io.instance import Instance
from dispatchopt.io.kinds._building import built
from dispatchopt.io.kinds._pairs import check_once
from dispatchopt.io.kinds.base import Kind, Parts
from dispatchopt.io.schema.surge import TABLES, SurgeHeader
from dispatchopt.io.tables import references


def build(parts: Parts) -> SurgeProblem:
    """Return the surge problem of a checked document."""
    issues = parts.issues
    targets = {"scenario": "scenarios", "store": "stores", "sku": "skus"}
    found = {}
    for name in ("demand", "stock"):
        columns = [each for each in targets if name == "demand" or each != "scenario"]
        rows = tuple(
            references(parts[name], column, parts[targets[column]], issues) for column in columns
        )
        check_once(parts[name], "sku", rows, issues)
        found[name] = rows
    issues.raise_if_any()
    pairs = (len(parts["stores"]), len(parts["skus"]))
    held = np.zeros(pairs, dtype=np.int64)
    held[found["stock"]] = parts["stock"]["on_hand_units"]
    shelf = np.zeros((len(parts["scenarios"]), *pairs), dtype=np.int64)
    live = shelf.copy()
    shelf[found["demand"]] = parts["demand"]["shelf_units"]
    live[found["demand"]] = parts["demand"]["live_units"]
    skus = parts["skus"]
    return built(
        lambda: SurgeProblem(
            probability=parts["scenarios"]["probability"],
            shelf_units=shelf,
            live_units=live,
            shelf_margin=skus["shelf_margin"],
            live_margin=skus["live_margin"],
            holding_cost=skus["holding_cost"],
            on_hand_units=held,
            volume_ml=skus["volume_ml"],
            available_units=_limit(skus["available_units"]),
            room_ml=_limit(parts["stores"]["room_ml"]),
            transfer_cost=parts.header.parameters.transfer_cost,
            scenario_ids=parts["scenarios"].ids(),
            store_ids=parts["stores"].ids(),
            sku_ids=skus.ids(),
        ),
        issues,
        {"live_margin": skus, "probability": parts["scenarios"]},
    )


def _limit(stated: Any) -> Any:
    if (stated == NO_INT).all():
        return None
    return np.where(stated == NO_INT, MAX_ML, stated)


def lay_out(
    instance: Instance,
) -> tuple[dict[str, Any], dict[str, dict[str, Sequence[Any]]]]:
    """Return header fields and tables of a surge problem."""
    problem: SurgeProblem = instance.problem
    scenarios, stores, skus = (
        np.array(names, dtype=object)
        for names in (problem.scenario_ids, problem.store_ids, problem.sku_ids)
    )
    wanted = np.nonzero((problem.shelf_units > 0) | (problem.live_units > 0))
    held = np.nonzero(problem.on_hand_units)
    tables: dict[str, dict[str, Any]] = {
        "stores": {"id": stores},
        "skus": {
            "id": skus,
            "volume_ml": problem.volume_ml,
            "shelf_margin": problem.shelf_margin,
            "live_margin": problem.live_margin,
            "holding_cost": problem.holding_cost,
        },
        "scenarios": {"id": scenarios, "probability": problem.probability},
        "demand": {
            "scenario": scenarios[wanted[0]],
            "store": stores[wanted[1]],
            "sku": skus[wanted[2]],
            "shelf_units": problem.shelf_units[wanted],
            "live_units": problem.live_units[wanted],
        },
        "stock": {
            "store": stores[held[0]],
            "sku": skus[held[1]],
            "on_hand_units": problem.on_hand_units[held],
        },
    }
    if problem.room_ml is not None:
        tables["stores"]["room_ml"] = problem.room_ml
    if problem.available_units is not None:
        tables["skus"]["available_units"] = problem.available_units
    parameters = {}
    if problem.transfer_cost is not None:
        parameters["transfer_cost"] = float(problem.transfer_cost)
    return {"parameters": parameters}, tables


KIND = Kind(
    name="surge",
    header=SurgeHeader,
    rows=TABLES,
    build=build,
    lay_out=lay_out,
    problem_type=lambda: SurgeProblem,
    required=("scenarios",),
)
