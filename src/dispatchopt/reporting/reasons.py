"""Why a customer is not covered, and why an order was late or not delivered, in words."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.delays import delays
from dispatchopt.simulation.outcome import DayOutcome, OrderStatus
from dispatchopt.siting.problem import SiteStatus, SitingProblem

#: Words for the reason codes of orders: lost ones, then late ones.
WORDS = {
    "no-store": "No store is within reach of the customer.",
    "store-closed": "No store within reach was open in time.",
    "out-of-stock": "No store within reach had what was ordered.",
    "unreachable": "There is no way from a store to the customer.",
    "too-large": "No courier can carry it.",
    "overload": "It could not be delivered before the customer gives up.",
    "decided-late": "The store was chosen later than usual.",
    "picking-queue": "It waited for a picker: the store had too much to pick.",
    "late-ready": "Picking itself took longer than usual.",
    "courier-busy": "It was ready and waited for a courier.",
    "bundled": "Other orders of the same trip were delivered first.",
    "far": "The way from the store is longer than usual.",
    "handover": "Handing it over took longer than usual.",
}
#: Words for the parts of click to door, in the order in which they pass.
PART_WORDS = {
    "decision": "until a store is chosen",
    "queue": "waiting for a picker",
    "picking": "picking",
    "courier": "waiting for a courier",
    "detour": "other orders first",
    "driving": "driving",
    "handover": "handing over",
}
#: Why a customer is not covered, by code of ``uncovered_codes``.
UNCOVERED_WORDS = (
    "sites within reach were not opened",
    "only forbidden sites are within reach",
    "no site is within reach",
)


def order_reasons(day: Day, outcome: DayOutcome) -> list[str]:
    """Return a sentence for each order that was late or not delivered, empty for the others."""
    codes = delays(day, outcome).reason
    statuses = outcome.orders.status.tolist()
    return [words(code, status) for code, status in zip(codes, statuses, strict=True)]


def words(code: str, status: int) -> str:
    """Return the sentence for a reason code; the code itself where it is not known."""
    if code:
        return WORDS.get(code, f"{code.replace('-', ' ').capitalize()}.")
    known = {
        OrderStatus.DELIVERED: "",
        OrderStatus.REFUSED: "It was refused.",
        OrderStatus.CANCELLED: "The customer gave up waiting.",
        OrderStatus.UNDELIVERED: "It was still open when the day ended.",
        OrderStatus.UNPLACED: "The replay was stopped before it was placed.",
    }
    return known[OrderStatus(status)]


def uncovered_codes(problem: SitingProblem) -> IntArray:
    """Return which of ``UNCOVERED_WORDS`` holds for each customer if it is not covered."""
    coverage = problem.coverage
    allowed = problem.statuses[coverage.site_idx] != SiteStatus.FORBIDDEN
    code = np.full(coverage.num_customers, 2)
    code[coverage.customer_idx] = 1
    code[coverage.customer_idx[allowed]] = 0
    return code
