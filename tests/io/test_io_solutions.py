"""Solutions in files: by name, bound to their instance, and exported for other programs."""

from __future__ import annotations

import csv
import dataclasses
import io as stdio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import io
from dispatchopt.core.arrays import digest
from dispatchopt.core.errors import InputError
from dispatchopt.core.result import Result, Status, StopReason
from dispatchopt.geography import Points
from dispatchopt.inventory.problem import InventorySolution
from dispatchopt.io.results import solution_kinds
from dispatchopt.registry import explain
from dispatchopt.routing.explain import Reason
from dispatchopt.routing.problem import NO_STORE, Route, RoutingSolution, Trip
from dispatchopt.siting.problem import SitingSolution
from dispatchopt.testing.documents import examples, make

KINDS = list(solution_kinds())


def solution_of(instance: io.Instance, rng: np.random.Generator) -> Any:
    """Return any solution, good or bad: files hold what they are given."""
    problem = instance.problem
    if instance.kind in examples():
        return examples()[instance.kind].answer(instance, rng)
    if instance.kind == "siting":
        opened = np.flatnonzero(rng.random(problem.num_sites) < 0.5)
        split = rng.random() < 0.5
        return SitingSolution(
            open_sites=opened,
            assignment=rng.integers(-1, problem.num_sites, problem.num_customers),
            split_customer_idx=np.array([0] if split else [], dtype=np.int64),
            split_site_idx=np.array([0] if split else [], dtype=np.int64),
            split_units=np.array([2] if split else [], dtype=np.int64),
        )
    if instance.kind == "inventory":
        return InventorySolution(order_units=rng.integers(0, 4, problem.shape))
    num, stores = len(problem.orders), len(problem.stores)
    trips = tuple(
        Trip(
            store=int(rng.integers(0, stores)) if stores else NO_STORE,
            stops=tuple(rng.permutation(num)[:2].tolist()),
        )
        for _ in range(int(rng.integers(1, 3)))
    )
    return RoutingSolution(routes=(Route(courier=0, trips=trips, start_s=60),))


def result_of(instance: io.Instance, solution: Any, **changes: Any) -> Result[Any]:
    made: Result[Any] = Result(
        status=Status.FEASIBLE,
        stopped_by=StopReason.TIME,
        solution=solution,
        objective=12.25,
        bound=12.0,
        engine="tested",
        seed=7,
        elapsed_s=0.5,
        iterations=3,
        parts={"rent": 12.25},
        figures={"share": 0.1},
        digest=digest(instance.problem),
        reason="asked for",
        versions={"dispatchopt": "0.1.0"},
    )
    return dataclasses.replace(made, **changes)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_write_then_read(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    instance = make(kind, seed)
    result = result_of(instance, solution_of(instance, rng))
    again = io.parse_solution(io.solution_text(result, instance), instance)
    assert digest(again) == digest(result)


@pytest.mark.parametrize("kind", KINDS)
def test_no_solution_and_no_bound(kind: str, tmp_path: Path) -> None:
    instance = make(kind, 3)
    result = result_of(
        instance, None, status=Status.INFEASIBLE, objective=None, bound=None, parts={}
    )
    io.write_solution(result, instance, tmp_path / "s.json")
    again = io.read_solution(tmp_path / "s.json", instance)
    assert again.solution is None
    assert again.bound is None
    assert again.status is Status.INFEASIBLE
    assert io.solution_text(result, instance, "csv") == ""


def test_infinite_bound_is_null() -> None:
    instance = make("inventory", 3)
    result = result_of(instance, None, bound=float("-inf"))
    assert json.loads(io.solution_text(result, instance))["bound"] is None


def sound(document: Callable[[str], dict[str, Any]]) -> tuple[io.Instance, dict[str, Any]]:
    instance = io.parse_value(document("siting"))
    made = SitingSolution(open_sites=np.array([0]), assignment=np.array([0, -1]))
    return instance, json.loads(io.solution_text(result_of(instance, made), instance))


def test_decisions_are_by_name(document: Callable[[str], dict[str, Any]]) -> None:
    _, value = sound(document)
    assert value["decisions"] == {
        "open_sites": ["s1"],
        "assignment": [{"customer": "c1", "site": "s1"}],
        "split": [],
    }
    assert value["unserved"] == [
        {
            "what": "customer",
            "id": "c2",
            "reason": "no-open-site-in-reach",
            "remedy": "one more of the 1 sites in reach",
        }
    ]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"format": "dispatchopt"}, "wrong-format"),
        ({"version": 2}, "wrong-version"),
        ({"kind": "routing"}, "wrong-kind"),
        ({"instance": {"digest": "0" * 16}}, "wrong-digest"),
        ({"status": "good"}, "bad-choice"),
        ({"colour": 1}, "unknown-key"),
        ({"decisions": {"open_sites": ["s9"]}}, "unknown-reference"),
        ({"decisions": {"open_sites": [1]}}, "wrong-type"),
        ({"decisions": {}}, "missing-key"),
        ({"decisions": {"open_sites": [], "sites": []}}, "unknown-key"),
        ({"objective": "12"}, "wrong-type"),
        ({"objective": float("nan")}, "not-finite"),
        ({"seed": 1.5}, "not-whole"),
        ({"elapsed_s": -1.0}, "out-of-range"),
    ],
)
def test_damaged_solutions(
    document: Callable[[str], dict[str, Any]], change: dict[str, Any], code: str
) -> None:
    instance, value = sound(document)
    with pytest.raises(InputError) as caught:
        io.parse_solution(json.dumps({**value, **change}), instance)
    assert code in {issue.code for issue in caught.value.issues}, caught.value


