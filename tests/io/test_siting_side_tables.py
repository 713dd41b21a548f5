"""Sizes, scenarios, phases and fading in siting documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import dispatchopt as do
from dispatchopt.core.arrays import digest
from dispatchopt.core.errors import InputError
from dispatchopt.io.documents import kinds
from dispatchopt.io.encodings._flat import header_rows, nested
from dispatchopt.io.issues import Issues

DOCUMENT: dict[str, Any] = {
    "format": "dispatchopt",
    "version": 1,
    "kind": "siting",
    "parameters": {"max_sites": 1, "scenario_rule": "worst", "reach_m": 5},
    "customers": [{"id": "u"}, {"id": "v"}],
    "sites": [
        {"id": "a-small", "place": "a"},
        {"id": "b"},
        {"id": "a-large", "place": "a", "status": "closable"},
    ],
    "coverage": [
        {"site": "a-small", "customer": "u"},
        {"site": "b", "customer": "v"},
        {"site": "a-large", "customer": "u"},
    ],
    "scenarios": [{"id": "calm", "weight": 9}, {"id": "surge"}],
    "scenario_demand": [
        {"scenario": "calm", "customer": "u", "demand_units": 5},
        {"scenario": "surge", "customer": "v", "demand_units": 8},
    ],
}


def _read(folder: Path, document: dict[str, Any]) -> Any:
    path = folder / "sites.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return do.read(path).problem


def test_scenarios_and_sizes_are_read(tmp_path: Path) -> None:
    problem = _read(tmp_path, DOCUMENT)
    assert problem.scenario_units.tolist() == [[5, 0], [0, 8]]
    assert problem.demand_units.tolist() == [45, 8]
    assert problem.place.tolist() == [0, 1, 0]
    assert problem.statuses.tolist() == [0, 0, 4]
    result = do.solve(problem)
    assert (result.objective, result.require().open_sites.tolist()) == (5, [1])


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"scenario_rule": None}, "missing-table"),
        ({"scenario_rule": "mean"}, "bad-choice"),
        ({"full_cover_m": 9, "scenario_rule": "expected"}, "bad-value"),
        ({"full_cover_m": 1}, "fields-clash"),
    ],
)
def test_what_does_not_fit_is_reported(
    tmp_path: Path, parameters: dict[str, Any], code: str
) -> None:
    given = DOCUMENT["parameters"] | parameters
    with pytest.raises(InputError) as caught:
        _read(tmp_path, DOCUMENT | {"parameters": given})
    assert code in {issue.code for issue in caught.value.issues}
    assert len(set(caught.value.issues)) == len(caught.value.issues)


@pytest.mark.parametrize(
    ("phases", "code"),
    [
        ([{"id": "now", "max_sites": 1}], "missing-field"),
        ([{"id": "now", "max_sites": 1}, {"id": "later"}], "missing-value"),
    ],
)
def test_limits_of_phases_are_checked(
    tmp_path: Path, phases: list[dict[str, Any]], code: str
) -> None:
    with pytest.raises(InputError) as caught:
        _read(tmp_path, DOCUMENT | {"phases": phases})
    assert code in {issue.code for issue in caught.value.issues}


def test_phases_are_read(tmp_path: Path) -> None:
    """The second phase allows two sites, so that both customers end up covered."""
    sites = [each | {"phase": row % 2} for row, each in enumerate(DOCUMENT["sites"])]
    phases = [{"id": "now", "max_sites": 1}, {"id": "later", "max_sites": 2}]
    given = {"max_sites": 2, "reach_m": 5}
    tables = {"sites": sites, "phases": phases, "scenarios": [], "scenario_demand": []}
    document = {name: part for name, part in (DOCUMENT | tables).items() if part != []}
    problem = _read(tmp_path, document | {"parameters": given})
    assert problem.phase_max_sites.tolist() == [1, 2]
    assert do.solve(problem).objective == 0


@pytest.mark.parametrize("target", ["x.json", "x.xlsx", "x.gpkg", "folder"])
def test_expected_demand_under_capacities_survives_every_encoding(
    tmp_path: Path, target: str
) -> None:
    """Rooms count once for each scenario, a list among the parameters."""
    sites = [each | {"capacity_units": 6} for each in DOCUMENT["sites"]]
    parameters = DOCUMENT["parameters"] | {"scenario_rule": "expected"}
    problem = _read(tmp_path, DOCUMENT | {"sites": sites, "parameters": parameters})
    assert problem.load_weight.tolist() == [9, 1]
    do.write(do.read(tmp_path / "sites.json"), tmp_path / target)
    assert digest(do.read(tmp_path / target).problem) == digest(problem)


@pytest.mark.parametrize("target", ["x.json", "x.xlsx", "x.gpkg", "folder"])
def test_prices_of_pairs_are_shared_out_over_scenarios_in_every_encoding(
    tmp_path: Path, target: str
) -> None:
    sites = [each | {"capacity_units": 9} for each in DOCUMENT["sites"]]
    coverage = [each | {"cost_cents": 30.0} for each in DOCUMENT["coverage"]]
    parameters = {"goal": "fixed-charge", "scenario_rule": "expected", "unserved_cents": 9}
    # Of u, nine tenths of the demand come in the calm, of v all of it in the surge.
    demand = [
        *DOCUMENT["scenario_demand"],
        {"scenario": "surge", "customer": "u", "demand_units": 5},
    ]
    tables = {"sites": sites, "coverage": coverage, "scenario_demand": demand}
    problem = _read(tmp_path, DOCUMENT | tables | {"parameters": parameters})
    assert problem.pair_cost_cents.tolist() == [27, 3, 0, 30, 27, 3]
    do.write(do.read(tmp_path / "sites.json"), tmp_path / target)
    assert digest(do.read(tmp_path / target).problem) == digest(problem)


def test_every_list_among_parameters_survives_a_table_of_keys() -> None:
    for kind in kinds().values():
        parameters = kind.header.model_fields.get("parameters")
        fields = getattr(parameters and parameters.annotation, "model_fields", {})
        for name in [key for key, field in fields.items() if "list[" in str(field.annotation)]:
            rows = header_rows({"parameters": {name: ["a"]}})
            cells = [("place", key, value) for key, value in rows]
            assert nested(cells, Issues()) == {"parameters": {name: ["a"]}}, name
