"""The field's static sets: mean gap to the best known costs, ours beside PyVRP on its own.

``python -m benchmarks.static_sets --set solomon --time 60 --seeds 3 --kept FILE`` solves every
instance of a set with each method and seed, in a process of its own and for the same CPU seconds,
checks what comes out, and prints mean gaps. A kept file holds a line of JSON per run; runs that
stand in it are not repeated, so one that was cut short goes on where it stopped. ``--plot FILE``
draws the performance profile of what is kept. ``--methods ours pyvrp ortools vroom`` takes more
rivals in, each in its best setting; those that refuse a set are left out.

Rivals run here, or under the Python that ``DISPATCHOPT_RIVALS_PYTHON`` names;
``python -m benchmarks.rivals FOLDER`` makes an environment for them.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import math
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.registry import Row

from dispatchopt import io, routing
from dispatchopt.core.run import solve as run_solve
from dispatchopt.core.stop import Stop, StopClock
from dispatchopt.io.instance import Instance
from dispatchopt.routing.engines import _pyvrp_model
from dispatchopt.routing.engines.colgen import ColgenEngine
from dispatchopt.routing.engines.ortools import OrToolsEngine
from dispatchopt.routing.engines.pyvrp import PyVrpEngine
from dispatchopt.routing.engines.vroom import VroomEngine


@dataclass(frozen=True, kw_only=True)
class StaticSet:
    """A folder of instances, and how its costs are counted.

    Parameters
    ----------
    folder
        Below ``$DISPATCHOPT_DATA/routing``.
    rounding
        Name of the rounding under which the listed costs hold; lists in double precision are
        compared with costs in thousandths, as larger figures unbalance the penalties of rivals.
    convention
        How the convention of the listed costs begins.
    has_vehicles_first
        Whether fewer vehicles beat any distance.
    """

    folder: str
    rounding: str
    convention: str
    has_vehicles_first: bool = False


SETS = {
    "solomon": StaticSet(folder="solomon", rounding="dimacs", convention="distance"),
    "yang": StaticSet(folder="yang_mtvrptwr", rounding="dimacs", convention="distance"),
    "uchoa-x": StaticSet(folder="uchoa_x", rounding="round", convention="distance"),
    "vidal": StaticSet(folder="vidal_mdvrptw", rounding="exact", convention="distance"),
    "prizes": StaticSet(folder="pyvrp_pcvrptw", rounding="dimacs", convention="distance"),
    "mdvrp": StaticSet(folder="cordeau_mdvrp", rounding="exact", convention="distance"),
    "mdvrptw": StaticSet(folder="cordeau_mdvrptw", rounding="exact", convention="distance"),
    "road": StaticSet(folder="dimacs_road", rounding="round", convention=""),
    **{
        f"gh-{size}": StaticSet(
            folder=f"gehring_homberger/{size}", rounding="dimacs", convention="distance"
        )
        for size in (200, 400, 600, 800, 1000)
    },
    **{
        f"li-lim-{size}": StaticSet(
            folder=f"li_lim/{size}",
            rounding="exact",
            convention="hierarchical",
            has_vehicles_first=True,
        )
        for size in (100, 200, 400, 600, 800, 1000)
    },
}


@dataclass(frozen=True)
class CpuStop(Stop):
    """Limits whose time is CPU time of this process, which other work does not shorten."""

    def start(self, clock: Callable[[], float] = time.process_time) -> StopClock:
        """Start the clock of one run."""
        return super().start(clock)


def home() -> Path:
    """Return the folder of the sets."""
    return Path(os.environ.get("DISPATCHOPT_DATA", "../shared/data")) / "routing"


def instances(name: str) -> list[Path]:
    """Return the instances of a set, sorted by name; none if it is not there."""
    folder = home() / SETS[name].folder
    found = [*folder.glob("*.vrp"), *folder.glob("*.txt")]
    return sorted(path for path in found if "readme" not in path.name.lower())


def best_known(name: str) -> dict[str, tuple[float, int]]:
    """Return listed costs and numbers of vehicles (0 if not listed) by instance."""
    chosen = SETS[name]
    top = chosen.folder.partition("/")[0]
    with (home() / "bks.csv").open(encoding="utf-8", newline="") as stream:
        return {
            row["instance"]: (float(row["cost"]), int(row["vehicles"] or 0))
            for row in csv.DictReader(stream)
            if row["set"].partition("/")[0] == top
            and row["convention"].startswith(chosen.convention)
        }


def read_instance(name: str, path: Path) -> Instance:
    """Return an instance under the convention of its set."""
    chosen = SETS[name]
    options = {"rounding": chosen.rounding}
    if chosen.has_vehicles_first:
        options["vehicles_first"] = "1"
    return io.read(path, options)


def solve_ours(instance: Instance, path: Path, time_s: float, seed: int) -> Row:
    """Solve with the engine that is chosen for the instance."""
    del path
    stop = CpuStop(time_s=time_s)
    result = routing.solve(instance.problem, stop=stop, seed=seed)
    return {**_figures(instance, result.solution), "bound": result.bound, "engine": result.engine}


def solve_bare(instance: Instance, path: Path, time_s: float, seed: int) -> Row:
    """Solve with PyVRP's own ``solve`` and its defaults, on its own reading where it reads."""
    import pyvrp

    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = None
        if path.suffix == ".vrp":
            data = pyvrp.read(path, round_func=instance.notes["rounding"])
        else:
            model = _pyvrp_model.build(instance.problem)
            if model is None:
                return {}
            data = model.data

        def is_over(best_cost: int) -> bool:  # noqa: ARG001 - PyVRP passes it
            return time.process_time() - began >= time_s

        found = pyvrp.solve(data, is_over, seed=seed, collect_stats=False, display=False)
    best = found.best
    if not best.is_feasible():
        return {"iterations": found.num_iterations}
    if model is not None:
        return {**_figures(instance, model.solution(best)), "iterations": found.num_iterations}
    cost = best.distance_cost() + best.duration_cost() + best.fixed_vehicle_cost()
    return {
        "objective": cost + best.uncollected_prizes(),
        "distance": best.distance(),
        "routes": best.num_routes(),
        "iterations": found.num_iterations,
    }


