"""The assortment document, and the decisions of its solutions."""

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


class AssortmentParametersPart(Part):
    """How orders are filled."""

    may_split: bool = column(
        False, description="Whether the stores that reach a zone fill its orders together."
    )


class AssortmentHeader(Header):
    """Header of an assortment document: which SKUs each store carries."""

    kind: Literal["assortment"] = Field(description="Always `assortment`.")
    parameters: AssortmentParametersPart = Field(
        default=AssortmentParametersPart(), description="How orders are filled."
    )


class AssortmentStoreRow(Row):
    """A store."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    lon: float | None = lon_column(None)
    lat: float | None = lat_column(None)
    slots: int | None = column(
        None, description="Most SKUs; no limit if not given.", unit="SKUs", ge=0, le=10**7
    )
    volume_ml: int | None = column(
        None, description="Room; no limit if not given.", unit="ml", ge=0, le=10**15
    )


class AssortmentCategoryRow(Row):
    """A category of SKUs."""

    key: ClassVar[str | None] = "id"
    id: str = ident()


class AssortmentSkuRow(Row):
    """A stock-keeping unit."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    category: str = refers("categories", "Its category; the first if not given.", "")
    volume_ml: int = column(
        0, description="Room that it takes where it is carried.", unit="ml", ge=0, le=10**9
    )


class AssortmentZoneRow(Row):
    """A zone of customers."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    lon: float | None = lon_column(None)
    lat: float | None = lat_column(None)


class AssortmentReachRow(Row):
    """A store that reaches a zone."""

    zone: str = refers("zones", "The zone.")
    store: str = refers("stores", "The store.")


class AssortmentOrderRow(Row):
    """An order, seen or expected."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    zone: str = refers("zones", "Where it comes from.")
    weight: float = column(
        1.0, description="How often one like it is expected.", unit="orders", ge=0, le=1e9
    )


class AssortmentLineRow(Row):
    """A line of an order; a SKU stands in an order once."""

    order: str = refers("orders", "The order.")
    sku: str = refers("skus", "The SKU.")


class AssortmentListingRow(Row):
    """What a store must or never may carry; pairs not listed are free."""

    store: str = refers("stores", "The store.")
    sku: str = refers("skus", "The SKU.")
    rule: Literal["must", "never"] = column(description="`must` or `never` carry it.")


class AssortmentFloorRow(Row):
    """Least number of SKUs of a category in a store; 0 for pairs not listed."""

    store: str = refers("stores", "The store.")
    category: str = refers("categories", "The category.")
    least: int = column(description="At least so many.", unit="SKUs", ge=0, le=10**7)


TABLES: dict[str, type[Row]] = {
    "stores": AssortmentStoreRow,
    "categories": AssortmentCategoryRow,
    "skus": AssortmentSkuRow,
    "zones": AssortmentZoneRow,
    "reach": AssortmentReachRow,
    "orders": AssortmentOrderRow,
    "lines": AssortmentLineRow,
    "listing": AssortmentListingRow,
    "floors": AssortmentFloorRow,
}


class CarryPart(Part):
    """What a store carries."""

    store: str = Field(description="The store.")
    skus: list[str] = Field(description="SKUs that it carries.")


class AssortmentDecisions(Part):
    """Who carries what."""

    carry: list[CarryPart] = Field(default=[], description="Stores that carry anything.")
