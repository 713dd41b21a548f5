"""Two processes with different hash seeds make the same bytes, whatever the command.

Run as a script, this file does every job in one process and leaves what came of it in a folder.
The clock stands still meanwhile, so that nothing but the work itself may show in the bytes.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dispatchopt.cli.common import kind_names
from dispatchopt.cli.main import run
from dispatchopt.registry import domains, policies

INSTANCES = Path(__file__).parents[2] / "instances"
#: Options that make instances of each kind smaller than the shipped ones.
SMALL = ("nodes=150", "customers=30", "sites=6", "skus=8", "orders=25", "couriers=4")
ENCODINGS = ("json", "folder", "parquet", "xlsx", "gpkg")
Job = Callable[[Path], None]


def call(*arguments: str | Path) -> int:
    """Run a command that says nothing, and return its exit code."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return run([str(word) for word in arguments])


def sets(options: tuple[str, ...]) -> list[str]:
    return [word for option in options for word in ("--set", option)]


def done(*arguments: str | Path) -> None:
    assert call(*arguments) == 0, arguments


def document(kind: str, folder: Path) -> Path:
    """Return a small document of a kind."""
    if kind not in {"city", "day"}:
        return INSTANCES / f"{kind}-small"
    path = folder.with_name(f"{kind}.json")
    if not path.exists():
        done("generate", kind, *sets(SMALL), "-q", "-o", path)
    return path


def documents(kind: str, folder: Path) -> Iterator[Path]:
    """Yield documents of a kind, of which every engine takes at least one."""
    yield INSTANCES / f"{kind}-small"
    path = folder.with_name(f"{folder.name}.json")
    if kind == "siting":
        for goal in ("max-coverage", "p-median", "cover-all", "fixed-charge", "p-center"):
            wide = ("--set", "reach_m=20000") if goal == "p-center" else ()
            done("generate", kind, "--set", f"goal={goal}", *wide, "--overwrite", "-q", "-o", path)
            yield path
        # Room for all demand among the sites, and for no site's whole surroundings.
        done("generate", kind, "--set", "goal=max-coverage", "--overwrite", "-q", "-o", path)
        held = json.loads(path.read_text())
        total = sum(row.get("demand_units", 1) for row in held["customers"])
        for row in held["sites"]:
            row["capacity_units"] = 2 * total // len(held["sites"])
        path.write_text(json.dumps(held))
        yield path
    elif kind == "guaranteed-service":
        # One product through one warehouse: a tree.
        few = ("--set", "products=1", "--set", "warehouses=1")
        done("generate", kind, *few, "--overwrite", "-q", "-o", path)
        yield path
    elif kind == "inventory":
        done("convert", INSTANCES / "inventory-small", path, "-q")
        held = json.loads(path.read_text())
        for table, column in (("skus", "available_units"), ("stores", "volume_ml")):
            for row in held[table]:
                del row[column]
        path.write_text(json.dumps(held))
        yield path
    elif kind == "routing":
        places = [(31 * node % 101, 57 * node % 103) for node in range(30)]
        lines = ["NAME : few", "TYPE : CVRP", "DIMENSION : 30", "EDGE_WEIGHT_TYPE : EUC_2D"]
        lines += ["CAPACITY : 20", "NODE_COORD_SECTION"]
        lines += [f"{node} {x} {y}" for node, (x, y) in enumerate(places, start=1)]
        lines += ["DEMAND_SECTION", "1 0", *(f"{node} {node % 5 + 1}" for node in range(2, 31))]
        path.write_text("\n".join([*lines, "DEPOT_SECTION", "1", "-1", "EOF", ""]))
        yield path
        lines = ["few", "", "VEHICLE", "NUMBER CAPACITY", "25 20", "", "CUSTOMER"]
        lines += ["CUST NO. XCOORD. YCOORD. DEMAND READY-TIME DUE-DATE SERVICE-TIME", ""]
        lines += [
            f"{node} {x} {y} {node % 5 + 1 if node else 0} "
            f"{200 + 37 * node % 300 if node else 0} {280 + 37 * node % 300 if node else 900} 10"
            for node, (x, y) in enumerate(places)
        ]
        path.with_suffix(".txt").write_text("\n".join([*lines, ""]))
        yield path.with_suffix(".txt")
        slow = path.with_name(f"{folder.name}-picked.json")
        done("convert", INSTANCES / "routing-small", slow, "-q")
        held = json.loads(slow.read_text())
        for row in held["stores"]:
            row["pick_s"] = 40
        slow.write_text(json.dumps(held))
        yield slow


