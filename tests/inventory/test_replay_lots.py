"""Policies of replayed days that order in lots: by hand, and what they save."""

from __future__ import annotations

import numpy as np
import pytest

from dispatchopt.core import InputError
from dispatchopt.inventory import InventoryProblem
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.lot_sizes import best_ss
from dispatchopt.inventory.problem import DemandLaw
from dispatchopt.inventory.replay import from_inventory, named_policy, replay
from dispatchopt.inventory.replay.policy import ReorderUpTo, RoundQuantity

NAMES = ("s-S", "r-Q", "eoq", "tuned-z")


def problem(**changes: object) -> InventoryProblem:
    """Two stores, two SKUs of which one never sells in the second store; two days."""
    fields: dict[str, object] = {
        "mean_units": np.array([[8.0, 4.0], [6.0, 0.0]]),
        "variance_units": np.array([[8.0, 8.0], [6.0, 0.0]]),
        "holding_cost": np.array([1.0, 1.0]),
        "shortage_cost": np.array([20.0, 20.0]),
        "on_hand_units": np.full((2, 2), 10),
        "volume_ml": np.array([100, 100]),
        "case_pack_units": np.array([1, 3]),
        "interval_days": 2,
    }
    return InventoryProblem(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_lots_save_cost_where_orders_cost(name: str) -> None:
    """Fewer orders than up to a level each evening; what never sells is never ordered."""
    given = problem()
    days = from_inventory(given, order_cost=[15.0, 15.0], unmet="backorder")
    cost = {}
    for each in ("levels", name):
        measured = replay(
            days, named_policy(each, given, days), days=60, warm_up_days=10, replications=4, seed=2
        ).table()
        cost[each] = measured["cost_per_day"]["mean"]
    assert cost[name] < cost["levels"]
    policy = named_policy(name, given, days)
    if isinstance(policy, RoundQuantity):
        assert np.asarray(policy.reorder_units)[1, 1] == -np.inf
        assert (np.asarray(policy.quantity_units)[:, 1] % 3 == 0).all()


def poisson_like(mean: float) -> Demand:
    """Demand whose variance is its mean."""
    law = DemandLaw.NEGATIVE_BINOMIAL
    return Demand(law=law, mean_units=np.array(mean), variance_units=np.array(mean))


def test_s_and_level_cover_the_lead_time() -> None:
    """With one day the rule is that of the source; with two, levels stand for both."""
    one = problem(interval_days=1)
    policy = named_policy("s-S", one, from_inventory(one, order_cost=[15.0, 15.0]))
    assert isinstance(policy, ReorderUpTo)
    demand = poisson_like(8.0)
    best = best_ss(demand, 15.0, 1.0, 20.0)
    assert np.asarray(policy.level_units)[0, 0] == best.level_units
    assert np.asarray(policy.reorder_units)[0, 0] == best.reorder_units
    day = poisson_like(4.0)
    both = best_ss(day, 15.0, 0.5, 20.0, cover=demand)
    assert both.reorder_units > best_ss(day, 15.0, 0.5, 20.0).reorder_units


def test_an_unknown_policy_lists_all() -> None:
    """The names are part of the message."""
    given = problem()
    with pytest.raises(InputError, match="s-S, r-Q, eoq, tuned, tuned-z"):
        named_policy("none", given, from_inventory(given))
