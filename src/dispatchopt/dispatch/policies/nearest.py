"""The reference dispatcher: nearest store, nearest free courier, one order a trip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.core.stop import Stop
from dispatchopt.dispatch.choice import Options, best_options
from dispatchopt.dispatch.state import Decision, DispatchState, TripPlan
from dispatchopt.dispatch.timing import NEVER_S, at_goods_s, drive_s
from dispatchopt.geography.matrix import UNREACHABLE


@dataclass(frozen=True, kw_only=True)
class Nearest:
    """Greedy: what every serious policy must beat.

    An order goes to the nearest store that is open and lacks the fewest of its lines. Once it
    is ready, or will be when the courier arrives, the nearest free courier brings it alone;
    orders that have waited longest choose first.
    """

    name: str = "nearest"

    def decide(self, state: DispatchState, *, stop: Stop, seed: int) -> Decision:
        """Decide at a tick; the seed is of no use here."""
        del stop, seed
        orders = state.orders
        options = Options(state)
        hopeless = options.hopeless(state)
        # Fewest missing lines first, then the way; distances stay below 10**9.
        chosen = best_options(options, options.missing * 10**10 + options.distance_m)
        sourcing = tuple(
            (int(orders.idx[row]), int(options.store[option])) for row, option in chosen.items()
        )
        return Decision(
            sourcing=sourcing,
            refusals=tuple((int(orders.idx[row]), why) for row, why in sorted(hopeless.items())),
            trips=tuple(self._trips(state)),
        )

    def _trips(self, state: DispatchState) -> list[TripPlan]:
        orders, couriers = state.orders, state.couriers
        is_left = couriers.is_free.copy()
        trips: list[TripPlan] = []
        sourced = np.flatnonzero(orders.store >= 0)
        for row in sourced[np.lexsort((orders.idx[sourced], orders.placed_s[sourced]))]:
            if not is_left.any():
                break
            courier = self._courier(state, int(row), is_left)
            if courier is not None:
                is_left[courier] = False
                trips.append(
                    TripPlan(
                        courier=int(couriers.idx[courier]),
                        store=int(orders.store[row]),
                        orders=(int(orders.idx[row]),),
                    )
                )
        return trips

    def _courier(self, state: DispatchState, row: int, is_left: BoolArray) -> int | None:
        """Return the row of the free courier who is first at the order's store, if any is."""
        orders, couriers, rules = state.orders, state.couriers, state.rules
        store = int(orders.store[row])
        declined = orders.declined_courier[orders.declined_ptr[row] : orders.declined_ptr[row + 1]]
        fits = is_left & (couriers.capacity_ml >= orders.load_ml[row])
        fits &= (couriers.store_idx == -1) | (couriers.store_idx == store)
        fits &= ~np.isin(couriers.idx, declined)
        rows: IntArray = np.flatnonzero(fits)
        if not len(rows):
            return None
        store_place = state.stores.place_idx[[store]]
        _, free_s = state.travel.pairs(couriers.place_idx[rows], np.repeat(store_place, len(rows)))
        factor = state.travel.slowdown(state.now_s) * couriers.pace[rows]
        is_there = couriers.place_idx[rows] == store_place
        parked_s = np.where(is_there, couriers.parked_s[rows], NEVER_S)
        here_s = at_goods_s(
            np.full(len(rows), state.now_s), drive_s(free_s, factor), rules.park_s, parked_s
        )
        _, door_s = state.travel.pairs(store_place, orders.place_idx[[row]])
        pickup_s = np.maximum(here_s, orders.ready_s[row])
        can = (free_s < UNREACHABLE) & (pickup_s <= couriers.off_s[rows])
        # A courier sets off only when the order will be ready by the time of arrival.
        can &= (here_s + rules.tick_s > orders.ready_s[row]) & (door_s[0] < UNREACHABLE)
        can &= orders.ready_s[row] - here_s <= rules.max_wait_s
        best = np.lexsort((couriers.idx[rows], here_s, ~can))[0]
        return int(rows[best]) if can[best] else None


POLICY = Nearest()
