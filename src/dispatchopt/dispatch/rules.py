"""The rules of a day: service times, promise, prices, and how uncertain the world is."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from dispatchopt.core.errors import InputError, Issue

_LEAST = {"tick_s": 1, "max_bundle": 1, "promise_s": 1, "max_late_s": -1}


@dataclass(frozen=True, kw_only=True)
class DayRules:
    """What holds for all orders and couriers of a day. Times are whole seconds.

    Parameters
    ----------
    tick_s
        Seconds between two decisions, >= 1.
    park_s
        From arrival at a store until goods can be taken over.
    pickup_s
        From the take-over of a trip's goods until the courier leaves the store.
    dropoff_s
        From arrival at a door until the order counts as delivered.
    leave_s
        From the delivery until the courier leaves the door.
    max_bundle
        Most orders on one trip, >= 1.
    promise_s
        Promised seconds from placement to the door. Each order's own ``due_s`` is what counts;
        this is the figure for texts and for orders quoted anew.
    max_late_s
        An order that is on no trip this long after its due time is cancelled by the customer;
        -1 for never.
    max_wait_s
        Longest expected wait of a courier at a store for goods of a trip; longer is illegal.
    is_partial_allowed
        Whether an order may leave a store with lines missing.
    wage_cents_per_hour
        Pay per hour of shift, worked or not.
    pay_cents_per_order
        Pay per delivered order.
    is_wage_guarantee
        Whether the wage is a guarantee: each courier is paid the larger of the wage of the shift
        and the pay for the orders delivered, in place of both.
    cents_per_km
        Cost of a kilometre driven.
    lateness_cents_per_min
        Price of a minute past the due time.
    refusal_cents
        Price of an order refused, cancelled or never delivered.
    decline_probability
        Probability that a courier declines a trip, in [0, 1].
    travel_noise_sd
        Standard deviation of the factor on travel times (lognormal with mean 1), >= 0.
    picking_noise_sd
        Standard deviation of the factor on picking times (lognormal with mean 1), >= 0.

    Raises
    ------
    InputError
        If values are out of range; all are listed.
    """

    tick_s: int = 30
    park_s: int = 0
    pickup_s: int = 60
    dropoff_s: int = 90
    leave_s: int = 0
    max_bundle: int = 3
    promise_s: int = 1800
    max_late_s: int = 3600
    max_wait_s: int = 1800
    is_partial_allowed: bool = True
    wage_cents_per_hour: int = 1500
    pay_cents_per_order: int = 100
    is_wage_guarantee: bool = False
    cents_per_km: int = 10
    lateness_cents_per_min: int = 10
    refusal_cents: int = 1000
    decline_probability: float = 0.0
    travel_noise_sd: float = 0.0
    picking_noise_sd: float = 0.0

    def __post_init__(self) -> None:
        issues = []
        for field in dataclasses.fields(self):
            value, least = getattr(self, field.name), _LEAST.get(field.name, 0)
            if field.type == "bool":
                is_good, wanted = isinstance(value, bool), "true or false"
            elif field.type == "int":
                is_good = isinstance(value, int) and not isinstance(value, bool)
                is_good, wanted = is_good and value >= least, f"a whole number of at least {least}"
            else:
                most = 1.0 if field.name == "decline_probability" else 10.0
                is_number = isinstance(value, int | float) and math.isfinite(value)
                is_good, wanted = is_number and 0 <= value <= most, f"a number in [0, {most:g}]"
            if not is_good:
                issues.append(
                    Issue(
                        code="out-of-range",
                        where=f"rules.{field.name}",
                        found=repr(value),
                        wanted=wanted,
                    )
                )
        if issues:
            raise InputError(issues)