def _with_engine(engine: Any) -> Callable[[Instance, Path, float, int], Row]:
    """Return a method that solves with one engine behind our adapter."""

    def method(instance: Instance, path: Path, time_s: float, seed: int) -> Row:
        del path
        refusal = engine.unsupported(instance.problem)
        if refusal:
            return {"refused": refusal}
        domain = dataclasses.replace(routing.DOMAIN, engines=lambda: {engine.name: engine})
        stop = CpuStop(time_s=time_s)
        found = run_solve(domain, instance.problem, engine=engine.name, stop=stop, seed=seed)
        return {**_figures(instance, found.solution), "iterations": found.iterations}

    return method


METHODS: dict[str, Callable[[Instance, Path, float, int], Row]] = {
    "ours": solve_ours,
    "pyvrp": solve_bare,
    "ortools": _with_engine(OrToolsEngine()),
    "vroom": _with_engine(VroomEngine()),
    "colgen": _with_engine(ColgenEngine()),
    "unpolished": _with_engine(PyVrpEngine(max_polished=0)),
}
#: Methods that are other people's tools.
RIVALS = ("pyvrp", "ortools", "vroom")


def _figures(instance: Instance, solution: Any) -> Row:
    if solution is None:
        return {}
    report = routing.check(instance.problem, solution)
    if report.violations:
        raise ValueError(f"{instance.name}: {report.violations[0]}")
    figures = report.figures
    return {
        "objective": report.objective,
        "distance": figures["distance_m"],
        "routes": figures["routes"],
    }


def one(name: str, path: Path, method: str, time_s: float, seed: int) -> Row:
    """Run one method here."""
    instance = read_instance(name, path)
    began = time.process_time()
    row = METHODS[method](instance, path, time_s, seed)
    spent_s = round(time.process_time() - began, 2)
    return {**row, "cpu_s": spent_s, "scale": instance.notes["scale"]}


