"""What a policy sees at a tick, and what it may decide."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.dispatch.rules import DayRules
from dispatchopt.geography.points import Points
from dispatchopt.geography.router import Travel


class Refusal(enum.StrEnum):
    """Why an order is refused."""

    NO_STORE = "no-store"  # no store is within reach
    STORE_CLOSED = "store-closed"  # no store within reach is open, or opens in time
    OUT_OF_STOCK = "out-of-stock"  # no store within reach has what is ordered
    UNREACHABLE = "unreachable"  # there is no way from store to customer
    TOO_LARGE = "too-large"  # no courier can carry it
    OVERLOAD = "overload"  # it could not be delivered before the customer gives up


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenOrders:
    """Orders placed and on no trip yet, sorted by index.

    Parameters
    ----------
    idx
        Index of the order in the day, shape (n,).
    place_idx, placed_s, due_s, load_ml
        As in the day's table.
    num_lines
        Number of lines.
    store
        Store where it is being picked, or -1 while none is chosen.
    ready_s
        Expected second at which it is ready; -1 while no store is chosen, unless the time is
        given with the order.
    option_ptr, option_store
        Stores that may serve it, open or not.
    option_missing
        Lines that the store could not fill completely now, shape of ``option_store``.
    option_is_empty
        Whether the store could fill nothing of it now.
    declined_ptr, declined_courier
        Couriers who declined it already.
    ready_samples_s
        Equally likely seconds at which it is ready, all the same where that is known, shape
        (n, k); None where ``ready_s`` is all that is known of any order.
    """

    idx: IntArray
    place_idx: IntArray
    placed_s: IntArray
    due_s: IntArray
    load_ml: IntArray
    num_lines: IntArray
    store: IntArray
    ready_s: IntArray
    option_ptr: IntArray
    option_store: IntArray
    option_missing: IntArray
    option_is_empty: BoolArray
    declined_ptr: IntArray
    declined_courier: IntArray
    ready_samples_s: IntArray | None = None

    def __len__(self) -> int:
        return len(self.idx)

    @property
    def samples_s(self) -> IntArray:
        """Equally likely seconds at which each is ready, shape (n, k), k >= 1."""
        if self.ready_samples_s is None:
            return self.ready_s[:, None]
        return self.ready_samples_s


@dataclass(frozen=True, kw_only=True, eq=False)
class CourierStates:
    """Couriers on shift or soon to come, sorted by index.

    Parameters
    ----------
    idx
        Index of the courier in the day, shape (k,).
    is_free
        Whether an instruction may be given now.
    free_s
        Expected second at which the courier is free: now, the end of the work at hand, or the
        start of the shift.
    place_idx
        Where the courier is then.
    parked_s
        Second at which the courier stopped there after a move; ``NEVER_S`` if not by a move.
        Parking counts from then.
    taken_orders
        Orders taken on since the start of the shift.
    store_idx, on_s, off_s, capacity_orders, capacity_ml, pace
        As in the day's table.
    """

    idx: IntArray
    is_free: BoolArray
    free_s: IntArray
    place_idx: IntArray
    parked_s: IntArray
    taken_orders: IntArray
    store_idx: IntArray
    on_s: IntArray
    off_s: IntArray
    capacity_orders: IntArray
    capacity_ml: IntArray
    pace: FloatArray

    def __len__(self) -> int:
        return len(self.idx)


@dataclass(frozen=True, kw_only=True, eq=False)
class StoreStates:
    """All stores, in the day's order.

    Parameters
    ----------
    place_idx, open_s, close_s, pickers, pick_base_s, pick_line_s
        As in the day's table, shape (m,).
    picker_free_s
        Expected second at which picking of one more order could start.
    recent_orders
        Orders taken on within the last ``RECENT_S`` seconds, a sign of demand to come.
    """

    place_idx: IntArray
    open_s: IntArray
    close_s: IntArray
    pickers: IntArray
    pick_base_s: IntArray
    pick_line_s: IntArray
    picker_free_s: IntArray
    recent_orders: IntArray

    def __len__(self) -> int:
        return len(self.place_idx)


#: Length of the look back of ``StoreStates.recent_orders`` in seconds.
RECENT_S = 3600


@dataclass(frozen=True, kw_only=True)
class TripPlan:
    """One courier fetches orders at one store and brings them in this sequence.

    Parameters
    ----------
    courier, store
        Indices in the day.
    orders
        Indices of orders in the day, in the sequence of delivery; at least one.
    """

    courier: int
    store: int
    orders: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class DispatchState:
    """All that is known at a tick; nothing of what comes later.

    Parameters
    ----------
    now_s
        Second of the day.
    orders, couriers, stores
        What is open, who can work, and where.
    rules
        The rules of the day.
    travel
        Travel among places.
    places
        Coordinates of the places, or None.
    last
        What was planned at the last decision and has not begun, as far as its orders are still
        open; a policy keeps to it unless something better comes up.
    """

    now_s: int
    orders: OpenOrders
    couriers: CourierStates
    stores: StoreStates
    rules: DayRules
    travel: Travel
    places: Points | None = None
    last: tuple[TripPlan, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to do now. Indices are those of the day.

    Refusals take effect first, then sourcing, trips and moves.

    Parameters
    ----------
    sourcing
        (order, store) pairs: start picking there.
    refusals
        (order, reason) pairs.
    trips
        Trips that start now.
    moves
        (courier, place) pairs: drive there and wait for work.
    planned
        Trips that are meant to begin later. They bind nobody: they say what is likely, and are
        the ``last`` of the next state.
    """

    sourcing: tuple[tuple[int, int], ...] = ()
    refusals: tuple[tuple[int, Refusal], ...] = ()
    trips: tuple[TripPlan, ...] = ()
    moves: tuple[tuple[int, int], ...] = ()
    planned: tuple[TripPlan, ...] = ()
