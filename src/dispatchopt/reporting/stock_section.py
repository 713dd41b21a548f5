"""The part of a plan's page that shows the stock: per store, and what is short and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.explain import ShadowPrices, shadow_prices
from dispatchopt.inventory.levels import free_levels
from dispatchopt.inventory.problem import InventoryProblem, InventorySolution
from dispatchopt.reporting.charts import chart, series
from dispatchopt.reporting.html import Card, Column, Section, Table, chart_html, table_html

#: Rows of the table of short SKUs, and bars of the chart of stores.
NUM_SHORT, MAX_BARS = 25, 60
#: A store or warehouse with less than this share left counts as full or used up.
_FULL = 0.02
#: Pairs up to which the value of one more unit is computed for the page.
_MAX_PRICED = 300_000


def missed_units(problem: InventoryProblem, solution: InventorySolution) -> FloatArray:
    """Return expected units of demand not met by each pair, (S, K)."""
    level = problem.on_hand_units + solution.order_units
    missed: FloatArray = Demand.of(problem).loss(level.astype(np.float64))
    return missed


def shortage_causes(problem: InventoryProblem, solution: InventorySolution) -> list[str]:
    """Return, for each SKU, why no more of it is sent, shape (K,)."""
    return [sentence for _, sentence in coded_causes(problem, solution)]


def coded_causes(problem: InventoryProblem, solution: InventorySolution) -> list[tuple[str, str]]:
    """Return a reason code and a sentence for each SKU, shape (K,).

    Codes: ``central-stock``, ``store-full``, ``not-settled`` (the plan is not the best one yet) and
    ``best-level`` (more would cost more than it saves).
    """
    sent = solution.order_units.sum(axis=0)
    pack = problem.case_pack_units
    best = free_levels(problem).order_units
    wants_more: BoolArray = solution.order_units < best
    is_below: BoolArray = np.asarray(wants_more.any(axis=0))
    is_used_up: BoolArray = np.zeros(problem.num_skus, dtype=bool)
    if problem.available_units is not None:
        is_used_up = np.asarray(problem.available_units - sent < pack)
    is_full = _full_stores(problem, solution)
    is_below_in_full: BoolArray = np.asarray((wants_more & is_full[:, None]).any(axis=0))
    out = []
    for sku in range(problem.num_skus):
        if is_below[sku] and is_used_up[sku]:
            out.append(("central-stock", "The city warehouse has no more of it."))
        elif is_below_in_full[sku]:
            count = int((is_full & wants_more[:, sku]).sum())
            one = "1 store that wants more is full."
            many = f"{count:,} stores that want more are full."
            out.append(("store-full", one if count == 1 else many))
        elif is_below[sku]:
            out.append(("not-settled", "The stock plan is not the best one yet."))
        else:
            out.append(("best-level", "More would cost more in leftovers than it saves."))
    return out


def _full_stores(problem: InventoryProblem, solution: InventorySolution) -> BoolArray:
    room = problem.room_ml
    if room is None:
        return np.zeros(problem.num_stores, dtype=bool)
    used = solution.order_units @ problem.volume_ml
    full: BoolArray = room - used < np.maximum(_FULL * room, problem.volume_ml.max(initial=0))
    return full


def stock_section(
    problem: InventoryProblem,
    solution: InventorySolution | None,
    *,
    sku_names: Sequence[str],
    stores: Sequence[Mapping[str, Any]],
    shades: IntArray,
    charts: dict[str, Any],
) -> Section:
    """Return the section; ``stores`` are the rows of a plan's figures."""
    if solution is None:
        text = '<p class="empty">No stock plan was found in time; shelves are as they were.</p>'
        return Section(key="stock", title="Stock", cards=[Card(title="No plan", pieces=[text])])
    missed = missed_units(problem, solution)
    mean = problem.mean_units
    fill = _share(mean.sum(axis=1) - missed.sum(axis=1), mean.sum(axis=1))
    prices = _prices(problem)
    cards = [_store_card(stores, fill, shades, prices)]
    bars = _rate_card(stores, fill, shades, charts)
    cards = [bars, *cards] if bars else cards
    cards.append(_short_card(problem, solution, sku_names, missed, prices))
    total = float(mean.sum())
    intro = (
        f"{problem.num_skus:,} SKUs in {problem.num_stores:,} stores. The stock is expected "
        f"to fill {1 - missed.sum() / total:.1%} of the units asked for."
        if total > 0
        else "There is no demand to stock for."
    )
    return Section(key="stock", title="Stock", intro=intro, cards=cards)


