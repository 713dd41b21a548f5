"""The city document."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dispatchopt.io.schema.base import Header, Part, Row, column
from dispatchopt.io.schema.rows import (
    CourierRow,
    CustomerRow,
    EdgeRow,
    NodeRow,
    OrderLineRow,
    OrderRow,
    SiteRow,
    SkuRow,
)

Vehicle = Literal["walk", "bicycle", "e-bike", "motorcycle", "car", "drone", "robot"]


class CityParametersPart(Part):
    """Promises, times and prices of a city."""

    travel: Literal["road", "straight"] = column(
        "road", description="`road` needs a network; `straight` is a line times `detour_factor`."
    )
    detour_factor: float = column(
        1.4, description="Road metres per metre of straight line.", ge=1, le=10
    )
    vehicle: Vehicle = column("e-bike", description="Profile that travel is computed for.")
    snap_limit_m: int = column(
        500, description="How far a place may lie from the network.", unit="m", ge=0, le=10**6
    )
    reach_m: int = column(
        3000, description="A store serves customers up to this distance.", unit="m", ge=0, le=10**6
    )
    promise_s: int = column(
        1800, description="Promised time from order to door.", unit="s", ge=1, le=864_000
    )
    siting_goal: Literal["cover-all", "max-coverage", "p-median", "p-center", "fixed-charge"] = (
        column("max-coverage", description="What siting minimises.")
    )
    max_sites: int | None = column(
        None, description="Most open sites; null for no limit.", ge=0, le=10**6
    )
    budget_cents: int | None = column(
        None, description="Most rent of a day; null for no limit.", unit="cents", ge=0, le=10**12
    )
    required_share: float = column(
        1.0, description="Share of demand that `cover-all` must cover.", ge=0, le=1
    )
    pick_base_s: int = column(
        120, description="Picking an order takes this.", unit="s", ge=0, le=86_400
    )
    pick_line_s: int = column(15, description="And this per line.", unit="s", ge=0, le=86_400)
    pickup_s: int = column(60, description="Hand-over at the store.", unit="s", ge=0, le=86_400)
    dropoff_s: int = column(90, description="Hand-over at the door.", unit="s", ge=0, le=86_400)
    max_bundle: int = column(4, description="Most orders of one trip.", unit="orders", ge=1, le=100)
    wage_cents_per_hour: int = column(
        1500, description="Pay of a courier.", unit="cents/h", ge=0, le=10**9
    )
    pay_cents_per_order: int = column(0, description="Pay per order.", unit="cents", ge=0, le=10**9)
    cost_cents_per_km: int = column(
        5, description="Cost of driving.", unit="cents/km", ge=0, le=10**9
    )
    late_cents_per_minute: int = column(
        20, description="Price of lateness.", unit="cents/min", ge=0, le=10**9
    )
    refusal_cents: int = column(
        1500, description="Price of an order refused.", unit="cents", ge=0, le=10**9
    )
    shortage_cents: int = column(
        100,
        description="Price of a line not filled, beside its margin.",
        unit="cents",
        ge=0,
        le=10**9,
    )
    decline_probability: float = column(
        0.0, description="Share of trips that couriers decline.", ge=0, le=1
    )
    travel_noise: float = column(
        0.0, description="Relative standard deviation of travel times.", ge=0, le=10
    )
    picking_noise: float = column(
        0.0, description="Relative standard deviation of picking times.", ge=0, le=10
    )


class CityHeader(Header):
    """Header of a city document: everything that siting, stock and a day are made from."""

    kind: Literal["city"] = Field(description="Always `city`.")
    parameters: CityParametersPart = Field(
        default=CityParametersPart(), description="Promises, times and prices."
    )


TABLES: dict[str, type[Row]] = {
    "customers": CustomerRow,
    "sites": SiteRow,
    "skus": SkuRow,
    "orders": OrderRow,
    "order_lines": OrderLineRow,
    "couriers": CourierRow,
    "network/nodes": NodeRow,
    "network/edges": EdgeRow,
}
