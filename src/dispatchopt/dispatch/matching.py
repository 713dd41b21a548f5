"""Assigning bundles to couriers at least cost, each courier at most one."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray


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
    A linear assignment with one dummy courier per unit, solved on the sparse graph of those
    candidates that beat leaving the unit open.
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
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    names, column = np.unique(courier[useful], return_inverse=True)
    units, row = np.unique(unit[useful], return_inverse=True)
    dummies = np.arange(len(units))
    rows = np.concatenate([row, dummies])
    columns = np.concatenate([column, len(names) + dummies])
    # Each unit takes exactly one column, so a constant per unit changes nothing; the solver
    # wants weights other than 0.
    saved = cost[useful] - open_cost[unit[useful]]
    least = np.zeros(len(units))
    np.minimum.at(least, row, saved)
    weights = np.concatenate([saved - least[row] + 1, 1 - least])
    shape = (len(units), len(names) + len(units))
    graph = csr_array((weights, (rows, columns)), shape=shape)
    matched_row, matched_column = min_weight_full_bipartite_matching(graph)
    real = matched_column < len(names)
    keys, wanted = row * shape[1] + column, (matched_row * shape[1] + matched_column)[real]
    order = np.argsort(keys, kind="stable")
    chosen[units[matched_row[real]]] = useful[order[np.searchsorted(keys[order], wanted)]]
