"""Why an order was late or not delivered, in words and with the figures that show it."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.outcome import DayOutcome, OrderStatus

#: Words for the reason codes of orders that were not delivered.
WORDS = {
    "no-store": "No store is within reach of the customer.",
    "store-closed": "No store within reach was open in time.",
    "out-of-stock": "No store within reach had what was ordered.",
    "unreachable": "There is no way from a store to the customer.",
    "too-large": "No courier can carry it.",
    "overload": "It could not be delivered before the customer gives up.",
}
_CAUSES = ("picking", "waiting", "riding")


def lateness_cause(day: Day, outcome: DayOutcome) -> tuple[IntArray, IntArray]:
    """Return which step of each delivered order took longest, and its seconds, shape (n,).

    0 is picking (placement to ready), 1 waiting for a courier (ready to pick-up), 2 the ride
    (pick-up to door); -1 where the order was not delivered.
    """
    records, placed = outcome.orders, day.orders.placed_s
    ready = np.where(records.ready_s >= 0, records.ready_s, placed)
    pickup = np.maximum(records.pickup_s, ready)
    steps = np.stack([ready - placed, pickup - ready, records.delivered_s - pickup])
    longest = np.argmax(steps, axis=0)
    seconds = steps[longest, np.arange(steps.shape[1])] if steps.shape[1] else np.zeros(0)
    is_done = records.status == OrderStatus.DELIVERED
    return np.where(is_done, longest, -1), np.where(is_done, seconds, -1).astype(np.int64)


def order_reasons(day: Day, outcome: DayOutcome) -> list[str]:
    """Return a sentence for each order that was late or not delivered, empty for the others."""
    records = outcome.orders
    cause, _ = lateness_cause(day, outcome)
    texts = (
        "Most of the time went into picking.",
        "Most of the time went into waiting for a courier.",
        "Most of the time went into the ride.",
    )
    out = []
    for row in range(len(records)):
        if records.status[row] == OrderStatus.DELIVERED:
            out.append(texts[cause[row]] if records.late_s[row] > 0 else "")
        else:
            out.append(words(records.reason[row], int(records.status[row])))
    return out


def words(code: str, status: int) -> str:
    """Return the sentence for a reason code; the code itself where it is not known."""
    if code in WORDS:
        return WORDS[code]
    if status == OrderStatus.UNPLACED:
        return "The replay was stopped before it was placed."
    if code:
        return f"{code.replace('-', ' ').capitalize()}."
    if status == OrderStatus.CANCELLED:
        return "The customer gave up waiting."
    return "It was still open when the day ended."
