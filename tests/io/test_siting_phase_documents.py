"""Documents of sites and customers whose demand and limits differ by phase."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dispatchopt as do
from dispatchopt import io
from dispatchopt.cli.main import run
from dispatchopt.core.arrays import digest
from dispatchopt.core.errors import InputError
from dispatchopt.siting.phases import opening_phase, unphased

SHIPPED = Path(__file__).parents[2] / "instances" / "siting-phases" / "phases.json"


def changed(tmp_path: Path, **changes: Any) -> Path:
    document = json.loads(SHIPPED.read_text())
    for name, change in changes.items():
        document[name] = change(document[name]) if callable(change) else change
    path = tmp_path / "x.json"
    path.write_text(json.dumps({k: v for k, v in document.items() if v is not None}))
    return path


def test_the_shipped_plan_opens_now_and_later() -> None:
    instance = do.read(SHIPPED)
    problem = instance.problem
    assert (problem.num_sites, problem.num_customers) == (18, 18)
    result = do.solve(problem)
    assert result.status == "optimal"
    opened = opening_phase(problem, result.require())
    # The old store stays, the campus comes first, the stadium in summer, the new town in autumn.
    assert opened.tolist() == [0, -1, 0, -1, 1, 2]
    assert result.objective == json.loads((SHIPPED.parent / "known.json").read_text())["objective"]


@pytest.mark.parametrize("name", ["x.json", "x.gpkg", "x.xlsx", "folder"])
def test_every_encoding_holds_phases_both_ways(tmp_path: Path, name: str) -> None:
    io.convert(SHIPPED, tmp_path / name)
    again = do.read(tmp_path / name)
    assert digest(again.problem) == digest(do.read(SHIPPED).problem)
    io.convert(tmp_path / name, tmp_path / "back.json")
    document = json.loads((tmp_path / "back.json").read_text())
    shipped = json.loads(SHIPPED.read_text())
    assert [each["id"] for each in document["sites"]] == [each["id"] for each in shipped["sites"]]
    assert len(document["customers"]) == 6
    assert len(document["phase_demand"]) == 15
    assert document["sites"][5]["opens_from"] == "2"
    assert document["customers"][0]["lon"] == -8.63
    assert digest(do.read(tmp_path / "back.json").problem) == digest(again.problem)


def test_a_plan_is_solved_checked_explained_and_drawn(tmp_path: Path) -> None:
    solution = tmp_path / "solution.json"
    assert run(["solve", str(SHIPPED), "-q", "-o", str(solution)]) == 0
    assert run(["check", str(SHIPPED), str(solution), "-q"]) == 0
    why = tmp_path / "why.json"
    assert run(["explain", str(SHIPPED), str(solution), "-o", str(why)]) == 0
    tables = {table["name"]: table["rows"] for table in json.loads(why.read_text())}
    assert [row["opens"] for row in tables["phases"]] == [
        "old-store@0, north@0",
        "arena-east@1",
        "new-town@2",
    ]
    reasons = {row["customer"]: row["reason"] for row in tables["unserved"]}
    assert set(reasons.values()) <= {"no-open-site-in-reach", "opens-later", "out-of-reach"}
    for ending in ("html", "geojson"):
        assert (
            run(["render", str(SHIPPED), str(solution), "-o", str(tmp_path / f"m.{ending}")]) == 0
        )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"phases": None}, "missing-limit"),
        ({"phase_demand": None}, "conflict"),
        ({"phases": lambda rows: [{"id": row["id"]} for row in rows]}, "missing-limit"),
        ({"phases": lambda rows: [*rows[:2], {"id": "autumn", "max_sites": 4}]}, "missing-value"),
        ({"phases": lambda rows: rows[:2]}, "unknown-reference"),
        ({"phase_demand": lambda rows: [*rows, rows[0]]}, "duplicate-pair"),
        ({"phase_demand": lambda rows: [{**rows[0], "demand_units": -1}]}, "out-of-range"),
        ({"phase_demand": lambda rows: [{**rows[0], "phase": "winter"}]}, "unknown-reference"),
        ({"sites": lambda rows: [{**each, "phase": 0} for each in rows]}, "conflict"),
        ({"sites": lambda rows: [{**rows[0], "opens_from": "summer"}, *rows[1:]]}, "conflict"),
        (
            {"customers": lambda rows: [{**each, "phase": 0} for each in rows]},
            "conflict",
        ),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as caught:
        do.read(changed(tmp_path, **changes))
    assert code in {issue.code for issue in caught.value.issues}, caught.value


def test_capacities_hold_in_each_phase(tmp_path: Path) -> None:
    limited = changed(
        tmp_path, sites=lambda rows: [{**each, "capacity_units": 60} for each in rows]
    )
    problem = do.read(limited).problem
    assert (
        problem.customer_phase.tolist() == np.repeat(range(3), problem.num_customers // 3).tolist()
    )
    plan = unphased(problem)
    assert plan is not None
    assert np.unique(plan.problem.capacity_units).tolist() == [60]  # type: ignore[arg-type]
    result = do.solve(problem, stop=do.Stop(time_s=20))
    assert result.status == "optimal"
    free = do.solve(do.read(SHIPPED).problem)
    assert result.objective is not None
    assert free.objective is not None
    assert result.objective > free.objective
    do.write(do.read(limited), tmp_path / "again.json")
    assert digest(do.read(tmp_path / "again.json").problem) == digest(problem)


def test_only_what_phases_made_is_folded() -> None:
    problem = do.read(SHIPPED).problem
    plan = unphased(problem)
    assert plan is not None
    assert plan.opens_from.tolist() == [0, 0, 0, 0, 0, 2]
    assert plan.phase_units.sum(axis=1).tolist() == [180, 225, 330]
    assert unphased(plan.problem) is None
    odd = problem.replace(status=np.where(np.arange(18) == 7, 3, problem.statuses))
    assert unphased(odd) is None
