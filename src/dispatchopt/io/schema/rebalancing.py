"""The rebalancing document, and the decisions of its solutions."""

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


class RebalancingParametersPart(Part):
    """What demand is like."""

    demand_law: Literal["negative-binomial", "poisson", "gamma", "normal"] = column(
        "negative-binomial", description="Distribution of all demands."
    )


class RebalancingHeader(Header):
    """Header of a rebalancing document: which units go from which store to which."""

    kind: Literal["rebalancing"] = Field(description="Always `rebalancing`.")
    parameters: RebalancingParametersPart = Field(
        default=RebalancingParametersPart(), description="Demand law."
    )


class RebalancingStoreRow(Row):
    """A store."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    lon: float | None = lon_column(None)
    lat: float | None = lat_column(None)


class RebalancingSkuRow(Row):
    """A stock-keeping unit."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    volume_ml: int = column(0, description="Volume of one unit.", unit="ml", ge=0, le=10**9)
    holding_cost: float = column(
        0.0, description="Cost of one unit left over.", unit="money", ge=0, le=1e12
    )
    shortage_cost: float = column(
        0.0, description="Cost of one unit of demand not met.", unit="money", ge=0, le=1e12
    )
    waste_cost: float = column(
        0.0,
        description="Cost of one unit thrown away, beside `holding_cost`.",
        unit="money",
        ge=0,
        le=1e12,
    )


class RebalancingDemandRow(Row):
    """Demand until the next replenishment; pairs not listed have none."""

    store: str = refers("stores", "The store.")
    sku: str = refers("skus", "The SKU.")
    mean_units: float = column(description="Mean.", unit="units", ge=0, le=1e9)
    variance_units: float | None = column(
        None, description="Variance; the mean if not given.", unit="units^2", ge=0, le=1e18
    )


class RebalancingStockRow(Row):
    """Stock of one SKU in one store; pairs not listed have none."""

    store: str = refers("stores", "The store.")
    sku: str = refers("skus", "The SKU.")
    on_hand_units: int = column(description="In the store.", unit="units", ge=0, le=10**9)
    movable_units: int | None = column(
        None,
        description="What may leave, as it lives long enough and is no facing; all if not given.",
        unit="units",
        ge=0,
        le=10**9,
    )
    expiring_units: int = column(
        0,
        description="What expires before the next replenishment; it is sold first.",
        unit="units",
        ge=0,
        le=10**9,
    )


class RebalancingLaneRow(Row):
    """A lane from one store to another; each pair once."""

    origin: str = refers("stores", "Where it starts.")
    target: str = refers("stores", "Where it ends.")
    unit_cost: float = column(description="Cost of one unit on it.", unit="money", ge=0, le=1e9)
    lane_cost: float = column(
        0.0, description="Cost of the lane if anything goes on it.", unit="money", ge=0, le=1e9
    )
    capacity_ml: int | None = column(
        None, description="What its van takes; no limit if not given.", unit="ml", ge=0, le=10**15
    )
    distance_m: int | None = column(
        None,
        description="Its length, for reports; costs stand beside it.",
        unit="m",
        ge=0,
        le=10**9,
    )


TABLES: dict[str, type[Row]] = {
    "stores": RebalancingStoreRow,
    "skus": RebalancingSkuRow,
    "demand": RebalancingDemandRow,
    "stock": RebalancingStockRow,
    "lanes": RebalancingLaneRow,
}


class TransferPart(Part):
    """Units that go on a lane."""

    origin: str = Field(description="From this store.")
    target: str = Field(description="To this store.")
    sku: str = Field(description="Of this SKU.")
    units: int = Field(description="How many.", ge=0, le=2**53)
    expiring_units: int = Field(
        default=0, description="Those that expire before the next replenishment.", ge=0, le=2**53
    )


class RebalancingDecisions(Part):
    """What goes where."""

    transfers: list[TransferPart] = Field(default=[], description="Units on lanes.")
