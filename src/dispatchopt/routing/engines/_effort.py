"""What a search over columns begins with, and how much it does at each stage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
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
    least_rise
        Rise of the bound, as a share of its rise by all cuts, below which two rounds are the last.
    first_guess
        Columns in the first branch and bound, if more are left.
    guess_growth
        Factor by which the guess of the gap grows.
    wide_first, wide_cut
        Gaps, of the linear programme and after the cuts, above which a better plan is looked for.
    wide_region, region_share
        Gap above which regions of the plan are searched, and for which share of the time left.
    most_kept
        Columns that are kept for the next state.
    """

    all_present: int = 2_000
    first_per_order: int = 15
    cut_rounds: int = 40
    cuts_per_round: int = 60
    least_rise: float = 0.03
    first_guess: int = 1_500
    guess_growth: float = 1.6
    wide_first: float = 0.03
    wide_cut: float = 0.006
    wide_region: float = 0.002
    region_share: float = 0.5
    most_kept: int = 4_000


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
    columns: Columns, known: IntArray, effort: Effort, is_new: BoolArray | None = None
) -> IntArray:
    """Return the columns that the linear programme starts from: the cheapest of (new) orders."""
    if len(columns) <= effort.all_present:
        return np.arange(len(columns))
    sizes = (columns.members < columns.num_rows).sum(axis=1) - 1
    share = columns.cost / np.maximum(1, sizes)
    chosen = [np.flatnonzero(columns.store < 0), known]
    some = range(columns.num_orders) if is_new is None else np.flatnonzero(is_new).tolist()
    for order in some:
        own = columns.holding(order)
        chosen.append(own[np.argsort(share[own], kind="stable")[: effort.first_per_order]])
    return np.unique(np.concatenate(chosen))
