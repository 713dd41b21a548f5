"""Bundles of orders of one store with their best sequence, held in arrays of equal width."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.dispatch.state import DispatchState


@dataclass(frozen=True, kw_only=True, eq=False)
class Work:
    """Orders that wait for a courier, sorted by store, and all ways among those of one store.

    Parameters
    ----------
    row
        Row in ``state.orders``, shape (n,).
    store
        Its store.
    slot, local
        Where its ways stand: ``ways[slot, local]``, local >= 1.
    ways_s
        Expected seconds, shape (number of stores with work, m + 1, m + 1); entry 0 is the store.
    samples_s
        Equally likely seconds at which it is ready, no earlier than now, shape (n, k).
    due_s, load_ml
        As in the state.
    direct_s
        Expected seconds from the store to the customer.
    """

    row: IntArray
    store: IntArray
    slot: IntArray
    local: IntArray
    ways_s: FloatArray
    samples_s: IntArray
    due_s: IntArray
    load_ml: IntArray
    direct_s: FloatArray

    @cached_property
    def ready_s(self) -> FloatArray:
        """Expected second at which it is ready, shape (n,)."""
        return _mean(self.samples_s)


def work_of(state: DispatchState, rows: IntArray) -> Work:
    """Collect orders (rows of the state, sorted by store) and the ways among them."""
    orders, stores = state.orders, state.stores
    store = orders.store[rows]
    names, slot = np.unique(store, return_inverse=True)
    counts = np.bincount(slot, minlength=len(names))
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    local = np.arange(len(rows)) - starts[slot] + 1
    width = int(counts.max(initial=0)) + 1
    place = np.zeros((len(names), width), dtype=np.int64)
    place[:, 0] = stores.place_idx[names]
    place[slot, local] = orders.place_idx[rows]
    used = np.arange(width)[None, :] <= counts[:, None]
    which, origin, target = np.nonzero(used[:, :, None] & used[:, None, :])
    _, free_s = state.travel.pairs(place[which, origin], place[which, target])
    ways = np.zeros((len(names), width, width))
    ways[which, origin, target] = free_s * state.travel.slowdown(state.now_s)
    return Work(
        row=rows,
        store=store,
        slot=slot,
        local=local,
        ways_s=ways,
        samples_s=np.maximum(orders.samples_s[rows], state.now_s),
        due_s=orders.due_s[rows],
        load_ml=orders.load_ml[rows],
        direct_s=ways[slot, 0, local],
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Units:
    """Bundles, of one order or more, sorted by store.

    Parameters
    ----------
    member
        Positions in ``Work`` in the sequence of delivery, -1 beyond the end, shape (n, width).
    along_s
        Expected seconds of driving from the store to each member, same shape.
    samples_s
        Equally likely seconds at which all of it is ready, shape (n, k).
    size, store, load_ml
        Of each bundle.
    """

    member: IntArray
    along_s: FloatArray
    size: IntArray
    store: IntArray
    samples_s: IntArray
    load_ml: IntArray

    def __len__(self) -> int:
        return len(self.size)

    @cached_property
    def ready_s(self) -> FloatArray:
        """Expected second at which all of it is ready, shape (n,)."""
        return _mean(self.samples_s)


def _mean(samples_s: IntArray) -> FloatArray:
    """Mean over the samples; nothing is lost where there is one."""
    mean: FloatArray = samples_s.mean(axis=1)
    return mean


def singles(work: Work, width: int) -> Units:
    """Return each order as a bundle of its own."""
    n = len(work.row)
    member = np.full((n, width), -1, dtype=np.int64)
    member[:, 0] = np.arange(n)
    along = np.zeros((n, width))
    along[:, 0] = work.direct_s
    return Units(
        member=member,
        along_s=along,
        size=np.ones(n, dtype=np.int64),
        store=work.store,
        samples_s=work.samples_s,
        load_ml=work.load_ml,
    )


def sequence(work: Work, member: IntArray, service_s: int, late_weight: float) -> FloatArray:
    """Put each row of members into its best sequence, in place; returns the driving times.

    All permutations are tried. The best has the least sum of arrival times, lateness counted
    ``late_weight`` times, when the goods leave as soon as all are ready.

    Parameters
    ----------
    work
        The orders.
    member
        Positions in ``work``, all of one store within a row, shape (n, k); k is small.
    service_s
        Seconds at each door.
    late_weight
        >= 0.
    """
    size = member.shape[1]
    perms = np.array(list(itertools.permutations(range(size))), dtype=np.int64)
    seq = member[:, perms]
    local, slot = work.local[seq], work.slot[seq[..., 0]][..., None]
    before = np.concatenate([np.zeros_like(local[..., :1]), local[..., :-1]], axis=-1)
    along = np.cumsum(work.ways_s[slot, before, local], axis=-1)
    ready_s = work.ready_s[member].max(axis=1)[:, None, None]
    arrival = along + service_s * np.arange(1, size + 1)
    late = np.maximum(0, ready_s + arrival - work.due_s[seq])
    best = np.argmin((arrival + late_weight * late).sum(axis=-1), axis=1)
    at = np.arange(len(member))
    member[:] = seq[at, best]
    chosen: FloatArray = along[at, best]
    return chosen


def merged(work: Work, units: Units, left: IntArray, right: IntArray, how: Merging) -> Units:
    """Return the bundles that pairs of bundles would make, each in its best sequence."""
    size = units.size[left] + units.size[right]
    width = units.member.shape[1]
    member = np.full((len(left), width), -1, dtype=np.int64)
    along = np.zeros((len(left), width))
    both = np.concatenate([units.member[left], units.member[right]], axis=1)
    # Stable sorting brings the members, in their order, before the gaps.
    both = np.take_along_axis(both, np.argsort(both < 0, axis=1, kind="stable"), axis=1)
    for count in np.unique(size):
        rows = np.flatnonzero(size == count)
        inside = both[rows, :count]
        along[rows, :count] = sequence(work, inside, how.service_s, how.late_weight)
        member[rows, :count] = inside
    return Units(
        member=member,
        along_s=along,
        size=size,
        store=units.store[left],
        samples_s=np.maximum(units.samples_s[left], units.samples_s[right]),
        load_ml=units.load_ml[left] + units.load_ml[right],
    )


@dataclass(frozen=True, kw_only=True)
class Merging:
    """Which bundles may be merged: size, spread of ready times, and how sequences are judged.

    Bundles that are both ready by ``soon_s`` may be merged whatever their spread.
    """

    max_size: int
    window_s: int
    soon_s: int
    service_s: int
    late_weight: float


def pairs_to_merge(units: Units, how: Merging) -> tuple[IntArray, IntArray]:
    """Return pairs of bundles of one store that may be merged."""
    ends = np.searchsorted(units.store, units.store, side="right")
    counts = ends - np.arange(len(units)) - 1
    left = np.repeat(np.arange(len(units)), counts)
    starts = np.cumsum(counts) - counts
    right = left + 1 + np.arange(len(left)) - np.repeat(starts, counts)
    fits = units.size[left] + units.size[right] <= how.max_size
    first_s = np.minimum(units.ready_s[left], units.ready_s[right])
    last_s = np.maximum(units.ready_s[left], units.ready_s[right])
    fits &= (last_s - first_s <= how.window_s) | (last_s <= how.soon_s)
    return left[fits], right[fits]


def joined(units: Units, keep: IntArray, new: Units) -> Units:
    """Return some of the bundles together with new ones, sorted by store."""
    member = np.concatenate([units.member[keep], new.member])
    store = np.concatenate([units.store[keep], new.store])
    order = np.lexsort((member[:, 0], store))
    return Units(
        member=member[order],
        along_s=np.concatenate([units.along_s[keep], new.along_s])[order],
        size=np.concatenate([units.size[keep], new.size])[order],
        store=store[order],
        samples_s=np.concatenate([units.samples_s[keep], new.samples_s])[order],
        load_ml=np.concatenate([units.load_ml[keep], new.load_ml])[order],
    )


def taken(units: Units, rows: IntArray) -> Units:
    """Return some of the bundles."""
    return Units(
        member=units.member[rows],
        along_s=units.along_s[rows],
        size=units.size[rows],
        store=units.store[rows],
        samples_s=units.samples_s[rows],
        load_ml=units.load_ml[rows],
    )
