"""Distinct sets of sites, of which at least one has to be open lest a cost falls due."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.engines._pairs import Pairs
from dispatchopt.siting.hashing import Hashes, first_of_each, mix


@dataclass(frozen=True, kw_only=True, eq=False)
class Sets:
    """Sets of sites, each built from a smaller one (its parent) by adding sites.

    With u_s = 1 if no site of set s is open, every siting problem without capacities costs
    ``constant + sum of weight_s u_s`` on top of opening (the radius formulation, Cornuejols,
    Nemhauser and Wolsey 1980; sets shared by several customers as in Garcia, Labbe and Marin 2011).

    Parameters
    ----------
    weight
        Cost that falls due if no site of the set is open; inf if one must be.
    units
        Demand that is unserved if no site of the set is open.
    parent
        Index of the set that the set extends, -1 for the empty set.
    indptr, site
        Sites that are added to the parent (CSR).
    constant
        Cost that is due in any case.
    """

    weight: FloatArray
    units: IntArray
    parent: IntArray
    indptr: IntArray
    site: IntArray
    constant: float

    @property
    def num_sets(self) -> int:
        """Number of sets."""
        return len(self.weight)

    @property
    def set_idx(self) -> IntArray:
        """Set of each added site."""
        rows: IntArray = np.repeat(np.arange(self.num_sets), np.diff(self.indptr))
        return rows

    def is_uncovered(self, is_open: BoolArray) -> BoolArray:
        """Return u: which sets have no open site."""
        covered = np.zeros(self.num_sets + 1, dtype=bool)
        np.logical_or.at(covered, self.set_idx, is_open[self.site])
        # The parent of -1 is the last entry, which stays uncovered; chains halve in length.
        parent = np.append(np.where(self.parent < 0, self.num_sets, self.parent), self.num_sets)
        while (parent != self.num_sets).any():
            covered |= covered[parent]
            parent = parent[parent]
        uncovered: BoolArray = ~covered[:-1]
        return uncovered


def build(pairs: Pairs) -> Sets:
    """Return the distinct sets of nearest sites of all rows, with the costs that hang on them."""
    row, site, cost = pairs.row, pairs.site, pairs.cost
    count = len(row)
    is_last = np.ones(count, dtype=bool)
    is_last[:-1] = row[1:] != row[:-1]
    is_end = is_last.copy()
    is_end[:-1] |= cost[1:] != cost[:-1]
    starts = np.flatnonzero(np.append(True, is_last[:-1])) if count else np.zeros(0, dtype=np.int64)
    hashes = [_prefix_hashes(mix(site, salt), row, starts)[is_end] for salt in (1, 3)]
    end = np.flatnonzero(is_end)
    # Where no site of the set is open, the next cost of the row falls due, or its price.
    due = np.append(cost[end[1:]], 0.0) if len(end) else np.zeros(0)
    due = np.where(is_last[end], pairs.price[row[end]], due) - cost[end]
    left = np.where(is_last[end], pairs.units[row[end]], 0)
    first, group = first_of_each(hashes[0], hashes[1])
    begins = np.append(0, end[:-1] + 1) if len(end) else end
    before = np.where(np.isin(begins, starts), -1, np.arange(len(end)) - 1)[first]
    parent = np.where(before < 0, -1, group[before]) if len(end) else before
    length = (end - begins + 1)[first]
    indptr = np.concatenate([[0], np.cumsum(length)])
    at = np.arange(indptr[-1]) - np.repeat(indptr[:-1] - begins[first], length)
    sets = Sets(
        weight=np.bincount(group, weights=due, minlength=len(first)).astype(np.float64),
        units=np.bincount(group, weights=left, minlength=len(first)).astype(np.int64),
        parent=parent,
        indptr=indptr,
        site=site[at],
        constant=pairs.constant + float(cost[starts].sum()),
    )
    return _chained(sets, hashes[0][first], hashes[1][first])


def sets_of_rows(pairs: Pairs) -> IntArray:
    """Return which of the sets that ``build`` makes holds all sites of each row."""
    row = pairs.row
    is_last = np.ones(len(row), dtype=bool)
    is_last[:-1] = row[1:] != row[:-1]
    end = np.flatnonzero(is_last)
    starts = np.append(0, end[:-1] + 1) if len(end) else end
    hashes = [_prefix_hashes(mix(pairs.site, salt), row, starts)[end] for salt in (1, 3)]
    _, group = first_of_each(hashes[0], hashes[1])
    return group


def _prefix_hashes(bits: Hashes, row: IntArray, starts: IntArray) -> Hashes:
    """Return the XOR of the bits of a row up to each pair."""
    total = np.bitwise_xor.accumulate(bits) if len(bits) else bits
    before = np.append(np.zeros(1, dtype=np.uint64), total)[starts]
    prefix: Hashes = total ^ before[row]
    return prefix


def _chained(sets: Sets, hashes: Hashes, check: Hashes) -> Sets:
    """Let a set extend another one by a single site where there is one: short, tight rows."""
    set_idx = sets.set_idx
    length = np.diff(sets.indptr)
    long = (length[set_idx] > 2) & (sets.parent[set_idx] < 0)
    if not long.any():
        return sets
    child, site = set_idx[long], sets.site[long]
    wanted = [hashes[child] ^ mix(site, 1), check[child] ^ mix(site, 3)]
    order = np.argsort(hashes, kind="stable")
    at = np.minimum(np.searchsorted(hashes[order], wanted[0]), len(order) - 1)
    found = (hashes[order[at]] == wanted[0]) & (check[order[at]] == wanted[1])
    child, site, parent = child[found], site[found], order[at[found]]
    child, first = np.unique(child, return_index=True)
    parents = sets.parent.copy()
    parents[child] = parent[first]
    added = np.full(sets.num_sets, -1, dtype=np.int64)
    added[child] = site[first]
    keep = (added[set_idx] < 0) | (sets.site == added[set_idx])
    return Sets(
        weight=sets.weight,
        units=sets.units,
        parent=parents,
        indptr=np.concatenate([[0], np.cumsum(np.bincount(set_idx[keep], minlength=len(length)))]),
        site=sets.site[keep],
        constant=sets.constant,
    )


def minimal(pairs: Pairs) -> tuple[IntArray, IntArray, IntArray]:
    """Return the rows that contain no other row, as (row, site) pairs renumbered from 0.

    Also returns the new number of each row, -1 for those that go.

    To cover all rows it is enough to cover these. Rows are distinct sets of sites, so only smaller
    ones can lie inside a row.
    """
    from scipy import sparse

    size = np.bincount(pairs.row, minlength=pairs.num_rows)
    table = sparse.csr_array(
        (np.ones(len(pairs.row), dtype=np.int32), (pairs.row, pairs.site)),
        shape=(pairs.num_rows, pairs.num_sites),
    )
    kept = np.zeros(0, dtype=np.int64)
    for each in np.unique(size):
        rows = np.flatnonzero(size == each)
        for part in np.array_split(rows, max(1, len(rows) // 2000)):
            if len(kept):
                common = (table[part] @ table[kept].T).tocoo()
                inside = common.data == size[kept][common.col]
                fine = np.ones(len(part), dtype=bool)
                fine[common.row[inside]] = False
                rows = np.setdiff1d(rows, part[~fine], assume_unique=True)
        kept = np.concatenate([kept, rows])
    number = np.full(pairs.num_rows, -1, dtype=np.int64)
    number[np.sort(kept)] = np.arange(len(kept))
    keep = number[pairs.row] >= 0
    return number[pairs.row[keep]], pairs.site[keep], number
