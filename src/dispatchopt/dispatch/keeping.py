"""Keeping to the last plan where nothing is gained by leaving it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.dispatch.bundles import Units, Work
from dispatchopt.dispatch.state import DispatchState


@dataclass(frozen=True, kw_only=True, eq=False)
class Keep:
    """Who was to bring which order, and what keeping to it is worth.

    Parameters
    ----------
    courier
        Row in ``state.couriers`` of the courier planned before, -1 where none was, for each
        order of the work, shape (n,).
    each_s
        What an order that stays with its courier makes a trip cheaper by.
    """

    courier: IntArray
    each_s: float

    def of(self, units: Units, unit: IntArray, courier: IntArray) -> FloatArray:
        """Return what each candidate (a bundle and a row of couriers) is cheaper by."""
        if self.each_s <= 0 or not (self.courier >= 0).any():
            return np.zeros(len(unit))
        is_member = np.arange(units.member.shape[1]) < units.size[unit][:, None]
        same = (self.courier[units.member[unit]] == courier[:, None]) & is_member
        worth: FloatArray = same.sum(axis=1) * self.each_s
        return worth


def kept(state: DispatchState, work: Work, each_s: float) -> Keep:
    """Return what the last plan says of the orders of some work."""
    courier_of = np.full(len(state.orders), -1, dtype=np.int64)
    if state.last:
        order = np.array([each for plan in state.last for each in plan.orders], dtype=np.int64)
        sizes = [len(plan.orders) for plan in state.last]
        courier = np.repeat([plan.courier for plan in state.last], sizes)
        at, has_order = _rows_of(state.orders.idx, order)
        who, has_courier = _rows_of(state.couriers.idx, courier)
        both = has_order & has_courier
        courier_of[at[both]] = who[both]
    return Keep(courier=courier_of[work.row], each_s=each_s)


def _rows_of(idx: IntArray, wanted: IntArray) -> tuple[IntArray, IntArray]:
    """Return the rows of wanted indices in a sorted column, and whether each is there."""
    if not len(idx):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=np.bool_)
    at = np.minimum(np.searchsorted(idx, wanted), len(idx) - 1)
    return at, idx[at] == wanted
