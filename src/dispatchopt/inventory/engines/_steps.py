"""The steps by which levels rise, as one flat list with the saving of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.inventory.levels import (
    COMPILED_PAIRS,
    by_chunk,
    closed_form_packs,
    cost_of,
    flat_pairs,
    pairs_at,
    take,
)
from dispatchopt.inventory.problem import InventoryProblem
from dispatchopt.inventory.walk import can_walk, walk

#: Steps per pair up to which each case pack is a step of its own from the start.
_FULL_WIDTH = 96
#: Blocks into which the range of any other pair is cut; they are refined around the answer.
_BLOCKS = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps:
    """Steps of all pairs, store by store, SKU by SKU, upwards.

    Within a pair savings fall from step to step, as expected cost is convex in the level.

    Parameters
    ----------
    problem
        The problem.
    first
        Step j of pair n (store * K + sku) is entry ``first[n] + j``, (S * K + 1,).
    gain
        Saving per unit of each step, (E,).
    low_packs
        Case packs above the least order that are taken before the first step, (S * K,).
    block_packs
        Case packs per step of each pair, (S * K,).
    most_packs
        Case packs above the least order at the pair's own best level, (S * K,).
    wide
        Pairs whose steps are blocks, or were blocks and now cover a part of their range only.
    base_cost
        Expected cost before the first steps.
    """

    problem: InventoryProblem
    first: IntArray
    gain: FloatArray
    low_packs: IntArray
    block_packs: IntArray
    most_packs: IntArray
    wide: IntArray
    base_cost: float

    @property
    def is_fine(self) -> bool:
        """Whether each step is a single case pack."""
        return bool((self.block_packs <= 1).all())

    @cached_property
    def base_order(self) -> IntArray:
        """Order in units before the first steps, (S, K)."""
        problem = self.problem
        low = self.low_packs.reshape(problem.shape)
        return np.asarray(problem.min_order_units + low * problem.case_pack_units)

    @cached_property
    def pair(self) -> IntArray:
        """Pair of each step, (E,)."""
        count = np.diff(self.first)
        kind = np.int32 if count.size < 2**31 else np.int64
        return np.repeat(np.arange(count.size, dtype=kind), count)

    def units_of_pair(self) -> IntArray:
        """Units per step of each pair, (S * K,)."""
        packs = np.tile(self.problem.case_pack_units, self.problem.num_stores)
        return np.asarray(self.block_packs * packs)

    def counts(self, is_taken: np.ndarray) -> IntArray:
        """Number of steps taken of each pair, (S * K,)."""
        running = np.zeros(is_taken.size + 1, dtype=np.int32)
        np.cumsum(is_taken, out=running[1:])
        return np.diff(running[self.first]).astype(np.int64)

    def order(self, counts: IntArray) -> IntArray:
        """Order in units after some steps of each pair, (S, K)."""
        more = counts * self.units_of_pair()
        return self.base_order + more.reshape(self.problem.shape)


class Halted(Exception):  # noqa: N818  (no error: the run is over)
    """The run ended while the steps were being built."""


def build(problem: InventoryProblem, should_stop: Callable[[], bool] = lambda: False) -> Steps:
    """Return the steps from the least order to each pair's own best level.

    Raises
    ------
    Halted
        If ``should_stop`` says so meanwhile.
    """
    size = problem.num_stores * problem.num_skus
    most = np.zeros(size, dtype=np.int64)

    def one(chunk: slice) -> tuple[FloatArray, IntArray, float]:
        if should_stop():
            raise Halted
        pairs, _ = flat_pairs(problem, chunk)
        walkers = np.flatnonzero(can_walk(pairs.demand, pairs.start_units))
        walked = walk(take(pairs, walkers), _FULL_WIDTH, is_compiled=size >= COMPILED_PAIRS)
        done = walkers[walked.is_done]
        at = chunk.start + done
        most[at] = walked.packs[walked.is_done]
        start_loss = np.zeros(pairs.start_units.size)
        start_loss[done] = walked.start_loss[walked.is_done]
        is_wide = np.ones(pairs.start_units.size, dtype=np.bool_)
        is_wide[done] = False
        wide = np.flatnonzero(is_wide)
        if wide.size:
            some = take(pairs, wide)
            most[chunk.start + wide] = closed_form_packs(some)
            start_loss[wide] = some.demand.loss(some.start_units)
        cost = cost_of(pairs, np.zeros_like(most[chunk]), start_loss)
        return walked.gains, chunk.start + wide, float(cost.sum())

    parts = by_chunk(one, size)
    wide = np.concatenate([part[1] for part in parts]) if parts else np.zeros(0, dtype=np.int64)
    block = np.ones(size, dtype=np.int64)
    block[wide] = np.maximum(1, -(-most[wide] // _BLOCKS))
    count = most.copy()
    count[wide] = -(-most[wide] // block[wide])
    first = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    narrow = np.concatenate([part[0] for part in parts]) if parts else np.zeros(0)
    gain = narrow
    if wide.size:
        gain = np.empty(int(first[-1]))
        is_wide = np.zeros(size, dtype=np.bool_)
        is_wide[wide] = True
        gain[~np.repeat(is_wide, count)] = narrow
        low = np.zeros(wide.size, dtype=np.int64)
        gain[np.repeat(is_wide, count)] = _block_gains(problem, wide, low, block[wide], count[wide])
    return Steps(
        problem=problem,
        first=first,
        gain=gain,
        low_packs=np.zeros(size, dtype=np.int64),
        block_packs=block,
        most_packs=most,
        wide=wide,
        base_cost=float(sum(part[2] for part in parts)),
    )


def refine(steps: Steps, counts: IntArray) -> Steps:
    """Return finer steps around the number of steps taken of each pair that has blocks."""
    problem = steps.problem
    coarse = np.flatnonzero(steps.block_packs > 1)
    block, taken = steps.block_packs[coarse], counts[coarse]
    low = steps.low_packs.copy()
    low[coarse] += np.maximum(taken - 1, 0) * block
    span = np.minimum(steps.most_packs[coarse] - low[coarse], 2 * block)
    finer = np.ones_like(steps.block_packs)
    finer[coarse] = np.maximum(1, -(-span // _BLOCKS))
    count = np.diff(steps.first)
    is_coarse = np.zeros(count.size, dtype=np.bool_)
    is_coarse[coarse] = True
    kept = steps.gain[~np.repeat(is_coarse, count)]
    count[coarse] = -(-span // finer[coarse])
    first = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    gain = np.empty(int(first[-1]))
    gain[~np.repeat(is_coarse, count)] = kept
    gain[np.repeat(is_coarse, count)] = _block_gains(
        problem, coarse, low[coarse], finer[coarse], count[coarse]
    )
    lifted = np.maximum(taken - 1, 0)
    place = np.repeat(steps.first[:-1][coarse], lifted) + within(lifted)
    units = np.repeat(steps.units_of_pair()[coarse], lifted)
    return Steps(
        problem=problem,
        first=first,
        gain=gain,
        low_packs=low,
        block_packs=finer,
        most_packs=steps.most_packs,
        wide=steps.wide,
        base_cost=steps.base_cost - float((steps.gain[place] * units).sum()),
    )


def within(counts: IntArray) -> IntArray:
    """0, 1, ..., count - 1 for each count, in one array."""
    ends = np.cumsum(counts)
    return np.arange(int(ends[-1]) if ends.size else 0) - np.repeat(ends - counts, counts)


def _block_gains(
    problem: InventoryProblem, which: IntArray, low: IntArray, block: IntArray, count: IntArray
) -> FloatArray:
    """Saving per unit of each block of some pairs, from the closed form of the loss."""
    parts = []
    rows = 1 << 16
    for begin in range(0, which.size, rows):
        cut = slice(begin, begin + rows)
        pairs, _ = pairs_at(problem, which[cut])
        ends = count[cut] + 1
        each = np.repeat(np.arange(ends.size), ends)
        packs = low[cut][each] + within(ends) * block[cut][each]
        loss = take(pairs, each).demand.loss(
            pairs.start_units[each] + packs * pairs.pack_units[each]
        )
        is_inner = np.ones(each.size, dtype=np.bool_)
        is_inner[np.cumsum(ends) - 1] = False
        from_here = np.flatnonzero(is_inner)
        drop = loss[from_here] - loss[from_here + 1]
        inner = each[from_here]
        units = block[cut][inner] * pairs.pack_units[inner]
        both = (pairs.holding_cost + pairs.shortage_cost)[inner]
        parts.append(both * drop / units - pairs.holding_cost[inner])
    return np.concatenate(parts) if parts else np.zeros(0)
