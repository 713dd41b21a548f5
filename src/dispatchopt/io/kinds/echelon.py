"""The echelon document and the ``EchelonProblem``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dispatchopt.inventory.echelon.problem import OUTSIDE, EchelonLaw, EchelonProblem
from dispatchopt.io.instance import Instance
from dispatchopt.io.kinds._building import built
from dispatchopt.io.kinds.base import Kind, Parts
from dispatchopt.io.schema.echelon import TABLES, EchelonHeader
from dispatchopt.io.tables import references


def build(parts: Parts) -> EchelonProblem:
    """Return the echelon problem of a checked document."""
    issues, stages = parts.issues, parts["stages"]
    supplier = references(stages, "supplier", stages, issues)
    issues.raise_if_any()
    parameters = parts.header.parameters
    spread = stages["variance"]
    stated = ~np.isnan(spread)
    return built(
        lambda: EchelonProblem(
            supplier=np.where(supplier < 0, OUTSIDE, supplier),
            lead_time=stages["lead_time"],
            holding_cost=stages["holding_cost"],
            rate=stages["rate"],
            shortage_cost=stages["shortage_cost"],
            demand_law=EchelonLaw(parameters.demand_law),
            variance=np.where(stated, spread, stages["rate"]) if stated.any() else None,
            step_units=parameters.step_units,
            stage_ids=stages.ids(),
        ),
        issues,
        dict.fromkeys(("holding_cost", "shortage_cost", "rate", "lead_time", "variance"), stages),
    )


def lay_out(
    instance: Instance,
) -> tuple[dict[str, Any], dict[str, dict[str, Sequence[Any]]]]:
    """Return header fields and tables of an echelon problem."""
    problem: EchelonProblem = instance.problem
    names = (*problem.stage_ids, "")
    stages: dict[str, Any] = {
        "id": list(problem.stage_ids),
        "supplier": [names[each] for each in problem.supplier.tolist()],
        "lead_time": problem.lead_time,
        "holding_cost": problem.holding_cost,
        "rate": problem.rate,
        "shortage_cost": problem.shortage_cost,
    }
    if problem.variance is not None:
        stages["variance"] = problem.variance
    parameters: dict[str, Any] = {"demand_law": str(problem.demand_law)}
    if problem.is_normal:
        parameters["step_units"] = float(problem.step_units)
    return {"parameters": parameters}, {"stages": stages}


KIND = Kind(
    name="echelon",
    header=EchelonHeader,
    rows=TABLES,
    build=build,
    lay_out=lay_out,
    problem_type=lambda: EchelonProblem,
)
