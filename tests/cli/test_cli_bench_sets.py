"""Runs over sets of instances: rows by hand, results kept and taken up again."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from benchmarks import kept, mdrp_bounds, mdrp_late, mdrp_set, rappi_days, wave_days

from dispatchopt import io
from dispatchopt.core import Stop
from dispatchopt.simulation import simulate

ORDERS = (
    "order_id,pick_up_lat,pick_up_lng,drop_off_lat,drop_off_lng,placement_time,preparation_time,"
    "ready_time,expected_drop_off_time\n"
    "1,4.60,-74.10,4.61,-74.10,12:00:00,12:00:30,12:20:00,12:40:00\n"
    "2,4.60,-74.10,4.60,-74.11,11:50:00,11:50:30,12:00:00,12:30:00\n"
    "3,4.60,-74.10,4.60,-74.11,15:50:00,15:50:30,16:00:00,16:30:00\n"
)
COURIERS = (
    "courier_id,vehicle,on_lat,on_lng,on_time,off_time\n"
    "1,motorcycle,4.60,-74.10,11:00:00,14:00:00\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("2", "10"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "orders.csv").write_text(ORDERS)
        (tmp_path / name / "couriers.csv").write_text(COURIERS)
    # One of the real folders has couriers and no orders.
    (tmp_path / "6").mkdir()
    (tmp_path / "6" / "couriers.csv").write_text(COURIERS)
    return tmp_path


def test_only_rows_of_the_same_mark_count(tmp_path: Path) -> None:
    file, mark = tmp_path / "kept.jsonl", kept.mark_of("a", 1)
    assert mark != kept.mark_of("a", 2)
    assert kept.known(file, mark) == {}
    kept.keep(file, mark, {"case": "x", "seconds": 1.5})
    kept.keep(file, "other", {"case": "y", "seconds": 2.5})
    kept.keep(None, mark, {"case": "z"})
    assert kept.known(file, mark) == {"x": {"case": "x", "seconds": 1.5}}


def test_city_days_run_to_their_end_and_are_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = rappi_days.days_of("rappi", folder)
    assert [path.name for path in paths] == ["2", "10"]
    file = folder / "kept.jsonl"
    rappi_days.main([str(folder), "--kept", str(file)])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["case"] for row in rows] == ["2", "10", "2 days"]
    # Nobody works any more when the third order is placed, which could have been on time.
    assert (rows[0]["orders"], rows[0]["delivered"]) == (3, 2)
    assert rows[0]["on_time_percent"] == pytest.approx(200 / 3)
    assert rows[0]["ceiling_percent"] == 100
    assert rows[2]["orders"] == 6

    def never(*_: Any) -> None:
        raise AssertionError("a kept day was replayed")

    monkeypatch.setattr(io, "read", never)
    rappi_days.main([str(folder), "--kept", str(file), "--only", "10"])
    again = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert again[0] == rows[1]


def test_bounds_stand_beside_policies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mdrp_bounds, "published", lambda: {"a": {"ctd": 32.0}})
    monkeypatch.setattr(mdrp_bounds, "clairvoyant", lambda: {"a": 29.5, "b": 28.0})
    rows = [
        {"case": "a", "floor_min": 28.0, "objective": 30.0},
        {"case": "b", "floor_min": 27.0, "objective": 29.0},
    ]
    before = {
        "a": {"bound": 29.0, "is_converged": True, "objective": 29.25},
        "b": {"bound": 27.5, "is_converged": False, "objective": 28.75},
    }
    found = mdrp_bounds.table(rows, before)
    assert found[2]["bound"] == 28.25
    assert found[2]["policy"] == 29.5
    # A mean over some of the instances only would mislead.
    assert found[2]["C++"] is None
    text = mdrp_bounds.lines(found)
    assert text[1].split() == ["a", "28.00", "29.00", "29.25", "30.00", "32.00", "29.50"]
    assert text[2].split() == ["b", "27.00", "27.50*", "28.75", "29.00", "-", "28.00"]


def test_waves_are_summed_up_by_policy() -> None:
    rows = [
        {"method": "greedy", "ratio": 1.0},
        {"method": "ours", "ratio": 0.9},
        {"method": "ours", "ratio": 0.96},
    ]
    found = wave_days.summary(rows, "ours")
    assert found["ratio"] == pytest.approx(0.93)
    assert found["ratio_worst"] == 0.96
    assert found["within_percent"] == 50


MEALS = {
    "restaurants": "restaurant\tx\ty\nr1\t0\t0\nr2\t3000\t0\nr3\t-2400\t0\nr4\t0\t-9000\n",
    "couriers": "courier\tx\ty\ton_time\toff_time\nc1\t0\t0\t0\t600\nc2\t0\t-9000\t10\t600\n",
    "orders": "order\tx\ty\tplacement_time\trestaurant\tready_time\n"
    # Two at one door's distance from the only courier there, and one that nobody could bring.
    "o1\t1200\t0\t0\tr1\t0\no2\t0\t1200\t0\tr1\t0\no3\t4000\t0\t0\tr1\t0\n"
    # One that is 30 minutes from that courier, one that is 24.
    "o4\t3100\t0\t0\tr2\t0\no5\t-2500\t0\t0\tr3\t0\n"
    # Two beside a courier who begins 10 minutes later.
    "o6\t1200\t-9000\t0\tr4\t0\no7\t-1200\t-9000\t0\tr4\t0\n",
    "instance_parameters": "meters_per_minute\tpickup service minutes\tdropoff service minutes\t"
    "target click-to-door\tmaximum click-to-door\tpay per order\tguaranteed pay per hour\n"
    "100\t4\t4\t40\t90\t10\t15\n",
}


@pytest.fixture
def meals(tmp_path: Path) -> Path:
    (tmp_path / "day").mkdir()
    for name, text in MEALS.items():
        (tmp_path / "day" / f"{name}.txt").write_text(text)
    return tmp_path


@pytest.mark.parametrize("module", [mdrp_set, mdrp_late])
def test_days_that_were_interrupted_are_not_kept(
    meals: Path, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = meals / "kept.jsonl"
    # The simulator takes Ctrl-C as the end of the day and returns the day so far.
    first = partial(simulate, stop=Stop(iterations=2))
    monkeypatch.setattr(module, "simulate", first)
    with pytest.raises(RuntimeError, match="was stopped"):
        module.main([str(meals), "--kept", str(file)])
    assert not file.exists()


def test_late_orders_are_split_by_who_could_have_fetched_them(
    meals: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = [str(meals), "--kept", str(meals / "kept.jsonl")]
    mdrp_late.main(wanted)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[3:] == ["late", *mdrp_late.CAUSES]
    assert lines[1].split() == ["day", "71.43", *["14.29"] * 5]
    assert lines[2].split()[3:] == lines[1].split()[1:]

    def never(*_: Any) -> None:
        raise AssertionError("a kept day was replayed")

    monkeypatch.setattr(io, "read", never)
    mdrp_late.main(wanted)
    assert capsys.readouterr().out.splitlines() == lines
