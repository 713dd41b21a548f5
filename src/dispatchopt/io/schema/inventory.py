"""The inventory document."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from dispatchopt.io.schema.base import (
    Header,
    Part,
    Row,
    column,
    ident,
    lat_column,
    lon_column,
    refers,
)


class ClassTargetsPart(Part):
    """A target for each class of SKUs."""

    A: float = column(description="Of class A.", ge=-10, le=10)
    B: float = column(description="Of class B.", ge=-10, le=10)
    C: float = column(description="Of class C.", ge=-10, le=10)


class InventoryParametersPart(Part):
    """What makes a stock level good."""

    demand_law: Literal["negative-binomial", "poisson", "gamma", "normal", "empirical"] = column(
        "negative-binomial",
        description="Distribution of all demands; `empirical` needs `samples` or a `history`.",
    )
    rule: Literal["critical-ratio", "fill-rate", "cycle-service", "z-sigma"] = column(
        "critical-ratio",
        description="`critical-ratio`: least expected cost; the others reach a `target`.",
    )
    target: float | None = column(
        None,
        description="Share for `fill-rate` and `cycle-service`, factor for `z-sigma`, where the "
        "tables state none.",
        ge=-10,
        le=10,
    )
    target_of_class: ClassTargetsPart | None = Field(
        default=None, description="Targets by `abc_class` of SKUs that state none."
    )
    interval_days: int = column(
        1,
        description="Days that an order covers (review period and lead time): those of `demand`, "
        "and the shelf life up to which leftovers are wasted.",
        unit="days",
        ge=1,
        le=10_000,
    )
    interval_variance_days: float = column(
        0.0,
        description="Variance of that number of days, for random lead times; raises the variance "
        "of demand by the squared daily mean times it.",
        unit="days^2",
        ge=0,
        le=1e6,
    )
    half_life_days: float | None = column(
        None,
        description="Age at which a day of `history` counts half; all count alike if not given.",
        unit="days",
        gt=0,
        le=1e6,
    )


class InventoryHeader(Header):
    """Header of an inventory document: how much of each SKU to send to each store."""

    kind: Literal["inventory"] = Field(description="Always `inventory`.")
    parameters: InventoryParametersPart = Field(
        default=InventoryParametersPart(), description="Demand law and rule."
    )


class InventoryStoreRow(Row):
    """A store."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    lon: float | None = lon_column(None)
    lat: float | None = lat_column(None)
    volume_ml: int | None = column(
        None,
        description="Room for stock, what is there included; no limit if not given.",
        unit="ml",
        ge=0,
        le=10**15,
    )
    delivery_volume_ml: int | None = column(
        None,
        description="What the vehicle to it takes; no limit if not given.",
        unit="ml",
        ge=0,
        le=10**15,
    )
    orders_per_day: float = column(
        0.0, description="Mean number of orders, for `simulate`.", unit="orders", ge=0, le=1e7
    )


class InventorySkuRow(Row):
    """A stock-keeping unit."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    volume_ml: int = column(0, description="Volume of one unit.", unit="ml", ge=0, le=10**9)
    case_pack_units: int = column(
        1, description="Orders are multiples of this.", unit="units", ge=1, le=10**9
    )
    holding_cost: float = column(
        0.0, description="Cost of one unit left over.", unit="money", ge=0, le=1e12
    )
    shortage_cost: float = column(
        0.0, description="Cost of one unit of demand not met.", unit="money", ge=0, le=1e12
    )
    available_units: int | None = column(
        None, description="Central stock; no limit if not given.", unit="units", ge=0, le=10**15
    )
    target: float | None = column(
        None, description="Target of this SKU, in place of that of the header.", ge=-10, le=10
    )
    abc_class: Literal["A", "B", "C"] = column("C", description="Class, for `target_of_class`.")
    shelf_life_days: int = column(
        0,
        description="Days on which a unit can be sold; 0 for no limit.",
        unit="days",
        ge=0,
        le=10_000,
    )
    waste_cost: float = column(
        0.0, description="Cost of one unit thrown away.", unit="money", ge=0, le=1e12
    )


class DemandRow(Row):
    """Demand for one SKU in one store over the protection interval; pairs not listed have none."""

    store: str = refers("stores", "The store.")
    sku: str = refers("skus", "The SKU.")
    mean_units: float = column(description="Mean.", unit="units", ge=0, le=1e9)
    variance_units: float | None = column(
        None, description="Variance; the mean if not given.", unit="units^2", ge=0, le=1e18
    )
    holding_cost: float | None = column(
        None, description="In place of that of the SKU.", unit="money", ge=0, le=1e12
    )
    shortage_cost: float | None = column(
        None, description="In place of that of the SKU.", unit="money", ge=0, le=1e12
    )
    target: float | None = column(None, description="In place of that of the SKU.", ge=-10, le=10)


class StockRow(Row):
    """Stock of one SKU in one store; pairs not listed have none."""

    store: str = refers("stores", "The store.")
    sku: str = refers("skus", "The SKU.")
    on_hand_units: int = column(
        0, description="In the store and on the way to it.", unit="units", ge=0, le=10**9
    )
    min_units: int = column(
        0, description="Least level (facings on the shelf).", unit="units", ge=0, le=10**9
    )


class HistoryRow(Row):
    """Sales of a day; days of the table without a row of a pair that has rows are days of none.

    Demand is estimated from it for pairs without a row in `demand`.
    """

    store: str = refers("stores", "The store.")
    sku: str = refers("skus", "The SKU.")
    day: int = column(description="Number of the day.", unit="days", ge=0, le=100_000)
    sold_units: float = column(description="Units sold.", unit="units", ge=0, le=1e9)
    is_out: bool = column(
        False, description="Whether stock ran out, so that demand was at least what was sold."
    )


class SampleRow(Row):
    """Demand of one interval that was seen, for the law `empirical`; 0 where there is no row."""

    store: str = refers("stores", "The store.")
    sku: str = refers("skus", "The SKU.")
    sample: int = column(description="Number of the sample, from 0.", ge=0, le=100_000)
    units: float = column(description="Demand.", unit="units", ge=0, le=1e9)


class BasketLineRow(Row):
    """A line of an order of the sample from which `simulate` draws the orders of a day."""

    order: str = column(description="Name of the order.", min_length=1, max_length=200)
    store: str = refers("stores", "The store that got it, the same for all lines of an order.")
    sku: str = refers("skus", "The SKU.")
    units: int = column(1, description="How many.", unit="units", ge=1, le=10**6)


TABLES: dict[str, type[Row]] = {
    "stores": InventoryStoreRow,
    "skus": InventorySkuRow,
    "demand": DemandRow,
    "stock": StockRow,
    "history": HistoryRow,
    "samples": SampleRow,
    "order_lines": BasketLineRow,
}
