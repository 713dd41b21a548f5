"""What a planned day costs, part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dispatchopt.reporting.html import Card, Column, Section, Table, dotted, parts_html, table_html
from dispatchopt.simulation.outcome import OrderStatus

if TYPE_CHECKING:
    from dispatchopt.pipeline.result import CityPlan


_DAY_WORDS = {
    "wages": "wages of couriers",
    "pay_per_order": "pay per order",
    "lateness": "lateness",
    "lost_orders": "orders not delivered",
}


def cost_parts(plan: CityPlan) -> dict[str, float]:
    """Return the cost of the day in cents by part: stores, couriers, broken promises, stock.

    Rent is that of all open sites. The parts of couriers and promises follow the day's rules. The
    stock's parts are expected costs of the stock plan. Parts that do not occur are left out.
    """
    parts: dict[str, float] = {"rent of stores": float(_rent(plan))}
    day = plan.figures.get("day")
    if day is not None:
        parts |= {
            _DAY_WORDS.get(name, name): float(value)
            for name, value in day["cost"]["parts_cents"].items()
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
    html = dotted(table_html(table), list(parts))
    card = Card(
        title=f"{total / orders / 100:,.2f} per delivered order",
        pieces=[parts_html(parts), html],
        note="In the currency of the city's prices, for one day.",
        width="wide",
    )
    return Section(key="cost", title="Cost per order", cards=[card])
