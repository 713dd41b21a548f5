"""Serial lines and networks with a published cost: ours, known, seconds.

Run: ``DISPATCHOPT_DATA=... python -m benchmarks.guaranteed_service_published``.

Lines: Schoenmeyr and Graves (2009), in whole numbers. Networks (bulldozer, battery, camera): Graves
and Willems (2003), published as 633,000, 853,000, 71,757 and 78,000; known to the cent from another
model, CP-SAT with a table of costs for each stage.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from dispatchopt.inventory import guaranteed_service
from dispatchopt.inventory.guaranteed_service import GuaranteedServiceProblem, supply_chain

_UP, _FLAT, _DOWN = (0.36, 0.28, 0.2, 0.12, 0.04), (0.2,) * 5, (0.04, 0.12, 0.2, 0.28, 0.36)
_SLOW, _EVEN, _FAST = (36, 28, 20, 12, 4), (20,) * 5, (4, 12, 20, 28, 36)
#: Added cost and time of each stage, and the published cost, a whole number.
LINES: tuple[tuple[tuple[float, ...], tuple[int, ...], float], ...] = (
    (_UP, _SLOW, 400),
    (_UP, _EVEN, 400),
    (_FLAT, _SLOW, 368),
    (_FLAT, _EVEN, 394),
    (_FLAT, _FAST, 400),
    (_DOWN, _SLOW, 268),
    (_DOWN, _FAST, 392),
)
#: Name, holding cost a year, longest service of stages where it is not the file's, optimum.
NETWORKS: tuple[tuple[str, float, Mapping[str, int], float], ...] = (
    ("bulldozer", 0.3, {}, 632775.03),
    ("battery", 0.25, {}, 853077.33),
    ("digital_camera", 0.24, {}, 71475.76),
    ("digital_camera", 0.24, {"Imager": 0}, 77702.71),
)


def line(added: tuple[float, ...], periods: tuple[int, ...]) -> GuaranteedServiceProblem:
    """Return five stages in a row, the last of which delivers at once."""
    return supply_chain(
        added_cost=list(added),
        safety_units=[0, 0, 0, 0, 40.0],
        time_periods=list(periods),
        supplier=[0, 1, 2, 3],
        customer=[1, 2, 3, 4],
        max_service_periods=[-1, -1, -1, -1, 0],
    )


def network_path(name: str) -> Path:
    """Return where a network's list of stages is."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("DISPATCHOPT_DATA", folder))
    return folder / "inventory" / "gsm_snc" / f"{name}.txt"


def network(path: Path, rate: float, most: Mapping[str, int]) -> GuaranteedServiceProblem:
    """Read stages: id, time, longest service, cost, pooling, mean, deviation, z, suppliers."""
    rows = [row.split(",") for row in path.read_text().splitlines()[1:] if row.strip(", ")]
    ids = [row[0] for row in rows]
    pairs = [
        (ids.index(row[at]), stage)
        for stage, row in enumerate(rows)
        for at in range(8, len(row) - 1, 2)
        if row[at]
    ]
    return supply_chain(
        added_cost=[float(row[3]) for row in rows],
        safety_units=[float(row[6]) * float(row[7]) if row[6] else 0.0 for row in rows],
        pooling=[float(row[4]) if row[4] else 1.0 for row in rows],
        time_periods=[int(row[1]) for row in rows],
        supplier=[pair[0] for pair in pairs],
        customer=[pair[1] for pair in pairs],
        max_service_periods=[most.get(row[0], int(row[2]) if row[2] else -1) for row in rows],
        stage_ids=tuple(ids),
        holding_rate=rate,
    )


def main() -> None:
    """Solve all and print a row for each."""
    cases = [(f"line {at}", line(*each[:2]), each[2]) for at, each in enumerate(LINES, 1)]
    for name, rate, most, known in NETWORKS:
        if (path := network_path(name)).exists():
            cases.append((" ".join([name, *most]), network(path, rate, most), known))
    print("| case | stages | status | cost | known | s |\n| --- | --- | --- | --- | --- | --- |")
    for name, problem, known in cases:
        begin = time.perf_counter()
        result = guaranteed_service.solve(problem)
        seconds = time.perf_counter() - begin
        cost = result.objective or 0.0
        print(
            f"| {name} | {problem.num_stages} | {result.status} | {cost:,.2f} | {known:,.2f} "
            f"| {seconds:.2f} |"
        )


if __name__ == "__main__":
    main()
