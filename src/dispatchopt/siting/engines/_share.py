"""Long sets that have most sites in common are built on what they share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.siting.engines._sets import Sets

#: Sets that are compared with each other at once.
_CHUNK = 1500
#: Added sites from which on a set counts as long.
_LONG = 6
#: Shared sets smaller than this share of both are not worth a row.
_LEAST_SHARE = 0.3
_ROUNDS = 12


def share(sets: Sets, num_sites: int) -> Sets:
    """Give long sets without a parent one that they share with a similar set.

    The parents cost nothing and change no answer: they only make the rows of the model short.
    Pairs of similar sets are merged bottom up, as in agglomerative clustering.
    """
    from scipy import sparse

    length = np.diff(sets.indptr)
    long = np.flatnonzero((sets.parent < 0) & (length >= _LONG))
    if len(long) < 2:
        return sets
    table = sparse.csr_array(
        (np.ones(len(sets.site), dtype=np.float32), sets.site, sets.indptr),
        shape=(sets.num_sets, num_sites),
    )
    roots, members = table[long], long
    order = np.argsort(_along(roots), kind="stable")
    roots, members = roots[order], members[order]
    parent, total = sets.parent.copy(), sets.num_sets
    # Sites of the sets that change, by set; the rest keep theirs.
    changed: list[tuple[IntArray, Any]] = []
    for _ in range(_ROUNDS):
        left, right = _matching(roots)
        if not len(left):
            break
        common = roots[left].multiply(roots[right]).tocsr()
        common.eliminate_zeros()
        names = total + np.arange(len(left))
        total += len(left)
        parent = np.concatenate([parent, np.full(len(left), -1)])
        both = np.concatenate([left, right])
        parent[members[both]] = np.concatenate([names, names])
        changed.append((members[both], roots[both] - sparse.vstack([common, common])))
        stays = np.ones(len(members), dtype=bool)
        stays[right] = False
        merged = np.full(len(members), -1, dtype=np.int64)
        merged[left] = np.arange(len(left))
        stacked = sparse.vstack([roots, common]).tocsr()
        pick = np.where(merged >= 0, len(members) + merged, np.arange(len(members)))[stays]
        roots = stacked[pick]
        members = np.where(merged >= 0, names[merged], members)[stays]
    changed.append((members, roots))
    return _rebuilt(sets, parent, table, changed)


def _along(roots: Any) -> FloatArray:
    """Return a place on a line for each set, near for similar ones (a diffusion over sites)."""
    place = np.random.default_rng(0).random(roots.shape[1])
    size = np.maximum(roots.sum(axis=1), 1.0)
    used = np.maximum(roots.sum(axis=0), 1.0)
    line: FloatArray = roots @ place
    for _ in range(20):
        line = (roots @ place) / size
        line = line - line.mean()
        line /= max(float(np.abs(line).max()), 1e-12)
        place = (roots.T @ line) / used
    return np.asarray(line, dtype=np.float64)


def _matching(roots: Any) -> tuple[IntArray, IntArray]:
    """Return disjoint pairs of sets that share most of their sites, as two arrays."""
    lefts, rights = [], []
    for begin in range(0, roots.shape[0], _CHUNK):
        dense = roots[begin : begin + _CHUNK].toarray()
        size = dense.sum(axis=1)
        common = dense @ dense.T
        apart = size[:, None] + size[None, :] - 2 * common
        np.fill_diagonal(apart, np.inf)
        nearest = apart.argmin(axis=1)
        index = np.arange(len(size))
        distance = apart[index, nearest]
        shared = common[index, nearest]
        # A set that is left alone has none to share with, itself least of all.
        fits = nearest != index
        fits &= shared >= np.maximum(_LEAST_SHARE * np.maximum(size, size[nearest]), 2.0)
        taken = np.zeros(len(size), dtype=bool)
        for one in np.argsort(distance, kind="stable"):
            other = nearest[one]
            if fits[one] and not taken[one] and not taken[other]:
                taken[one] = taken[other] = True
                lefts.append(begin + one)
                rights.append(begin + other)
    return np.array(lefts, dtype=np.int64), np.array(rights, dtype=np.int64)


def _rebuilt(sets: Sets, parent: IntArray, table: Any, changed: list[tuple[IntArray, Any]]) -> Sets:
    """Put the sets together again, those that changed from their blocks."""
    from scipy import sparse

    members = np.concatenate([block[0] for block in changed])
    others = np.setdiff1d(np.arange(sets.num_sets), members)
    rows = sparse.vstack([table[others], *(block[1] for block in changed)]).tocsr()
    rows.eliminate_zeros()
    rows = rows[np.argsort(np.concatenate([others, members]))].tocsr()
    rows.sort_indices()
    more = len(parent) - sets.num_sets
    return replace(
        sets,
        weight=np.concatenate([sets.weight, np.zeros(more)]),
        units=np.concatenate([sets.units, np.zeros(more, dtype=np.int64)]),
        parent=parent,
        indptr=rows.indptr.astype(np.int64),
        site=rows.indices.astype(np.int64),
    )