def _apart(name: str, path: Path, method: str, time_s: float, seed: int) -> Row:
    """Run one method in a process of its own."""
    python = os.environ.get("DISPATCHOPT_RIVALS_PYTHON", sys.executable)
    if method not in RIVALS:
        python = sys.executable
    words = ["--one", str(path), "--set", name, "--methods", method]
    words += ["--time", str(time_s), "--seeds", str(seed)]
    done = subprocess.run(
        [python, "-m", "benchmarks.static_sets", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    try:
        row: Row = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        lines = done.stderr.strip().splitlines()
        return {"error": lines[-1] if lines else "ended without an answer"}
    return row


def gap(name: str, row: Row, known: tuple[float, int]) -> float | None:
    """Return how far a run is above the best known cost, relative; None without an answer."""
    what = "distance" if SETS[name].has_vehicles_first else "objective"
    if row.get(what) is None:
        return None
    # Some lists count scaled units: of both readings, the one that is near is meant.
    candidates = [row[what] / (known[0] * factor) - 1 for factor in (1, row["scale"])]
    nearest: float = min(candidates, key=abs)
    return nearest


def runs(
    name: str, paths: Sequence[Path], given: argparse.Namespace, kept: dict[str, Row]
) -> Iterator[Row]:
    """Yield a row per instance, seed and method; what is kept is not run again."""
    known = best_known(name)
    for path in paths:
        for seed in range(1, given.seeds + 1):
            for method in given.methods:
                mark = f"{name} {path.stem} {seed} {method} {given.time:g}"
                row = kept.get(mark)
                if row is None:
                    row = {"mark": mark, "set": name, "instance": path.stem, "seed": seed}
                    row |= {"method": method, **_apart(name, path, method, given.time, seed)}
                    if "refused" in row:
                        continue
                    if path.stem in known:
                        row["gap"] = gap(name, row, known[path.stem])
                        if known[path.stem][1] and row.get("routes"):
                            row["routes_more"] = row["routes"] - known[path.stem][1]
                    _keep(given.kept, row)
                yield row


def _keep(path: Path | None, row: Row) -> None:
    if path is not None:
        with path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")


def load(path: Path | None) -> dict[str, Row]:
    """Return the rows of a kept file by their marks."""
    if path is None or not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {row["mark"]: row for row in rows}


def summary(rows: Sequence[Row]) -> list[Row]:
    """Return mean gaps per set and method, and what share of the rival's gap is closed."""
    made: list[Row] = []
    for name in dict.fromkeys(row["set"] for row in rows):
        means: dict[str, float] = {}
        for method in dict.fromkeys(row["method"] for row in rows if row["set"] == name):
            own = [row for row in rows if row["set"] == name and row["method"] == method]
            gaps = [row["gap"] for row in own if row.get("gap") is not None]
            more = [row["routes_more"] for row in own if row.get("routes_more") is not None]
            means[method] = sum(gaps) / len(gaps) if gaps else math.nan
            line: Row = {"set": name, "method": method, "runs": len(own), "solved": len(gaps)}
            line["mean gap %"] = round(100 * means[method], 3)
            if SETS[name].has_vehicles_first:
                line["vehicles more"] = sum(more) / max(1, len(more))
            made.append(line)
        rival = means.get("pyvrp")
        for line in made:
            if rival and line["set"] == name and line["method"] != "pyvrp":
                line["closed %"] = round(100 * (1 - means[line["method"]] / rival), 1)
    return made


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", dest="sets", nargs="+", choices=SETS, required=True)
    parser.add_argument("--time", type=float, default=60.0, help="CPU seconds of each run (60)")
    parser.add_argument("--seeds", type=int, default=3, help="seeds 1 to this (3)")
    parser.add_argument("--kept", type=Path, help="file of results, to be gone on with")
    parser.add_argument("--every", type=int, default=1, help="take every n-th instance only (1)")
    parser.add_argument("--only", nargs="*", default=[], help="names to keep")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["ours", "pyvrp"])
    parser.add_argument("--one", type=Path, help="run one file only, and print its row as JSON")
    parser.add_argument("--plot", type=Path, help="file of a performance profile")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.sets[0], given.one, given.methods[0], given.time, given.seeds)))
        return
    kept, rows = load(given.kept), []
    for name in given.sets:
        paths = [p for p in instances(name) if not given.only or p.stem in given.only]
        for row in runs(name, paths[:: given.every], given, kept):
            rows.append(row)
            shown = "none" if row.get("gap") is None else f"{100 * row['gap']:.3f} %"
            print(f"{row['mark']}: gap {shown}, {row.get('cpu_s')} CPU s", flush=True)
    for line in summary(rows):
        print(", ".join(f"{key} {value}" for key, value in line.items()))
    if given.plot:
        from dispatchopt.reporting.plot import profile_png

        ratios: dict[str, list[float]] = {}
        for row in rows:
            value = row.get("gap")
            ratios.setdefault(row["method"], []).append(math.inf if value is None else 1 + value)
        given.plot.write_bytes(profile_png(ratios, label="cost / best known cost"))


if __name__ == "__main__":
    main()
