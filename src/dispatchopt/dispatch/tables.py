"""Orders, stores and couriers of a day, as read-only columns.

Places are indices into the places of the day's travel. Times are whole seconds of the day and
may pass 86,400 where a day runs past midnight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.dispatch.columns import Columns

#: Capacity in millilitres that never binds.
UNLIMITED_ML = 10**12


@dataclass(frozen=True, kw_only=True, eq=False)
class Orders:
    """Orders, n rows.

    Parameters
    ----------
    ids
        Unique names, n.
    place_idx
        Place of the customer, shape (n,).
    placed_s
        Second at which the order becomes known, >= 0, shape (n,).
    due_s
        Second until which it is promised, >= ``placed_s``, shape (n,).
    ready_s
        Second at which it is ready at its store whatever is decided, or -1 where the store's
        pickers pick it, shape (n,).
    option_ptr, option_store
        Stores that may serve it: those of order i are entries ``option_ptr[i]`` up to
        ``option_ptr[i + 1]`` of ``option_store``.
    line_ptr, line_sku, line_units
        Its lines, in the same form; an order may have none. Units are > 0.
    load_ml
        Volume, >= 0, shape (n,).
    expected_ready_s
        Second at which dispatchers expect it to be ready, until it is; shape (n,). -1 where
        ``ready_s`` is -1; None means that ``ready_s`` is known from the beginning.

    Raises
    ------
    InputError
        If columns do not fit or values are out of range; all are listed.
    """

    ids: tuple[str, ...]
    place_idx: IntArray
    placed_s: IntArray
    due_s: IntArray
    ready_s: IntArray
    option_ptr: IntArray
    option_store: IntArray
    line_ptr: IntArray
    line_sku: IntArray
    line_units: IntArray
    load_ml: IntArray
    expected_ready_s: IntArray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", tuple(self.ids))
        n, columns = len(self.ids), Columns("orders", self, self.ids)
        for name in ("place_idx", "placed_s", "due_s", "ready_s", "load_ml"):
            columns.freeze(name, np.int64, (n,))
        for name in ("option_ptr", "line_ptr"):
            columns.freeze(name, np.int64, (n + 1,))
        for name in ("option_store", "line_sku"):
            columns.freeze(name, np.int64, None)
        columns.freeze("line_units", np.int64, np.shape(self.line_sku))
        for name in ("place_idx", "placed_s", "load_ml", "option_store", "line_sku"):
            columns.at_least(name, 0)
        columns.at_least("ready_s", -1)
        columns.at_least("line_units", 1)
        columns.pointers("line_ptr", "line_sku")
        placed, due, ready = (columns.get(name) for name in ("placed_s", "due_s", "ready_s"))
        if placed is not None and due is not None:
            columns.each("due_s", due < placed, "a time not before placed_s")
        if placed is not None and ready is not None:
            columns.each("ready_s", (ready >= 0) & (ready < placed), "-1, or not before placed_s")
        if self.expected_ready_s is not None:
            columns.freeze("expected_ready_s", np.int64, (n,))
            expected = columns.get("expected_ready_s")
            if expected is not None and placed is not None and ready is not None:
                is_wrong = np.where(ready < 0, expected != -1, expected < placed)
                wanted = "not before placed_s, and -1 where ready_s is -1"
                columns.each("expected_ready_s", is_wrong, wanted)
        if columns.pointers("option_ptr", "option_store"):
            self._check_options(columns)
        columns.close()

    def _check_options(self, columns: Columns) -> None:
        owner = np.repeat(np.arange(len(self.ids)), np.diff(self.option_ptr))
        order = np.lexsort((self.option_store, owner))
        is_same = (np.diff(owner[order]) == 0) & (np.diff(self.option_store[order]) == 0)
        for pair in order[1:][is_same]:
            columns.add(
                "duplicate-id",
                f"option_store[{pair}] ({self.ids[owner[pair]]})",
                str(self.option_store[pair]),
                "each store once per order",
            )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def num_lines(self) -> IntArray:
        """Lines of each order, shape (n,)."""
        return np.diff(self.line_ptr)

    @staticmethod
    def build(
        *,
        ids: Sequence[str],
        place_idx: npt.ArrayLike,
        placed_s: npt.ArrayLike,
        due_s: npt.ArrayLike,
        options: Sequence[Sequence[int]],
        ready_s: npt.ArrayLike | None = None,
        lines: Sequence[Sequence[tuple[int, int]]] | None = None,
        load_ml: npt.ArrayLike | None = None,
        expected_ready_s: npt.ArrayLike | None = None,
    ) -> Orders:
        """Build from lists; ``options`` are stores per order, ``lines`` (SKU, units) pairs."""
        n = len(ids)
        each = [[] for _ in range(n)] if lines is None else lines
        flat = [line for order in each for line in order]
        return Orders(
            ids=tuple(ids),
            place_idx=np.asarray(place_idx, dtype=np.int64),
            placed_s=np.asarray(placed_s, dtype=np.int64),
            due_s=np.asarray(due_s, dtype=np.int64),
            ready_s=np.asarray(np.full(n, -1) if ready_s is None else ready_s, dtype=np.int64),
            option_ptr=np.cumsum([0, *(len(order) for order in options)]),
            option_store=np.array([s for order in options for s in order], dtype=np.int64),
            line_ptr=np.cumsum([0, *(len(order) for order in each)]),
            line_sku=np.array([sku for sku, _ in flat], dtype=np.int64),
            line_units=np.array([units for _, units in flat], dtype=np.int64),
            load_ml=np.asarray(np.zeros(n) if load_ml is None else load_ml, dtype=np.int64),
            expected_ready_s=None
            if expected_ready_s is None
            else np.asarray(expected_ready_s, dtype=np.int64),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Stores:
    """Stores, m rows.

    Parameters
    ----------
    ids
        Unique names, m.
    place_idx
        Place of the store, shape (m,).
    pickers
        Orders that can be picked at the same time, >= 0, shape (m,).
    pick_base_s, pick_line_s
        Picking takes ``pick_base_s + pick_line_s * lines`` seconds, >= 0, shape (m,).
    open_s, close_s
        Orders are taken on in [open_s, close_s); a closed store has close_s <= open_s, shape (m,).
    stock_units
        Units on the shelf at the start, shape (m, number of SKUs); None if stock never binds.

    Raises
    ------
    InputError
        If columns do not fit or values are out of range; all are listed.
    """

    ids: tuple[str, ...]
    place_idx: IntArray
    pickers: IntArray
    pick_base_s: IntArray
    pick_line_s: IntArray
    open_s: IntArray
    close_s: IntArray
    stock_units: IntArray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", tuple(self.ids))
        m, columns = len(self.ids), Columns("stores", self, self.ids)
        for name in ("place_idx", "pickers", "pick_base_s", "pick_line_s", "open_s", "close_s"):
            columns.freeze(name, np.int64, (m,))
            columns.at_least(name, 0)
        if self.stock_units is not None:
            width = np.shape(self.stock_units)[1] if np.ndim(self.stock_units) == 2 else -1
            columns.freeze("stock_units", np.int64, (m, width))
            columns.at_least("stock_units", 0)
        columns.close()

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, kw_only=True, eq=False)
class Couriers:
    """Couriers, or rather their shifts: one row per shift, k rows.

    Parameters
    ----------
    ids
        Unique names, k.
    place_idx
        Where the shift starts, shape (k,).
    store_idx
        Store whose trips the courier may do, or -1 for any store, shape (k,).
    on_s, off_s
        The shift; trips start in [on_s, off_s), and the last may end later, shape (k,).
    capacity_orders, capacity_ml
        Most orders, >= 1, and volume, >= 0, on one trip, shape (k,).
    pace
        Factor on the travel's durations, > 0; 1 is the travel's own profile, shape (k,).
    vehicle
        Names of vehicles for display, k; empty if of no interest.

    Raises
    ------
    InputError
        If columns do not fit or values are out of range; all are listed.
    """

    ids: tuple[str, ...]
    place_idx: IntArray
    store_idx: IntArray
    on_s: IntArray
    off_s: IntArray
    capacity_orders: IntArray
    capacity_ml: IntArray
    pace: FloatArray
    vehicle: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", tuple(self.ids))
        object.__setattr__(self, "vehicle", tuple(self.vehicle))
        k, columns = len(self.ids), Columns("couriers", self, self.ids)
        least = {
            "place_idx": 0,
            "store_idx": -1,
            "on_s": 0,
            "off_s": 0,
            "capacity_orders": 1,
            "capacity_ml": 0,
        }
        for name, value in least.items():
            columns.freeze(name, np.int64, (k,))
            columns.at_least(name, value)
        columns.freeze("pace", np.float64, (k,))
        pace = columns.get("pace")
        if pace is not None:
            columns.each("pace", ~((pace > 0) & (pace <= 100)), "a number in (0, 100]")
        on, off = columns.get("on_s"), columns.get("off_s")
        if on is not None and off is not None:
            columns.each("off_s", off < on, "a time not before on_s")
        if self.vehicle and len(self.vehicle) != k:
            columns.add("bad-shape", "vehicle", str(len(self.vehicle)), f"{k} names, or none")
        columns.close()

    def __len__(self) -> int:
        return len(self.ids)

    @staticmethod
    def build(
        *,
        ids: Sequence[str],
        place_idx: npt.ArrayLike,
        on_s: npt.ArrayLike,
        off_s: npt.ArrayLike,
        store_idx: npt.ArrayLike | None = None,
        capacity_orders: npt.ArrayLike | None = None,
        capacity_ml: npt.ArrayLike | None = None,
        pace: npt.ArrayLike | None = None,
        vehicle: Sequence[str] = (),
    ) -> Couriers:
        """Build with defaults: any store, no limit on a trip but the rules' own, pace 1."""
        k = len(ids)

        def column(values: npt.ArrayLike | None, default: int) -> IntArray:
            return np.asarray(np.full(k, default) if values is None else values, dtype=np.int64)

        return Couriers(
            ids=tuple(ids),
            place_idx=column(place_idx, 0),
            store_idx=column(store_idx, -1),
            on_s=column(on_s, 0),
            off_s=column(off_s, 0),
            capacity_orders=column(capacity_orders, 1_000),
            capacity_ml=column(capacity_ml, UNLIMITED_ML),
            pace=np.asarray(np.ones(k) if pace is None else pace, dtype=np.float64),
            vehicle=tuple(vehicle),
        )
