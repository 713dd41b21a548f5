"""Quotes on solved snapshots of 240 orders, against solving again with the basket among the orders.

``python -m benchmarks.quotes`` asks for ``--asked`` baskets on each of ``--seeds`` snapshots: each
basket is an order of the same snapshot with more orders. A quote agrees if the full solve, proven
or ended after ``--time-limit`` CPU seconds, serves the basket, or refuses it, as the quote says.
With ``--kept FILE`` rows are written as JSON when they are known, and are not run again.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.cpu_clock import CpuStop
from benchmarks.snapshot import snapshot
from benchmarks.suites.routing_ticks import part

from dispatchopt.routing import solve
from dispatchopt.routing.quote import Basket, prepare, quote


def rows_of(seed: int, asked: int, size: tuple[int, int, int], limit_s: float) -> list[Any]:
    """Return a row per quote on one snapshot."""
    num, stores, couriers = size
    problem = snapshot(num + asked, stores, couriers, seed)
    kept = part(problem, np.arange(num))
    plan = solve(kept, engine="bundles", stop=CpuStop(time_s=4 * limit_s), seed=1).require()
    state = prepare(kept, plan)
    orders, options = problem.orders, problem.orders.store_options
    rows = []
    for order in range(num, num + asked):
        basket = Basket(
            place=int(orders.place[order]),
            release_s=int(orders.release_s[order]),
            latest_s=int(orders.latest_s[order]),
            service_s=int(orders.service_s[order]),
            refusal_cost=int(orders.refusal_cost[order]),
            stores=None if options is None else tuple(options.row(order).tolist()),
        )
        began = time.process_time()
        answer = quote(state, basket)
        spent_s = time.process_time() - began
        again = part(problem, np.append(np.arange(num), order))
        full = solve(again, engine="bundles", stop=CpuStop(time_s=limit_s), seed=1, start=plan)
        is_served = num in full.require().served()
        rows.append(
            {
                "seed": seed,
                "order": order,
                "ms": round(1e3 * spent_s, 2),
                "says": answer.can_promise,
                "is_served": is_served,
                "agrees": answer.can_promise == is_served,
                "marginal": answer.marginal_cost,
                "certain": answer.certain_cost,
                "status": full.status.value,
            }
        )
    return rows


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="snapshots (10)")
    parser.add_argument("--asked", type=int, default=12, help="quotes on each (12)")
    parser.add_argument("--size", default="240/18/72", help="orders/stores/couriers")
    parser.add_argument("--time-limit", type=float, default=20.0, help="CPU s of a full solve (20)")
    parser.add_argument("--kept", type=Path, help="file of rows, one JSON object a line")
    given = parser.parse_args()
    num, stores, couriers = (int(part) for part in given.size.split("/"))
    rows: list[Any] = []
    if given.kept is not None and given.kept.exists():
        rows = [json.loads(line) for line in given.kept.read_text("utf-8").splitlines()]
    known = {row["seed"] for row in rows}
    for seed in range(1, given.seeds + 1):
        if seed in known:
            continue
        found = rows_of(seed, given.asked, (num, stores, couriers), given.time_limit)
        rows += found
        lines = "".join(json.dumps(row) + "\n" for row in found)
        print(lines, end="", flush=True)
        if given.kept is not None:
            with given.kept.open("a", encoding="utf-8") as file:
                file.write(lines)
    spent = [row["ms"] for row in rows]
    agreed = sum(row["agrees"] for row in rows)
    print(
        f"{agreed} of {len(rows)} agree; median {np.median(spent):.2f} ms, "
        f"99 % within {np.quantile(spent, 0.99):.1f} ms, slowest {max(spent):.1f} ms"
    )


if __name__ == "__main__":
    main()
