"""Where idle couriers wait, against plain enumeration."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatchopt.dispatch import DayRules, DispatchState
from dispatchopt.dispatch.preposition import Moving, expected_orders, moves
from dispatchopt.dispatch.state import CourierStates, OpenOrders, StoreStates
from dispatchopt.dispatch.timing import NEVER_S
from dispatchopt.geography.plane import PlaneTravel

LEAD_S, PARK_S, MOST_S = 300.0, 60, 1800


def state_of(seed: int, stores: int, couriers: int) -> DispatchState:
    """Return a state without orders: stores of the last hour's demand, couriers somewhere."""
    rng = np.random.default_rng(seed)
    places = rng.integers(0, 6000, (stores + couriers, 2)).astype(float)
    none = np.zeros(0, dtype=np.int64)
    nothing, zeros = np.zeros(1, dtype=np.int64), np.zeros(stores, dtype=np.int64)
    each = np.arange(couriers)
    many = np.full(couriers, 10**6)
    return DispatchState(
        now_s=3600,
        orders=OpenOrders(
            **dict.fromkeys(
                ("idx", "place_idx", "placed_s", "due_s", "load_ml", "num_lines", "store"), none
            ),
            ready_s=none,
            option_ptr=nothing,
            option_store=none,
            option_missing=none,
            option_is_empty=np.zeros(0, dtype=np.bool_),
            declined_ptr=nothing,
            declined_courier=none,
        ),
        couriers=CourierStates(
            idx=each,
            is_free=np.ones(couriers, dtype=np.bool_),
            free_s=np.full(couriers, 3600),
            place_idx=stores + each,
            parked_s=np.full(couriers, NEVER_S),
            taken_orders=np.zeros(couriers, dtype=np.int64),
            store_idx=np.where(rng.random(couriers) < 0.2, rng.integers(0, stores, couriers), -1),
            on_s=np.zeros(couriers, dtype=np.int64),
            off_s=many,
            capacity_orders=many,
            capacity_ml=many,
            pace=rng.choice([1.0, 1.5], couriers),
        ),
        stores=StoreStates(
            place_idx=np.arange(stores),
            open_s=zeros,
            close_s=zeros + 10**9,
            pickers=zeros,
            pick_base_s=zeros,
            pick_line_s=zeros,
            picker_free_s=zeros,
            recent_orders=rng.integers(0, 8, stores),
        ),
        rules=DayRules(park_s=PARK_S),
        travel=PlaneTravel(x_m=places[:, 0], y_m=places[:, 1], metres_per_step=300.0, step_s=60),
    )


def way_s(state: DispatchState, origin: int, target: int) -> float:
    """Seconds of a drive at pace 1."""
    _, free_s = state.travel.pairs(np.array([origin]), np.array([target]))
    return float(free_s[0])


def waited_s(
    state: DispatchState, ways: list[list[float]], chance: float, share: float, late_s: float
) -> float:
    """Expected waits over the demand of 20 minutes, store by store and courier by courier.

    Without open orders a courier has 11 to 19 minutes to be there in time.
    """
    busy, total = min(0.8, chance / 2), 0.0
    counts = state.stores.recent_orders.tolist()
    for store in range(len(counts)):
        count = (1 - share) * counts[store] + share * sum(counts) / len(counts)
        waits = []
        for way in [*(row[store] for row in ways), *[float(MOST_S)] * 4]:
            here_s = min(way, MOST_S) + PARK_S
            late = min(1.0, max(0.0, (here_s - 660) / 480))
            waits.append(here_s - LEAD_S * (1 - math.exp(-here_s / LEAD_S)) + late_s * late)
        first = sorted(waits)[:4]
        weight = [(1 - busy) * busy**rank for rank in range(3)] + [busy**3]
        total += count / 3 * sum(w * each for w, each in zip(weight, first, strict=True))
    return total


