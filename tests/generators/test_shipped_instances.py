from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from dispatchopt.cli.generate import command
from dispatchopt.core.arrays import digest
from dispatchopt.core.tolerance import bound_crosses, bound_meets
from dispatchopt.generators import GENERATORS, generate
from dispatchopt.io import read
from dispatchopt.io.results import solution_kinds
from dispatchopt.registry import domains, solve

INSTANCES = Path(__file__).parents[2] / "instances"


@pytest.mark.parametrize("kind", list(GENERATORS))
def test_command_of_the_readme_makes_the_same_files(kind: str, tmp_path: Path) -> None:
    shipped = INSTANCES / f"{kind}-small"
    wanted = f"dispatchopt generate {kind} --size small --seed 1"
    assert wanted in (shipped / "README.md").read_text()
    made = tmp_path / "made"
    arguments = [*wanted.split()[2:], "--output", str(made), "-q"]
    outcome = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    files = {path.relative_to(made) for path in made.rglob("*") if path.is_file()}
    # The header, and a table at least.
    assert len(files) >= 2
    for path in files:
        assert (made / path).read_bytes() == (shipped / path).read_bytes(), path
    extra = {path.relative_to(shipped) for path in shipped.rglob("*") if path.is_file()} - files
    assert {str(path) for path in extra} == {"README.md", "known.json"}


@pytest.mark.parametrize("kind", [kind for kind in GENERATORS if kind != "city"])
def test_files_hold_all_of_the_problem(kind: str) -> None:
    read_back = read(INSTANCES / f"{kind}-small").problem
    made = generate(kind, size="small", seed=1)
    for name in vars(made):
        if name not in {"name", "travel"}:
            assert digest(getattr(read_back, name)) == digest(getattr(made, name)), name


@pytest.mark.parametrize("kind", list(solution_kinds()))
def test_known_optima(kind: str) -> None:
    known = json.loads((INSTANCES / f"{kind}-small" / "known.json").read_text())
    assert not bound_crosses(known["bound"], known["objective"])
    problem = read(INSTANCES / f"{kind}-small").problem
    result = solve(problem, seed=1)
    assert result.objective is not None
    assert result.objective == pytest.approx(known["objective"], rel=1e-6)
    assert result.bound is not None
    assert bound_meets(result.bound, known["objective"])


def test_every_domain_is_complete() -> None:
    """Each problem that can be solved has documents, solutions, a generator and an instance."""
    wanted = set(domains())
    assert wanted == set(solution_kinds())
    assert wanted <= set(GENERATORS)
    assert wanted <= {path.name.removesuffix("-small") for path in INSTANCES.glob("*-small")}


def test_all_shipped_documents_are_small() -> None:
    total = sum(path.stat().st_size for path in INSTANCES.rglob("*") if path.is_file())
    assert total < 1_500_000
    city = INSTANCES / "city-small"
    assert sum(path.stat().st_size for path in city.rglob("*") if path.is_file()) < 600_000
