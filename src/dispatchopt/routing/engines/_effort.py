"""What a search over columns begins with, and how much it does at each stage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.routing.engines._columns import Columns


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much to do at each stage.

    Parameters
    ----------
    all_present
        Columns up to which all are in the linear programme from the start.
    first_per_order
        Otherwise: columns of least cost per order that it starts from, for each order.
    cut_rounds, cuts_per_round
        How often cuts are looked for, and how many are taken at a time.
    least_rise, least_closed
        Rise of the bound, as a share of its rise by all cuts, and of the gap that is left, below
        which two rounds are the last.
    first_guess
        Columns in the first branch and bound, if more are left.
    guess_growth
        Factor by which the guess of the gap grows.
    wide_first, wide_cut
        Gaps, of the linear programme and after the cuts, above which a better plan is looked for.
    most_settled
        Columns up to which branch and bound is quicker than the search for a better plan.
    better_share
        Share of the time left that the search for a better plan may take after the cuts; also
        where the gap stays wide, as branch and bound below a guess finds plans on its way.
    most_kept
        Columns that are kept for the next state.
    ruin_steps, more_ruin_steps, warm_ruin_steps
        Steps of ruin and recreate per order: before the linear programme; each time that the gap
        is found to be wide; and before the linear programme where one is gone on with.
    """

    all_present: int = 2_000
    first_per_order: int = 15
    cut_rounds: int = 40
    cuts_per_round: int = 60
    least_rise: float = 0.03
    least_closed: float = 0.01
    first_guess: int = 1_500
    guess_growth: float = 1.6
    wide_first: float = 0.03
    wide_cut: float = 0.002
    most_settled: int = 2_500
    better_share: float = 0.6
    most_kept: int = 4_000
    ruin_steps: int = 40
    more_ruin_steps: int = 200
    warm_ruin_steps: int = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Warm:
    """Columns and subset-row cuts to begin with.

    Parameters
    ----------
    columns
        Numbers of columns, ascending.
    cuts
        Three orders each, shape (num_cuts, 3).
    is_new
        Orders of which the cheapest columns are to be added, shape (num_orders,).
    """

    columns: IntArray
    cuts: IntArray
    is_new: BoolArray | None = None


def starting_columns(
    columns: Columns, known: IntArray, effort: Effort, warm: Warm | None = None
) -> IntArray:
    """Return the columns that the linear programme starts from: the cheapest of (new) orders.

    ``known`` are columns of a plan, ``warm`` is what an earlier search ended with.
    """
    is_new = None if warm is None else warm.is_new
    if len(columns) <= effort.all_present:
        return np.arange(len(columns))
    sizes = (columns.members < columns.num_rows).sum(axis=1) - 1
    share = columns.cost / np.maximum(1, sizes)
    chosen = [np.flatnonzero(columns.store < 0), known]
    if warm is not None:
        chosen.append(warm.columns)
    some = range(columns.num_orders) if is_new is None else np.flatnonzero(is_new).tolist()
    for order in some:
        own = columns.holding(order)
        chosen.append(own[np.argsort(share[own], kind="stable")[: effort.first_per_order]])
    return np.unique(np.concatenate(chosen))


def kept_columns(columns: Columns, present: IntArray, reduced: FloatArray, effort: Effort) -> Warm:
    """Return what a search for the next state may begin with, by origin.

    Parameters
    ----------
    columns
        All columns, with their cuts.
    present
        Those of the linear programme.
    reduced
        Reduced cost of each column, shape (num_columns,).
    effort
        How many are kept.
    """
    least = present[np.argsort(reduced[present], kind="stable")[: effort.most_kept]]
    triples = [cut.orders for cut in columns.cuts if cut.orders]
    return Warm(
        columns=np.sort(columns.origin[least]),
        cuts=np.array(triples, dtype=np.int64).reshape(-1, 3),
    )
