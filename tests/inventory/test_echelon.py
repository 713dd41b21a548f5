"""Base stock on several levels: published lines, closed cases, a replay."""

from __future__ import annotations

import heapq
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dispatchopt.core import InputError
from dispatchopt.inventory import echelon

serial: Any = echelon.serial_base_stock
two_level: Any = echelon.two_level_base_stock


@pytest.mark.parametrize(
    ("holding", "units", "cost"),
    [
        ([0.25, 0.25, 0.25, 0.25], [8, 13, 18, 22], 12.688),
        ([0.25, 2.5, 2.5, 0.25], [9, 10, 13, 19], 53.008),
    ],
)
def test_lines_of_shang_and_song(holding: list[float], units: list[int], cost: float) -> None:
    """Rows 1 and 9 of their Table 1."""
    made = serial(rate=16, lead_time=[0.25] * 4, echelon_holding_cost=holding, shortage_cost=9)
    assert made.echelon_units.tolist() == units
    assert made.cost == pytest.approx(cost, abs=2e-3)


def test_one_stage_is_a_newsvendor() -> None:
    made = serial(rate=4, lead_time=[2.0], echelon_holding_cost=[1.0], shortage_cost=9)
    demand = np.arange(80)
    chance = stats.poisson.pmf(demand, 8.0)
    level = int(stats.poisson.ppf(0.9, 8.0))
    over, under = np.maximum(level - demand, 0), np.maximum(demand - level, 0)
    assert made.echelon_units.tolist() == [level]
    assert made.cost == pytest.approx(float((over + 9 * under) @ chance))


def test_without_a_wait_stores_are_newsvendors() -> None:
    """A warehouse that gets everything at once keeps nothing, and nobody waits for it."""
    made = two_level(
        rate=[2.0, 5.0], lead_time=[1.0, 2.0], holding_cost=[1.0, 2.0], shortage_cost=[9.0, 18.0],
        warehouse_lead_time=0.0, warehouse_holding_cost=0.5,
    )  # fmt: skip
    assert made.warehouse_units == 0
    wanted = stats.poisson.ppf([0.9, 0.9], [2.0, 10.0])
    assert made.store_units.tolist() == wanted.tolist()
    alone = [
        serial(rate=rate, lead_time=[time], echelon_holding_cost=[holding], shortage_cost=short)
        for rate, time, holding, short in ((2.0, 1.0, 1.0, 9.0), (5.0, 2.0, 2.0, 18.0))
    ]
    assert made.cost == pytest.approx(sum(each.cost for each in alone), rel=1e-4)


def test_one_store_is_near_the_line() -> None:
    """The same system both ways; the line counts what is on its way to the store as well."""
    line = serial(rate=4, lead_time=[1.0, 2.0], echelon_holding_cost=[0.5, 0.5], shortage_cost=10)
    made = two_level(
        rate=[4.0], lead_time=[1.0], holding_cost=[1.0], shortage_cost=[10.0],
        warehouse_lead_time=2.0, warehouse_holding_cost=0.5,
    )  # fmt: skip
    assert made.cost + 0.5 * 4 == pytest.approx(line.cost, rel=0.03)
    assert abs(made.warehouse_units + made.store_units.sum() - line.echelon_units[-1]) <= 1


def replay(rate: list[float], time: list[float], first: int, levels: list[int]) -> Any:
    """Mean units missing at the warehouse and at each store, orders served in sequence."""
    rng = np.random.default_rng(11)
    total, horizon, stores = sum(rate), 30_000.0, len(rate)
    moments = np.sort(rng.uniform(0, horizon, rng.poisson(total * horizon)))
    who = rng.choice(stores, moments.size, p=np.array(rate) / total)
    area = np.zeros(stores)
    waited = 0.0
    coming: list[list[float]] = [[] for _ in rate]
    for number, (moment, store) in enumerate(zip(moments.tolist(), who.tolist(), strict=True)):
        # The unit for this order was ordered by the demand that came ``first`` orders before.
        ready = 0.0 if number < first else moments[number - first] + _WAREHOUSE_TIME
        sent = max(moment, ready)
        waited += sent - moment
        heapq.heappush(coming[store], sent + time[store])
    for store in range(stores):
        asked = moments[who == store]
        arrives = np.array(coming[store])
        arrives.sort()
        # With level S, the demand numbered n is met by the unit numbered n - S.
        met = np.concatenate([np.zeros(levels[store]), arrives])[: asked.size]
        area[store] = np.maximum(met - asked, 0).sum()
    return waited / horizon, area / horizon


_WAREHOUSE_TIME = 2.0


def test_backorders_are_those_of_a_replay() -> None:
    rate, time = [1.0, 2.0, 0.5], [1.0, 0.5, 2.0]
    made = two_level(
        rate=rate, lead_time=time, holding_cost=[1.0] * 3, shortage_cost=[4.0] * 3,
        warehouse_lead_time=_WAREHOUSE_TIME, warehouse_holding_cost=0.6,
    )  # fmt: skip
    waiting, missing = replay(rate, time, made.warehouse_units, made.store_units.tolist())
    assert made.warehouse_backorders == pytest.approx(waiting, rel=0.06)
    assert made.store_backorders.tolist() == pytest.approx(missing.tolist(), rel=0.12)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_properties(seed: int) -> None:
    """No given level beats the best; dearer units never cost less; order changes nothing."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 5))
    fields: dict[str, Any] = {
        "rate": rng.random(size) * 4,
        "lead_time": rng.random(size) * 3,
        "holding_cost": rng.random(size) + 0.5,
        "shortage_cost": rng.random(size) * 20 + 1,
        "warehouse_lead_time": float(rng.random() * 4),
        "warehouse_holding_cost": float(rng.random()),
    }
    made = two_level(**fields)
    assert math.isfinite(made.cost)
    assert (made.store_units >= 0).all()
    for level in (0, made.warehouse_units + 1, 10**7):
        assert two_level(**fields, warehouse_units=level).cost >= made.cost - 1e-9
    dear = two_level(**{**fields, "holding_cost": fields["holding_cost"] * 2})
    assert dear.cost >= made.cost - 1e-9
    turned = {
        name: values[::-1] if isinstance(values, np.ndarray) else values
        for name, values in fields.items()
    }
    assert two_level(**turned).cost == pytest.approx(made.cost)


def test_nothing_to_sell() -> None:
    made = two_level(
        rate=[0.0, 0.0], lead_time=[1.0, 1.0], holding_cost=[1.0, 1.0], shortage_cost=[5.0, 5.0],
        warehouse_lead_time=3.0, warehouse_holding_cost=0.5,
    )  # fmt: skip
    assert made.cost == pytest.approx(0.0, abs=1e-9)
    assert made.store_units.tolist() == [0, 0]


def test_bad_numbers_are_refused_with_every_issue() -> None:
    with pytest.raises(InputError) as caught:
        serial(rate=-1, lead_time=[1.0, math.nan], echelon_holding_cost=[1, 0], shortage_cost=0)
    assert len(caught.value.issues) == 4
    with pytest.raises(InputError, match="bad-shape"):
        serial(rate=1, lead_time=[1.0], echelon_holding_cost=[1, 1], shortage_cost=1)
    with pytest.raises(InputError, match="too-large"):
        serial(rate=1e9, lead_time=[1.0], echelon_holding_cost=[1], shortage_cost=1)
    with pytest.raises(InputError, match="bad-number"):
        serial(rate=1, lead_time=["x"], echelon_holding_cost=[1], shortage_cost=1)
