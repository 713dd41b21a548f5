"""Sales and orders that come with a generated inventory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dispatchopt.cli.main import run
from dispatchopt.core.errors import InputError
from dispatchopt.generators import generate_city, generate_document
from dispatchopt.generators.views import open_stores
from dispatchopt.inventory.history import estimate
from dispatchopt.io import read

_TINY: dict[str, Any] = {"nodes": 150, "customers": 20, "sites": 6, "orders": 40, "skus": 12}


def test_sales_hide_what_was_not_in_stock() -> None:
    made = generate_document("inventory", seed=3, history_days=400, **_TINY)
    history, problem = made.extras["history"], made.problem
    assert history.num_days == 400
    has_demand = problem.mean_units > 0
    assert (history.is_known == has_demand).all()
    assert not history.is_out[:, ~has_demand].any()
    assert 0.05 < history.is_out[:, has_demand].mean() < 0.4
    seen = np.nanmean(history.sold_units, axis=0)[has_demand].sum()
    true = problem.mean_units[has_demand].sum()
    found = estimate(history).mean_units[has_demand].sum()
    # What was sold is less than what was wanted; the estimate finds most of what is missing.
    assert seen < 0.95 * true
    assert found == pytest.approx(true, rel=0.04)


def test_orders_are_those_of_the_city_by_nearest_store() -> None:
    made = generate_document("inventory", seed=3, order_lines=True, stores=2, **_TINY)
    sample = made.extras["baskets"]
    city = generate_city(seed=3, couriers=0, **_TINY)
    store = open_stores(city, 2).nearest[city.orders.customer_idx]
    assert sample.store.size == (store >= 0).sum()
    assert sample.orders_per_day.tolist() == np.bincount(store[store >= 0], minlength=2).tolist()
    kept = np.repeat(store >= 0, np.diff(city.orders.line_ptr))
    assert sample.units.sum() == city.orders.line_units[kept].sum()


def test_nothing_of_the_past_unless_asked() -> None:
    assert not generate_document("inventory", **_TINY).extras


def test_too_long_a_past_is_refused() -> None:
    with pytest.raises(InputError, match="history_days"):
        generate_document("inventory", history_days=3000, **{**_TINY, "skus": 5000})


def test_the_past_is_written_and_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "stock"
    asked = ["generate", "inventory", "-o", str(target), "--set", "history_days=60"]
    assert run([*asked, "--set", "order_lines=true", "-q"]) == 0
    assert set(read(target).extras) == {"history", "baskets"}
    assert run(["forecast", str(target), "--holdout", "10"]) == 0
    assert "log score" in capsys.readouterr().out
    assert run(["simulate", str(target), "--days", "3", "--replications", "2"]) == 0
    assert "complete order rate" in capsys.readouterr().out
