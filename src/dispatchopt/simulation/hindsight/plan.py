"""Carrying out a plan made in hindsight, in the simulator and under its rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.stop import Stop
from dispatchopt.dispatch.choice import Options, best_options
from dispatchopt.dispatch.state import Decision, DispatchState, TripPlan
from dispatchopt.simulation.outcome import DayOutcome

#: Orders of one trip in the sequence of delivery, with the step of their take-over.
Visit = tuple[int, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class PlannedTrips:
    """A policy that knows the day: couriers go ahead to stores whose orders are not placed yet.

    Parameters
    ----------
    trips
        The trips of each courier in turn.
    """

    trips: Mapping[int, tuple[TripPlan, ...]]
    name: str = "hindsight"

    def decide(self, state: DispatchState, *, stop: Stop, seed: int) -> Decision:
        """Begin each trip as soon as its courier is free and its orders are placed."""
        del stop, seed
        orders, couriers = state.orders, state.couriers
        options = Options(state)
        chosen = best_options(options, options.distance_m)
        sourcing = tuple(
            (int(orders.idx[row]), int(options.store[option])) for row, option in chosen.items()
        )
        is_open = set(orders.idx.tolist())
        trips, moves = [], []
        for row in np.flatnonzero(couriers.is_free).tolist():
            plan = self._next(int(couriers.idx[row]), int(couriers.taken_orders[row]))
            if plan is None:
                continue
            place = int(state.stores.place_idx[plan.store])
            if all(order in is_open for order in plan.orders):
                trips.append(plan)
            elif couriers.place_idx[row] != place:
                moves.append((plan.courier, place))
        return Decision(sourcing=sourcing, trips=tuple(trips), moves=tuple(moves))

    def _next(self, courier: int, taken: int) -> TripPlan | None:
        for plan in self.trips.get(courier, ()):
            if taken <= 0:
                return plan
            taken -= len(plan.orders)
        return None


def visits_of(outcome: DayOutcome) -> dict[int, list[tuple[int, ...]]]:
    """Return the trips of each courier that began, in turn, as orders in sequence."""
    trips, found = outcome.trips, dict[int, list[tuple[int, ...]]]()
    for trip in np.argsort(trips.assigned_s, kind="stable").tolist():
        span = slice(int(trips.order_ptr[trip]), int(trips.order_ptr[trip + 1]))
        orders = tuple(trips.order_idx[span].tolist())
        found.setdefault(int(trips.courier[trip]), []).append(orders)
    return found


def once_each(visits: Mapping[int, Sequence[Visit]]) -> dict[int, list[tuple[int, ...]]]:
    """Keep the earliest visit of each order; a route without a visit is no later elsewhere."""
    first: dict[int, tuple[int, int, int]] = {}
    for courier in sorted(visits):
        for number, (pickup, orders) in enumerate(visits[courier]):
            for order in orders:
                here = (pickup, courier, number)
                first[order] = min(first.get(order, here), here)
    kept: dict[int, list[tuple[int, ...]]] = {}
    for courier in sorted(visits):
        seen: set[int] = set()
        for number, (_, orders) in enumerate(visits[courier]):
            mine = [
                order
                for order in orders
                if first[order][1:] == (courier, number) and order not in seen
            ]
            seen.update(mine)
            if mine:
                kept.setdefault(courier, []).append(tuple(mine))
    return kept
