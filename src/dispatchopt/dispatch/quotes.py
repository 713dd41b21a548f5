"""When an order will be at its door: what a promise can be built on.

After a decision the couriers' work is laid out in time: trips that begin now, trips that are
planned, then the orders left, the most urgent first, each with the courier and store that bring it
soonest. A basket that is only asked for comes last, so what is promised to others stays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.dispatch.state import Decision, DispatchState, OpenOrders, Refusal, TripPlan
from dispatchopt.dispatch.timing import NEVER_S, at_goods_s, drive_s
from dispatchopt.geography.matrix import UNREACHABLE

#: Standard deviations between the expected second and the one that is safe to promise (90 %).
SAFE = 1.2816


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What can be said about one order.

    Parameters
    ----------
    order
        Index in the day; for a basket that is asked for, its row.
    store, courier
        From where and by whom, -1 where nobody can.
    ready_s, pickup_s, door_s
        Expected seconds; -1 where nobody can.
    safe_s
        Second by which it is at the door in nine of ten cases, as far as the rules know the
        spread of picking and travel; -1 where nobody can.
    is_in_time
        Whether ``safe_s`` is no later than the time until which it is promised.
    cost_cents
        Kilometres, pay per order, the courier's time and lateness that it adds.
    reason
        Why it cannot be brought or not in time; empty otherwise.
    """

    order: int
    store: int = -1
    courier: int = -1
    ready_s: int = -1
    pickup_s: int = -1
    door_s: int = -1
    safe_s: int = -1
    is_in_time: bool = False
    cost_cents: float = 0.0
    reason: str = ""


def quotes(
    state: DispatchState, decision: Decision, asked: OpenOrders | None = None
) -> tuple[Quote, ...]:
    """Return a quote for every open order, or for every basket that is asked for.

    Parameters
    ----------
    state, decision
        What is known, and what was decided on it.
    asked
        Baskets; each is quoted as if it came alone.
    """
    plan = _Outlook(state, decision)
    found = plan.open_quotes()
    if asked is None:
        return tuple(found)
    return tuple(plan.quote(asked, row, row) for row in range(len(asked)))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Best:
    store: int
    row: int
    ready_s: int
    pickup_s: int
    door_s: int
    way_s: int
    door_way_s: int
    metres: int