def test_customer_twice(document: Callable[[str], dict[str, Any]]) -> None:
    instance, value = sound(document)
    value["decisions"]["assignment"] *= 2
    with pytest.raises(InputError, match="each customer once"):
        io.parse_solution(json.dumps(value), instance)


def test_an_edited_instance_is_noticed(document: Callable[[str], dict[str, Any]]) -> None:
    _, value = sound(document)
    edited = document("siting")
    edited["customers"][0]["demand_units"] = 99
    with pytest.raises(InputError, match="edited since"):
        io.parse_solution(json.dumps(value), io.parse_value(edited))


def test_csv_of_each_kind() -> None:
    for kind in KINDS:
        instance = make(kind, 12)
        result = result_of(instance, solution_of(instance, np.random.default_rng(1)))
        rows = list(csv.DictReader(stdio.StringIO(io.solution_text(result, instance, "csv"))))
        assert rows
        assert all(None not in row.values() for row in rows)


#: Tables with places, and what counts their rows.
PLACED = {
    "siting": {"sites": "num_sites", "customers": "num_customers"},
    "inventory": {"stores": "num_stores"},
    "routing": {"places": "num_places"},
    "sourcing": {"stores": "num_stores", "orders": "num_orders"},
    "guaranteed-service": {"stages": "num_stages"},
    "assortment": {"stores": "num_stores", "zones": "num_zones"},
    "rebalancing": {"stores": "num_stores"},
}


def with_places(kind: str) -> io.Instance:
    instance = make(kind, 12)
    places = {
        table: Points(
            lon=np.linspace(-8.6, -8.5, getattr(instance.problem, size)),
            lat=np.linspace(41.1, 41.2, getattr(instance.problem, size)),
        )
        for table, size in PLACED[kind].items()
    }
    return dataclasses.replace(instance, places=places)


@pytest.mark.parametrize("kind", PLACED)
def test_maps(kind: str, tmp_path: Path) -> None:
    import pyogrio

    instance = with_places(kind)
    result = result_of(instance, solution_of(instance, np.random.default_rng(1)))
    io.write_solution(result, instance, tmp_path / "s.geojson")
    collection = json.loads((tmp_path / "s.geojson").read_text())
    layers = {feature["properties"]["layer"] for feature in collection["features"]}
    io.write_solution(result, instance, tmp_path / "s.gpkg")
    assert {str(name) for name in pyogrio.list_layers(tmp_path / "s.gpkg")[:, 0]} == layers
    for feature in collection["features"]:
        assert feature["geometry"]["type"] in ("Point", "LineString")


def test_map_without_places(tmp_path: Path) -> None:
    instance = dataclasses.replace(make("siting", 12), places={})
    result = result_of(instance, solution_of(instance, np.random.default_rng(1)))
    with pytest.raises(InputError, match="no coordinates"):
        io.write_solution(result, instance, tmp_path / "s.geojson")
    assert list(tmp_path.iterdir()) == []


