"""Why orders of MDRP days are late: who could have fetched each in time when it came.

For every instance, as a share of the orders placed, those late or lost by cause, judged at the
first decision after the placement and with the couriers then in sight:

- ``impossible``: the goods are ready too late, or the way to the door is too long, for anybody;
- ``idle``: an idle courier could have been there in time, but was used for other orders;
- ``busy``: only couriers who were busy or still to come could have;
- ``near``: nobody could, the nearest misses by 4 minutes at most;
- ``far``: nobody could by far.

With ``--kept`` a run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from benchmarks.kept import keep, known, mark_of
from benchmarks.mdrp_set import VARIANTS, instances, set_folder
from benchmarks.registry import Row

from dispatchopt import io
from dispatchopt.core import Stop
from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.core.result import StopReason
from dispatchopt.dispatch import find_policy
from dispatchopt.dispatch.policy import Policy
from dispatchopt.dispatch.state import Decision, DispatchState
from dispatchopt.dispatch.timing import NEVER_S, at_goods_s, drive_s
from dispatchopt.geography.matrix import UNREACHABLE
from dispatchopt.simulation import Day, DayOutcome, simulate
from dispatchopt.simulation.soonest import soonest_s

CAUSES = ("impossible", "idle", "busy", "near", "far")
NEAR_S = 240


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A policy that notes, when an order is first seen, how soon couriers could fetch it.

    Parameters
    ----------
    inner
        The policy that decides.
    reach_s
        Filled by it: for each order seen, the soonest second at which an idle courier, and any
        courier in sight, could take it over at its store; ``NEVER_S`` where none could.
    """

    inner: Policy
    reach_s: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the policy that decides."""
        return self.inner.name

    def decide(self, state: DispatchState, *, stop: Stop, seed: int) -> Decision:
        """Note orders that are new, and decide."""
        for row, order in enumerate(state.orders.idx.tolist()):
            if order not in self.reach_s:
                self.reach_s[order] = _reach_s(state, row)
        return self.inner.decide(state, stop=stop, seed=seed)


def _reach_s(state: DispatchState, row: int) -> tuple[int, int]:
    """Return when an idle courier, and any courier, could take over at the first of its stores."""
    couriers, orders = state.couriers, state.orders
    if orders.option_ptr[row] == orders.option_ptr[row + 1] or not len(couriers):
        return NEVER_S, NEVER_S
    store = int(orders.option_store[orders.option_ptr[row]])
    place = np.repeat(state.stores.place_idx[[store]], len(couriers))
    _, way_s = state.travel.pairs(couriers.place_idx, place)
    parked_s = np.where(couriers.place_idx == place, couriers.parked_s, NEVER_S)
    drives_s = drive_s(way_s, state.travel.slowdown(state.now_s) * couriers.pace)
    here_s = at_goods_s(couriers.free_s, drives_s, state.rules.park_s, parked_s)
    can = (way_s < UNREACHABLE) & (here_s <= couriers.off_s) & (couriers.free_s < couriers.off_s)
    here_s = np.where(can, here_s, NEVER_S)
    idle_s: IntArray = here_s[couriers.is_free]
    return int(idle_s.min(initial=NEVER_S)), int(here_s.min(initial=NEVER_S))


def causes(day: Day, outcome: DayOutcome, reach_s: dict[int, tuple[int, int]]) -> Row:
    """Return percent of the orders placed that are late or lost, by cause.

    Days have given ready times, one store per order, and no noise.
    """
    delivered_s, due_s = outcome.orders.delivered_s, day.orders.due_s
    floor_s = soonest_s(day)
    is_late: BoolArray = (delivered_s < 0) | (delivered_s > due_s)
    count = dict.fromkeys(CAUSES, 0)
    for order in np.flatnonzero(is_late).tolist():
        # Who takes over at the floor's moment is in time by what is left until the due time.
        left_s = int(due_s[order] - floor_s[order])
        latest_s = int(day.orders.ready_s[order]) + left_s
        idle_s, any_s = reach_s.get(order, (NEVER_S, NEVER_S))
        count[_cause(left_s, idle_s - latest_s, any_s - latest_s)] += 1
    share = 100 / max(1, len(day.orders))
    row: Row = {"case": day.name, "late": share * int(is_late.sum())}
    return row | {name: share * count[name] for name in CAUSES}


def _cause(left_s: int, idle_miss_s: int, any_miss_s: int) -> str:
    """Name the cause by the time left and by how much couriers would miss the latest take-over."""
    if left_s < 0:
        return "impossible"
    if idle_miss_s <= 0:
        return "idle"
    if any_miss_s <= 0:
        return "busy"
    return "near" if any_miss_s <= NEAR_S else "far"


def explained(path: Path, policy: str, variant: str) -> Row:
    """Replay one instance under a policy and split what is late by cause.

    Raises
    ------
    RuntimeError
        If the day did not run to its end.
    """
    day = io.read(path, VARIANTS[variant]).problem
    if not isinstance(day, Day):
        raise TypeError(f"{path} is not a day")
    watched = Watched(inner=find_policy(policy))
    outcome = simulate(day, watched)
    if outcome.stopped_by is not StopReason.COMPLETED:
        raise RuntimeError(f"{watched.name} on {day.name} was stopped: {outcome.stopped_by}")
    return causes(day, outcome, watched.reach_s)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table of causes, and the means over instances last."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mdrp_late", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=set_folder())
    parser.add_argument("--policy", default="rolling")
    parser.add_argument("--variant", choices=("strict", "qc"), default="qc")
    parser.add_argument("--only", nargs="*", default=[], help="parts of names to keep")
    parser.add_argument("--kept", type=Path, help="file of results to go on from")
    given = parser.parse_args(arguments)
    mark = mark_of("late", find_policy(given.policy), VARIANTS[given.variant])
    before, rows = known(given.kept, mark), []
    for path in instances(given.folder):
        if given.only and not any(part in path.name for part in given.only):
            continue
        row = before.get(path.name)
        if row is None:
            row = explained(path, given.policy, given.variant)
            keep(given.kept, mark, row)
        rows.append(row)
        sys.stderr.write(f"{path.name}: {row['late']:.2f} % late\n")
    if not rows:
        sys.exit(f"no MDRP instances in {given.folder}; give a folder or set DISPATCHOPT_MDRP")
    names = ("late", *CAUSES)
    mean: Row = {name: float(np.mean([row[name] for row in rows])) for name in names}
    rows.append({"case": f"mean of {len(rows)}", **mean})
    sys.stdout.write(f"{'percent of orders':24}" + "".join(f"{name:>12}" for name in names) + "\n")
    for row in rows:
        sys.stdout.write(f"{row['case']:24}" + "".join(f"{row[name]:12.2f}" for name in names))
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
