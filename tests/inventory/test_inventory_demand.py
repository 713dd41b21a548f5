"""Demand laws against scipy.stats, against their own draws, and at their limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.problem import DemandLaw

# Arrays are given as lists here, which the classes turn into arrays.
Law: Any = Demand
LAWS = [law for law in DemandLaw if law is not DemandLaw.EMPIRICAL]


def scipy_law(law: Any, mean: Any, variance: Any) -> Any:
    if law is DemandLaw.POISSON:
        return stats.poisson(mean)
    if law is DemandLaw.NORMAL:
        return stats.norm(mean, np.sqrt(variance))
    if law is DemandLaw.GAMMA:
        return stats.gamma(mean**2 / variance, scale=variance / mean)
    return stats.nbinom(mean**2 / (variance - mean), mean / variance)


@pytest.mark.parametrize("law", LAWS)
def test_tails_and_quantiles_equal_scipy(law: Any) -> None:
    rng = np.random.default_rng(4)
    mean = np.exp(rng.uniform(-4, 7, 400))
    variance = mean * (1 + np.exp(rng.uniform(-3, 4, 400)))
    demand = Law(law=law, mean_units=mean, variance_units=variance)
    other = scipy_law(law, mean, variance)
    level = np.floor(mean + np.sqrt(variance) * rng.uniform(-2, 4, 400)).clip(0)
    np.testing.assert_allclose(demand.sf(level), other.sf(level), rtol=1e-8, atol=1e-12)
    chance = rng.uniform(0.01, 0.999, 400)
    np.testing.assert_allclose(demand.ppf(chance), other.ppf(chance), rtol=1e-9)


@pytest.mark.parametrize("law", LAWS)
def test_loss_is_the_sum_of_the_tail(law: Any) -> None:
    demand = Law(law=law, mean_units=7.0, variance_units=20.0)
    if demand.is_discrete:
        tail = demand.sf(np.arange(3, 400)).sum()
    else:
        grid = np.arange(3, 400, 1e-3) + 5e-4
        tail = demand.sf(grid).sum() * 1e-3
    assert demand.loss(3.0) == pytest.approx(tail, rel=1e-6)
    assert demand.surplus(3.0) - demand.loss(3.0) == pytest.approx(3.0 - 7.0)


def test_loss_is_linear_between_whole_numbers() -> None:
    demand = Law(law=DemandLaw.NEGATIVE_BINOMIAL, mean_units=2.0, variance_units=5.0)
    ends = demand.loss([0.0, 1.0, 2.0])
    assert demand.loss([0.5, 1.5]) == pytest.approx((ends[:-1] + ends[1:]) / 2)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("mean", "variance"), [(0.4, 0.9), (6.0, 15.0), (300.0, 5000.0)])
def test_draws_have_the_stated_moments_and_support(law: Any, mean: Any, variance: Any) -> None:
    demand = Law(law=law, mean_units=mean, variance_units=variance)
    drawn = demand.sample(np.random.default_rng(8), 200_000)
    true_variance = demand.true_variance.item()
    assert drawn.mean() == pytest.approx(mean, abs=5 * np.sqrt(true_variance / 200_000))
    assert drawn.var() == pytest.approx(true_variance, rel=0.06)
    if law is not DemandLaw.NORMAL:
        assert drawn.min() >= 0
    if demand.is_discrete:
        assert (drawn == np.floor(drawn)).all()


def test_small_variance_is_poisson_and_no_mean_is_no_demand() -> None:
    demand = Law(
        law=DemandLaw.NEGATIVE_BINOMIAL, mean_units=[3.0, 3.0, 0.0], variance_units=[1.0, 3.0, 9.0]
    )
    assert demand.true_variance.tolist() == [3.0, 3.0, 0.0]
    np.testing.assert_allclose(demand.sf(4.0)[:2], stats.poisson(3).sf(4), rtol=1e-12)
    assert demand.loss(0.0)[2] == 0
    assert demand.sample(np.random.default_rng(1), 50)[:, 2].max() == 0


@settings(max_examples=40, deadline=None)
@given(
    law=st.sampled_from(LAWS),
    mean=st.one_of(st.just(0.0), st.floats(1e-300, 1e9)),
    variance=st.one_of(st.just(0.0), st.floats(1e-300, 1e18)),
    level=st.floats(-10, 1e11),
    chance=st.floats(0.001, 1 - 1e-9),
)
def test_no_nan_at_any_extreme(law: Any, mean: Any, variance: Any, level: Any, chance: Any) -> None:
    demand = Law(law=law, mean_units=mean, variance_units=variance)
    assert 0 <= demand.sf(level) <= 1
    assert demand.loss(level) >= max(0.0, (mean if mean > 1e-99 else 0.0) - level)
    assert demand.surplus(level) >= 0
    quantile = demand.ppf(chance)
    assert np.isfinite(quantile)
    if demand.is_discrete:
        assert demand.cdf(quantile) >= chance - 1e-12
    assert np.isfinite(demand.sample(np.random.default_rng(1), 3)).all()
