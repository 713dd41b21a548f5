"""The days of an inventory at the command line, and forecasts judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dispatchopt.cli.main import run

ROOT = Path(__file__).parents[2]
SHIPPED = str(ROOT / "instances" / "inventory-small")
DAY = str(ROOT / "instances" / "day-small")


@pytest.mark.parametrize("policy", ["levels", "allocation", "z-sigma"])
def test_days_under_a_policy(
    policy: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    target = tmp_path / "days.csv"
    arguments = ["simulate", SHIPPED, "--policy", policy, "--days", "3", "--warm-up", "1"]
    arguments += ["--replications", "2", "--format", "json", "-o", str(target)]
    assert run(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["policy"] == policy
    assert 0 < found["measures"]["unit_fill_rate"]["mean"] <= 1
    assert found["measures"]["complete_order_rate"]["mean"] is None
    lines = target.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "measure,mean,half_width,replications"
    assert len(lines) == len(found["measures"]) + 1


def test_the_table_shows_intervals(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", SHIPPED, "--days", "2", "--replications", "2"]) == 0
    assert "±" in capsys.readouterr().out


def test_policies_beside_each_other(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["simulate", SHIPPED, "--days", "3", "--replications", "4"]
    both = [*arguments, "--against", "z-sigma", "--against", "levels"]
    target = tmp_path / "days.csv"
    assert run([*both, "--format", "json", "-o", str(target)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert run([*arguments, "--policy", "z-sigma", "--format", "json"]) == 0
    alone = json.loads(capsys.readouterr().out)["measures"]
    # The policy is not set beside itself, and the other meets the same days as alone.
    (other,) = found["against"].values()
    assert other["measures"] == alone
    cost = "cost_per_day"
    over = alone[cost]["mean"] - found["measures"][cost]["mean"]
    assert other["difference"][cost]["mean"] == pytest.approx(over)
    # Demand is the same, replication by replication, so nothing is uncertain about it.
    assert other["difference"]["demand_units_per_day"]["half_width"] == 0.0
    rows = target.read_text(encoding="utf-8").splitlines()
    assert rows[0].startswith("policy,measure,mean")
    assert len(rows) == 2 * len(alone) + 1
    assert run(both) == 0
    assert "z-sigma less levels" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["simulate", SHIPPED, "--against", "best"], 3, "levels, allocation"),
        (["simulate", DAY, "--against", "nearest"], 2, "whatif compare"),
        (["simulate", SHIPPED, "--policy", "best"], 3, "levels, allocation"),
        (["simulate", SHIPPED, "--format", "geojson"], 3, "no map"),
        (["simulate", SHIPPED, "--days", "0"], 2, "--days"),
        (["forecast", SHIPPED], 3, "a table history"),
    ],
)
def test_refusals(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == code
    assert message in capsys.readouterr().err


def test_forecast_of_sales(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value: dict[str, Any] = {
        "format": "dispatchopt", "version": 1, "kind": "inventory", "stores": [{"id": "s"}],
        "skus": [{"id": "k", "holding_cost": 1.0, "shortage_cost": 3.0}],
        "history": [
            {"store": "s", "sku": "k", "day": day, "sold_units": float(day % 4)}
            for day in range(40)
        ],
    }  # fmt: skip
    path = tmp_path / "sales.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    assert run(["forecast", str(path), "--holdout", "8", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    # Always 1.5 where 0, 1, 2, 3 follow each other.
    assert (found["num_intervals"], found["mae"], found["bias"]) == (8, 1.0, 0.0)
    assert run(["forecast", str(path), "--holdout", "8"]) == 0
    assert "wape" in capsys.readouterr().out
