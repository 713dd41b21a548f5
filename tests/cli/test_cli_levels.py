"""``dispatchopt levels``: rules of all pairs of an inventory, protection in a surge."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from dispatchopt.cli.main import run
from dispatchopt.inventory.formulas import economic_order
from dispatchopt.inventory.lot_sizes import best_ss
from dispatchopt.io import read

INSTANCES = Path(__file__).parents[2] / "instances"
STOCK, SURGE = str(INSTANCES / "inventory-small"), str(INSTANCES / "surge-small")


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert run(["levels", *arguments, "--format", "json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_levels_are_those_of_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(capsys, STOCK)
    problem = read(Path(STOCK)).problem
    assert len(found) == problem.mean_units.size
    assert all(0 <= row["fill_rate"] <= 1 and row["cost"] >= 0 for row in found)
    simple = rows(capsys, STOCK, "--policy", "z-sigma")
    # The critical ratio is the cheapest level of every pair; the simple rule at best as cheap.
    pairs = zip(found, simple, strict=True)
    assert all(best["cost"] <= other["cost"] + 1e-9 for best, other in pairs)


def test_lots_are_those_of_single_items(capsys: pytest.CaptureFixture[str]) -> None:
    problem = read(Path(STOCK)).problem
    found = rows(capsys, STOCK, "--policy", "s-S", "--order-cost", "200")
    from dispatchopt.inventory.demand import Demand

    first = next(row for row, mean in enumerate(problem.mean_units.ravel()) if mean > 0)
    store, sku = divmod(first, problem.num_skus)
    demand = Demand(
        law=problem.demand_law,
        mean_units=problem.mean_units[store, sku],
        variance_units=problem.variance_units[store, sku],
    )
    wanted = best_ss(
        demand,
        200.0,
        float(problem.holding_cost_of_pair[store, sku]),
        float(problem.shortage_cost_of_pair[store, sku]),
    )
    row = found[first]
    assert (row["reorder_units"], row["level_units"]) == (
        wanted.reorder_units,
        wanted.level_units,
    )
    free = rows(capsys, STOCK, "--policy", "s-S")
    assert all(one["cost"] <= other["cost"] + 1e-6 for one, other in zip(free, found, strict=True))
    assert (
        rows(capsys, STOCK, "--policy", "r-Q", "--order-cost", "200")[first]["quantity_units"] > 1
    )
    lot = rows(capsys, STOCK, "--policy", "eoq", "--order-cost", "200")[first]["quantity_units"]
    exact = economic_order(
        200.0, problem.holding_cost_of_pair[store, sku], problem.mean_units[store, sku]
    )[0]
    assert lot == pytest.approx(float(exact), abs=0.5)


def test_targets_by_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """z by ABC class: mean 100 and deviation 10 give 100 + z 10, whatever the class says."""
    skus = [
        {"id": name, "abc_class": name, "holding_cost": 1.0, "shortage_cost": 3.0}
        for name in ("A", "B", "C")
    ]
    value = {
        "format": "dispatchopt", "version": 1, "kind": "inventory", "stores": [{"id": "s"}],
        "parameters": {
            "rule": "z-sigma", "demand_law": "normal",
            "target_of_class": {"A": 2.33, "B": 1.65, "C": 1.0},
        },
        "skus": skus,
        "demand": [
            {"store": "s", "sku": name, "mean_units": 100.0, "variance_units": 100.0}
            for name in ("A", "B", "C")
        ],
    }  # fmt: skip
    path = tmp_path / "stock.json"
    path.write_text(json.dumps(value))
    levels = [row["level_units"] for row in rows(capsys, str(path))]
    assert levels == [124, 117, 110]


def test_random_lead_times_raise_levels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two days, variance of one: 2 x 36 and the squared daily mean on top."""
    found = []
    for spread in (0.0, 1.0):
        value = {
            "format": "dispatchopt", "version": 1, "kind": "inventory", "stores": [{"id": "s"}],
            "parameters": {
                "rule": "z-sigma", "target": 1.0, "demand_law": "normal", "interval_days": 2,
                "interval_variance_days": spread,
            },
            "skus": [{"id": "k", "holding_cost": 1.0, "shortage_cost": 3.0}],
            "demand": [{"store": "s", "sku": "k", "mean_units": 80.0, "variance_units": 72.0}],
        }  # fmt: skip
        path = tmp_path / f"stock{spread}.json"
        path.write_text(json.dumps(value))
        found.append(rows(capsys, str(path))[0]["level_units"])
    assert found == [89, 121]


def test_protection_falls_as_the_day_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    for row in rows(capsys, SURGE):
        kept = [row[f"keep_units_at_{left}_percent_left"] for left in (100, 75, 50, 25)]
        assert kept == sorted(kept, reverse=True)
    for row in rows(capsys, SURGE, "--channel", "0.3@0.8", "--channel", "0.7@0.4"):
        first, second = (row[f"keep_units_against_channel_{at}"] for at in (1, 2))
        assert 0 <= first <= second


def test_files_hold_all_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "levels.csv"
    assert run(["levels", STOCK, "-o", str(target)]) == 0
    with target.open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 150
    assert run(["levels", STOCK, "--top", "3"]) == 0
    assert "(3 of 150)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([str(INSTANCES / "day-small")], "an inventory or a surge"),
        ([STOCK, "--policy", "best"], "one of document"),
        ([STOCK, "--policy", "eoq", "--order-cost", "-1"], "0 to 1e9"),
        ([SURGE, "--channel", "half"], "SHARE@MARGIN"),
        ([SURGE, "--channel", "0.3@0.4", "--channel", "0.7@0.8"], "margins that fall"),
        ([SURGE, "--channel", "nan@0.4"], "margins that fall"),
    ],
)
def test_refusals(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["levels", *arguments]) == 3
    assert message in capsys.readouterr().err
