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
    num_units = len(open_cost)
    chosen = np.full(num_units, -1, dtype=np.int64)
    useful = np.flatnonzero(cost < open_cost[unit])
    if not len(useful):
        return chosen
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
    return chosen
