"""From a city to a plan: each stage turns one domain's answer into the next one's problem."""

from dispatchopt.pipeline.city import (
    City,
    CityParameters,
    CourierShifts,
    Customers,
    DayOrders,
    Sites,
    SiteStatus,
    Skus,
)
from dispatchopt.pipeline.planner import PlanProgress, plan
from dispatchopt.pipeline.result import CityPlan, Stage

__all__ = [
    "City",
    "CityParameters",
    "CityPlan",
    "CourierShifts",
    "Customers",
    "DayOrders",
    "PlanProgress",
    "SiteStatus",
    "Sites",
    "Skus",
    "Stage",
    "plan",
]