def solve_job(kind: str, engine: str) -> Job:
    def work(folder: Path) -> None:
        limits = ("--iterations", "30", "--seed", "4", "--engine", engine, "-q")
        target = folder / "a.json"
        assert any(
            call("solve", each, *limits, "-o", target) == 0 for each in documents(kind, folder)
        ), "no document that it takes"

    return work


def simulate_job(policy: str) -> Job:
    def work(folder: Path) -> None:
        day = document("day", folder)
        for ending in ("json", "html"):
            target = folder / f"a.{ending}"
            done("simulate", day, "--policy", policy, "--seed", "4", "-q", "-o", target)

    return work


def generate_job(kind: str) -> Job:
    return lambda folder: done("generate", kind, "--seed", "4", "-q", "-o", folder / "a.json")


def convert_job(kind: str, encoding: str) -> Job:
    def work(folder: Path) -> None:
        target = folder / (f"a.{encoding}" if encoding in ("json", "xlsx", "gpkg") else "a")
        done("convert", document(kind, folder), target, "--to", encoding, "-q")
        texts = {"xlsx": cells_of_workbook, "gpkg": rows_of_database}.get(encoding)
        if texts is not None:
            # These hold the time of writing; what counts is what is in their tables.
            target.with_suffix(".txt").write_text("\n".join(texts(target)))
            target.unlink()

    return work


def cells_of_workbook(path: Path) -> Iterator[str]:
    import openpyxl

    for sheet in openpyxl.load_workbook(path, read_only=True):
        yield sheet.title
        for row in sheet.iter_rows(values_only=True):
            yield repr(row)


def rows_of_database(path: Path) -> Iterator[str]:
    with contextlib.closing(sqlite3.connect(path)) as base:
        names = base.execute("select name from sqlite_master where type = 'table' order by rowid")
        for (name,) in names.fetchall():
            if name == "gpkg_contents" or name.startswith("rtree"):
                continue
            yield name
            for row in base.execute(f'select * from "{name}"'):
                yield repr(row)


def plan_job(folder: Path) -> None:
    city = document("city", folder)
    done("plan", city, "--iterations", "30", "--seed", "4", "-q", "-o", folder / "plan")


def render_job(kind: str, ending: str) -> Job:
    def work(folder: Path) -> None:
        done("render", document(kind, folder), "-q", "-o", folder / f"a.{ending}")

    return work


def jobs() -> dict[str, Job]:
    """Return every job by name."""
    found: dict[str, Job] = {"plan": plan_job}
    for kind, domain in domains().items():
        for name, engine in domain.engines().items():
            if getattr(engine, "is_installed", True):
                found[f"solve-{kind}-{name}"] = solve_job(kind, name)
    found |= {f"simulate-{policy}": simulate_job(policy) for policy in policies()}
    for kind in kind_names():
        found[f"generate-{kind}"] = generate_job(kind)
        for encoding in ENCODINGS:
            found[f"convert-{kind}-{encoding}"] = convert_job(kind, encoding)
    for kind in ("city", "siting", "routing", "day"):
        for ending in ("html", "geojson"):
            found[f"render-{kind}-{ending}"] = render_job(kind, ending)
    return found


def main(target: Path) -> None:
    """Do every job; what fails leaves its reason where its files should be."""
    from dispatchopt.core import Stop
    from dispatchopt.pipeline import planner

    time.perf_counter = lambda: 0.0
    # A default value holds the clock that was there when the function was made.
    Stop.start.__defaults__ = (time.perf_counter,)
    planner.__dict__["peak_mb"] = lambda: 0.0
    for name, job in jobs().items():
        folder = target / name
        folder.mkdir(parents=True)
        try:
            job(folder)
        except AssertionError as error:
            (folder / "failed").write_text(str(error))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two folders of what two processes made."""
    folders = [tmp_path_factory.mktemp(f"seed{number}") for number in (0, 77)]
    for folder, hash_seed in zip(folders, ("0", "77"), strict=True):
        subprocess.run(
            [sys.executable, __file__, str(folder)],
            check=True,
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
        )
    return folders


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize("job", list(jobs()))
def test_bytes_are_the_same_whatever_the_hash_seed(made: list[Path], job: str) -> None:
    first, second = (contents(folder / job) for folder in made)
    assert first
    assert "failed" not in first, first["failed"].decode()
    assert list(first) == list(second)
    assert [name for name in first if first[name] != second[name]] == []


if __name__ == "__main__":
    main(Path(sys.argv[1]))
