"""``explain``: what stands behind a solution, on the shipped instances."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dispatchopt.cli.main import run
from dispatchopt.core.errors import UnsupportedError
from dispatchopt.io import read
from dispatchopt.registry import domains, explain, solve

INSTANCES = Path(__file__).parents[2] / "instances"
EXPLAINED = [name for name, each in domains().items() if each.explain or each.explain_further]


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a solution of each kind that can be explained."""
    folder = tmp_path_factory.mktemp("explained")
    for kind in EXPLAINED:
        target = str(folder / f"{kind}.json")
        assert run(["solve", str(INSTANCES / f"{kind}-small"), "-q", "-o", target]) == 0
    return folder


def tables(solved: Path, kind: str, *options: str) -> dict[str, Any]:
    target = solved / f"{kind}-why.json"
    shipped, solution = str(INSTANCES / f"{kind}-small"), str(solved / f"{kind}.json")
    assert run(["explain", shipped, solution, "-o", str(target), "--overwrite", *options]) == 0
    return {table["name"]: table for table in json.loads(target.read_text())}


@pytest.mark.parametrize("kind", EXPLAINED)
def test_every_table_says_what_its_rows_are(solved: Path, kind: str) -> None:
    found = tables(solved, kind, "--top", "0")
    assert found
    for table in found.values():
        assert table["about"]
        assert table["num_rows"] == len(table["rows"])
        assert len({tuple(row) for row in table["rows"]}) <= 1, "the same columns in each row"


@pytest.mark.parametrize("kind", EXPLAINED)
def test_a_solution_is_explained_on_the_terminal(
    solved: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped, solution = str(INSTANCES / f"{kind}-small"), str(solved / f"{kind}.json")
    assert run(["explain", shipped, solution, "--top", "3"]) == 0
    printed = capsys.readouterr().out
    for name, table in tables(solved, kind).items():
        assert name in printed
        assert table["about"].split(";")[0] in printed


def test_sites_are_explained_by_what_closing_them_would_lose(solved: Path) -> None:
    problem = read(INSTANCES / "siting-small").problem
    sites = tables(solved, "siting", "--top", "0")["sites"]["rows"]
    coverage, demand = problem.coverage, problem.demand_units
    names = list(problem.site_ids)
    opened = [names.index(row["site"]) for row in sites]

    def covered(chosen: list[int]) -> int:
        seen = {
            customer
            for site in chosen
            for customer in coverage.customer_idx[
                coverage.indptr[site] : coverage.indptr[site + 1]
            ].tolist()
        }
        return sum(int(demand[customer]) for customer in seen)

    whole = covered(opened)
    for row, site in zip(sites, opened, strict=True):
        rest = [each for each in opened if each != site]
        assert row["sole_units"] == whole - covered(rest)


def test_a_broken_solution_is_not_explained(solved: Path, tmp_path: Path) -> None:
    value = json.loads((solved / "siting.json").read_text())
    value["decisions"]["open_sites"] = value["decisions"]["open_sites"][:1]
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(value))
    target = tmp_path / "why.json"
    shipped = str(INSTANCES / "siting-small")
    assert run(["explain", shipped, str(broken), "-o", str(target)]) == 6
    assert not target.exists()


def test_a_kind_without_an_explanation_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from dispatchopt import registry

    problem = read(INSTANCES / "siting-small").problem
    found = solve(problem).solution
    without = replace(domains()["siting"], explain=None, explain_further=None)
    monkeypatch.setattr(registry, "domain_of", lambda _: without)
    with pytest.raises(UnsupportedError, match="not explained"):
        explain(problem, found)


NAMED = """{
 "format": "dispatchopt", "version": 1, "kind": "routing",
 "parameters": {"travel": "straight", "profiles": [{"name": "bicycle"}], "num_loads": 1},
 "places": [{"id": "hub", "lon": 0, "lat": 0}, {"id": "door", "lon": 0.01, "lat": 0}],
 "stores": [{"id": "North", "place": "hub"}],
 "couriers": [{"id": "Ann", "start_place": "hub", "capacity": 1, "max_stops": 1}],
 "orders": [
  {"id": "tea", "place": "door", "load": 1, "refusal_cost": 100000},
  {"id": "ice", "place": "door", "load": 1, "refusal_cost": 90000}
 ]
}"""


def test_routes_are_explained_and_checked_by_the_names_of_their_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target, why = (tmp_path / name for name in ("in.json", "out.json", "why.json"))
    source.write_text(NAMED)
    assert run(["solve", str(source), "-q", "-o", str(target)]) == 0
    assert run(["explain", str(source), str(target), "-o", str(why)]) == 0
    found = {table["name"]: table["rows"] for table in json.loads(why.read_text())}
    (refused,) = found["refused"]
    assert (refused["order"], refused["remedy"]) == ("ice", "one courier more at store North")
    (tried,) = found["trials"]
    assert (tried["order"], tried["store"], tried["courier"]) == ("ice", "North", "Ann")
    assert [row["courier"] for row in found["couriers"]] == ["Ann"]
    assert [row["store"] for row in found["stores"]] == ["North"]
    value = json.loads(target.read_text())
    value["decisions"]["routes"] *= 2
    target.write_text(json.dumps(value))
    capsys.readouterr()
    assert run(["explain", str(source), str(target)]) == 6
    said = capsys.readouterr().err
    assert "courier Ann" in said
    assert "order tea" in said
    assert run(["check", str(source), str(target), "--format", "json"]) == 6
    places = {each["where"] for each in json.loads(capsys.readouterr().out)["violations"]}
    assert places == {"courier Ann", "order tea"}


@pytest.mark.parametrize("command", ["check", "explain"])
def test_a_result_without_decisions_is_refused_by_what_it_lacks(
    solved: Path, tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    value = json.loads((solved / "siting.json").read_text())
    value |= {"decisions": None, "objective": None, "gap": None, "status": "infeasible"}
    empty = tmp_path / "empty.json"
    empty.write_text(json.dumps(value))
    assert run([command, str(INSTANCES / "siting-small"), str(empty)]) == 3
    said = capsys.readouterr().err
    assert "/decisions: found nothing" in said
    assert "status is 'infeasible'" in said