class _Outlook:
    """Where and when couriers and pickers will be free."""

    def __init__(self, state: DispatchState, decision: Decision) -> None:
        self._state, self._decision = state, decision
        couriers = state.couriers
        self._free_s = couriers.free_s.copy()
        self._place = couriers.place_idx.copy()
        self._parked_s = couriers.parked_s.copy()
        self._picker_s = np.maximum(state.stores.picker_free_s, state.now_s).astype(np.int64)
        self._store = state.orders.store.copy()
        self._ready_s = state.orders.ready_s.copy()
        self._row = {order: row for row, order in enumerate(state.orders.idx.tolist())}
        self._who = {name: row for row, name in enumerate(couriers.idx.tolist())}
        self._slowdown = state.travel.slowdown(state.now_s)
        for order, store in decision.sourcing:
            row = self._row[order]
            self._store[row] = store
            if self._ready_s[row] < 0:
                self._ready_s[row] = self._picked_s(state.orders, row, store)
                self._pick(store, int(self._ready_s[row]))
        self._move()

    def _move(self) -> None:
        for courier, place in self._decision.moves:
            row = self._who[courier]
            self._free_s[row] += self._ways(row, [int(self._place[row]), place])[1].sum()
            self._place[row], self._parked_s[row] = place, self._free_s[row]

    def _pick(self, store: int, ready_s: int) -> None:
        """Let a store's pickers be busy with one order more."""
        pickers = max(1, int(self._state.stores.pickers[store]))
        busy_s = (ready_s - self._picker_s[store]) // pickers
        self._picker_s[store] += max(0, busy_s)

    def _picked_s(self, orders: OpenOrders, row: int, store: int) -> int:
        stores = self._state.stores
        start_s = max(self._state.now_s, int(stores.open_s[store]), int(self._picker_s[store]))
        work_s = stores.pick_base_s[store] + stores.pick_line_s[store] * orders.num_lines[row]
        return start_s + int(work_s) if start_s < NEVER_S else NEVER_S

    def _ways(self, row: int, stops: list[int]) -> tuple[IntArray, IntArray]:
        metres, free_s = self._state.travel.pairs(np.array(stops[:-1]), np.array(stops[1:]))
        return metres, drive_s(free_s, self._slowdown * float(self._state.couriers.pace[row]))

    def open_quotes(self) -> list[Quote]:
        """Lay out all open orders; returns their quotes in the order of the state."""
        found: dict[int, Quote] = {}
        for order, reason in self._decision.refusals:
            found[order] = Quote(order=order, reason=str(Refusal(reason)))
        for trip in (*self._decision.trips, *self._decision.planned):
            found.update(self._ride(trip))
        orders = self._state.orders
        for row in np.lexsort((orders.idx, orders.due_s)).tolist():
            order = int(orders.idx[row])
            if order not in found:
                found[order] = self.quote(orders, row, order, is_taken=True)
        return [found[order] for order in orders.idx.tolist()]

    def _ride(self, trip: TripPlan) -> dict[int, Quote]:
        """Lay out a trip; nothing where it could not be driven any more."""
        state, row = self._state, self._who[trip.courier]
        rules, orders = state.rules, state.orders
        rows = [self._row[order] for order in trip.orders]
        place = int(state.stores.place_idx[trip.store])
        stops = [int(self._place[row]), place, *(int(orders.place_idx[each]) for each in rows)]
        metres, way_s = self._ways(row, stops)
        ready_s = int(self._ready_s[rows].max())
        if ready_s < 0 or (metres >= UNREACHABLE).any():
            return {}
        here_s = self._here_s(row, int(way_s[0]), place)
        pickup_s = max(here_s, ready_s)
        at_s, found = pickup_s + rules.pickup_s, {}
        start_s = int(self._free_s[row])
        for leg, each in enumerate(rows, start=1):
            at_s += int(way_s[leg])
            best = _Best(
                store=trip.store,
                row=row,
                ready_s=int(self._ready_s[each]),
                pickup_s=pickup_s,
                door_s=at_s + rules.dropoff_s,
                way_s=int(way_s[: leg + 1].sum()),
                door_way_s=int(way_s[leg]),
                metres=int(metres[leg]) + int(metres[0]) // len(rows),
            )
            at_s += rules.dropoff_s + rules.leave_s
            busy_s = (at_s - start_s) / len(rows)
            order = int(orders.idx[each])
            found[order] = self._said(orders, each, order, best, busy_s)
        self._free_s[row], self._place[row] = at_s, stops[-1]
        self._parked_s[row] = NEVER_S
        return found

    def _here_s(self, row: int, way_s: int, place: int) -> int:
        parked_s = int(self._parked_s[row]) if self._place[row] == place else NEVER_S
        return int(at_goods_s(self._free_s[row], way_s, self._state.rules.park_s, parked_s))

    def quote(self, orders: OpenOrders, row: int, order: int, *, is_taken: bool = False) -> Quote:
        """Return the quote of one order; it is laid out as well if ``is_taken``."""
        stores, reason = self._options(orders, row)
        best: _Best | None = None
        for store in stores:
            each = self._from(orders, row, store)
            if isinstance(each, str):
                reason = each
            elif best is None or (each.door_s, each.way_s) < (best.door_s, best.way_s):
                best = each
        if best is None:
            return Quote(order=order, reason=reason)
        rules = self._state.rules
        end_s = best.door_s + rules.leave_s
        busy_s = end_s - max(int(self._free_s[best.row]), best.pickup_s - best.way_s)
        said = self._said(orders, row, order, best, busy_s)
        if is_taken:
            self._free_s[best.row], self._place[best.row] = end_s, orders.place_idx[row]
            self._parked_s[best.row] = NEVER_S
            if orders.ready_s[row] < 0 and self._store[row] < 0:
                self._pick(best.store, best.ready_s)
        return said

    def _options(self, orders: OpenOrders, row: int) -> tuple[list[int], str]:
        """Return the stores to ask, and why there is none."""
        is_open_order = orders is self._state.orders
        if is_open_order and self._store[row] >= 0:
            return [int(self._store[row])], ""
        span = np.flatnonzero(option_rows_of(orders) == row)
        if not len(span):
            return [], str(Refusal.NO_STORE)
        stores, rules = self._state.stores, self._state.rules
        store = orders.option_store[span]
        is_open: BoolArray = (stores.close_s[store] > self._state.now_s) & (
            stores.open_s[store] < stores.close_s[store]
        )
        if not is_open.any():
            return [], str(Refusal.STORE_CLOSED)
        has = ~orders.option_is_empty[span]
        if not rules.is_partial_allowed:
            has &= orders.option_missing[span] == 0
        least = orders.option_missing[span][is_open & has]
        if not len(least):
            return [], str(Refusal.OUT_OF_STOCK)
        # A store that lacks more lines than another is no answer to what was asked.
        full = is_open & has & (orders.option_missing[span] == least.min())
        return sorted(store[full].tolist()), ""

    def _from(self, orders: OpenOrders, row: int, store: int) -> _Best | str:
        """Return the soonest way from one store, or why there is none."""
        state, couriers, rules = self._state, self._state.couriers, self._state.rules
        is_known = orders is state.orders and self._ready_s[row] >= 0
        ready_s = int(self._ready_s[row]) if is_known else int(orders.ready_s[row])
        if ready_s < 0:
            ready_s = self._picked_s(orders, row, store)
        declined = orders.declined_courier[orders.declined_ptr[row] : orders.declined_ptr[row + 1]]
        fits = (couriers.capacity_ml >= orders.load_ml[row]) & (couriers.capacity_orders >= 1)
        fits &= ((couriers.store_idx < 0) | (couriers.store_idx == store)) & (
            self._free_s < NEVER_S
        )
        if len(couriers) and not fits.any() and (couriers.capacity_ml < orders.load_ml[row]).all():
            return str(Refusal.TOO_LARGE)
        rows = np.flatnonzero(fits & ~np.isin(couriers.idx, declined))
        place = int(state.stores.place_idx[store])
        metres, free_s = state.travel.pairs(self._place[rows], np.full(len(rows), place))
        door_m, door_s = state.travel.pairs(
            np.array([place]), np.array([int(orders.place_idx[row])])
        )
        if door_s[0] >= UNREACHABLE:
            return str(Refusal.UNREACHABLE)
        way_s = drive_s(free_s, self._slowdown * couriers.pace[rows])
        parked_s = np.where(self._place[rows] == place, self._parked_s[rows], NEVER_S)
        here_s = at_goods_s(self._free_s[rows], way_s, rules.park_s, parked_s)
        pickup_s = np.maximum(here_s, ready_s)
        can = (free_s < UNREACHABLE) & (pickup_s <= couriers.off_s[rows]) & (ready_s < NEVER_S)
        if not can.any():
            return "no-courier"
        to_door_s = drive_s(np.full(len(rows), door_s[0]), self._slowdown * couriers.pace[rows])
        at_door_s = pickup_s + rules.pickup_s + to_door_s + rules.dropoff_s
        best = int(np.lexsort((rows, way_s, at_door_s, ~can))[0])
        return _Best(
            store=store,
            row=int(rows[best]),
            ready_s=ready_s,
            pickup_s=int(pickup_s[best]),
            door_s=int(at_door_s[best]),
            way_s=int(way_s[best] + to_door_s[best]),
            door_way_s=int(to_door_s[best]),
            metres=int(metres[best] + door_m[0]),
        )

    def _said(self, orders: OpenOrders, row: int, order: int, best: _Best, busy_s: float) -> Quote:
        rules = self._state.rules
        spread_s = math.hypot(
            rules.travel_noise_sd * best.way_s,
            rules.picking_noise_sd * max(0, best.ready_s - self._state.now_s),
        )
        safe_s = best.door_s + math.ceil(SAFE * spread_s)
        late_s = max(0, best.door_s - int(orders.due_s[row]))
        cost = best.metres / 1000 * rules.cents_per_km
        cost += rules.pay_cents_per_order * (not rules.is_wage_guarantee)
        cost += busy_s / 3600 * rules.wage_cents_per_hour
        cost += late_s / 60 * rules.lateness_cents_per_min
        is_in_time = safe_s <= orders.due_s[row]
        return Quote(
            order=order,
            store=best.store,
            courier=int(self._state.couriers.idx[best.row]),
            ready_s=best.ready_s,
            pickup_s=best.pickup_s,
            door_s=best.door_s,
            safe_s=safe_s,
            is_in_time=bool(is_in_time),
            cost_cents=round(cost, 2),
            reason="" if is_in_time else "late",
        )


def option_rows_of(orders: OpenOrders) -> IntArray:
    """Return the row of each option of a table of orders."""
    rows: IntArray = np.repeat(np.arange(len(orders)), np.diff(orders.option_ptr))
    return rows
