"""The parts of a plan's page on siting, on run times, and on how all of it was computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dispatchopt.core.result import Result, Status
from dispatchopt.reporting.charts import chart, series
from dispatchopt.reporting.curves import curve_chart, proven_text
from dispatchopt.reporting.html import (
    Card,
    Column,
    Section,
    Table,
    chart_html,
    facts_html,
    table_html,
)
from dispatchopt.reporting.verdict import count, share_text

if TYPE_CHECKING:
    from dispatchopt.pipeline.result import CityPlan


def coverage_section(plan: CityPlan, charts: dict[str, Any]) -> Section:
    """Return the section on coverage: the curve, and what the siting decision rests on."""
    cards = [card for card in (_curve_card(plan, charts),) if card is not None]
    siting = plan.siting
    facts = [
        ("Status", _status_text(siting)),
        ("Objective", _number(siting.objective)),
        *((f"… {name}", _number(value)) for name, value in siting.parts.items()),
        ("Proven lower bound", _number(siting.bound)),
        ("Gap", "unknown" if siting.gap is None else f"{siting.gap:.3%}"),
        ("Engine", siting.engine),
        ("Stopped by", str(siting.stopped_by)),
    ]
    mean_m = plan.figures["siting"].get("mean_distance_m")
    if mean_m is not None:
        facts.append(("Mean distance of covered demand", f"{mean_m:,.0f} m"))
    cards.append(
        Card(
            title="The siting decision",
            pieces=[facts_html(facts)],
            note=siting.reason,
            width="narrow" if cards else "wide",
        )
    )
    frontier = _frontier_card(plan, charts)
    if frontier is not None:
        cards.append(frontier)
    return Section(key="coverage", title="Coverage and number of sites", cards=cards)


def _curve_card(plan: CityPlan, charts: dict[str, Any]) -> Card | None:
    points = plan.figures["curve"]
    if len(points) < 2:
        return None
    chosen = float(plan.figures["siting"]["covered_share"])
    open_sites = len(plan.store_sites)
    marks = []
    if 0 < open_sites <= max(point["sites"] for point in points):
        text = f"plan: {count(open_sites, 'site')}, {share_text(chosen)}"
        marks.append({"x": open_sites, "y": chosen, "label": text})
    charts["curve"] = curve_chart(points, "sites", marks)
    return Card(
        title="What each further site adds",
        pieces=[chart_html("curve", charts["curve"])],
        note=f"{proven_text(points)} Capacities, costs and limits are left aside here.",
        width="broad",
    )


def _frontier_card(plan: CityPlan, charts: dict[str, Any]) -> Card | None:
    points = plan.figures["frontier"]
    if len(points) < 2:
        return None
    chosen = float(plan.figures["siting"]["covered_share"])
    spent = int(plan.siting.figures.get("opening_cents", 0))
    marks = []
    if 0 < spent <= points[-1]["budget_cents"]:
        text = f"plan: {spent:,} cents, {share_text(chosen)}"
        marks.append({"x": spent, "y": chosen, "label": text})
    charts["frontier"] = curve_chart(points, "cost", marks)
    return Card(
        title="What each further cent of rent adds",
        pieces=[chart_html("frontier", charts["frontier"])],
        note=f"{proven_text(points)} The best coverage for each budget of rent per day; "
        "capacities and the limit on the number of sites are left aside.",
        width="wide",
    )


def _status_text(result: Result[Any]) -> str:
    words = {
        Status.OPTIMAL: "optimal, proven",
        Status.FEASIBLE: "feasible",
        Status.INFEASIBLE: "infeasible, proven",
        Status.UNKNOWN: "no solution found",
    }
    return words[result.status]


def _number(value: float | None) -> str:
    if value is None or not np.isfinite(value):
        return "none"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def method_section(plan: CityPlan, charts: dict[str, Any]) -> Section:
    """Return the section on run times, engines, versions, seed and data."""
    stages = plan.figures["stages"]
    names = [str(stage["name"]) for stage in stages]
    charts["stages"] = chart(
        "Run time of each stage",
        x={"label": "stage", "values": names},
        y={"label": "seconds", "unit": "s"},
        series=[series("run time", [stage["seconds"] for stage in stages], "c0", "bar")],
        height=220,
    )
    table = Table(
        caption="Run time and memory of each stage",
        columns=[
            Column(name="Stage"),
            Column(name="Seconds", kind="number", digits=2),
            Column(name="Peak memory by then, MB", kind="number"),
            Column(name="Note", kind="long"),
        ],
        rows=[[s["name"], s["seconds"], s["peak_mb"], s["note"]] for s in stages],
    )
    cards = [
        Card(title="Run times", pieces=[chart_html("stages", charts["stages"])]),
        Card(title="Time and memory", pieces=[table_html(table)]),
        _engine_card("Siting", plan.siting),
    ]
    if plan.inventory is not None:
        cards.append(_engine_card("Stock", plan.inventory))
    if plan.outcome is not None:
        facts = [
            ("Policy", plan.outcome.policy),
            ("Seed", str(plan.outcome.seed)),
            ("Simulated until", f"second {plan.outcome.simulated_until_s:,} of the day"),
            ("Decisions", f"{len(plan.outcome.decision_at_s):,}"),
            *_decision_times(plan),
            ("Digest", plan.outcome.digest),
        ]
        cards.append(Card(title="Replayed day", pieces=[facts_html(facts)]))
    cards.append(_data_card(plan))
    return Section(key="method", title="How it was computed", cards=cards)


def _decision_times(plan: CityPlan) -> list[tuple[str, str]]:
    if plan.outcome is None or len(plan.outcome.decision_wall_s) == 0:
        return []
    wall = plan.outcome.decision_wall_s * 1000
    text = f"median {np.median(wall):.1f} ms, 99 of 100 within {np.quantile(wall, 0.99):.1f} ms"
    return [("Time of a decision", text)]


def _engine_card(title: str, result: Result[Any]) -> Card:
    facts = [
        ("Engine", result.engine),
        ("Chosen because", result.reason or "not stated"),
        ("Status", _status_text(result)),
        ("Objective", _number(result.objective)),
        ("Bound", _number(result.bound)),
        ("Stopped by", str(result.stopped_by)),
        ("Run time", f"{result.elapsed_s:.2f} s, {count(result.iterations, 'iteration')}"),
        ("Seed", str(result.seed)),
        ("Digest of the problem", result.digest),
        ("Versions", ", ".join(f"{name} {version}" for name, version in result.versions.items())),
    ]
    return Card(title=title, pieces=[facts_html(facts)])


def _data_card(plan: CityPlan) -> Card:
    city, parameters = plan.city, plan.city.parameters
    network = city.network
    facts = [
        ("City", city.name),
        ("Source", city.source or "not stated"),
        (
            "Tables",
            f"{len(city.customers):,} customers, {len(city.sites):,} sites, "
            f"{len(city.skus):,} SKUs, {len(city.orders):,} orders, "
            f"{len(city.couriers):,} couriers",
        ),
        (
            "Streets",
            "none: straight lines"
            if network is None
            else f"{network.num_nodes:,} nodes, {network.num_arcs:,} arcs ({network.source})",
        ),
        ("Travel", f"{plan.router.source}, {parameters.vehicle}"),
        (
            "Promise",
            f"{parameters.promise_s / 60:g} minutes, reach {parameters.reach_m:,} m",
        ),
        ("Versions", ", ".join(f"{k} {v}" for k, v in plan.figures["versions"].items())),
        ("Seed", str(plan.seed)),
    ]
    return Card(title="Data", pieces=[facts_html(facts)])
