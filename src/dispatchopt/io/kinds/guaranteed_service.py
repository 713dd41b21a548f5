"""The guaranteed-service document and the ``GuaranteedServiceProblem``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dispatchopt.inventory.guaranteed_service.problem import NO_LIMIT, GuaranteedServiceProblem
from dispatchopt.io.cells import NO_INT
from dispatchopt.io.instance import Instance
from dispatchopt.io.kinds._building import built
from dispatchopt.io.kinds._pairs import check_once
from dispatchopt.io.kinds.base import Kind, Parts
from dispatchopt.io.schema.guaranteed_service import TABLES, GuaranteedServiceHeader
from dispatchopt.io.tables import references


def build(parts: Parts) -> GuaranteedServiceProblem:
    """Return the guaranteed-service problem of a checked document."""
    issues, stages, arcs = parts.issues, parts["stages"], parts["supplies"]
    ends = tuple(references(arcs, name, stages, issues) for name in ("supplier", "customer"))
    check_once(arcs, "customer", ends, issues)
    issues.raise_if_any()
    most = stages["max_service_periods"]
    return built(
        lambda: GuaranteedServiceProblem(
            time_periods=stages["time_periods"],
            holding_cost=stages["holding_cost"],
            safety_units=stages["safety_units"],
            supplier=ends[0],
            customer=ends[1],
            max_service_periods=np.where(most == NO_INT, NO_LIMIT, most),
            inbound_periods=stages["inbound_periods"],
            stage_ids=stages.ids(),
        ),
        issues,
    )


def lay_out(
    instance: Instance,
) -> tuple[dict[str, Any], dict[str, dict[str, Sequence[Any]]]]:
    """Return header fields and tables of a guaranteed-service problem."""
    problem: GuaranteedServiceProblem = instance.problem
    names = np.array(problem.stage_ids, dtype=object)
    stages: dict[str, Any] = {
        "id": names,
        "time_periods": problem.time_periods,
        "holding_cost": problem.holding_cost,
        "safety_units": problem.safety_units,
        "max_service_periods": [
            None if most == NO_LIMIT else most for most in problem.max_service_periods.tolist()
        ],
        "inbound_periods": problem.inbound,
    }
    arcs = {"supplier": names[problem.supplier], "customer": names[problem.customer]}
    return {}, {"stages": stages, "supplies": arcs}


KIND = Kind(
    name="guaranteed-service",
    header=GuaranteedServiceHeader,
    rows=TABLES,
    build=build,
    lay_out=lay_out,
    problem_type=lambda: GuaranteedServiceProblem,
)
