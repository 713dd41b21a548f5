"""The parts of a page that show a replayed day."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray
from dispatchopt.reporting.charts import chart, series
from dispatchopt.reporting.day_series import (
    courier_load,
    hourly_orders,
    surge_hours,
    utilisation,
    worst_orders,
)
from dispatchopt.reporting.html import (
    Card,
    Column,
    Section,
    Table,
    chart_html,
    dotted,
    parts_html,
    table_html,
)
from dispatchopt.reporting.reasons import PART_WORDS, order_reasons
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.delays import PARTS, delays
from dispatchopt.simulation.outcome import DayOutcome, OrderStatus

#: Rows of the table of worst orders.
NUM_WORST = 60
STATUS_WORDS = {
    OrderStatus.DELIVERED: "delivered late",
    OrderStatus.REFUSED: "refused",
    OrderStatus.CANCELLED: "cancelled",
    OrderStatus.UNDELIVERED: "not delivered",
    OrderStatus.UNPLACED: "not placed",
}


def promise_section(
    day: Day, outcome: DayOutcome, is_surge: BoolArray | None, charts: dict[str, Any]
) -> Section:
    """Return the section on the promise over the day; adds its charts to ``charts``."""
    by_hour = hourly_orders(day, outcome)
    hours = {"label": "hour of placement", "kind": "hour", "values": by_hour.hour.tolist()}
    zones = _surge_zones(day, is_surge)
    promise_min = day.rules.promise_s / 60
    parts = [
        series("on time", by_hour.on_time, "c0", "bar"),
        series("late", by_hour.late, "c3", "bar"),
        series("refused or cancelled", by_hour.failed, "c5", "bar"),
    ]
    if by_hour.still_open.any():
        parts.append(series("still open at the end", by_hour.still_open, "c6", "bar"))
    charts["orders"] = chart(
        "Orders by hour and how they ended",
        x=hours,
        y={"label": "orders per hour", "unit": "orders"},
        series=parts,
        stacked=True,
        zones=zones,
    )
    charts["on-time"] = chart(
        "Share of orders on time by hour",
        x=hours,
        y={"label": "share on time", "kind": "percent", "min": 0, "max": 1},
        series=[series("on time", by_hour.on_time_share, "c0")],
        zones=zones,
    )
    charts["door"] = chart(
        "Minutes from click to door by hour",
        x=hours,
        y={"label": "minutes from click to door", "unit": "min"},
        series=[
            series(
                "median",
                by_hour.median_s / 60,
                "c0",
                low=by_hour.low_s / 60,
                high=by_hour.high_s / 60,
                band_name="10% to 90% of orders",
            )
        ],
        lines=[{"y": promise_min, "label": f"promise {promise_min:g} min"}],
        zones=zones,
    )
    titles = (
        ("Orders over the day", "orders", "wide", "By hour of placement, and how they ended."),
        (
            "On-time share",
            "on-time",
            "",
            "Of all orders placed in the hour, refused ones included.",
        ),
        ("Click to door", "door", "", "Delivered orders only."),
    )
    cards = [
        Card(title=title, pieces=[chart_html(key, charts[key])], note=note, width=width)  # type: ignore[arg-type]
        for title, key, width, note in titles
    ]
    minutes = _parts_card(day, outcome)
    if minutes is not None:
        cards.append(minutes)
    return Section(key="promise", title="The promise over the day", cards=cards)


def _parts_card(day: Day, outcome: DayOutcome) -> Card | None:
    """Return where the minutes from click to door go, on average."""
    done = outcome.orders.status == OrderStatus.DELIVERED
    if not done.any():
        return None
    late = done & (outcome.orders.late_s > 0)
    parts_s = delays(day, outcome).parts_s
    mean = parts_s[done].mean(axis=0)
    mean_late = parts_s[late].mean(axis=0) if late.any() else None
    words = [PART_WORDS[name] for name in PARTS]
    table = Table(
        caption="Mean minutes from click to door by part",
        columns=[
            Column(name="Part"),
            Column(name="Mean, min", kind="number", digits=1),
            Column(name="Mean of late orders, min", kind="number", digits=1),
        ],
        rows=[
            [word, mean[i] / 60, None if mean_late is None else mean_late[i] / 60]
            for i, word in enumerate(words)
        ],
    )
    bar = parts_html(dict(zip(words, np.maximum(mean, 0).tolist(), strict=True)))
    html = dotted(table_html(table), words)
    return Card(title="Where the minutes go", pieces=[bar, html], width="wide")


def _surge_zones(day: Day, is_surge: BoolArray | None) -> list[dict[str, Any]]:
    span = None if is_surge is None else surge_hours(day.orders.placed_s, is_surge)
    return [] if span is None else [{"from": span[0], "to": span[1], "label": "live stream"}]


def courier_section(day: Day, outcome: DayOutcome, charts: dict[str, Any]) -> Section | None:
    """Return the section on couriers, None where there are none."""
    if len(day.couriers) == 0:
        return None
    load = courier_load(day, outcome)
    charts["load"] = chart(
        "Couriers on shift and at work over the day",
        x={
            "label": "time of day",
            "kind": "number",
            "clock": True,
            "values": (load.second / 3600).tolist(),
        },
        y={"label": "couriers", "unit": "couriers"},
        series=[
            series("on shift", load.on_shift, "c6", "area"),
            series("on a trip", load.at_work, "c0"),
        ],
    )
    share = utilisation(day, outcome)
    edges = np.linspace(0, 1, 11)
    counts = np.histogram(share, bins=edges)[0]
    names = [f"{low:.0%} to {high:.0%}" for low, high in pairwise(edges)]
    charts["use"] = chart(
        "Couriers by the share of their shift spent at work",
        x={"label": "share of the shift at work", "values": names},
        y={"label": "couriers", "unit": "couriers"},
        series=[series("couriers", counts, "c0", "bar")],
    )
    records = outcome.couriers
    worked_h = float(np.maximum(day.couriers.off_s - day.couriers.on_s, 0).sum()) / 3600
    delivered = int((outcome.orders.status == OrderStatus.DELIVERED).sum())
    trips = int(records.trips.sum())
    intro = (
        f"{len(day.couriers):,} couriers, {worked_h:,.0f} paid hours, {trips:,} trips, "
        f"{records.distance_m.sum() / 1000:,.0f} km. "
        f"{_without_trip(int((records.trips == 0).sum()))}"
    )
    if trips and worked_h:
        intro += (
            f" {delivered / trips:.2f} orders a trip, {delivered / worked_h:.2f} orders an hour."
        )
    return Section(
        key="couriers",
        title="Couriers",
        intro=intro,
        cards=[
            Card(title="On shift and on a trip", pieces=[chart_html("load", charts["load"])]),
            Card(
                title="How busy they were",
                pieces=[chart_html("use", charts["use"])],
                note=f"On average {share.mean():.1%} of the shift was spent on trips and moves.",
            ),
        ],
    )


def _without_trip(number: int) -> str:
    if number == 0:
        return "Every courier had a trip."
    return "One courier had no trip." if number == 1 else f"{number:,} couriers had no trip."


def worst_section(day: Day, outcome: DayOutcome, store_shade: Any) -> Section:
    """Return the section with the orders that went worst, and why."""
    rows = worst_orders(day, outcome, NUM_WORST)
    if len(rows) == 0:
        text = '<p class="empty">Every order whose end is known was delivered on time.</p>'
        return Section(
            key="worst",
            title="Worst orders",
            cards=[Card(title="None", pieces=[text], width="wide")],
        )
    reasons = order_reasons(day, outcome)
    records, orders = outcome.orders, day.orders
    table = Table(
        caption="The orders that went worst",
        columns=[
            Column(name="Order"),
            Column(name="Store"),
            Column(name="Placed", kind="clock"),
            Column(name="Ready", kind="clock"),
            Column(name="Picked up", kind="clock"),
            Column(name="Delivered", kind="clock"),
            Column(name="Late, min", kind="minutes"),
            Column(name="Outcome"),
            Column(name="Why", kind="long"),
        ],
        rows=[
            [
                orders.ids[row],
                day.stores.ids[records.store[row]] if records.store[row] >= 0 else "none",
                int(orders.placed_s[row]),
                *(_known(getattr(records, name)[row]) for name in _STEPS),
                _known(records.late_s[row]),
                STATUS_WORDS[OrderStatus(int(records.status[row]))],
                reasons[row],
            ]
            for row in rows
        ],
        leads_to="order" if day.places is not None else "",
        targets=rows.tolist(),
        shades=[int(store_shade[s]) if s >= 0 else -1 for s in records.store[rows]],
    )
    note = "Choose a row to see the order on the map." if day.places is not None else ""
    return Section(
        key="worst",
        title="Worst orders",
        cards=[
            _reasons_card(reasons, outcome),
            Card(
                title=f"The worst {len(rows)}" if len(rows) > 1 else "The one order",
                pieces=[table_html(table)],
                note=note,
                width="wide",
            ),
        ],
    )


def _reasons_card(reasons: list[str], outcome: DayOutcome) -> Card:
    """Return how many orders each reason explains."""
    counts = Counter(
        (STATUS_WORDS[OrderStatus(int(status))], reason)
        for status, reason in zip(outcome.orders.status, reasons, strict=True)
        if reason
    )
    table = Table(
        caption="Why orders were late or not delivered",
        columns=[
            Column(name="Outcome"),
            Column(name="Why", kind="long"),
            Column(name="Orders", kind="number"),
            Column(name="Share of all", kind="meter"),
        ],
        rows=[
            [outcome_word, reason, number, number / len(reasons)]
            for (outcome_word, reason), number in sorted(
                counts.items(), key=lambda c: (-c[1], c[0])
            )
        ],
    )
    return Card(title="Why, over all orders", pieces=[table_html(table)], width="wide")


_STEPS = ("ready_s", "pickup_s", "delivered_s")


def _known(second: Any) -> int | None:
    return int(second) if second >= 0 else None