@given(
    seed=st.integers(0, 10**6),
    stores=st.integers(1, 4),
    couriers=st.integers(1, 4),
    share=st.sampled_from([0.0, 0.3, 1.0]),
    stay_s=st.sampled_from([0, 300, 1200]),
    late_s=st.sampled_from([0.0, 1500.0]),
)
def test_each_courier_goes_where_it_saves_most(
    *, seed: int, stores: int, couriers: int, share: float, stay_s: int, late_s: float
) -> None:
    state = state_of(seed, stores, couriers)
    how = Moving(
        far_s=900,
        least_gain_s=5.0,
        way_weight=0.1,
        stay_s=stay_s,
        anywhere_share=0.5 if late_s > 0 else share,
        late_s=late_s,
        late_anywhere_share=share if late_s > 0 else 0.5,
        hop_s=900,
    )
    everyone = np.ones(couriers, dtype=np.bool_)
    decided = dict(moves(state, everyone, ~everyone, how))
    chance = float(state.stores.recent_orders.sum()) / 3 / couriers
    table, wanted = state.couriers, state.stores.recent_orders > 0
    if share > 0:
        wanted = np.full(stores, wanted.any())

    def allowed(courier: int, store: int) -> bool:
        return table.store_idx[courier] in {-1, store}

    ways = [
        [
            way_s(state, stores + courier, store) * float(table.pace[courier])
            if allowed(courier, store)
            else float(MOST_S)
            for store in range(stores)
        ]
        for courier in range(couriers)
    ]
    turn = 3600 // state.rules.tick_s * 12 % couriers if wanted.any() else 0
    for courier in np.roll(np.arange(couriers), -turn).tolist():
        gains = {}
        for store in np.flatnonzero(wanted).tolist():
            if not allowed(courier, store) or not 0 < ways[courier][store] <= 900:
                continue

            def from_store(rest_s: float, courier: int = courier, store: int = store) -> float:
                there = [
                    rest_s + way_s(state, store, each) if allowed(courier, each) else float(MOST_S)
                    for each in range(stores)
                ]
                row = [*ways[:courier], there, *ways[courier + 1 :]]
                return waited_s(state, row, chance, share, late_s)

            way = ways[courier][store]
            on_way_s = min(way, stay_s)
            then = from_store(0.0)
            if stay_s > 0:
                then += on_way_s / stay_s * (from_store(way - on_way_s / 2) - then)
            gains[store] = waited_s(state, ways, chance, share, late_s) - then - 5.0 - 0.1 * way
        best = max(gains.values(), default=0.0)
        if courier in decided:
            assert math.isclose(gains[decided[courier]], best, abs_tol=1e-6)
            store = decided[courier]
            ways[courier] = [
                ways[courier][store] + way_s(state, store, each)
                if allowed(courier, each)
                else float(MOST_S)
                for each in range(stores)
            ]
        else:
            assert best <= 1e-6


@given(seed=st.integers(0, 10**6), hop_s=st.sampled_from([60, 180, 300]))
def test_long_ways_are_driven_from_store_to_store(seed: int, hop_s: int) -> None:
    state = state_of(seed, 8, 1)
    everyone = np.ones(1, dtype=np.bool_)
    how = Moving(far_s=1800, least_gain_s=0.0, hop_s=1800)
    through = moves(state, everyone, ~everyone, how)
    hops = moves(state, everyone, ~everyone, replace(how, hop_s=hop_s, detour_s=60))
    assert len(hops) == len(through)
    for (_, stop), (_, target) in zip(hops, through, strict=True):
        pace, open_to = float(state.couriers.pace[0]), int(state.couriers.store_idx[0])
        direct_s = way_s(state, 8, target) * pace
        on_the_way = {
            store: way_s(state, 8, store) * pace
            for store in range(8)
            if open_to in {-1, store} and (state.stores.recent_orders > 0).any()
            if 0 < way_s(state, 8, store) * pace <= hop_s
            if way_s(state, store, target) * pace < direct_s
            if (way_s(state, 8, store) + way_s(state, store, target)) * pace <= direct_s + 60
        }
        if direct_s <= hop_s or not on_the_way:
            assert stop == target
        else:
            assert on_the_way[stop] == max(on_the_way.values())


