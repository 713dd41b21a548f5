"""Echelon solutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dispatchopt.geography.points import Points
from dispatchopt.inventory.echelon.problem import EchelonProblem, EchelonSolution
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues
from dispatchopt.io.schema.echelon import EchelonDecisions
from dispatchopt.io.solutions.base import Feature, Names, SolutionKind, Unserved


def rows(instance: Instance, made: EchelonSolution) -> Sequence[Mapping[str, Any]]:
    """Return own and echelon base stock of each stage."""
    problem: EchelonProblem = instance.problem
    own = made.level_steps * problem.step_units
    echelon = made.echelon_steps(problem) * problem.step_units
    names = (*problem.stage_ids, "")
    return [
        {
            "stage": name,
            "supplier": names[problem.supplier[stage]],
            "level_units": float(own[stage]),
            "echelon_units": float(echelon[stage]),
        }
        for stage, name in enumerate(problem.stage_ids)
    ]


def decisions(instance: Instance, made: EchelonSolution) -> dict[str, Any]:
    """Return base stock by name."""
    problem: EchelonProblem = instance.problem
    units = (made.level_steps * problem.step_units).tolist()
    pairs = zip(problem.stage_ids, units, strict=True)
    return {"stages": [{"stage": name, "level_units": level} for name, level in pairs]}


def solution(instance: Instance, made: Any, issues: Issues) -> EchelonSolution:
    """Return the solution that decisions describe."""
    problem: EchelonProblem = instance.problem
    stages = Names("stages", problem.stage_ids, issues)
    level = np.zeros(problem.num_stages, dtype=np.int64)
    seen: set[int] = set()
    for at, each in enumerate(made.stages):
        where = f"/decisions/stages/{at}"
        row = stages.row(each.stage, f"{where}/stage")
        if row < 0:
            continue
        if row in seen:
            issues.add("duplicate-pair", f"{where}/stage", each.stage, "each stage once")
        seen.add(row)
        steps = each.level_units / problem.step_units
        if abs(steps - round(steps)) > 1e-6 * max(1.0, abs(steps)) or abs(steps) > 2**53:
            wanted = f"a multiple of {problem.step_units:g}"
            issues.add("bad-value", f"{where}/level_units", each.level_units, wanted)
            continue
        level[row] = round(steps)
    return EchelonSolution(level_steps=level)


def unserved(instance: Instance, made: EchelonSolution) -> Sequence[Unserved]:
    """Return nothing: whoever finds no unit waits for one; ``explain`` tells how long and why."""
    del instance, made
    return []


def features(instance: Instance, made: EchelonSolution) -> Sequence[Feature]:
    """Return stages as points with their levels, and supplies as straight lines."""
    places = instance.places.get("stages")
    if places is None:
        return []
    problem: EchelonProblem = instance.problem
    shapes = [
        Feature(
            shape="point",
            places=places[stage : stage + 1],
            properties={"layer": "stages", "id": row["stage"], **dict(list(row.items())[1:])},
        )
        for stage, row in enumerate(rows(instance, made))
    ]
    for stage in np.flatnonzero(problem.supplier >= 0).tolist():
        above = int(problem.supplier[stage])
        way = Points.concatenate(places[above : above + 1], places[stage : stage + 1])
        names = {"supplier": problem.stage_ids[above], "stage": problem.stage_ids[stage]}
        shapes.append(Feature(shape="line", places=way, properties={"layer": "supplies", **names}))
    return shapes


SOLUTION = SolutionKind(
    name="echelon",
    model=EchelonDecisions,
    decisions=decisions,
    solution=solution,
    unserved=unserved,
    rows=rows,
    features=features,
)
