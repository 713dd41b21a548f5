"""Demand from sales with stock-outs: by hand, on drawn data, and at the edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core.errors import InputError
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.forecast import forecast_errors
from dispatchopt.inventory.history import History, estimate
from dispatchopt.inventory.problem import DemandLaw

Sales: Any = History


def column(sold: Any, is_out: Any = None) -> Any:
    table = np.array(sold, dtype=float)[:, None, None]
    flags = np.zeros(table.shape, bool) if is_out is None else np.array(is_out, bool)
    return Sales(sold_units=table, is_out=flags.reshape(table.shape))


def test_without_stock_outs_these_are_the_plain_moments() -> None:
    found = estimate(column([1, 2, 3, 6, np.nan]))
    assert found.mean_units.item() == 3
    assert found.variance_units.item() == pytest.approx(np.var([1, 2, 3, 6], ddof=1))
    assert found.out_share.item() == 0


def test_censored_poisson_is_the_maximum_likelihood() -> None:
    """Sold 3, 5, and 4 on a day without stock: the derivative of the likelihood is 0."""
    rate = estimate(column([3, 5, 4], [False, False, True]), DemandLaw.POISSON).mean_units.item()
    law = Demand(law=DemandLaw.POISSON, mean_units=np.array(rate), variance_units=np.array(rate))
    # d/dl [8 log l - 2 l + log P(D >= 4)] = 8 / l - 2 + P(D = 3) / P(D >= 4).
    at_three = law.cdf(3) - law.cdf(2)
    assert 8 / rate - 2 + float(at_three / law.sf(3)) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("law", list(DemandLaw)[:4])
def test_stock_outs_do_not_bias_the_mean(law: DemandLaw) -> None:
    rng = np.random.default_rng(3)
    shape = (400, 1, 6)
    truth = Demand(
        law=law, mean_units=np.full(shape[1:], 8.0), variance_units=np.full(shape[1:], 20.0)
    )
    demand = np.maximum(truth.sample(rng, 400), 0.0)
    stock = rng.integers(4, 16, shape).astype(float)
    history = Sales(sold_units=np.minimum(demand, stock), is_out=demand >= stock)
    assert history.is_out.mean() > 0.2
    found = estimate(history, law)
    naive = history.sold_units.mean()
    assert naive < 7.3
    assert found.mean_units.mean() == pytest.approx(8.0, rel=0.04)
    spread = 8.0 if law is DemandLaw.POISSON else 20.0
    assert found.variance_units.mean() == pytest.approx(spread, rel=0.15)


def test_recent_days_count_more() -> None:
    sold = [2.0] * 50 + [6.0] * 10
    assert estimate(column(sold), half_life_days=5).mean_units.item() > 4.9
    assert estimate(column(sold)).mean_units.item() == pytest.approx(160 / 60)


def test_a_pair_never_in_stock_borrows_from_other_stores() -> None:
    sold = np.zeros((5, 3, 1))
    sold[:, 0], sold[:, 1] = 4.0, 6.0
    is_out = np.zeros(sold.shape, bool)
    is_out[:, 2] = True
    found = estimate(Sales(sold_units=sold, is_out=is_out))
    assert found.is_borrowed.ravel().tolist() == [False, False, True]
    assert found.mean_units.ravel().tolist() == [4, 6, 5]


def test_report_on_days_not_used() -> None:
    rng = np.random.default_rng(8)
    demand = rng.poisson(6.0, (300, 4, 5)).astype(float)
    stock = rng.integers(3, 12, demand.shape)
    history = Sales(sold_units=np.minimum(demand, stock), is_out=demand >= stock)
    found = forecast_errors(history, DemandLaw.POISSON, holdout_days=60, interval_days=2)
    assert found["num_intervals"] == 30 * 20
    assert 50 < found["num_open"] < 300
    assert 0.1 < found["wape"] < 0.6
    # Intervals with stock all along are those of low demand, which a right forecast is above.
    naive = found["if_sales_were_demand"]
    assert found["bias"] > naive["bias"]
    # Judged on all intervals, the right forecast is the better one, and its quantiles hold.
    assert found["log_score"] > naive["log_score"] + 0.1
    assert found["coverage"]["0.95"] == pytest.approx(0.96, abs=0.02)
    assert naive["coverage"]["0.8"] < 0.75 < found["coverage"]["0.8"]
    open_ = Sales(sold_units=demand, is_out=np.zeros(demand.shape, bool))
    plain = forecast_errors(open_, DemandLaw.POISSON, holdout_days=60)
    assert plain["num_intervals"] == plain["num_open"] == 60 * 20
    assert plain["log_score"] == pytest.approx(plain["if_sales_were_demand"]["log_score"])
    assert abs(plain["bias"]) < 0.03
    assert plain["coverage"]["0.9"] == pytest.approx(0.93, abs=0.03)


def test_samples_are_sums_of_intervals() -> None:
    history = column([1, 2, 3, 4])
    assert history.samples(2).ravel().tolist() == [3, 5, 7]
    with pytest.raises(InputError, match="history-too-short"):
        history.samples(5)


def test_bad_history() -> None:
    with pytest.raises(InputError, match="out of range"):
        column([-1.0])
    with pytest.raises(InputError, match="holdout_days"):
        forecast_errors(column([1, 2]), holdout_days=2)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_history_gives_finite_moments(data: st.DataObject) -> None:
    number = st.sampled_from([0.0, 0.5, 1.0, 3.0, 1e4, 1e9, float("nan")])
    days = data.draw(st.integers(1, 6))
    sold = [data.draw(number) for _ in range(days)]
    is_out = [data.draw(st.booleans()) for _ in range(days)]
    found = estimate(column(sold, is_out), data.draw(st.sampled_from(list(DemandLaw)[:4])))
    assert np.isfinite(found.mean_units).all()
    assert np.isfinite(found.variance_units).all()
    assert (found.mean_units >= 0).all()
    assert (found.variance_units >= 0).all()
    known = [each for each in sold if each == each]  # noqa: PLR0124
    if known:
        assert found.mean_units.item() >= np.mean(known) * (1 - 1e-9)