SPLIT = ("customer_idx", "site_idx", "units")


def test_the_csv_of_a_siting_has_every_open_site() -> None:
    instance = make("siting", 12)
    solution = solution_of(instance, np.random.default_rng(1))
    alone = dataclasses.replace(
        solution,
        open_sites=np.arange(instance.problem.num_sites),
        assignment=np.where(np.arange(len(solution.assignment)) == 0, 0, -1),
        **{f"split_{name}": np.zeros(0, dtype=np.int64) for name in SPLIT},
    )
    text = io.solution_text(result_of(instance, alone), instance, "csv")
    rows = list(csv.DictReader(stdio.StringIO(text)))
    names = [str(row) for row in range(instance.problem.num_sites)]
    assert [row["site"] for row in rows] == names
    assert [row["customer"] for row in rows[1:]] == [""] * (len(names) - 1)
    units = int(instance.problem.demand_units[0])
    assert [int(row["units"]) for row in rows] == [units] + [0] * (len(names) - 1)


def test_unknown_form_and_existing_file(tmp_path: Path) -> None:
    instance = make("inventory", 1)
    result = result_of(instance, None)
    with pytest.raises(InputError, match="an ending"):
        io.write_solution(result, instance, tmp_path / "s.txt")
    (tmp_path / "s.json").write_text("mine")
    with pytest.raises(InputError, match="file-exists"):
        io.write_solution(result, instance, tmp_path / "s.json")
    assert (tmp_path / "s.json").read_text() == "mine"


def test_reasons_of_orders(document: Callable[[str], dict[str, Any]]) -> None:
    value = document("routing")
    value["orders"] = [
        {"id": "plain", "place": "p2", "load": 1, "refusal_cost": 5},
        {"id": "skilled", "place": "p2", "load": 1, "skills": 4, "refusal_cost": 5},
        {"id": "large", "place": "p2", "load": 11, "refusal_cost": 5},
        {"id": "nowhere", "place": "p2", "load": 1, "stores": "|", "refusal_cost": 5},
        {"id": "late", "place": "p2", "load": 1, "latest_s": 3, "refusal_cost": 5},
    ]
    instance = io.parse_value(value)
    result = result_of(instance, RoutingSolution())
    found = json.loads(io.solution_text(result, instance))["unserved"]
    assert {each["id"]: each["reason"] for each in found} == {
        "plain": "dearer-than-refusal",
        "skilled": "no-courier-with-the-skills",
        "large": "too-large-for-every-courier",
        "nowhere": "no-store-holds-it",
        "late": "ready-too-late",
    }
    # One fact, one code: the tables of an explanation say the same, and the docs know all of them.
    tables = {table.name: table.rows for table in explain(instance.problem, RoutingSolution())}
    assert [row["reason"] for row in tables["refused"]] == [each["reason"] for each in found]
    documented = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
    assert all(f"`{reason}`" in documented for reason in Reason)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"couriers": {"count": 0}}, "no-courier"),
        ({"orders": {"skills": 4}}, "no-courier-with-the-skills"),
        ({"orders": {"load": [[99]]}}, "too-large-for-every-courier"),
        ({"orders": {"latest_s": 1}}, "too-late-for-its-window"),
        ({}, "dearer-than-refusal"),
    ],
)
def test_reasons_of_orders_with_a_pick_up_place(
    document: Callable[[str], dict[str, Any]], changes: dict[str, Any], reason: str
) -> None:
    value = document("routing")
    value["orders"] = [
        {"id": "x", "place": "p1", "pickup_place": "p2", "load": 1, "refusal_cost": 5}
    ]
    instance = io.parse_value(value)
    problem = instance.problem
    for table, columns in changes.items():
        problem = problem.replace(**{table: getattr(problem, table).replace(**columns)})
    instance = dataclasses.replace(instance, problem=problem)
    result = result_of(instance, RoutingSolution())
    (found,) = json.loads(io.solution_text(result, instance))["unserved"]
    tables = {table.name: table.rows for table in explain(problem, RoutingSolution())}
    assert found["reason"] == tables["refused"][0]["reason"] == reason
