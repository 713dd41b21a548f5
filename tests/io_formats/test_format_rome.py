"""The Rome meal deliveries: by hand, damaged, and as given."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from dispatchopt import io
from dispatchopt.core.errors import InputError
from dispatchopt.simulation import check_day, metrics, simulate

DATA = Path(os.environ.get("DISPATCHOPT_DATA", "../shared/data")) / "instant" / "rome-cosmi"
#: Two orders, one courier; the second order was placed ahead.
FILES = {
    "D_bar/I9_2.0_D_bar.csv": "3,6\n5,4\n2,7\n",
    "Beta/I9_beta.csv": "1\n2\n",
    "Creation Times Exact/I9_exactCreationTime.csv": "1.5\n-9.2\n",
    "Targets/I9_target.csv": "12\n9\n",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return tmp_path / "D_bar" / "I9_2.0_D_bar.csv"


def test_rome_by_hand(file: Path) -> None:
    day = io.read(file).problem
    assert day.name == "I9_2.0"
    # Minute 0 is second 600: the first order was placed 9.2 minutes before it.
    assert day.orders.ids == ("o2", "o1")
    assert day.orders.placed_s.tolist() == [48, 690]
    assert day.orders.due_s.tolist() == [600 + 9 * 60, 600 + 12 * 60]
    # Courier to o1 is 2 + 1 minutes, to o2 is 7 + 2; o2 to o1 is 5 + 1.
    _, seconds = day.travel.pairs(np.array([2, 2, 0]), np.array([1, 0, 1]))
    assert seconds.tolist() == [180, 540, 360]
    outcome = simulate(day, "nearest")
    assert check_day(day, outcome).violations == ()
    # o2 at once: 9 minutes and one at the door, due at minute 9; then 6 + 1 minutes.
    assert outcome.orders.delivered_s.tolist() == [600 + 600, 600 + 1020]
    assert metrics(day, outcome)["on_time_share"] == 0


def test_options(file: Path) -> None:
    day = io.read(file, {"checkout_min": 0, "hours": 2}).problem
    assert day.rules.dropoff_s == 0
    assert day.couriers.off_s.tolist() == [600 + 7200]


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("D_bar/I9_2.0_D_bar.csv", "3,6\n5,4\n", "bad-shape"),
        ("D_bar/I9_2.0_D_bar.csv", "3,6\n5\n2,7\n", "bad-shape"),
        ("D_bar/I9_2.0_D_bar.csv", "3,6\n5,-4\n2,7\n", "out-of-range"),
        ("D_bar/I9_2.0_D_bar.csv", "3,6\n5,x\n2,7\n", "wrong-type"),
        ("D_bar/I9_2.0_D_bar.csv", "", "bad-shape"),
        ("Beta/I9_beta.csv", "1\n", "bad-shape"),
        ("Targets/I9_target.csv", "12\n1e300\n", "wrong-type"),
        ("Targets/I9_target.csv", None, "no-file"),
    ],
)
def test_damaged_files(file: Path, name: str, text: str | None, code: str) -> None:
    path = file.parent.parent / name
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError) as caught:
        io.read(file, source_format="rome")
    assert code in {issue.code for issue in caught.value.issues}


def test_a_given_instance_is_served() -> None:
    file = DATA / "D_bar" / "I13_7.0_D_bar.csv"
    if not file.exists():
        pytest.skip(f"real instances are not at {DATA}; set DISPATCHOPT_DATA")
    day = io.read(file).problem
    assert (len(day.orders), len(day.couriers)) == (212, 30)
    shares = {}
    for policy in ("nearest", "rolling"):
        outcome = simulate(day, policy)
        assert check_day(day, outcome).violations == ()
        shares[policy] = metrics(day, outcome)["on_time_share"]
    assert shares["rolling"] > shares["nearest"]