def test_near_enough_is_near_enough() -> None:
    """A courier within the time of preparation stays; a longer lead needs fewer drives."""
    state = state_of(1, 1, 1)
    travel = PlaneTravel(
        x_m=np.array([0.0, 900.0]), y_m=np.zeros(2), metres_per_step=300.0, step_s=60
    )
    state = replace(
        state,
        travel=travel,
        couriers=replace(state.couriers, store_idx=np.array([-1])),
        stores=replace(state.stores, recent_orders=np.array([1])),
    )
    everyone = np.ones(1, dtype=np.bool_)
    # Three minutes of way at a third of an order: 14 s are saved, and 9 of way are paid.
    how = Moving(least_gain_s=2.0, stay_s=3600)
    assert moves(state, everyone, ~everyone, how) == [(0, 0)]
    assert moves(state, everyone, ~everyone, replace(how, least_gain_s=60.0)) == []
    # Who is without an order for the three minutes of the way only never stands there.
    assert moves(state, everyone, ~everyone, replace(how, stay_s=180)) == []


def test_who_could_not_be_there_in_time_drives() -> None:
    """Orders with long ways to the door must be taken over sooner, so couriers must be nearer."""
    state = state_of(1, 1, 1)
    # A store, a courier 9 minutes from it, and a door on the other side.
    rules = replace(state.rules, promise_s=1800, pickup_s=60, dropoff_s=60)
    everyone = np.ones(1, dtype=np.bool_)
    how = Moving(least_gain_s=0.0, way_weight=0.3, stay_s=3600)
    for door_m, decided in ((-600.0, []), (-6000.0, [(0, 0)])):
        travel = PlaneTravel(
            x_m=np.array([0.0, 2700.0, door_m]), y_m=np.zeros(3), metres_per_step=300.0, step_s=60
        )
        one = np.zeros(1, dtype=np.int64)
        orders = replace(
            state.orders,
            idx=one,
            place_idx=one + 2,
            placed_s=one + state.now_s,
            due_s=one + state.now_s + 1800,
            load_ml=one,
            num_lines=one + 1,
            store=one,
            ready_s=one + state.now_s + 1200,
            option_ptr=np.array([0, 1]),
            option_store=one,
            option_missing=one,
            option_is_empty=np.zeros(1, dtype=np.bool_),
            declined_ptr=np.zeros(2, dtype=np.int64),
        )
        day = replace(
            state,
            travel=travel,
            rules=rules,
            orders=orders,
            couriers=replace(state.couriers, store_idx=np.array([-1]), pace=np.ones(1)),
            stores=replace(state.stores, recent_orders=np.array([1])),
        )
        assert moves(day, everyone, ~everyone, how) == []
        assert moves(day, everyone, ~everyone, replace(how, late_s=3000.0)) == decided


def test_nobody_drives_to_where_little_of_the_shift_is_left() -> None:
    state = state_of(1, 1, 1)
    everyone, how = (
        np.ones(1, dtype=np.bool_),
        Moving(far_s=10**4, least_gain_s=0.0, way_weight=0.0),
    )
    drive_s = int(way_s(state, 1, 0) * state.couriers.pace[0])
    for more_s, decided in ((0, [(0, 0)]), (-1, [])):
        end_s = np.array([state.now_s + drive_s + how.least_shift_s + more_s])
        couriers = replace(state.couriers, store_idx=np.array([-1]), off_s=end_s)
        busy = replace(state, couriers=couriers)
        assert moves(busy, everyone, ~everyone, how) == decided


def test_orders_are_expected_at_stores_that_had_none() -> None:
    state = state_of(1, 3, 1)
    stores = replace(
        state.stores,
        recent_orders=np.array([3, 0, 0]),
        close_s=np.array([10**9, 10**9, state.now_s]),
    )
    found = expected_orders(replace(state, stores=stores), Moving(ahead_s=3600))
    # Three orders an hour: 0.3 of them at the two open stores alike, the others where they were.
    assert found.tolist() == pytest.approx([0.7 * 3 + 0.45, 0.45, 0.0])
    # Where lateness counts, somebody must be within reach of every store.
    found = expected_orders(replace(state, stores=stores), Moving(ahead_s=3600, late_s=1.0))
    assert found.tolist() == pytest.approx([0.2 * 3 + 1.2, 1.2, 0.0])
