"""What `plan` hands over: three decisions, a replayed day, and the figures of a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.result import Result, StopReason
from dispatchopt.geography.router import Router
from dispatchopt.inventory.problem import InventoryProblem, InventorySolution
from dispatchopt.pipeline.city import City
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.outcome import DayOutcome
from dispatchopt.siting.belief import Belief
from dispatchopt.siting.curve import CurvePoint
from dispatchopt.siting.frontier import FrontierPoint
from dispatchopt.siting.problem import SitingProblem, SitingSolution


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Time and memory of one stage of the plan.

    Parameters
    ----------
    name
        ``coverage``, ``siting``, ``curve``, ``stock`` or ``day``.
    seconds
        Wall clock.
    peak_mb
        Most memory that the process had held by the end of the stage, MB.
    note
        Why a stage was left out or cut short; empty otherwise.
    """

    name: str
    seconds: float
    peak_mb: float
    note: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class CityPlan:
    """A planned city.

    Parameters
    ----------
    city, router
        What was planned, and how travel was measured.
    siting_problem, siting
        The siting decision.
    curve
        Coverage against number of sites; empty where time was too short.
    store_sites
        Indices of the sites that are open, sorted: store i stands at ``store_sites[i]``.
    store_of_customer
        Index of the nearest store within reach by road, or -1; int64, shape (num_customers,).
    store_distance_m
        Metres of travel from that store, or -1, same shape.
    inventory_problem, inventory
        The stock decision; None for a city without SKUs or without stores.
    day, outcome
        The replayed day; None for a city without orders, couriers or stores.
    stages
        What took how long.
    stopped_by
        ``completed``, or why the plan was cut short.
    seed
        Seed of every stage.
    figures
        All figures of the report as plain values: what ``--format json`` prints.
    frontier
        Coverage against rent; empty where no site has a rent, or time was too short.
    ruler
        The same sites by ruler in place of the roads; None without roads or without time.
    """

    city: City
    router: Router
    siting_problem: SitingProblem
    siting: Result[SitingSolution]
    curve: tuple[CurvePoint, ...]
    store_sites: IntArray
    store_of_customer: IntArray
    store_distance_m: IntArray
    inventory_problem: InventoryProblem | None
    inventory: Result[InventorySolution] | None
    day: Day | None
    outcome: DayOutcome | None
    stages: tuple[Stage, ...]
    stopped_by: StopReason
    seed: int
    figures: Mapping[str, Any]
    frontier: tuple[FrontierPoint, ...] = ()
    ruler: Belief | None = None
