"""The sourcing document, and the decisions of its solutions."""

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


class SourcingParametersPart(Part):
    """What splits cost, and how many shipments an order may come in."""

    split_cost: float = column(
        0.0, description="Cost of every shipment of an order beyond its first.", ge=0, le=1e9
    )
    max_shipments: int = column(
        3, description="Most shipments of an order.", unit="shipments", ge=1, le=10**9
    )


class SourcingHeader(Header):
    """Header of a sourcing document: which store, or which split, sends each order."""

    kind: Literal["sourcing"] = Field(description="Always `sourcing`.")
    parameters: SourcingParametersPart = Field(
        default=SourcingParametersPart(), description="Splits."
    )


class SourcingStoreRow(Row):
    """A store."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    lon: float | None = lon_column(None)
    lat: float | None = lat_column(None)


class SourcingSkuRow(Row):
    """A stock-keeping unit."""

    key: ClassVar[str | None] = "id"
    id: str = ident()


class SourcingOrderRow(Row):
    """An order."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    lon: float | None = lon_column(None)
    lat: float | None = lat_column(None)


class SourcingLineRow(Row):
    """A line of an order; an SKU stands in an order once."""

    order: str = refers("orders", "The order.")
    sku: str = refers("skus", "What was ordered.")
    units: int = column(1, description="How many.", unit="units", ge=1, le=10**9)
    unserved_cost: float = column(
        description="Cost of not serving the line.", unit="money", ge=0, le=1e9
    )


class SourcingOptionRow(Row):
    """A store that reaches an order within its promise; pairs not listed cannot be used."""

    order: str = refers("orders", "The order.")
    store: str = refers("stores", "The store.")
    shipment_cost: float = column(
        description="Cost of a shipment from the store to the order.", unit="money", ge=0, le=1e9
    )


class SourcingStockRow(Row):
    """What a store can sell of an SKU; pairs not listed: none."""

    store: str = refers("stores", "The store.")
    sku: str = refers("skus", "The SKU.")
    units: int = column(description="How many.", unit="units", ge=0, le=10**9)
    price: float = column(
        0.0,
        description="What a unit is worth to orders still to come; the engine `online` goes by it.",
        unit="money",
        ge=0,
        le=1e9,
    )


TABLES: dict[str, type[Row]] = {
    "stores": SourcingStoreRow,
    "skus": SourcingSkuRow,
    "orders": SourcingOrderRow,
    "lines": SourcingLineRow,
    "options": SourcingOptionRow,
    "stock": SourcingStockRow,
}


class SourcedLinePart(Part):
    """A line that is sent."""

    order: str = Field(description="The order.")
    sku: str = Field(description="The SKU.")
    store: str = Field(description="The store that sends it.")


class SourcingDecisions(Part):
    """Who sends what."""

    lines: list[SourcedLinePart] = Field(
        default=[], description="Lines that are sent; those not listed stay unserved."
    )
