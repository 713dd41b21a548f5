"""Tables beside a surge document: stock that a stream has left, and lanes between stores."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import IntArray
from dispatchopt.inventory.rebalancing.lanes import Lanes
from dispatchopt.inventory.surge.problem import MAX_UNITS
from dispatchopt.io.atomic import require_input
from dispatchopt.io.cells import NO_INT
from dispatchopt.io.document import typed
from dispatchopt.io.encodings.folder import read_csv
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues
from dispatchopt.io.kinds._pairs import check_once
from dispatchopt.io.kinds.rebalancing import flag_loops, lanes_of
from dispatchopt.io.schema.rebalancing import RebalancingLaneRow
from dispatchopt.io.schema.surge import LeftRow
from dispatchopt.io.tables import Checked, check_table, flag, references


@dataclass(frozen=True, kw_only=True, eq=False)
class LeftStock:
    """What a stream has left.

    Parameters
    ----------
    on_hand_units
        Units on the shelves, (S, K).
    held_units
        Units that were held for the stream and are free now, (S, K).
    movable_units
        Units of both that may leave the store, (S, K).
    """

    on_hand_units: IntArray
    held_units: IntArray
    movable_units: IntArray

    @property
    def stock_units(self) -> IntArray:
        """All that is left, (S, K)."""
        return self.on_hand_units + self.held_units


def read_left(path: Path, surge: Instance, sent_units: IntArray | None = None) -> LeftStock:
    """Return the stock that a CSV file of ``store, sku, on_hand_units`` states.

    Parameters
    ----------
    path
        The file; ``held_units`` and ``movable_units`` are columns that it may have. Pairs that are
        not listed have nothing left.
    surge
        The surge document, whose names it uses.
    sent_units
        What was sent before the stream, (S, K); then no more can be left than there was.

    Raises
    ------
    InputError
        Listing every fault, by file, row and value.
    """
    issues = Issues()
    require_input(path)
    table = check_table("stock", read_csv(path, path.name), LeftRow, issues)
    rows = _pairs(table, {"store": "stores", "sku": "skus"}, surge, issues)
    check_once(table, "sku", rows, issues)
    issues.raise_if_any()
    problem = surge.problem
    shelf, held, may = (table[name] for name in ("on_hand_units", "held_units", "movable_units"))
    total = shelf + held
    flag(table, "held_units", total > MAX_UNITS, "out-of-range",
         f"at most {MAX_UNITS:g} units with those on hand", issues)  # fmt: skip
    if sent_units is not None:
        was = (problem.on_hand_units + sent_units)[rows]
        for row in np.flatnonzero(total > was).tolist():
            wanted = f"at most the {was[row]} units that were there before the stream"
            hint = f"{problem.on_hand_units[rows][row]} on hand and {sent_units[rows][row]} sent"
            where = table.place(row, "on_hand_units")
            issues.add("out-of-range", where, int(total[row]), wanted, hint, path.name)
    flag(table, "movable_units", may > total, "out-of-range",
         "at most the units that are left", issues)  # fmt: skip
    issues.raise_if_any()
    made = [np.zeros(problem.shape, dtype=np.int64) for _ in range(3)]
    for into, values in zip(made, (shelf, held, np.where(may == NO_INT, total, may)), strict=True):
        into[rows] = values
    return LeftStock(on_hand_units=made[0], held_units=made[1], movable_units=made[2])


def read_lanes(path: Path, surge: Instance) -> Lanes:
    """Return the lanes of a CSV file with the columns of a rebalancing document's ``lanes``.

    Raises
    ------
    InputError
        Listing every fault, by file, row and value.
    """
    issues = Issues()
    require_input(path)
    table = check_table("lanes", read_csv(path, path.name), RebalancingLaneRow, issues)
    rows = _pairs(table, {"origin": "stores", "target": "stores"}, surge, issues)
    check_once(table, "target", rows, issues)
    flag_loops(table, rows, issues)
    issues.raise_if_any()
    return lanes_of(table, rows)


def _pairs(
    table: Checked, targets: dict[str, str], surge: Instance, issues: Issues
) -> tuple[npt.NDArray[np.int64], ...]:
    """Return the rows of the surge's tables that columns of names stand for."""
    problem = surge.problem
    names = {"stores": problem.store_ids, "skus": problem.sku_ids}
    known = {
        target: Checked(
            name=target,
            columns={"id": np.array(each, dtype=object)},
            table=typed(target, {"id": each}),
        )
        for target, each in names.items()
    }
    return tuple(
        references(table, column, known[target], issues) for column, target in targets.items()
    )