def _prices(problem: InventoryProblem) -> ShadowPrices | None:
    """What one more unit and one more litre save; None where finding it would take long."""
    if problem.num_stores * problem.num_skus > _MAX_PRICED:
        return None
    return shadow_prices(problem)


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.ones(len(whole)), where=whole > 0)


def _complete(row: Mapping[str, Any]) -> float | None:
    orders = row.get("orders")
    return row["complete"] / orders if orders else None


def _rate_card(
    stores: Sequence[Mapping[str, Any]], fill: FloatArray, shades: IntArray, charts: dict[str, Any]
) -> Card | None:
    if not stores or len(stores) > MAX_BARS:
        return None
    rates = [_complete(row) for row in stores]
    has_day = any(rate is not None for rate in rates)
    values = [np.nan if rate is None else rate for rate in rates] if has_day else fill.tolist()
    name = "share of orders delivered complete" if has_day else "expected share of units filled"
    bars = series(name, values, "c0", "bar")
    bars["colours"] = [int(shade) for shade in shades]
    charts["complete"] = chart(
        f"{name.capitalize()} per store",
        x={"label": "store", "values": [str(row["id"]) for row in stores]},
        y={
            "label": name,
            "kind": "percent",
            "min": 0,
            "max": 1,
        },
        series=[bars],
    )
    return Card(
        title="Complete orders per store" if has_day else "Expected fill per store",
        pieces=[chart_html("complete", charts["complete"])],
        width="wide",
    )


def _store_card(
    stores: Sequence[Mapping[str, Any]],
    fill: FloatArray,
    shades: IntArray,
    prices: ShadowPrices | None,
) -> Card:
    columns = [
        Column(name="Store"),
        Column(name="Customers", kind="number"),
        Column(name="Demand/day", kind="number"),
        Column(name="SKUs", kind="number"),
        Column(name="Stock, units", kind="number"),
        Column(name="Litres", kind="number"),
        Column(name="Room used", kind="meter"),
        Column(name="One more litre saves, cents/day", kind="number", digits=2),
        Column(name="Expected fill", kind="meter"),
        Column(name="Orders", kind="number"),
        Column(name="On time", kind="meter"),
        Column(name="Complete", kind="meter"),
    ]
    rows = []
    for index, row in enumerate(stores):
        volume, room = row.get("stock_volume_ml"), row.get("room_ml")
        orders = row.get("orders")
        rows.append(
            [
                row["id"],
                row["customers"],
                row["demand_units"],
                row.get("skus_carried"),
                row.get("stock_units"),
                None if volume is None else volume / 1000,
                volume / room if volume is not None and room else None,
                None if prices is None else float(prices.room_price_per_litre[index]),
                float(fill[index]),
                orders,
                row["on_time"] / orders if orders else None,
                _complete(row),
            ]
        )
    table = Table(
        caption="Stock and service per store",
        columns=columns,
        rows=rows,
        leads_to="site",
        targets=[int(row["site"]) for row in stores],
        shades=shades.tolist(),
    )
    note = "Choose a row to see the store on the map."
    return Card(title="Stores", pieces=[table_html(table)], note=note, width="wide")


def _short_card(
    problem: InventoryProblem,
    solution: InventorySolution,
    sku_names: Sequence[str],
    missed: FloatArray,
    prices: ShadowPrices | None,
) -> Card:
    by_sku = missed.sum(axis=0)
    mean = problem.mean_units.sum(axis=0)
    order = np.lexsort((np.arange(len(by_sku)), -by_sku))
    worst = [int(sku) for sku in order[:NUM_SHORT] if by_sku[sku] >= 0.05]
    if not worst:
        text = '<p class="empty">No SKU is expected to miss as much as 0.05 units a day.</p>'
        return Card(title="What is short", pieces=[text], width="wide")
    causes = coded_causes(problem, solution)
    sent = solution.order_units.sum(axis=0)
    table = Table(
        caption="SKUs that are expected to miss most units",
        columns=[
            Column(name="SKU"),
            Column(name="Demand, units/day", kind="number", digits=1),
            Column(name="Sent, units", kind="number"),
            Column(name="Expected missing, units/day", kind="number", digits=1),
            Column(name="Expected fill", kind="meter"),
            Column(name="One more unit saves, cents/day", kind="number", digits=2),
            Column(name="Reason"),
            Column(name="Why no more is sent", kind="long"),
        ],
        rows=[
            [
                sku_names[sku],
                float(mean[sku]),
                int(sent[sku]),
                float(by_sku[sku]),
                float(1 - by_sku[sku] / mean[sku]) if mean[sku] > 0 else None,
                None if prices is None else float(prices.stock_price[sku]),
                *causes[sku],
            ]
            for sku in worst
        ],
    )
    return Card(title="What is short, and why", pieces=[table_html(table)], width="wide")
