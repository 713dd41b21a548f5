"""Inequalities that a fractional plan breaks, of both kinds."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.routing.engines._columns import Columns, Cut
from dispatchopt.routing.engines._relaxation import Solved
from dispatchopt.routing.engines._subset_rows import violated_triples
from dispatchopt.routing.engines._zero_half import zero_half_cuts


def held(columns: Columns, some: IntArray) -> FloatArray:
    """Return whether columns hold orders, 0 or 1, shape (len(some), num_orders)."""
    holds = np.zeros((len(some), columns.num_rows + 1))
    for rows in columns.members[some].T:
        holds[np.arange(len(holds)), rows] = 1.0
    return holds[:, : columns.num_orders]


def violated_cuts(columns: Columns, solved: Solved, most: int) -> list[Cut]:
    """Return subset-row cuts, at most so many of a kind; where they are few, zero-half cuts too."""
    triples = violated_triples(held(columns, solved.columns), solved.shares, most)
    cuts = [columns.subset_row(triple) for triple in triples]
    if len(cuts) < most // 6:
        cuts += zero_half_cuts(columns, solved.columns, solved.shares, most)
    return cuts


__all__ = ["held", "violated_cuts"]
