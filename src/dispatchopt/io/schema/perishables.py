"""The perishables document, and the decisions of its solutions."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from dispatchopt.io.schema.base import Header, Part, Row, column, ident, refers

_COST: dict[str, Any] = {"unit": "money", "ge": 0, "le": 1e9}


class PerishablesParametersPart(Part):
    """How days to come count."""

    discount: float = Field(
        default=1.0,
        description="Value today of a cost of 1 tomorrow, up to 0.999, or 1: the cost of a mean "
        "day counts.",
        gt=0,
        le=1,
    )


class PerishablesHeader(Header):
    """Header of a perishables document: what to order of goods that expire."""

    kind: Literal["perishables"] = Field(description="Always `perishables`.")
    parameters: PerishablesParametersPart = Field(
        default=PerishablesParametersPart(), description="How days to come count."
    )


class PerishableRow(Row):
    """An item: one SKU in one store."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    shelf_life_days: int = column(
        description="Days for which a unit can be sold.", unit="days", ge=1, le=10_000
    )
    lead_time_days: int = column(
        1,
        description="Days from order to arrival; 1 is the next morning.",
        unit="days",
        ge=1,
        le=10_000,
    )
    max_order_units: int = column(
        description="Most units ordered a day; states are one more, to the power of shelf life "
        "plus lead time minus 1, at most 2 million.",
        unit="units",
        ge=0,
        le=10_000,
    )
    issue: Literal["fifo", "lifo"] = column(
        "fifo", description="Which units are sold first: the oldest, or the freshest."
    )
    order_cost: float = column(0.0, description="Cost of a unit ordered.", **_COST)
    shortage_cost: float = column(0.0, description="Cost of a unit not served.", **_COST)
    waste_cost: float = column(0.0, description="Cost of a unit that expires.", **_COST)
    holding_cost: float = column(0.0, description="Cost of a unit kept for the next day.", **_COST)
    price: float = column(0.0, description="What a unit sold earns.", **_COST)
    demand_law: Literal["poisson", "negative-binomial", "gamma", "listed"] = column(
        "poisson",
        description="Law of a day's demand; gamma is rounded to whole units; `listed`: the table "
        "`demand` holds it.",
    )
    mean_units: float | None = column(
        None, description="Mean of a day's demand.", unit="units", ge=0, le=10_000
    )
    variance_units: float | None = column(
        None, description="Its variance; the mean if not given.", unit="units^2", ge=0, le=1e8
    )


class PerishableDemandRow(Row):
    """The chance of one number of units a day, of items whose demand is listed."""

    item: str = refers("items", "The item.")
    units: int = column(description="Units.", unit="units", ge=0, le=100_000)
    probability: float = column(description="Its probability.", gt=0, le=1)


class PerishableStockRow(Row):
    """Units there at the first morning; what is not listed is not there."""

    item: str = refers("items", "The item.")
    age_days: int = column(
        description="Age, 1 for fresh; 0 for units that arrive the next morning, -1 a day later.",
        unit="days",
        ge=-10_000,
        le=10_000,
    )
    units: int = column(description="Units, at most as many as a day's order.", unit="units",
                        ge=0, le=10_000)  # fmt: skip


TABLES: dict[str, type[Row]] = {
    "items": PerishableRow,
    "demand": PerishableDemandRow,
    "stock": PerishableStockRow,
}


class OrderPolicyPart(Part):
    """How an item is ordered."""

    item: str = Field(description="The item.")
    rule: Literal["table", "order-up-to", "waste-adjusted"] = Field(
        description="`table`: an order for every state; `order-up-to`: fill units on hand and "
        "under way up to the level; `waste-adjusted`: the same, without units that will expire."
    )
    level_units: int = Field(default=0, description="The level.", ge=-(2**53), le=2**53)
    orders: list[int] = Field(
        default=[],
        description="Orders of all states in sequence: units under way, the latest first, are "
        "the leading digits, then units by age, the freshest first.",
    )


class PerishablesDecisions(Part):
    """Order policies."""

    policies: list[OrderPolicyPart] = Field(
        default=[], description="Policies; items not listed are never ordered."
    )
