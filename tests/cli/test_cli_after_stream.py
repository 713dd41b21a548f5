"""``dispatchopt after-stream``: from a CSV of what is left to a rebalancing that solves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dispatchopt.cli.main import run
from dispatchopt.io import read

INSTANCES = Path(__file__).parents[2] / "instances"
SURGE, LEFT = str(INSTANCES / "surge-small"), str(INSTANCES / "surge-left.csv")


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What was sent before the stream."""
    path = str(tmp_path_factory.mktemp("sent") / "sent.json")
    assert run(["solve", SURGE, "-o", path, "-q"]) == 0
    return path


def left(folder: Path, text: str) -> str:
    path = folder / "left.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def made(folder: Path, *arguments: str) -> Any:
    target = folder / "rebalancing"
    assert run(["after-stream", SURGE, *arguments, "-o", str(target), "-q", "--overwrite"]) == 0
    return read(target)


def test_the_way_of_the_docs(tmp_path: Path, sent: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Sent, sold, released, rebalanced: each command takes what the one before has written."""
    moves, target = str(tmp_path / "moves.json"), str(tmp_path / "after")
    assert run(["after-stream", SURGE, sent, "--stock", LEFT, "-o", target]) == 0
    said = capsys.readouterr().err
    assert "left units: 1,452" in said
    assert "released units: 440" in said
    assert "sold units: 570" in said
    assert run(["solve", target, "-o", moves, "-q"]) == 0
    assert run(["check", target, moves]) == 0
    assert run(["explain", target, moves, "-q"]) == 0
    solution = json.loads(Path(moves).read_text(encoding="utf-8"))
    assert solution["status"] == "optimal"
    assert solution["figures"]["units_moved"] > 0
    assert solution["figures"]["unit_km"] > 0
    instance = read(target)
    assert instance.problem.stock.on_hand_units.sum() == 1452
    assert instance.notes["after_stream"]["released_units"] == 440


def test_options_make_lanes_and_demand(tmp_path: Path) -> None:
    usual = made(tmp_path, "--stock", LEFT)
    assert usual.problem.num_lanes == 20
    assert (usual.problem.unit_cost == 30.0).all()
    assert usual.problem.capacity_ml is None
    assert not usual.problem.lane_cost.any()
    near = made(
        tmp_path, "--stock", LEFT, "--reach", "5000", "--unit-cost", "2", "--unit-km-cost", "0.5",
        "--ride-km-cost", "40", "--van-ml", "9000", "--left", "0.5", "--scenario", "3",
    )  # fmt: skip
    lanes = near.problem
    assert 0 < lanes.num_lanes < 20
    assert lanes.distance_m.max() <= 5000
    assert lanes.unit_cost == pytest.approx(2 + 0.5 * lanes.distance_m / 1000)
    assert lanes.lane_cost == pytest.approx(80 * lanes.distance_m / 1000)
    assert set(lanes.capacity_ml.tolist()) == {9000}
    shelf = read(SURGE).problem.shelf_units
    assert lanes.stock.mean_units == pytest.approx(0.5 * shelf[3])
    assert usual.problem.stock.mean_units == pytest.approx(shelf.mean(axis=0))
    detour = made(tmp_path, "--stock", LEFT, "--detour", "1")
    ratio = usual.problem.distance_m / detour.problem.distance_m
    assert ratio == pytest.approx(1.4, abs=1e-3)


def test_held_stock_is_released_and_old_stock_stays(tmp_path: Path) -> None:
    path = left(tmp_path, "store,sku,on_hand_units,held_units,movable_units\n"
                "S03,K01,2,3,4\nS04,K02,7,,\n")  # fmt: skip
    problem = made(tmp_path, "--stock", path).problem
    stock = problem.stock
    rows = [stock.store_ids.index(name) for name in ("S03", "S04")]
    columns = [stock.sku_ids.index(name) for name in ("K01", "K02")]
    assert stock.on_hand_units[rows, columns].tolist() == [5, 7]
    assert problem.movable_units[rows, columns].tolist() == [4, 7]
    assert stock.on_hand_units.sum() == 12


def test_lanes_of_a_file(tmp_path: Path) -> None:
    lanes = tmp_path / "lanes.csv"
    lanes.write_text("origin,target,unit_cost,capacity_ml\nS03,S04,1.5,\nS04,S03,2,500\n", "utf-8")
    problem = made(tmp_path, "--stock", LEFT, "--lanes", str(lanes)).problem
    assert problem.unit_cost.tolist() == [1.5, 2.0]
    assert problem.distance_m.tolist() == [-1, -1]
    assert problem.capacity_ml[1] == 500
    lanes.write_text("origin,target,unit_cost\nS03,S03,1\nS03,S99,1\nS04,S03,-2\n", "utf-8")
    arguments = ["after-stream", SURGE, "--stock", LEFT, "--lanes", str(lanes), "-o", "-"]
    assert run(arguments) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("store,sku\nS03,K01\n", "a column 'on_hand_units'"),
        ("store;sku;on_hand_units\nS03;K01;1\n", "separated by commas"),
        ("store,sku,on_hand_units,colour\nS03,K01,1,red\n", "column"),
        ("store,sku,on_hand_units\nS33,K01,1\n", "left.csv row 2 column store: found 'S33'"),
        ("store,sku,on_hand_units\nS03,K01,1\nS03,K01,2\n", "left.csv row 3 column sku"),
        ("store,sku,on_hand_units\nS03,K01,-1\n", "row 2 column on_hand_units: found '-1'"),
        ("store,sku,on_hand_units\nS03,K01,1.5\n", "row 2 column on_hand_units: found '1.5'"),
        ("store,sku,on_hand_units\nS03,K01,\n", "row 2 column on_hand_units"),
        ("store,sku,on_hand_units\nS03,K01\n", "row 2: found 2 cells"),
        ("store,sku,on_hand_units,movable_units\nS03,K01,1,2\n", "column movable_units: found 2"),
        ("store,sku,on_hand_units,held_units\nS03,K01,1000000000,1\n", "column held_units"),
        ("store,sku,on_hand_units\nS03,K01,999999\n", "units that were there before the stream"),
        ("", "an empty file"),
    ],
)
def test_a_bad_table_is_one_error(
    text: str, said: str, sent: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "after"
    arguments = ["after-stream", SURGE, sent, "--stock", left(tmp_path, text), "-o", str(target)]
    assert run(arguments) == 3
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not target.exists()


@pytest.mark.parametrize(
    ("changes", "arguments", "said"),
    [
        ({"parameters": {}}, (), "--unit-cost"),
        ({"stores": "bare"}, (), "--lanes"),
        ({}, ("--scenario", "99"), "found '99'"),
        ({}, ("--left", "2"), "--left"),
        ({}, ("--left", "nan"), "--left"),
        ({}, ("--network", "nowhere"), "nowhere"),
        ({}, ("--stock", "nowhere.csv"), "nowhere.csv"),
    ],
)
def test_what_is_missing_is_said(
    changes: dict[str, Any],
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    document = tmp_path / "surge.json"
    assert run(["convert", SURGE, str(document), "-q"]) == 0
    value = json.loads(document.read_text(encoding="utf-8"))
    if changes.get("stores") == "bare":
        changes = {"stores": [{"id": row["id"]} for row in value["stores"]]}
    document.write_text(json.dumps(value | changes), encoding="utf-8")
    target = tmp_path / "after"
    given = ["after-stream", str(document), "--stock", LEFT, "-o", str(target), *arguments]
    assert run(given) in {2, 3}
    assert said in capsys.readouterr().err
    assert not target.exists()


def test_only_a_surge_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    stock = str(INSTANCES / "inventory-small")
    assert run(["after-stream", stock, "--stock", LEFT, "-o", "-"]) == 3
    assert "a surge document" in capsys.readouterr().err
