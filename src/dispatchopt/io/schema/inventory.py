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


class InventoryParametersPart(Part):
    """What makes a stock level good."""

    demand_law: Literal["negative-binomial", "poisson", "gamma", "normal"] = column(
        "negative-binomial", description="Distribution of all demands."
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


TABLES: dict[str, type[Row]] = {
    "stores": InventoryStoreRow,
    "skus": InventorySkuRow,
    "demand": DemandRow,
    "stock": StockRow,
}
