"""The surge document, and the decisions of its solutions."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

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
from dispatchopt.io.schema.solution import SendPart

_MARGIN: dict[str, Any] = {"ge": 0, "le": 1e9}


class SurgeParametersPart(Part):
    """What happens after the stream."""

    transfer_cost: float | None = column(
        None,
        description="Cost of moving a unit between stores after the stream; none are moved if not "
        "given.",
        **_MARGIN,
    )


class SurgeHeader(Header):
    """Header of a surge document: what to send to stores before a live stream."""

    kind: Literal["surge"] = Field(description="Always `surge`.")
    parameters: SurgeParametersPart = Field(default=SurgeParametersPart(), description="Transfers.")


class SurgeStoreRow(Row):
    """A store."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    lon: float | None = lon_column(None)
    lat: float | None = lat_column(None)
    room_ml: int | None = column(
        None,
        description="Room for what is sent; no limit if not given.",
        unit="ml",
        ge=0,
        le=10**15,
    )


class SurgeSkuRow(Row):
    """A stock-keeping unit."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    volume_ml: int = column(0, description="Volume of one unit.", unit="ml", ge=0, le=10**9)
    shelf_margin: float = column(
        description="Margin of a unit on the shelf.", unit="money", **_MARGIN
    )
    live_margin: float = column(
        description="Margin of a unit in the stream, at most that of the shelf.",
        unit="money",
        **_MARGIN,
    )
    holding_cost: float = column(
        0.0, description="Cost of one unit left over.", unit="money", **_MARGIN
    )
    available_units: int | None = column(
        None, description="Central stock; no limit if not given.", unit="units", ge=0, le=10**15
    )


class SurgeScenarioRow(Row):
    """What may happen; probabilities add up to 1."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    probability: float = column(description="Its probability.", gt=0, le=1)


class SurgeDemandRow(Row):
    """Demand in one scenario; those not listed have none."""

    scenario: str = refers("scenarios", "The scenario.")
    store: str = refers("stores", "The store.")
    sku: str = refers("skus", "The SKU.")
    shelf_units: int = column(0, description="Of the shelf.", unit="units", ge=0, le=10**9)
    live_units: int = column(0, description="Of the stream.", unit="units", ge=0, le=10**9)


class SurgeStockRow(Row):
    """Stock of one SKU in one store; pairs not listed have none."""

    store: str = refers("stores", "The store.")
    sku: str = refers("skus", "The SKU.")
    on_hand_units: int = column(description="In the store.", unit="units", ge=0, le=10**9)


class LeftRow(Row):
    """What a stream has left of one SKU in one store; pairs not listed have nothing left."""

    store: str = refers("stores", "The store.")
    sku: str = refers("skus", "The SKU.")
    on_hand_units: int = column(
        description="On the shelf, after the stream.", unit="units", ge=0, le=10**9
    )
    held_units: int = column(
        0,
        description="Still held for orders of the stream; the shelf gets them.",
        unit="units",
        ge=0,
        le=10**9,
    )
    movable_units: int | None = column(
        None,
        description="What may leave of both, as it lives long enough and is no facing; all if not "
        "given.",
        unit="units",
        ge=0,
        le=10**9,
    )


TABLES: dict[str, type[Row]] = {
    "stores": SurgeStoreRow,
    "skus": SurgeSkuRow,
    "scenarios": SurgeScenarioRow,
    "demand": SurgeDemandRow,
    "stock": SurgeStockRow,
}


class SurgeDecisions(Part):
    """What to send."""

    send: list[SendPart] = Field(
        default=[], description="Units to be sent; pairs not listed: none."
    )
