"""All snapshots, proven or with a gap, beside PyVRP in the same run.

``python -m benchmarks.snapshots [KIND ...]`` solves ten seeds each of 120 orders with 63 and with
36 couriers at 9 stores, of 240 with 72 at 18 (too few), and of 500 with 175 at 35. Kinds:
``uniform`` (default), ``roads`` (networks in ``$DISPATCHOPT_DATA/geo``), ``rappi`` (dinner of the
days under ``$DISPATCHOPT_DATA/instant/rappi/instances``, another day per seed). All times are
CPU seconds of one thread. With ``--kept FILE`` each row is written as JSON when it is known, and
rows that the file holds are not run again; the table at the end is that of the whole file.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.cpu_clock import CpuStop
from benchmarks.snapshot import of_rappi, on_roads, snapshot

from dispatchopt.geography.network import Network
from dispatchopt.io.roads.read import read_network
from dispatchopt.routing import RoutingProblem, check, solve
from dispatchopt.routing.engines import _pyvrp_model, _trip_pricing

HOME = Path(os.environ.get("DISPATCHOPT_DATA", "../shared/data"))
ROADS = ("porto_drive", "chengdu")
#: Orders, stores, couriers, and CPU seconds.
CASES = ((120, 9, 63, 20.0), (120, 9, 36, 20.0), (240, 18, 72, 20.0), (500, 35, 175, 60.0))


@cache
def _network(name: str) -> Network:
    return read_network(HOME / "geo" / name).largest_component()


def problem_of(kind: str, orders: int, stores: int, couriers: int, seed: int) -> RoutingProblem:
    """Return a snapshot of a kind."""
    if kind == "uniform":
        return snapshot(orders, stores, couriers, seed)
    if kind == "roads":
        name = ROADS[seed % len(ROADS)]
        return on_roads(_network(name), orders, stores, couriers, seed)
    folders = sorted((HOME / "instant" / "rappi" / "instances").iterdir(), key=_number)
    whole = [folder for folder in folders if any(folder.glob("orders*.csv"))]
    return of_rappi(whole[seed % len(whole)], orders, stores, couriers, seed)


def _number(folder: Path) -> int:
    return int(folder.name) if folder.name.isdigit() else -1


def bare_pyvrp(problem: RoutingProblem, seconds: float) -> float:
    """Return the cost of PyVRP's own search, with its best formulation, as our checker sees it."""
    import pyvrp

    model = _pyvrp_model.build(problem)
    if model is None:
        raise ValueError("PyVRP cannot hold this snapshot")
    end_s = time.process_time() + seconds

    def stop(best_cost: int) -> bool:  # noqa: ARG001 - PyVRP names it
        return time.process_time() > end_s

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pyvrp.solve(model.data, stop, seed=1, collect_stats=False, display=False).best
    plan = model.solution(found) if found.is_feasible() else None
    return float("inf") if plan is None else check(problem, plan).objective


def row_of(kind: str, case: tuple[int, int, int, float], seed: int, rival_s: float) -> Any:
    """Return what engine ``bundles`` and PyVRP come to on one snapshot."""
    orders, stores, couriers, limit_s = case
    problem = problem_of(kind, orders, stores, couriers, seed)
    began = time.process_time()
    result = solve(problem, engine="bundles", stop=CpuStop(time_s=limit_s), seed=1)
    spent_s = time.process_time() - began
    rival = bare_pyvrp(problem, rival_s) if rival_s > 0 else None
    return {
        "kind": kind,
        "case": f"{orders}/{stores}/{couriers}",
        "seed": seed,
        "orders": len(problem.orders),
        "status": str(result.status.value),
        "objective": result.objective,
        "gap": result.gap,
        "cpu_s": round(spent_s, 3),
        "pyvrp": rival,
    }


def table_of(rows: list[Any]) -> str:
    """Return a line per kind and case."""
    lines = ["kind case seeds proven median_s slowest_s worst_gap_% pyvrp_least_% pyvrp_mean_%"]
    for key in dict.fromkeys((row["kind"], row["case"]) for row in rows):
        own = [row for row in rows if (row["kind"], row["case"]) == key]
        spent = [row["cpu_s"] for row in own]
        gaps = [1.0 if row["gap"] is None else row["gap"] for row in own]
        above = [100 * (row["pyvrp"] / row["objective"] - 1) for row in own if row["pyvrp"]]
        proven = sum(row["status"] == "optimal" for row in own)
        rival = f"{min(above):.2f} {np.mean(above):.2f}" if above else "- -"
        lines.append(
            f"{key[0]} {key[1]} {len(own)} {proven} {np.median(spent):.2f} {max(spent):.2f} "
            f"{100 * max(gaps):.2f} {rival}"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=["uniform"], help="uniform, roads, rappi")
    parser.add_argument("--seeds", type=int, default=10, help="seeds of each case (10)")
    parser.add_argument("--rival-s", type=float, default=10.0, help="CPU s of PyVRP (10; 0: none)")
    parser.add_argument("--only", nargs="*", default=[], help="cases such as 120/9/36")
    parser.add_argument("--kept", type=Path, help="file of rows, one JSON object a line")
    given = parser.parse_args()
    rows: list[Any] = []
    if given.kept is not None and given.kept.exists():
        rows = [json.loads(line) for line in given.kept.read_text("utf-8").splitlines()]
    known = {(row["kind"], row["case"], row["seed"]) for row in rows}
    # Libraries and compiled code are loaded before anything is timed.
    solve(snapshot(60, 4, 16, 1), engine="bundles", stop=CpuStop(time_s=60))
    warm = snapshot(120, 9, 63, 99)
    solve(warm, engine="bundles", stop=CpuStop(time_s=60))
    _trip_pricing.pricings_of(warm)[0].below(0.0, 1, np.zeros(len(warm.orders) + 9))
    for kind in given.kinds:
        for case in CASES:
            name = "/".join(str(number) for number in case[:3])
            if given.only and name not in given.only:
                continue
            for seed in range(1, given.seeds + 1):
                if (kind, name, seed) in known:
                    continue
                row = row_of(kind, case, seed, given.rival_s)
                rows.append(row)
                print(json.dumps(row), flush=True)
                if given.kept is not None:
                    with given.kept.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(row) + "\n")
    print(table_of(rows))


if __name__ == "__main__":
    main()
