"""Why a SKU is not carried, and what it would bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray
from dispatchopt.core.explain import Finding, Row
from dispatchopt.inventory.assortment.problem import NEVER, AssortmentProblem, AssortmentSolution

#: Rows of a table at most.
_MOST = 1000


@dataclass(frozen=True, kw_only=True)
class NotCarried:
    """A SKU that is ordered and that no store in reach of the order carries.

    Parameters
    ----------
    sku
        Number of the SKU.
    lost_weight
        Weight of the incomplete orders that want it.
    alone_weight
        Weight of the orders in whose reach nothing else is missing.
    reason
        ``no-store-in-reach``, ``never-listed``, ``too-large``, ``slots-full``, ``room-full`` or
        ``completes-nothing``.
    """

    sku: int
    lost_weight: float
    alone_weight: float
    reason: str


#: What would have to change, by reason.
REMEDIES = {
    "no-store-in-reach": "a store within the promise",
    "never-listed": "leave to carry it",
    "too-large": "a store with room for it",
    "slots-full": "more slots",
    "room-full": "more room",
    "completes-nothing": "the SKUs that are ordered with it",
}


def not_carried(problem: AssortmentProblem, solution: AssortmentSolution) -> list[NotCarried]:
    """Return the SKUs that orders lack in their reach, those most wanted first."""
    carried = solution.is_carried
    weight = problem.order_weight[problem.line_order]
    zone = problem.order_zone[problem.line_order]
    has = np.asarray(np.greater(problem.reach.astype(np.float64) @ carried, 0))
    lacks = np.logical_not(has[zone, problem.line_sku])
    missing = np.bincount(problem.line_order, weights=lacks, minlength=problem.num_orders)
    last = lacks & (missing[problem.line_order] == 1)
    size = problem.num_skus
    lost = np.bincount(problem.line_sku[lacks], weights=weight[lacks], minlength=size)
    alone = np.bincount(problem.line_sku[last], weights=weight[last], minlength=size)
    wants = np.zeros((problem.num_zones, size))
    np.add.at(wants, (zone[lacks], problem.line_sku[lacks]), 1.0)
    near = np.asarray(np.greater(problem.reach.T.astype(np.float64) @ wants, 0))
    wanted = np.unique(problem.line_sku[lacks])
    order = wanted[np.argsort(-lost[wanted], kind="stable")]
    return [
        NotCarried(
            sku=int(sku),
            lost_weight=float(lost[sku]),
            alone_weight=float(alone[sku]),
            reason=_reason(problem, carried, near[:, sku] & ~carried[:, sku], int(sku)),
        )
        for sku in order
    ]


def _reason(problem: AssortmentProblem, carried: BoolArray, near: BoolArray, sku: int) -> str:
    """Say what keeps the stores near the orders from carrying the SKU too."""
    if not near.any():
        return "no-store-in-reach"
    may = near.copy()
    if problem.listing is not None:
        may &= np.not_equal(problem.listing[:, sku], NEVER)
    if not may.any():
        return "never-listed"
    volume = int(problem.volume_ml[sku])
    if problem.store_volume_ml is not None:
        if not (problem.store_volume_ml[may] >= volume).any():
            return "too-large"
        left = problem.store_volume_ml - carried @ problem.volume_ml
        has_room = left >= volume
    else:
        has_room = np.ones(problem.num_stores, dtype=bool)
    has_slot = np.ones(problem.num_stores, dtype=bool)
    if problem.slots is not None:
        has_slot = carried.sum(axis=1) < problem.slots
    if not (may & has_slot).any():
        return "slots-full"
    if not (may & has_slot & has_room).any():
        return "room-full"
    return "completes-nothing"


def explain(problem: AssortmentProblem, solution: AssortmentSolution) -> Sequence[Finding]:
    """Return the SKUs not carried with reasons, and how full the stores are."""
    rows: tuple[Row, ...] = tuple(
        {
            "sku": problem.sku_ids[each.sku],
            "reason": each.reason,
            "lost_weight": each.lost_weight,
            "alone_weight": each.alone_weight,
            "remedy": REMEDIES[each.reason],
        }
        for each in not_carried(problem, solution)[:_MOST]
    )
    carried = solution.is_carried
    used = (carried @ problem.volume_ml).tolist()
    stores: tuple[Row, ...] = tuple(
        {
            "store": name,
            "skus": int(carried[row].sum()),
            "slots": None if problem.slots is None else int(problem.slots[row]),
            "volume_ml": int(used[row]),
            "room_ml": None
            if problem.store_volume_ml is None
            else int(problem.store_volume_ml[row]),
        }
        for row, name in enumerate(problem.store_ids)
    )
    return (
        Finding(
            name="not_carried",
            about="SKUs that orders lack in their reach; lost_weight is that of the incomplete "
            "orders that want it, alone_weight of those that lack nothing else.",
            rows=rows,
        ),
        Finding(name="stores", about="How full the stores are, in SKUs and ml.", rows=stores),
    )
