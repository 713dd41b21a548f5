"""What holds on any day, however bad the world is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatchopt.core import Stop
from dispatchopt.dispatch import Decision, DispatchState, find_policy
from dispatchopt.simulation import Day, DayOutcome, EventKind, OrderStatus, check_day, simulate
from dispatchopt.simulation import metrics as metrics_of
from dispatchopt.simulation.noise import Noise

DayMaker = Callable[..., Day]
ordinary = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def _assert_sound(day: Day, outcome: DayOutcome) -> None:
    assert check_day(day, outcome).violations == ()
    records = outcome.orders
    ended = np.isin(
        records.status,
        [OrderStatus.DELIVERED, OrderStatus.REFUSED, OrderStatus.CANCELLED],
    )
    if day.rules.max_late_s >= 0:
        assert ended.all()
    for status, reason in zip(records.status.tolist(), records.reason, strict=True):
        assert bool(reason) == (status != OrderStatus.DELIVERED)
    json.dumps(metrics_of(day, outcome), allow_nan=False)


@ordinary
@given(
    seed=st.integers(0, 10**6),
    policy=st.sampled_from(["nearest", "reyes", "rolling"]),
    couriers=st.integers(0, 6),
    noise=st.sampled_from([0.0, 0.3]),
    declines=st.sampled_from([0.0, 0.3, 1.0]),
    late_s=st.sampled_from([-1, 0, 600, 3600]),
    bundle=st.integers(1, 5),
    partial=st.booleans(),
)
def test_every_order_ends_and_no_rule_is_broken(
    *,
    make_random_day: DayMaker,
    seed: int,
    policy: str,
    couriers: int,
    noise: float,
    declines: float,
    late_s: int,
    bundle: int,
    partial: bool,
) -> None:
    day = make_random_day(
        seed,
        num_couriers=couriers,
        travel_noise_sd=noise,
        picking_noise_sd=noise,
        decline_probability=declines,
        max_late_s=late_s,
        max_bundle=bundle,
        is_partial_allowed=partial,
        park_s=seed % 3 * 20,
        leave_s=seed % 2 * 15,
    )
    outcome = simulate(day, policy, seed=seed)
    _assert_sound(day, outcome)
    if couriers == 0 or declines == 1.0:
        assert not (outcome.orders.status == OrderStatus.DELIVERED).any()


@pytest.mark.parametrize("policy", ["nearest", "reyes", "rolling"])
def test_a_tenfold_surge_is_survived(make_random_day: DayMaker, policy: str) -> None:
    day = make_random_day(7, num_orders=250, num_couriers=5)
    outcome = simulate(day, policy)
    _assert_sound(day, outcome)
    assert (outcome.orders.status == OrderStatus.DELIVERED).sum() > 0
    assert (outcome.orders.status != OrderStatus.DELIVERED).sum() > 0


@pytest.mark.parametrize("policy", ["nearest", "reyes", "rolling"])
def test_closed_stores_refuse(make_random_day: DayMaker, policy: str) -> None:
    day = make_random_day(3)
    closed = replace(day.stores, open_s=np.full(3, 10), close_s=np.full(3, 5))
    outcome = simulate(replace(day, stores=closed), policy)
    has_option = np.diff(day.orders.option_ptr) > 0
    for reason, could in zip(outcome.orders.reason, has_option.tolist(), strict=True):
        assert reason == ("store-closed" if could else "no-store")


@settings(ordinary, max_examples=5)
@given(seed=st.integers(0, 10**6))
def test_the_same_seed_gives_the_same_day(make_random_day: DayMaker, seed: int) -> None:
    day = make_random_day(seed, travel_noise_sd=0.2, decline_probability=0.2)
    assert simulate(day, seed=seed).digest == simulate(day, seed=seed).digest


def test_another_seed_gives_another_day(make_random_day: DayMaker) -> None:
    day = make_random_day(1, travel_noise_sd=0.2)
    assert simulate(day, "nearest", seed=1).digest != simulate(day, "nearest", seed=2).digest


_DAY = """
import numpy as np
from dispatchopt.dispatch import Couriers, DayRules, Orders, Stores
from dispatchopt.geography.points import Points
from dispatchopt.geography.straight import StraightRouter
from dispatchopt.core import Stop
from dispatchopt.dispatch import Decision, DispatchState, find_policy
from dispatchopt.simulation import Day, simulate
rng = np.random.default_rng(5)
places = Points(lon=rng.uniform(0, 0.03, 44), lat=rng.uniform(0, 0.03, 44))
placed = np.sort(rng.integers(0, 3600, 40))
full = np.full(4, 0)
day = Day(
    name="d", travel=StraightRouter().travel(places), places=places,
    orders=Orders.build(ids=[str(i) for i in range(40)], place_idx=np.arange(40) + 4,
                        placed_s=placed, due_s=placed + 1800, options=[[0, 1, 2, 3]] * 40),
    stores=Stores(ids=("a", "b", "c", "d"), place_idx=np.arange(4), pickers=full + 2,
                  pick_base_s=full + 100, pick_line_s=full, open_s=full, close_s=full + 86400),
    couriers=Couriers.build(ids=[str(i) for i in range(9)], place_idx=np.arange(9) % 4,
                            on_s=np.zeros(9), off_s=np.full(9, 7200)),
    rules=DayRules(travel_noise_sd=0.2, picking_noise_sd=0.2, decline_probability=0.1),
)
print(simulate(day, "rolling", seed=3).digest)
"""


def test_the_hash_seed_of_the_process_changes_nothing() -> None:
    digests = set()
    for hash_seed in ("1", "271828"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        run = subprocess.run(  # the command is this file's own text
            [sys.executable, "-c", _DAY],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(run.stdout)
    assert len(digests) == 1


def test_two_policies_meet_the_same_day(make_random_day: DayMaker) -> None:
    day = make_random_day(11, num_orders=60, travel_noise_sd=0.3, picking_noise_sd=0.3)
    first, second = simulate(day, "nearest", seed=9), simulate(day, "rolling", seed=9)
    assert first.digest != second.digest
    assert np.array_equal(first.orders.picking_noise, second.orders.picking_noise)
    noise_of = [
        dict(zip(one.legs.order.tolist(), one.legs.noise.tolist(), strict=True))
        for one in (first, second)
    ]
    both = set(noise_of[0]) & set(noise_of[1]) - {-1}
    assert both
    assert all(noise_of[0][order] == noise_of[1][order] for order in both)


def test_declines_belong_to_courier_and_order(make_random_day: DayMaker) -> None:
    day = make_random_day(2, num_orders=60, num_couriers=8, decline_probability=0.5)
    said = []
    for policy in ("nearest", "rolling"):
        log = simulate(day, policy, seed=4).log
        is_no = log.kind == EventKind.DECLINED
        said.append(int(is_no.sum()))
        pairs = list(zip(log.order[is_no].tolist(), log.courier[is_no].tolist(), strict=True))
        assert len(pairs) == len(set(pairs))
    assert all(said)


def test_noise_has_the_stated_mean_and_spread() -> None:
    noise = Noise(
        seed=1,
        num_orders=40_000,
        num_couriers=2,
        travel_sd=0.3,
        picking_sd=0.0,
        decline_probability=0.25,
    )
    # Standard errors are 0.0015 of the mean and about 0.002 of the spread.
    assert noise.to_door.mean() == pytest.approx(1, abs=0.008)
    assert noise.to_door.std() == pytest.approx(0.3, abs=0.012)
    assert (noise.picking == 1).all()
    share = np.mean([noise.is_declined(c, o) for c in range(100) for o in range(200)])
    assert share == pytest.approx(0.25, abs=0.015)


def test_rolling_beats_nearest_when_couriers_are_scarce(make_random_day: DayMaker) -> None:
    late = {}
    for policy in ("nearest", "rolling"):
        shares = []
        for seed in range(4):
            day = make_random_day(seed, num_orders=80, num_couriers=8)
            shares.append(metrics_of(day, simulate(day, policy))["on_time_share"])
        late[policy] = np.mean(shares)
    assert late["rolling"] >= late["nearest"]


@dataclass(frozen=True)
class Hurried:
    """The rolling policy with no time at all."""

    name: str = "hurried"

    def decide(self, state: DispatchState, *, stop: Stop, seed: int) -> Decision:
        return find_policy("rolling").decide(state, stop=Stop(time_s=1e-9), seed=seed)


def test_without_time_the_policy_still_serves(make_random_day: DayMaker) -> None:
    day = make_random_day(7, num_orders=80, num_couriers=5)
    outcome = simulate(day, Hurried())
    _assert_sound(day, outcome)
    assert (outcome.orders.status == OrderStatus.DELIVERED).any()
    # Bundles are what it has no time for.
    assert (np.diff(outcome.trips.order_ptr) == 1).all()
    assert (np.diff(simulate(day, "rolling").trips.order_ptr) > 1).any()
