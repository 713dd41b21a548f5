"""Assigning bundles to couriers at least cost, each courier at most one."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray

#: Tables up to this many cells are solved dense, which costs less than building a graph.
_DENSE_CELLS = 40_000


def assign(unit: IntArray, courier: IntArray, cost: FloatArray, open_cost: FloatArray) -> IntArray:
    """Return for each unit the candidate chosen, or -1 where it is better left open.

    Parameters
    ----------
    unit, courier, cost
        Candidates: which unit, which courier, at what cost (inf where illegal), shape (m,).
    open_cost
        Cost of leaving each unit open, shape (number of units,).

    Notes
    -----
    A linear assignment over those candidates that beat leaving the unit open; small ones as a
    dense table, large ones as a sparse graph.
    """
    chosen = np.full(len(open_cost), -1, dtype=np.int64)
    useful = np.flatnonzero(cost < open_cost[unit])
    useful = useful[np.lexsort((useful, cost[useful], unit[useful]))]
    useful = _settle(chosen, unit, courier, useful)
    if len(useful):
        _solve(chosen, unit, courier, cost, open_cost, useful)
    return chosen


def _settle(chosen: IntArray, unit: IntArray, courier: IntArray, useful: IntArray) -> IntArray:
    """Give units their best courier where no other unit could use that one; returns the rest.

    Some optimal assignment does the same: the unit can have nothing better, and nobody loses.
    """
    while len(useful):
        rivals = np.bincount(courier[useful])
        is_best = np.ones(len(useful), dtype=np.bool_)
        is_best[1:] = np.diff(unit[useful]) != 0
        settled = useful[is_best & (rivals[courier[useful]] == 1)]
        if not len(settled):
            break
        chosen[unit[settled]] = settled
        useful = useful[chosen[unit[useful]] < 0]
    return useful


def _solve(  # noqa: PLR0917
    chosen: IntArray,
    unit: IntArray,
    courier: IntArray,
    cost: FloatArray,
    open_cost: FloatArray,
    useful: IntArray,
) -> None:
    """Solve the linear assignment over the candidates that are left."""
    names, column = np.unique(courier[useful], return_inverse=True)
    units, row = np.unique(unit[useful], return_inverse=True)
    saved = cost[useful] - open_cost[unit[useful]]
    shape = (len(units), len(names))
    solve = _dense if shape[0] * shape[1] <= _DENSE_CELLS else _sparse
    matched_row, matched_column = solve(row, column, saved, shape)
    keys, wanted = row * shape[1] + column, matched_row * shape[1] + matched_column
    order = np.argsort(keys, kind="stable")
    chosen[units[matched_row]] = useful[order[np.searchsorted(keys[order], wanted)]]


def _dense(
    row: IntArray, column: IntArray, saved: FloatArray, shape: tuple[int, int]
) -> tuple[IntArray, IntArray]:
    """Leaving open costs 0 and every candidate less, so a cell of 0 stands for no match."""
    from scipy.optimize import linear_sum_assignment

    table = np.zeros(shape)
    table[row, column] = saved
    matched_row, matched_column = linear_sum_assignment(table)
    is_real = table[matched_row, matched_column] < 0
    return matched_row[is_real], matched_column[is_real]


def _sparse(
    row: IntArray, column: IntArray, saved: FloatArray, shape: tuple[int, int]
) -> tuple[IntArray, IntArray]:
    """Solve on the graph of candidates, with one dummy courier per unit."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    dummies = np.arange(shape[0])
    rows = np.concatenate([row, dummies])
    columns = np.concatenate([column, shape[1] + dummies])
    # Each unit takes exactly one column, so a constant per unit changes nothing; the solver
    # wants weights other than 0.
    least = np.zeros(shape[0])
    np.minimum.at(least, row, saved)
    weights = np.concatenate([saved - least[row] + 1, 1 - least])
    graph = csr_array((weights, (rows, columns)), shape=(shape[0], shape[1] + shape[0]))
    matched_row, matched_column = min_weight_full_bipartite_matching(graph)
    is_real = matched_column < shape[1]
    return matched_row[is_real].astype(np.int64), matched_column[is_real].astype(np.int64)
