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
EXPLAINED = [name for name, domain in domains().items() if domain.explain is not None]


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
    without = replace(domains()["siting"], explain=None)
    monkeypatch.setattr(registry, "domain_of", lambda _: without)
    with pytest.raises(UnsupportedError, match="not explained"):
        explain(problem, found)
