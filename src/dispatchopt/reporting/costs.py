"""What a planned day costs, part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dispatchopt.reporting.html import Card, Column, Section, Table, parts_html, table_html
from dispatchopt.simulation.outcome import OrderStatus

if TYPE_CHECKING:
    from dispatchopt.pipeline.result import CityPlan


def cost_parts(plan: CityPlan) -> dict[str, float]:
    """Return the cost of the day in cents by part: stores, couriers, broken promises, stock.

    Rent is that of all open sites. The parts of couriers and promises follow the day's rules. The
    stock's parts are expected costs of the stock plan. Parts that do not occur are left out.
    """
    parts: dict[str, float] = {"rent of stores": float(_rent(plan))}
    if plan.day is not None and plan.outcome is not None:
        rules, records, couriers = plan.day.rules, plan.outcome.orders, plan.day.couriers
        delivered = records.status == OrderStatus.DELIVERED
        failed = ~delivered & (records.status != OrderStatus.UNPLACED)
        paid_s = (couriers.off_s - couriers.on_s).sum()
        parts |= {
            "wages of couriers": float(paid_s) / 3600 * rules.wage_cents_per_hour,
            "pay per order": float(delivered.sum()) * rules.pay_cents_per_order,
            "kilometres": float(plan.outcome.couriers.distance_m.sum()) / 1000 * rules.cents_per_km,
            "lateness": float(records.late_s[delivered].sum()) / 60 * rules.lateness_cents_per_min,
            "orders not delivered": float(failed.sum()) * rules.refusal_cents,
        }
    if plan.inventory is not None and plan.inventory.solution is not None:
        names = {"holding": "stock left over (expected)", "shortage": "units missing (expected)"}
        parts |= {names.get(name, name): value for name, value in plan.inventory.parts.items()}
    return {name: value for name, value in parts.items() if value > 0}


def _rent(plan: CityPlan) -> int:
    return int(plan.city.sites.rent_cents[plan.store_sites].sum())


def delivered_orders(plan: CityPlan) -> int:
    """Return how many orders were delivered."""
    if plan.outcome is None:
        return 0
    return int((plan.outcome.orders.status == OrderStatus.DELIVERED).sum())


def cost_section(plan: CityPlan) -> Section | None:
    """Return the section on cost per order; None without a delivered order or without any cost."""
    parts, orders = cost_parts(plan), delivered_orders(plan)
    total = sum(parts.values())
    if orders == 0 or total <= 0:
        return None
    rows: list[list[Any]] = [
        [name, value / orders, value / total, value] for name, value in parts.items()
    ]
    table = Table(
        caption="Cost of the day by part",
        columns=[
            Column(name="Part"),
            Column(name="Per delivered order", kind="cents"),
            Column(name="Share", kind="percent"),
            Column(name="Whole day", kind="cents"),
        ],
        rows=[*rows, ["all", total / orders, 1.0, total]],
    )
    # The dots of the table are the legend of the bar.
    html = table_html(table)
    for index, name in enumerate(parts):
        dot = f'<span class="dot" style="background:var(--c{index % 7})"></span>'
        html = html.replace(f'<td class="text">{name}<', f'<td class="text">{dot}{name}<', 1)
    card = Card(
        title=f"{total / orders / 100:,.2f} per delivered order",
        pieces=[parts_html(parts), html],
        note="In the currency of the city's prices, for one day.",
        width="wide",
    )
    return Section(key="cost", title="Cost per order", cards=[card])
