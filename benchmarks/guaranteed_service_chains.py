"""Every chain of Willems that is given: objective, bound, gap, seconds.

Run: ``DISPATCHOPT_DATA=... python -m benchmarks.guaranteed_service_chains [NUMBER ...]``.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from dispatchopt.core import Stop
from dispatchopt.inventory import guaranteed_service
from dispatchopt.io import read


def main() -> None:
    """Solve the chains and print a row for each."""
    parser = argparse.ArgumentParser(description="Safety stock in the chains that are given.")
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds for each chain")
    parser.add_argument("numbers", type=int, nargs="*", help="chains; all if none is named")
    asked = parser.parse_args()
    folder = Path(os.environ.get("DISPATCHOPT_DATA", "")) / "inventory" / "willems38"
    paths = sorted(folder.glob("chain_*.json"))
    if not paths:
        raise SystemExit("the chains are not at hand: set DISPATCHOPT_DATA")
    print("| chain | stages | arcs | status | cost | bound | gap | CPU s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for path in paths:
        number = int(path.stem.removeprefix("chain_"))
        if asked.numbers and number not in asked.numbers:
            continue
        problem = read(path).problem
        begin = time.process_time()
        result = guaranteed_service.solve(problem, stop=Stop(time_s=asked.time_limit))
        seconds = time.process_time() - begin
        gap = 100 * (result.gap or 0.0)
        print(
            f"| {number} | {problem.num_stages} | {problem.num_arcs} | {result.status} "
            f"| {result.objective:,.0f} | {result.bound:,.0f} | {gap:.3f} % | {seconds:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
