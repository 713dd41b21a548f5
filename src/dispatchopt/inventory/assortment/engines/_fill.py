"""Sets of SKUs that keep every limit, built from sets that nearly do."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.inventory.assortment.engines._block import Block


def allowed(block: Block, wanted: BoolArray) -> BoolArray:
    """Return a set near a wanted one that keeps every limit; the block must have one.

    Floors come first, then the wanted SKUs, or what is worth most of them, then whatever
    completes most orders for the slots and room that are left.
    """
    wanted = trim(block, wanted & block.is_free)
    worth = _worth(block, wanted)
    taken = floors(block, np.where(wanted, -worth, block.volume + 1.0))
    order = np.argsort(-worth, kind="stable")
    taken |= _fitting(block, taken, order[wanted[order]])
    taken = fill(block, taken)
    for _ in range(3):
        leaner = _without_idle(block, taken)
        again = fill(block, leaner)
        if block.value(again) <= block.value(taken):
            break
        taken = again
    return taken


def most_wanted(block: Block, score: FloatArray) -> BoolArray:
    """Return the SKUs of the highest scores that fit, floors first."""
    taken = floors(block, -score)
    order = np.argsort(-score, kind="stable")
    return taken | _fitting(block, taken, order[block.is_free[order]])


def floors(block: Block, rank: FloatArray) -> BoolArray:
    """Return SKUs that reach every floor: those of least rank if they fit, else the smallest."""
    for ranking in (rank, block.volume):
        taken = np.zeros(rank.size, dtype=bool)
        for category in np.flatnonzero(block.need):
            can = np.flatnonzero(block.is_free & (block.category == category))
            best = can[np.argsort(ranking[can], kind="stable")]
            taken[best[: block.need[category]]] = True
        if block.fits(taken):
            break
    return taken


def can_reach_floors(block: Block) -> bool:
    """Whether any set keeps all limits: the smallest SKUs of each category decide."""
    if block.slots < 0 or block.room < 0:
        return False
    free = np.bincount(block.category[block.is_free], minlength=block.need.size)
    if (block.need > free).any():
        return False
    return block.fits(floors(block, block.volume))


def fill(block: Block, taken: BoolArray) -> BoolArray:
    """Add SKUs, those first that complete most orders with least that is still missing."""
    taken = taken.copy()
    weight = block.weight
    while True:
        slots, room = _left(block, taken)
        missing = block.missing(taken)
        can = block.is_free & ~taken & (block.volume <= room)
        # An order with more missing SKUs than slots cannot be completed any more.
        is_open = (missing > 0) & (missing <= slots)
        score = block.per_sku(np.where(is_open, weight / np.maximum(missing, 1) ** 2, 0.0))
        score = np.where(can, score / _size(block), 0.0)
        if slots < 1 or not (score > 0).any():
            return taken
        order = np.argsort(-score, kind="stable")
        count = int(min(np.count_nonzero(score > 0), max(1.0, np.ceil(slots / 4))))
        # At most a quarter of the room at once, as the next SKUs depend on these.
        used = np.cumsum(block.volume[order[:count]])
        most = max(1, int(np.searchsorted(used, room / 4, side="right")))
        taken[order[: min(count, most)]] = True


def trim(block: Block, wanted: BoolArray) -> BoolArray:
    """Leave out of a set that is too large what the fewest of its orders need."""
    wanted = wanted.copy()
    while not block.fits(wanted):
        order = np.argsort(_worth(block, wanted) / _size(block), kind="stable")
        order = order[wanted[order]]
        slots, room = _left(block, wanted)
        over = max(-slots, 0.0)
        if room < 0:
            over = max(over, 1.0 + float(np.searchsorted(np.cumsum(block.volume[order]), -room)))
        wanted[order[: max(1, int(over / 3))]] = False
    return wanted


def _worth(block: Block, taken: BoolArray) -> FloatArray:
    """Weight of the complete orders that need each SKU, shared among their SKUs."""
    share = block.weight / np.maximum(np.diff(block.first), 1)
    return block.per_sku(np.where(block.is_complete(taken), share, 0.0))


def _size(block: Block) -> FloatArray:
    """What a SKU takes of the limits, as a number of typical SKUs."""
    size = np.zeros(block.volume.size)
    if np.isfinite(block.room):
        size += block.volume / max(1.0, float(block.volume.mean()))
    if np.isfinite(block.slots) or not size.any():
        size += 1.0
    return np.maximum(size, 1e-9)


def _left(block: Block, taken: BoolArray) -> tuple[float, float]:
    return block.slots - np.count_nonzero(taken), block.room - float(block.volume[taken].sum())


def _fitting(block: Block, taken: BoolArray, order: IntArray) -> BoolArray:
    """Return which of some SKUs, in order, fit beside those taken."""
    slots, room = _left(block, taken)
    order = order[~taken[order]]
    used = np.cumsum(block.volume[order])
    most = int(min(slots, float(np.searchsorted(used, room, side="right"))))
    result = np.zeros(taken.size, dtype=bool)
    result[order[:most]] = True
    return result


def _without_idle(block: Block, taken: BoolArray) -> BoolArray:
    """Drop SKUs that no complete order needs and no floor."""
    idle = taken & (_worth(block, taken) <= 0)
    count = np.bincount(block.category[taken], minlength=block.need.size)
    for category in np.flatnonzero(block.need):
        which = np.flatnonzero(idle & (block.category == category))
        idle[which[max(0, count[category] - block.need[category]) :]] = False
    return taken & ~idle
