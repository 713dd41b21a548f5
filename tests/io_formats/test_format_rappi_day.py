"""Rappi city-days as days: by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dispatchopt import io
from dispatchopt.core.errors import InputError
from dispatchopt.simulation import check_day, metrics, simulate

ORDERS = (
    "order_id,pick_up_lat,pick_up_lng,drop_off_lat,drop_off_lng,placement_time,preparation_time,"
    "ready_time,expected_drop_off_time\n"
    "1,4.60,-74.10,4.61,-74.10,12:00:00,12:00:30,12:20:00,12:40:00\n"
    "2,4.60,-74.10,4.60,-74.11,11:50:00,11:50:30,12:00:00,12:30:00\n"
    "3,4.61,-74.11,4.60,-74.10,23:50:00,23:50:30,00:10:00,00:30:00\n"
    "4,4.60,-74.10,9.60,-74.10,12:00:00,12:00:30,12:20:00,12:40:00\n"
)
COURIERS = (
    "courier_id,vehicle,on_lat,on_lng,on_time,off_time\n"
    "1,motorcycle,4.60,-74.10,11:00:00,14:00:00\n"
    "2,bicycle,4.61,-74.11,23:00:00,01:00:00\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "couriers.csv").write_text(COURIERS)
    return tmp_path


def test_a_day_by_hand(folder: Path) -> None:
    day = io.read(folder, source_format="rappi-day").problem
    # The fourth order is too far away; the others stand in the order of placement.
    assert day.orders.ids == ("2", "1", "3")
    assert day.orders.ready_s.tolist() == [12 * 3600, 12 * 3600 + 1200, 86_400 + 600]
    assert (day.orders.due_s - day.orders.placed_s).tolist() == [2400] * 3
    assert day.orders.option_store.tolist() == [1, 1, 0]
    assert len(day.stores) == 2
    assert day.couriers.off_s.tolist() == [14 * 3600, 25 * 3600]
    assert day.couriers.pace[0] == 1
    assert day.couriers.pace[1] > 1
    outcome = simulate(day, "rolling")
    assert check_day(day, outcome).violations == ()
    assert metrics(day, outcome)["delivered_share"] == 1
    faster = io.read(folder, {"prep_factor": 0.25, "promise_min": 30}, "rappi-day").problem
    assert np.array_equal(faster.orders.ready_s - faster.orders.placed_s, [150, 300, 300])


def test_bad_times_are_named(folder: Path) -> None:
    (folder / "orders.csv").write_text(ORDERS.replace("12:20:00", "25:20:00"))
    with pytest.raises(InputError) as caught:
        io.read(folder, source_format="rappi-day")
    assert {issue.code for issue in caught.value.issues} == {"bad-time"}
    assert io.read(folder).kind == "city"
