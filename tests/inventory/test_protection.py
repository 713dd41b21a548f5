"""Protection levels: published answers, and revenue against all levels tried."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dispatchopt.core import InputError
from dispatchopt.inventory import protection
from dispatchopt.inventory.demand import Demand

# Arrays are given as lists here, which the classes turn into arrays.
Law: Any = Demand


def poisson(*means: float) -> Any:
    return Law(law="poisson", mean_units=list(means), variance_units=list(means))


def chances(means: Any, most: int) -> Any:
    """Poisson chances up to ``most``, the rest lumped there."""
    out = stats.poisson.pmf(np.arange(most + 1), np.asarray(means)[:, None])
    out[:, -1] += 1 - out.sum(axis=1)
    return out


def revenue(levels: Any, chance: Any, margin: Any, stock: int) -> float:
    """Expected revenue of protection levels, channel by channel, from the definition."""
    left = np.zeros(stock + 1)
    left[stock] = 1.0
    earned = 0.0
    for row, worth, kept in zip(chance[::-1], margin[::-1], [*levels[::-1], 0], strict=True):
        after = np.zeros(stock + 1)
        for units, odds in enumerate(left):
            for demand, likely in enumerate(row):
                sold = min(demand, max(0, units - kept))
                after[units - sold] += odds * likely
                earned += odds * likely * sold * worth
        left = after
    return earned


def test_littlewood_by_hand() -> None:
    """50 + 20 Phi^-1(1 - 7.2 / 12) = 44.933; with counts, P(D > y) <= 0.5 first at y = 5."""
    shelf = Law(law="normal", mean_units=50.0, variance_units=400.0)
    assert protection.littlewood(shelf, 12.0, 7.2) == pytest.approx(44.933057937)
    assert protection.littlewood(poisson(5.0), 10.0, 5.0).tolist() == [5.0]
    # A channel that earns as much is not held back, and none is with nothing to protect.
    assert protection.littlewood(poisson(5.0), [5.0], [5.0]).tolist() == [0.0]
    assert protection.littlewood(poisson(0.0), 9.0, 1.0).tolist() == [0.0]
    # Against a normal law with a large spread the quantile is negative: nothing is kept.
    wide = Law(law="normal", mean_units=1.0, variance_units=400.0)
    assert protection.littlewood(wide, 10.0, 9.0) == 0.0


def test_littlewood_without_a_low_margin() -> None:
    level = protection.littlewood(poisson(5.0), 10.0, 0.0)
    assert np.isfinite(level).all()
    assert level > 20


def test_emsr_b_by_hand() -> None:
    """Two of N(10, 9) at 30 and 20 against 15: N(20, 18) at 1 - 15 / 25."""
    three = Law(law="normal", mean_units=[10.0, 10.0, 99.0], variance_units=[9.0, 9.0, 1.0])
    levels = protection.emsr_b(three, [30.0, 20.0, 15.0])
    first = 10 + 3 * stats.norm.ppf(1 - 20 / 30)
    second = 20 + np.sqrt(18) * stats.norm.ppf(1 - 15 / 25)
    assert levels == pytest.approx([first, second])


def test_emsr_b_takes_tables() -> None:
    """Channels x stores x SKUs at once equal one at a time."""
    rng = np.random.default_rng(2)
    mean = rng.gamma(1.0, 5.0, (3, 4, 6))
    mean[:, 0, 0] = 0.0
    variance = mean * 1.8
    table = Law(law="negative-binomial", mean_units=mean, variance_units=variance)
    levels = protection.emsr_b(table, [9.0, 5.0, 2.0])
    assert levels.shape == (2, 4, 6)
    assert (levels[:, 0, 0] == 0).all()
    for place in itertools.product(range(4), range(6)):
        at = (slice(None), *place)
        one = Law(law="negative-binomial", mean_units=mean[at], variance_units=variance[at])
        assert protection.emsr_b(one, [9.0, 5.0, 2.0]) == pytest.approx(levels[at])


@settings(max_examples=15, deadline=None)
@given(mean=st.floats(0.1, 6), high=st.floats(1, 20), share=st.floats(0.02, 0.98))
def test_two_channels_agree(mean: Any, high: Any, share: Any) -> None:
    """Littlewood, EMSR-b and the recursion are one rule for two channels."""
    margin = [high, high * share]
    rows = chances([mean, 3.0], 40)
    exact = protection.best_protection(rows, margin, 60)
    simple = protection.littlewood(poisson(mean), *margin)
    assert protection.emsr_b(poisson(mean, 3.0), margin) == pytest.approx(simple)
    # Rounding may decide a tie either way; revenue cannot tell.
    assert abs(exact - simple) <= 1
    got = revenue(exact.tolist(), rows, margin, 12)
    assert got == pytest.approx(revenue([int(simple[0])], rows, margin, 12))


@settings(max_examples=8, deadline=None)
@given(
    means=st.lists(st.floats(0.2, 2.5), min_size=3, max_size=3),
    margins=st.lists(st.floats(0.5, 20), min_size=3, max_size=3),
)
def test_recursion_equals_trying_all(means: Any, margins: Any) -> None:
    margin = sorted(margins, reverse=True)
    rows, stock = chances(means, 9), 6
    levels = protection.best_protection(rows, margin, stock)
    every = itertools.product(range(stock + 1), repeat=2)
    best = max(revenue(each, rows, margin, stock) for each in every)
    assert revenue(levels.tolist(), rows, margin, stock) == pytest.approx(best)
    simple = protection.emsr_b(poisson(*means), margin)
    got = revenue(np.minimum(simple, stock).astype(int).tolist(), rows, margin, stock)
    assert got <= best + 1e-9
    assert got >= 0.93 * best


@pytest.mark.parametrize(
    "call",
    [
        lambda: protection.littlewood(poisson(1.0), -1.0, 0.0),
        lambda: protection.littlewood(poisson(1.0), float("nan"), 0.0),
        lambda: protection.emsr_b(poisson(1.0, 2.0), [1.0, 2.0]),
        lambda: protection.emsr_b(poisson(1.0, 2.0), [1.0]),
        lambda: protection.emsr_b(poisson(), []),
        lambda: protection.best_protection([[0.5, 0.5]], [1.0], -1),
        lambda: protection.best_protection([[0.5, 0.4]], [1.0], 3),
        lambda: protection.best_protection([[1.0], [1.0]], [1.0, 2.0], 3),
    ],
)
def test_bad_margins(call: Any) -> None:
    with pytest.raises(InputError):
        call()
