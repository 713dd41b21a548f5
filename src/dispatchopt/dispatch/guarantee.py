"""Guaranteed wages: whose pay one more order raises."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.dispatch.rules import DayRules
from dispatchopt.dispatch.state import CourierStates

#: What is taken as known of the pace before the first shift of a day: courier hours, and orders
#: an hour as a multiple of what the guarantee covers.
_PRIOR_HOURS = 3.0
_PRIOR_PACE = 1.2


def pay_share(couriers: CourierStates, rules: DayRules, now_s: int) -> FloatArray | None:
    """Return the share of an order's pay that one more order costs with each courier, shape (k,).

    None where pay is the same whoever brings it. Under a guarantee an order costs its pay only as
    far as the courier ends the shift with more orders than the guarantee covers. Orders of the rest
    of the shift are a Poisson variable at the pace of those on shift so far.

    Parameters
    ----------
    couriers
        Couriers on shift or soon to come.
    rules
        The rules of the day.
    now_s
        Second of the day.
    """
    from scipy.special import pdtr

    if not (rules.is_wage_guarantee and rules.pay_cents_per_order):
        return None
    covered_per_h = rules.wage_cents_per_hour / rules.pay_cents_per_order
    worked_h = np.maximum(0, np.minimum(now_s, couriers.off_s) - couriers.on_s) / 3600
    rest_h = np.maximum(0, couriers.off_s - np.maximum(now_s, couriers.on_s)) / 3600
    # Early in the day little is known of the pace: a bit above the guarantee for some hours.
    orders = float(couriers.taken_orders.sum()) + _PRIOR_HOURS * _PRIOR_PACE * covered_per_h
    to_come = rest_h * orders / (float(worked_h.sum()) + _PRIOR_HOURS)
    covered = (couriers.off_s - couriers.on_s) / 3600 * covered_per_h
    whole = np.ceil(covered)
    # So many orders more and the next is paid for in full; with one less, for a part of it.
    short = whole - couriers.taken_orders
    below, above = (
        np.where(count > 0, pdtr(np.maximum(count, 1) - 1, to_come), 0.0)
        for count in (short - 1, short)
    )
    share: FloatArray = (1 - above) + (above - below) * (whole - covered)
    return share
