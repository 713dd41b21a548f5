"""Which couriers can be at which store by when; only near ones are looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.dispatch.state import DispatchState
from dispatchopt.dispatch.timing import NEVER_S, at_goods_s, drive_s
from dispatchopt.geography.matrix import UNREACHABLE

#: Up to this many pairs all are asked for; beyond it a search tree picks near ones.
_FEW_PAIRS = 3_000
_METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Inbound:
    """Pairs of store and courier, sorted by store and then by arrival.

    Parameters
    ----------
    ptr
        Pairs of store s are ``ptr[s]`` up to ``ptr[s + 1]``, shape (number of stores + 1,).
    courier
        Row in ``state.couriers``, shape (number of pairs,).
    here_s
        Expected second at which the courier could take goods over.
    drive_s
        Expected seconds of the way to the store.
    """

    ptr: IntArray
    courier: IntArray
    here_s: IntArray
    drive_s: IntArray


def inbound(
    state: DispatchState, stores: IntArray, wanted: IntArray, *, horizon_s: int, speed_m_s: float
) -> Inbound:
    """Find the couriers who are soonest at each of some stores.

    Parameters
    ----------
    state
        The state.
    stores
        Indices of the stores of interest, sorted.
    wanted
        How many couriers to keep for each of them at most.
    horizon_s
        Couriers who become free later than this from now are left out.
    speed_m_s
        Rough speed, used only to weigh time against distance when looking for near couriers.
    """
    couriers = state.couriers
    is_soon = (couriers.free_s <= state.now_s + horizon_s) & (couriers.free_s < couriers.off_s)
    rows = np.flatnonzero(is_soon)
    anywhere, bound = rows[couriers.store_idx[rows] < 0], rows[couriers.store_idx[rows] >= 0]
    bound = bound[np.isin(couriers.store_idx[bound], stores)]
    near_store, near_courier = _near(state, stores, wanted, anywhere, speed_m_s)
    store = np.concatenate([near_store, couriers.store_idx[bound]])
    courier = np.concatenate([near_courier, bound])
    _, free_flow_s = state.travel.pairs(couriers.place_idx[courier], state.stores.place_idx[store])
    factor = state.travel.slowdown(state.now_s) * couriers.pace[courier]
    way_s = drive_s(free_flow_s, factor)
    is_there = couriers.place_idx[courier] == state.stores.place_idx[store]
    parked_s = np.where(is_there, couriers.parked_s[courier], NEVER_S)
    here_s = at_goods_s(couriers.free_s[courier], way_s, state.rules.park_s, parked_s)
    keep = (free_flow_s < UNREACHABLE) & (here_s <= couriers.off_s[courier])
    found = Inbound(
        ptr=np.zeros(0, dtype=np.int64),
        courier=courier[keep],
        here_s=here_s[keep],
        drive_s=way_s[keep],
    )
    limit = np.zeros(len(state.stores), dtype=np.int64)
    limit[stores] = wanted
    return _sorted(found, store[keep], limit)


def _near(
    state: DispatchState, stores: IntArray, wanted: IntArray, rows: IntArray, speed_m_s: float
) -> tuple[IntArray, IntArray]:
    """Return pairs of stores and couriers who may work anywhere."""
    if len(rows) * len(stores) <= _FEW_PAIRS or state.places is None:
        return np.repeat(stores, len(rows)), np.tile(rows, len(stores))
    from scipy.spatial import cKDTree

    couriers = state.couriers
    # Time until free is a third coordinate: in the 1-norm the way adds up with the waiting.
    ahead_m = (couriers.free_s[rows] - state.now_s) * speed_m_s
    tree = cKDTree(np.column_stack([_plane(state, couriers.place_idx[rows]), ahead_m]))
    at = np.column_stack([_plane(state, state.stores.place_idx[stores]), np.zeros(len(stores))])
    # Straight lines misjudge ways, so half as many again are asked for as will be kept.
    most = np.minimum(wanted + wanted // 2 + 4, len(rows))
    store, courier = [], []
    for count in np.unique(most):
        group = np.flatnonzero(most == count)
        _, found = tree.query(at[group], k=np.arange(1, count + 1), p=1)
        store.append(np.repeat(stores[group], count))
        courier.append(rows[found.ravel()])
    return np.concatenate(store), np.concatenate(courier)


def _plane(state: DispatchState, place_idx: IntArray) -> FloatArray:
    """Metres on a local plane, good enough to rank who is near."""
    if state.places is None:
        raise ValueError("places are needed to find near couriers")
    lat = state.places.lat[place_idx]
    squeeze = np.cos(np.radians(float(state.places.lat[0])))
    plane: FloatArray = np.column_stack([state.places.lon[place_idx] * squeeze, lat])
    return plane * _METRES_PER_DEGREE


def _sorted(found: Inbound, store: IntArray, limit: IntArray) -> Inbound:
    """Sort pairs by store and arrival, and keep at most ``limit`` for each store."""
    keys = np.lexsort((found.courier, found.drive_s, found.here_s, store))
    store = store[keys]
    rank = np.arange(len(store)) - np.searchsorted(store, store)
    keep: BoolArray = rank < limit[store]
    keys = keys[keep]
    counts = np.bincount(store[keep], minlength=len(limit))
    return Inbound(
        ptr=np.concatenate([[0], np.cumsum(counts)]),
        courier=found.courier[keys],
        here_s=found.here_s[keys],
        drive_s=found.drive_s[keys],
    )
