"""Why an open order starts no trip now, and what would have to change."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from dispatchopt.dispatch.state import Decision, DispatchState


class Wait(enum.StrEnum):
    """What an open order waits for."""

    STORE = "store"  # no store is chosen: none that may serve it is open and has goods
    PICKING = "picking"  # it is not ready, and nobody needs to set off yet
    PLANNED = "planned"  # a courier is planned for it, who is still busy or need not leave yet
    COURIER = "courier"  # it is or will be ready, and no courier is in sight
    BETTER = "better"  # couriers are free, but each does better elsewhere or later


_REMEDY = {
    Wait.STORE: "a store within reach that is open and has the goods",
    Wait.PICKING: "faster picking, or more pickers at its store",
    Wait.PLANNED: "nothing; its courier comes by plan",
    Wait.COURIER: "one more courier on shift near its store",
    Wait.BETTER: "a courier nearer to its store, or a looser bundle limit",
}


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One open order that waits.

    Parameters
    ----------
    order
        Index in the day.
    why
        What it waits for.
    courier
        The courier planned for it, or -1.
    """

    order: int
    why: Wait
    courier: int = -1

    @property
    def remedy(self) -> str:
        """What would have to change."""
        return _REMEDY[self.why]


def waiting(state: DispatchState, decision: Decision) -> tuple[Waiting, ...]:
    """Return an entry for every open order that is neither refused nor on a trip by now."""
    orders, couriers = state.orders, state.couriers
    done = {order for trip in decision.trips for order in trip.orders}
    done |= {order for order, _ in decision.refusals}
    sourced = dict(decision.sourcing)
    planned = {order: plan.courier for plan in decision.planned for order in plan.orders}
    used = {trip.courier for trip in decision.trips} | {name for name, _ in decision.moves}
    used |= {plan.courier for plan in decision.planned}
    is_idle = [
        name not in used
        for name, is_free in zip(couriers.idx.tolist(), couriers.is_free.tolist(), strict=True)
        if is_free
    ]
    found = []
    for row, order in enumerate(orders.idx.tolist()):
        if order in done:
            continue
        why = Wait.BETTER if any(is_idle) else Wait.COURIER
        if orders.store[row] < 0 and order not in sourced:
            why = Wait.STORE
        elif order in planned:
            why = Wait.PLANNED
        elif orders.ready_s[row] < 0 or orders.ready_s[row] > state.now_s:
            why = Wait.PICKING
        found.append(Waiting(order=order, why=why, courier=planned.get(order, -1)))
    return tuple(found)
