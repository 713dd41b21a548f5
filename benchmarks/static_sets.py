"""The field's static sets: mean gap to the best known costs, ours beside PyVRP on its own.

``python -m benchmarks.static_sets --set solomon --time 60 --seeds 3 --kept FILE`` solves every
instance of a set with each method and seed, in a process of its own and for the same CPU seconds,
checks what comes out, and prints mean gaps. A kept file holds a line of JSON per run; runs that
stand in it are not repeated, so one that was cut short goes on where it stopped. ``--plot FILE``
draws the performance profile of what is kept. ``--methods ours pyvrp ortools vroom`` takes more
rivals in, each in its best setting; those that refuse a set are left out. ``--set all --sample 2``
takes two instances of every set, drawn at random (``--draw`` says which draw), seed after seed, so
that what is done when a run is cut short is as fair a sample as the whole.

Rivals run here, or under the Python that ``DISPATCHOPT_RIVALS_PYTHON`` names;
``python -m benchmarks.rivals FOLDER`` makes an environment for them.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.cpu_clock import CpuStop
from benchmarks.registry import Row
from benchmarks.static_instances import SETS, best_known, drawn, read_instance

from dispatchopt import routing
from dispatchopt.core.run import solve as run_solve
from dispatchopt.io.instance import Instance
from dispatchopt.routing.engines import _pyvrp_model
from dispatchopt.routing.engines.colgen import ColgenEngine
from dispatchopt.routing.engines.ortools import OrToolsEngine
from dispatchopt.routing.engines.pyvrp import PyVrpEngine
from dispatchopt.routing.engines.vroom import VroomEngine


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
    chosen: Sequence[tuple[str, Path]], given: argparse.Namespace, kept: dict[str, Row]
) -> Iterator[Row]:
    """Yield a row per instance, seed and method; what is kept is not run again."""
    listed = {name: best_known(name) for name in dict.fromkeys(name for name, _ in chosen)}
    for name, path in chosen:
        known = listed[name]
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
    """Return mean gaps per set and method, and what share of the rival's gap is closed.

    ``±`` is the standard error of the mean difference from the rival in percentage points, over
    instances and seeds that both have solved; ``better`` and ``worse`` count those pairs.
    """
    made: list[Row] = []
    for name in dict.fromkeys(row["set"] for row in rows):
        by_method: dict[str, dict[tuple[str, int], Row]] = {}
        for row in rows:
            if row["set"] == name:
                own = by_method.setdefault(row["method"], {})
                own[row.get("instance", ""), row.get("seed", len(own))] = row
        rival = by_method.get("pyvrp", {})
        rival_mean = _mean([row["gap"] for row in rival.values() if row.get("gap") is not None])
        for method, own in by_method.items():
            gaps = [row["gap"] for row in own.values() if row.get("gap") is not None]
            line: Row = {"set": name, "method": method, "runs": len(own), "solved": len(gaps)}
            line["mean gap %"] = round(100 * _mean(gaps), 3)
            if SETS[name].has_vehicles_first:
                more = [row["routes_more"] for row in own.values() if "routes_more" in row]
                line["vehicles more"] = round(sum(more) / max(1, len(more)), 3)
            if method != "pyvrp" and rival_mean > 0:
                line["closed %"] = round(100 * (1 - _mean(gaps) / rival_mean), 1)
                line |= _paired(own, rival)
            made.append(line)
    return made


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _paired(own: dict[Any, Row], rival: dict[Any, Row]) -> Row:
    """Return how runs differ from the rival's of the same instance and seed."""
    both = [(row, rival[key]) for key, row in own.items() if key in rival]
    both = [pair for pair in both if all(row.get("gap") is not None for row in pair)]
    if len(both) < 2:
        return {}
    more = [100 * (row["gap"] - other["gap"]) for row, other in both]
    return {
        "±": round(statistics.stdev(more) / math.sqrt(len(more)), 3),
        "better": sum(row["objective"] < other["objective"] for row, other in both),
        "worse": sum(row["objective"] > other["objective"] for row, other in both),
    }


def table(lines: Sequence[Row]) -> str:
    """Return lines of a summary as a table in Markdown."""
    columns = list(dict.fromkeys(key for line in lines for key in line))
    head = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    body = ["| " + " | ".join(str(line.get(key, "")) for key in columns) + " |" for line in lines]
    return "\n".join([*head, *body])


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", dest="sets", nargs="+", choices=[*SETS, "all"], required=True)
    parser.add_argument("--time", type=float, default=60.0, help="CPU seconds of each run (60)")
    parser.add_argument("--seeds", type=int, default=3, help="seeds 1 to this (3)")
    parser.add_argument("--kept", type=Path, help="file of results, to be gone on with")
    parser.add_argument("--sample", type=int, help="instances of each set, drawn at random (all)")
    parser.add_argument("--draw", type=int, default=1, help="seed of the sample (1)")
    parser.add_argument("--only", nargs="*", default=[], help="names to keep")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["ours", "pyvrp"])
    parser.add_argument("--one", type=Path, help="run one file only, and print its row as JSON")
    parser.add_argument("--plot", type=Path, help="file of a performance profile")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.sets[0], given.one, given.methods[0], given.time, given.seeds)))
        return
    names = list(SETS) if "all" in given.sets else given.sets
    chosen = drawn(names, sample=given.sample, draw=given.draw, only=given.only)
    rows = []
    for row in runs(chosen, given, load(given.kept)):
        rows.append(row)
        shown = "none" if row.get("gap") is None else f"{100 * row['gap']:.3f} %"
        print(f"{row['mark']}: gap {shown}, {row.get('cpu_s')} CPU s", flush=True)
    print(table(summary(rows)))
    if given.plot:
        from dispatchopt.reporting.plot import profile_png

        ratios: dict[str, list[float]] = {}
        for row in rows:
            value = row.get("gap")
            ratios.setdefault(row["method"], []).append(math.inf if value is None else 1 + value)
        given.plot.write_bytes(profile_png(ratios, label="cost / best known cost"))


if __name__ == "__main__":
    main()
