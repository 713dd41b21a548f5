"""VROOM's input and output: by hand, and damaged."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import io
from dispatchopt.core import Stop
from dispatchopt.core.errors import InputError
from dispatchopt.routing import ANYWHERE, check, solve

Files = Callable[..., Path]
LEGS = [[0, 10, 20, 30], [10, 0, 10, 20], [20, 10, 0, 10], [30, 20, 10, 0]]
JOBS: dict[str, Any] = {
    "vehicles": [
        {"id": 7, "start_index": 0, "end_index": 0, "capacity": [3], "time_window": [5, 200]},
        {"id": 8, "start_index": 3, "end_index": 3, "capacity": [3], "skills": [4]},
    ],
    "jobs": [
        {"id": 1, "location_index": 1, "service": 5, "delivery": [2], "time_windows": [[30, 60]]},
        {"id": 2, "location_index": 2, "delivery": [1], "skills": [4], "priority": 9},
        {"id": 3, "location_index": 2, "delivery": [4]},
    ],
    "matrices": {"car": {"durations": LEGS}},
}
SHIPMENT: dict[str, Any] = {
    "vehicles": [{"id": 1, "profile": "bike", "start": [2.35, 48.85], "costs": {"per_km": 100}}],
    "shipments": [
        {
            "pickup": {"id": 4, "location": [2.36, 48.85], "service": 60},
            "delivery": {"id": 5, "location": [2.37, 48.85]},
            "amount": [],
        }
    ],
}


def read(files: Files, value: Any) -> Any:
    return io.read(files(json.dumps(value), "given.json"))


def test_jobs_by_hand(file_of: Files) -> None:
    instance = read(file_of, JOBS)
    problem = instance.problem
    assert instance.names == {"orders": ("1", "2", "3"), "couriers": ("7", "8")}
    assert problem.couriers.earliest_s.tolist() == [5, 0]
    # The longest leg is 30, so refusing costs 61, and ten times that with priority 9.
    assert problem.orders.refusal_cost.tolist() == [61, 610, 61]
    result = solve(problem, stop=Stop(iterations=200))
    # Vehicle 7 drives 10 + 10, vehicle 8 10 + 10, and job 3 is too large for both.
    assert result.objective == 20 + 20 + 61


def _one_job_each() -> Any:
    """Return the jobs where no vehicle may take two: one vehicle for both would cost the same."""
    value = copy.deepcopy(JOBS)
    for vehicle in value["vehicles"]:
        vehicle["max_tasks"] = 1
    return value


def test_output_by_hand(file_of: Files, tmp_path: Path) -> None:
    instance = read(file_of, _one_job_each())
    result = solve(instance.problem, stop=Stop(iterations=200))
    io.write_solution(result, instance, tmp_path / "made.vroom")
    value = json.loads((tmp_path / "made.vroom").read_text())
    assert value["code"] == 0
    assert value["unassigned"] == [{"id": 3, "type": "job", "location_index": 2}]
    summary = value["summary"]
    assert (summary["cost"], summary["routes"], summary["duration"]) == (40, 2, 40)
    assert (summary["service"], summary["priority"]) == (5, 9)
    first = next(route for route in value["routes"] if route["vehicle"] == 7)
    kinds = [(step["type"], step["location_index"]) for step in first["steps"]]
    assert kinds == [("start", 0), ("job", 1), ("end", 0)]
    start, job, end = first["steps"]
    assert job["arrival"] == start["arrival"] + 10
    assert job["arrival"] + job["waiting_time"] == 30
    assert end["arrival"] == 30 + 5 + 10


def test_shipments_on_coordinates(file_of: Files) -> None:
    instance = read(file_of, SHIPMENT)
    problem = instance.problem
    assert problem.couriers.end_place.tolist() == [ANYWHERE]
    assert instance.names["orders"] == ("4-5",)
    result = solve(problem, stop=Stop(iterations=50))
    value = json.loads(io.solution_text(result, instance, "vroom"))
    steps = value["routes"][0]["steps"]
    assert [step["type"] for step in steps] == ["start", "pickup", "delivery"]
    assert steps[1]["location"] == [2.36, 48.85]
    # Two legs of 0.01 degrees at 48.85 N, 1.4 times as long, at 15 km/h and 0.1 a metre.
    metres = 2 * 1.4 * 6371.0 * np.radians(0.01) * np.cos(np.radians(48.85)) * 1000
    assert value["summary"]["cost"] == pytest.approx(metres * (3.6 / 15 + 0.1), rel=0.01)


def test_jobs_and_shipments_with_one_start(file_of: Files) -> None:
    value = {
        **JOBS,
        "vehicles": JOBS["vehicles"][:1],
        "shipments": [
            {
                "pickup": {"id": 1, "location_index": 2},
                "delivery": {"id": 2, "location_index": 3},
                "amount": [1],
            }
        ],
    }
    instance = read(file_of, value)
    assert instance.problem.orders.has_pickup.all()
    result = solve(instance.problem, stop=Stop(iterations=300))
    # It drives 0-1-2-3-0 = 60 for job 1 and the shipment; the two others are refused at 61 and 610.
    assert result.objective == 60 + 61 + 610
    text = io.solution_text(result, instance, "vroom")
    kinds = [step["type"] for step in json.loads(text)["routes"][0]["steps"]]
    assert sorted(kinds) == ["delivery", "end", "job", "pickup", "start"]


def test_breaks_are_steps(file_of: Files) -> None:
    """Service begins from 30 to 40: a rest of 15 s from 20 on can only be on the way there."""
    value = copy.deepcopy(JOBS)
    value["vehicles"] = value["vehicles"][:1]
    value["jobs"] = value["jobs"][:1]
    value["jobs"][0]["time_windows"] = [[30, 40]]
    value["vehicles"][0]["time_window"] = [5, 60]
    rest = {"id": 9, "time_windows": [[20, 25]], "service": 15}
    value["vehicles"][0]["breaks"] = [rest]
    instance = read(file_of, value)
    result = solve(instance.problem, stop=Stop(iterations=100))
    assert result.engine == "ortools"
    assert result.objective == 20
    text = io.solution_text(result, instance, "vroom")
    steps = json.loads(text)["routes"][0]["steps"]
    assert sorted(step["type"] for step in steps) == ["break", "end", "job", "start"]
    taken = next(step for step in steps if step["type"] == "break")
    begin = taken["arrival"] + taken["waiting_time"]
    assert (taken["id"], taken["service"]) == (9, 15)
    assert 20 <= begin <= 25
    job = next(step for step in steps if step["type"] == "job")
    assert job["arrival"] + job["waiting_time"] >= 30
    assert steps[-1]["arrival"] <= 60


def test_open_starts_load_nowhere(file_of: Files) -> None:
    value = _one_job_each()
    for vehicle in value["vehicles"]:
        del vehicle["start_index"]
    instance = read(file_of, value)
    result = solve(instance.problem, stop=Stop(iterations=200))
    # Only the ways home are left: 10 each.
    assert result.objective == 10 + 10 + 61
    assert check(instance.problem, result.require()).is_feasible
    steps = json.loads(io.solution_text(result, instance, "vroom"))["routes"][0]["steps"]
    assert [step["type"] for step in steps] == ["job", "end"]


@pytest.mark.parametrize(
    ("path", "new", "wanted"),
    [
        (("vehicles", 0, "breaks"), [{"id": 1, "max_load": [1]}], "/vehicles/0/breaks/0/max_load"),
        (("vehicles", 0, "breaks"), [{"service": 5}], "/vehicles/0/breaks/0: found no id"),
        (("vehicles", 0, "breaks"), 5, "/vehicles/0/breaks"),
        (("vehicles", 0, "capcity"), [1], "did you mean 'capacity'"),
        (("vehicles", 0, "capacity"), [1, 2], "different lengths"),
        (("vehicles", 1, "id"), 7, "/vehicles: found '7'; wanted each id once"),
        (("vehicles", 0, "profile"), "boat", "/vehicles/0/profile: found 'boat'"),
        (
            ("jobs", 0, "location_index"),
            4,
            "/jobs/0/location_index: found 4; wanted a whole number from 0 to 3",
        ),
        (("jobs", 0, "time_windows"), [[1, 2], [3, 4]], "found 2 windows"),
        (("jobs", 0, "time_windows"), [[60, 30]], "a begin that is not after the end"),
        (("jobs", 1, "pickup"), [1], "beside jobs with a pickup"),
        (("jobs", 1, "priority"), 101, "/jobs/1/priority: found 101"),
        (("jobs", 1, "service"), 1.5, "/jobs/1/service: found 1.5"),
        (("matrices", "car", "durations"), [[0, 1]], "as many rows as columns"),
        (("jobs",), [], "found no jobs"),
    ],
)
def test_faults_are_named(file_of: Files, path: tuple[Any, ...], new: Any, wanted: str) -> None:
    value = copy.deepcopy(JOBS)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    with pytest.raises(InputError) as caught:
        read(file_of, value)
    assert wanted in str(caught.value)


def test_output_needs_vroom_input(file_of: Files) -> None:
    instance = io.read(file_of("cvrp"))
    result = solve(instance.problem, stop=Stop(iterations=20))
    with pytest.raises(InputError, match="a VROOM input"):
        io.solution_text(result, instance, "vroom")


EXTREMES: list[Any] = [None, True, 0, -1, 2**63, 1e308, float("nan"), "", "x", [], {}, [[]], [0, 1]]


@pytest.mark.parametrize("value", [JOBS, SHIPMENT], ids=["jobs", "shipment"])
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_damaged_vroom(value: dict[str, Any], seed: int) -> None:
    rng = np.random.default_rng(seed)
    damaged = copy.deepcopy(value)
    for _ in range(int(rng.integers(1, 4))):
        inner: Any = damaged
        while True:
            keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
            if not keys:
                break
            key = keys[int(rng.integers(0, len(keys)))]
            if isinstance(inner[key], dict | list) and inner[key] and rng.random() < 0.8:
                inner = inner[key]
                continue
            if rng.random() < 0.2:
                del inner[key]
            else:
                inner[key] = copy.deepcopy(EXTREMES[int(rng.integers(0, len(EXTREMES)))])
            break
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.json"
        path.write_text(json.dumps(damaged))
        with suppress(InputError):
            io.dumps(io.read(path, source_format="vroom"))


def _limited(costs: dict[str, int], **limits: int) -> dict[str, Any]:
    """Return four doors in a line, served by two vehicles with costs and limits."""
    vehicle = {"start_index": 0, "end_index": 0, "costs": costs, **limits}
    metres = (50 * np.array(LEGS)).tolist()
    return {
        "vehicles": [{"id": 1, **vehicle}, {"id": 2, **vehicle}],
        "jobs": [{"id": 10 + at, "location_index": at, "service": 99} for at in (1, 2, 3)],
        "matrices": {"car": {"durations": LEGS, "distances": metres}},
    }


@pytest.mark.parametrize(
    ("costs", "name", "longest"),
    [
        ({}, "max_travel_time", 60),
        ({"per_hour": 1_800}, "max_travel_time", 60),
        ({"per_hour": 0, "per_km": 7}, "max_distance", 3_000),
    ],
)
def test_limits_of_driving(file_of: Files, costs: Any, name: str, longest: int) -> None:
    """The door at 30 takes 60 s and 3,000 m there and back; service does not count."""
    for limit, served in ((longest, 3), (longest - 1, 2)):
        problem = read(file_of, _limited(costs, **{name: limit})).problem
        result = solve(problem, stop=Stop(iterations=200))
        assert len(result.require().served()) == served
        assert check(problem, result.require()).is_feasible


@pytest.mark.parametrize(
    ("costs", "name"),
    [
        ({}, "max_distance"),
        ({"per_km": 1}, "max_distance"),
        ({"per_km": 1}, "max_travel_time"),
        ({"per_hour": 17}, "max_travel_time"),
    ],
)
def test_limits_that_costs_do_not_tell_are_refused(file_of: Files, costs: Any, name: str) -> None:
    with pytest.raises(InputError) as caught:
        read(file_of, _limited(costs, **{name: 60}))
    assert [issue.where for issue in caught.value.issues] == [
        f"/vehicles/{at}/{name}" for at in (0, 1)
    ]
