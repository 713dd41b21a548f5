"""Rows of the tables that several kinds of document share."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import ConfigDict

from dispatchopt.io.schema.base import Row, column, ident, lat_column, lon_column, refers

DAY_S = 86_400
MAX_MOMENT_S = 10 * DAY_S


class CustomerRow(Row):
    """A place where demand arises."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    lon: float = lon_column()
    lat: float = lat_column()
    demand_units: int = column(
        1, description="Orders a day: the weight in siting.", unit="orders", ge=0, le=10**9
    )


class SiteRow(Row):
    """A place where a store may stand or stands."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    lon: float = lon_column()
    lat: float = lat_column()
    status: Literal["candidate", "existing", "required", "forbidden"] = column(
        "candidate",
        description="`candidate` may be opened, `existing` stands already, `required` must be "
        "opened, `forbidden` must stay closed.",
    )
    rent_cents: int = column(
        0, description="Rent and fixed running cost of a day.", unit="cents", ge=0
    )
    volume_ml: int = column(
        0, description="Room for stock; 0 for no limit stated.", unit="ml", ge=0
    )
    capacity_orders: int = column(
        0,
        description="Orders a day that it can hand over; 0 for no limit stated.",
        unit="orders",
        ge=0,
    )
    pickers: int = column(
        1, description="Orders picked at the same time.", unit="orders", ge=1, le=10_000
    )


class SkuRow(Row):
    """A stock-keeping unit."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    name: str = column("", description="Name for people.", max_length=500)
    abc_class: Literal["A", "B", "C"] = column("C", description="Class by turnover.")
    is_fresh: bool = column(False, description="Whether it is fresh goods.")
    shelf_life_days: int = column(
        0,
        description="Days until it expires; 0 for beyond the horizon.",
        unit="days",
        ge=0,
        le=10_000,
    )
    volume_ml: int = column(1000, description="Volume of one unit.", unit="ml", ge=1, le=10**9)
    price_cents: int = column(0, description="Price of one unit.", unit="cents", ge=0, le=10**9)
    margin_cents: int = column(
        0, description="What is lost with a unit not sold.", unit="cents", ge=0, le=10**9
    )
    holding_cents: float = column(
        0.0,
        description="Cost of one unit left over at the end of the day (capital, waste).",
        unit="cents",
        ge=0,
        le=1e9,
    )
    case_pack_units: int = column(
        1, description="Units are sent in multiples of this.", unit="units", ge=1, le=10**6
    )
    demand_mean_units: float = column(
        0.0, description="Mean demand of a day in the whole city.", unit="units", ge=0, le=1e9
    )
    demand_variance_units: float | None = column(
        None,
        description="Variance of that demand; the mean (Poisson) if not given.",
        unit="units^2",
        ge=0,
        le=1e15,
    )
    available_units: int = column(
        -1, description="Stock in the city warehouse; -1 for no limit stated.", unit="units", ge=-1
    )


class OrderRow(Row):
    """An order of the day."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    customer: str = refers("customers", "Who ordered: an `id` of `customers`.")
    placed_s: int = column(
        description="When it was placed; rows need not be sorted.",
        unit="s of the day",
        ge=0,
        le=MAX_MOMENT_S,
    )
    is_surge: bool = column(False, description="Whether it stems from a live stream.")


class OrderLineRow(Row):
    """A line of an order."""

    order: str = refers("orders", "The order: an `id` of `orders`.")
    sku: str = refers("skus", "What was ordered: an `id` of `skus`.")
    units: int = column(1, description="How many.", unit="units", ge=1, le=10**6)


class CourierRow(Row):
    """A courier with one shift."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    vehicle: Literal["walk", "bicycle", "e-bike", "motorcycle", "car", "drone", "robot"] = column(
        "e-bike", description="Vehicle profile."
    )
    lon: float | None = lon_column(None)
    lat: float | None = lat_column(None)
    on_s: int = column(
        0, description="Start of the shift.", unit="s of the day", ge=0, le=MAX_MOMENT_S
    )
    off_s: int = column(
        DAY_S,
        description="End of the shift, not before `on_s`; above 86,400 after midnight.",
        unit="s of the day",
        ge=0,
        le=MAX_MOMENT_S,
    )
    capacity_orders: int = column(
        4, description="Most orders of one trip.", unit="orders", ge=1, le=10_000
    )
    capacity_ml: int = column(60_000, description="Most volume of one trip.", unit="ml", ge=1)


class NodeRow(Row):
    """A node of the street network."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    lon: float = lon_column()
    lat: float = lat_column()


class EdgeRow(Row):
    """A street from one node to another."""

    model_config = ConfigDict(populate_by_name=True)

    from_: str = column(
        description="Node where it begins.", ref="network/nodes", alias="from", max_length=200
    )
    to: str = refers("network/nodes", "Node where it ends.")
    length_m: float = column(description="Length.", unit="m", ge=0, le=1e7)
    is_oneway: bool = column(
        True, description="Whether it is open in this direction only; else it stands for two arcs."
    )
    highway: str = column(
        "road", description="Class of the street, as OSM names it.", max_length=200
    )
    maxspeed_m_s: float | None = column(
        None, description="Speed limit; unknown if not given.", unit="m/s", gt=0, le=200
    )
    name: str = column("", description="Name of the street.", max_length=500)
    shape: str = column(
        "",
        description="Course between its ends, without them: `lon lat, lon lat`; straight if empty.",
        max_length=1_000_000,
    )


class AreaRow(Row):
    """An area, or a cell of a grid, and who lives in it; read from maps, not from documents."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    demand_units: int = column(description="Who lives there.", unit="units", ge=0, le=10**9)
