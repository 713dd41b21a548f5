"""Complete orders of weeks that nothing was fitted to or chosen on.

Weeks are parted in three: assortments are fitted to the first ones, habits of customers are chosen
by the orders of the middle ones, and only the last ones are counted. The choice is made anew for
each number of slots; what is reported is fitted to all weeks before the last with the habits that
were chosen.

    DISPATCHOPT_DATA=... python -m benchmarks.assortment_held_out [--stores pooled|largest]
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from benchmarks.suites.inventory_assortment import completejourney

from dispatchopt.core import Stop
from dispatchopt.inventory import assortment
from dispatchopt.inventory.assortment import AssortmentProblem, Habits

#: Days of the middle and of the last part; the rest comes first.
MIDDLE_DAYS, LAST_DAYS = 42.0, 56.0
#: Slots as a share of the SKUs that were ordered before the last part.
SHARES = (0.02, 0.05, 0.1, 0.2, 0.4)
#: The first draws every line anew by popularity; the others are a plain grid.
GRID = (
    Habits(half_life_days=math.inf, substitute_share=0.0, other_share=1.0),
    *(
        Habits(half_life_days=life, substitute_share=round(lost * kind, 2),
               other_share=round(lost * (1 - kind), 2))
        for life, lost, kind in itertools.product(
            (56.0, 112.0, math.inf), (0.5, 0.7, 0.9), (0.5, 0.85)
        )
    ),
)  # fmt: skip
_STOP = Stop(time_s=60)


def part(problem: AssortmentProblem, is_kept: Any) -> AssortmentProblem:
    """Return the problem with some of its orders."""
    row = np.cumsum(is_kept) - 1
    keep = is_kept[problem.line_order]
    return problem.replace(
        order_weight=problem.order_weight[is_kept],
        order_zone=problem.order_zone[is_kept],
        line_order=row[problem.line_order[keep]],
        line_sku=problem.line_sku[keep],
        order_ids=(),
    )


def complete(problem: AssortmentProblem, made: assortment.AssortmentSolution) -> Any:
    """Return which orders of a problem with one store are complete, (O,)."""
    lacks = ~made.is_carried[0][problem.line_sku]
    return np.bincount(problem.line_order[lacks], minlength=problem.num_orders) == 0


def choose(
    problem: AssortmentProblem, group: Any, age: Any, slots: int, grid: Sequence[Habits]
) -> Habits:
    """Return the habits that complete most orders of the middle weeks, fitted to the first."""
    is_first = age >= LAST_DAYS + MIDDLE_DAYS
    first = part(problem, is_first).replace(slots=np.array([slots]))
    middle = part(problem, (age >= LAST_DAYS) & ~is_first)
    scores = []
    for each in grid:
        _, result = assortment.solve_smoothed(
            first, sku_group=group, age_days=age[is_first] - LAST_DAYS - MIDDLE_DAYS, habits=each,
            rounds=1, stop=_STOP,
        )  # fmt: skip
        scores.append(float(complete(middle, result.require()).mean()))
    return grid[int(np.argmax(scores))]


def report(problem: AssortmentProblem, group: Any, age: Any, name: str) -> None:
    """Print shares of complete orders of the last weeks."""
    before, last = age >= LAST_DAYS, part(problem, age < LAST_DAYS)
    known = part(problem, before)
    seen = np.unique(known.line_sku)
    most = complete(last, assortment.AssortmentSolution(
        is_carried=np.isin(np.arange(problem.num_skus), seen)[None]))  # fmt: skip
    print(
        f"\n{name}: {known.num_orders:,} orders before, {last.num_orders:,} counted, "
        f"{seen.size:,} SKUs seen; at most {100 * most.mean():.1f} % can be complete\n"
    )
    print("| slots | most popular | best for past orders | smoothed | gain | gap | habits |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for share in SHARES:
        slots = int(share * seen.size)
        limited = known.replace(slots=np.array([slots]))
        habits = choose(problem, group, age, slots, GRID)
        popular = complete(last, assortment.most_popular(limited))
        as_seen = complete(last, assortment.solve(limited, engine="cut", stop=_STOP).require())
        _, result = assortment.solve_smoothed(
            limited, sku_group=group, age_days=age[before] - LAST_DAYS, habits=habits, stop=_STOP
        )
        made = complete(last, result.require())
        gain = made.astype(float) - popular
        error = gain.std() / math.sqrt(gain.size)
        print(
            f"| {slots:,} | {100 * popular.mean():.1f} % | {100 * as_seen.mean():.1f} % "
            f"| {100 * made.mean():.1f} % | {100 * gain.mean():+.2f} ± {100 * error:.2f} "
            f"| {100 * (result.gap or 0.0):.3f} % | {habits.half_life_days:g} d, "
            f"{habits.substitute_share:g}, {habits.other_share:g} |",
            flush=True,
        )


def main() -> None:
    """Read the baskets and report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--stores", choices=("pooled", "largest"), default="pooled")
    pooled = parser.parse_args().stores == "pooled"
    found = completejourney(stores=40 if pooled else 1)
    if found is None:
        raise SystemExit("the completejourney baskets are not at hand: set DISPATCHOPT_DATA")
    problem, group, age = found
    report(problem, group, age, "40 stores as one" if pooled else "the largest store")


if __name__ == "__main__":
    main()
