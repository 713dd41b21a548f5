"""The day document."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from dispatchopt.io.schema.base import Header, Part, Row, column, ident, refers
from dispatchopt.io.schema.city import Vehicle
from dispatchopt.io.schema.rows import MAX_MOMENT_S, EdgeRow, NodeRow
from dispatchopt.io.schema.travel import MatrixRow, PlaceRow

UNLIMITED_ML = 10**12
_MAX_S = 10 * 86_400
_MAX_CENTS = 10**9


class DayRulesPart(Part):
    """The rules of the day."""

    tick_s: int = column(30, description="Time between two decisions.", unit="s", ge=1, le=_MAX_S)
    park_s: int = column(
        0, description="From arrival at a store to the goods.", unit="s", ge=0, le=_MAX_S
    )
    pickup_s: int = column(60, description="Hand-over at the store.", unit="s", ge=0, le=_MAX_S)
    dropoff_s: int = column(
        90, description="From arrival at a door to the delivery.", unit="s", ge=0, le=_MAX_S
    )
    leave_s: int = column(
        0, description="Then until the courier leaves.", unit="s", ge=0, le=_MAX_S
    )
    max_bundle: int = column(3, description="Most orders of a trip.", unit="orders", ge=1, le=1000)
    promise_s: int = column(
        1800, description="Promised time from order to door.", unit="s", ge=1, le=_MAX_S
    )
    max_late_s: int = column(
        3600,
        description="An order that is on no trip so long after it was due is cancelled; -1: never.",
        unit="s",
        ge=-1,
        le=_MAX_S,
    )
    max_wait_s: int = column(
        1800, description="Longest wait of a courier for goods.", unit="s", ge=0, le=_MAX_S
    )
    is_partial_allowed: bool = column(
        True, description="Whether an order may leave with lines missing."
    )
    wage_cents_per_hour: int = column(
        1500, description="Pay of a courier.", unit="cents/h", ge=0, le=_MAX_CENTS
    )
    pay_cents_per_order: int = column(
        100, description="Pay per order.", unit="cents", ge=0, le=_MAX_CENTS
    )
    is_wage_guarantee: bool = column(
        False, description="Whether couriers get the larger of wage and pay, in place of both."
    )
    cents_per_km: int = column(
        10, description="Cost of driving.", unit="cents/km", ge=0, le=_MAX_CENTS
    )
    lateness_cents_per_min: int = column(
        10, description="Price of lateness.", unit="cents/min", ge=0, le=_MAX_CENTS
    )
    refusal_cents: int = column(
        1000, description="Price of an order not delivered.", unit="cents", ge=0, le=_MAX_CENTS
    )
    decline_probability: float = column(
        0.0, description="Share of trips that couriers decline.", ge=0, le=1
    )
    travel_noise_sd: float = column(
        0.0, description="Standard deviation of the factor on travel times.", ge=0, le=10
    )
    picking_noise_sd: float = column(
        0.0, description="Standard deviation of the factor on picking times.", ge=0, le=10
    )


class DayParametersPart(Part):
    """Travel and rules of a day."""

    travel: Literal["given", "straight", "road"] = column(
        "given",
        description="`given`: the table `matrix`; `straight`: a line times `detour_factor`; "
        "`road`: on the tables `network/nodes` and `network/edges`.",
    )
    vehicle: Vehicle | None = column(
        None, description="Profile of the travel; null for a matrix without hours."
    )
    source: str = column("given", description="Where the figures of the matrix come from.")
    matrix_profile: str = column("unknown", description="Vehicle of the matrix.")
    detour_factor: float = column(
        1.4, description="Road metres per metre of straight line.", ge=1, le=10
    )
    snap_limit_m: int = column(
        500, description="How far a place may lie from the network.", unit="m", ge=1, le=10**6
    )
    rules: DayRulesPart = Field(default=DayRulesPart(), description="The rules.")


class DayHeader(Header):
    """Header of a day document: orders to be dispatched, second by second."""

    kind: Literal["day"] = Field(description="Always `day`.")
    parameters: DayParametersPart = Field(
        default=DayParametersPart(), description="Travel and rules."
    )


class DayOrderRow(Row):
    """An order."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    place: str = refers("places", "Where it goes.")
    placed_s: int = column(
        description="When it becomes known.", unit="s of the day", ge=0, le=MAX_MOMENT_S
    )
    due_s: int | None = column(
        None,
        description="Until when it is promised; `placed_s` plus the promise if not given.",
        unit="s of the day",
        ge=0,
        le=10 * MAX_MOMENT_S,
    )
    ready_s: int = column(
        -1,
        description="When it is ready at its store; -1 if the store's pickers pick it.",
        unit="s of the day",
        ge=-1,
        le=10 * MAX_MOMENT_S,
    )
    expected_ready_s: int | None = column(
        None,
        description="When dispatchers expect it to be ready, until it is; as `ready_s`, known from "
        "the beginning, if not given.",
        unit="s of the day",
        ge=-1,
        le=10 * MAX_MOMENT_S,
    )
    load_ml: int = column(0, description="Volume.", unit="ml", ge=0)


class OrderStoreRow(Row):
    """A store that may serve an order; without this table, all stores may serve all orders."""

    order: str = refers("orders", "The order.")
    store: str = refers("stores", "The store.")


class DayLineRow(Row):
    """A line of an order."""

    order: str = refers("orders", "The order.")
    sku: str = refers("skus", "The SKU.")
    units: int = column(1, description="How many.", unit="units", ge=1, le=10**9)


class DaySkuRow(Row):
    """A stock-keeping unit."""

    key: ClassVar[str | None] = "id"
    id: str = ident()


class DayStoreRow(Row):
    """A store."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    place: str = refers("places", "Where it is.")
    pickers: int = column(
        1, description="Orders picked at the same time.", unit="orders", ge=0, le=10**6
    )
    pick_base_s: int = column(
        120, description="Picking an order takes this.", unit="s", ge=0, le=_MAX_S
    )
    pick_line_s: int = column(15, description="And this per line.", unit="s", ge=0, le=_MAX_S)
    open_s: int = column(
        0, description="Orders are taken on from here.", unit="s of the day", ge=0, le=_MAX_S
    )
    close_s: int = column(
        86_400, description="And before this.", unit="s of the day", ge=0, le=_MAX_S
    )


class DayStockRow(Row):
    """Stock at the start; without this table stock never binds, pairs not listed have none."""

    store: str = refers("stores", "The store.")
    sku: str = refers("skus", "The SKU.")
    units: int = column(description="Units on the shelf.", unit="units", ge=0)


class DayCourierRow(Row):
    """A courier's shift."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    place: str = refers("places", "Where the shift starts.")
    store: str = refers("stores", "Store whose trips it may do; any if empty.", "")
    on_s: int = column(
        0, description="Start of the shift.", unit="s of the day", ge=0, le=MAX_MOMENT_S
    )
    off_s: int = column(
        86_400,
        description="End of the shift, not before `on_s`.",
        unit="s of the day",
        ge=0,
        le=MAX_MOMENT_S,
    )
    capacity_orders: int = column(1000, description="Most orders of a trip.", unit="orders", ge=1)
    capacity_ml: int = column(UNLIMITED_ML, description="Most volume of a trip.", unit="ml", ge=0)
    pace: float = column(1.0, description="Factor on the durations of the travel.", gt=0, le=100)
    vehicle: str = column("", description="Vehicle, for display.", max_length=200)


class IncidentRow(Row):
    """Something that goes wrong; the dispatcher learns of it when it happens."""

    kind: Literal["break", "quit", "closure", "delay"] = column(
        description="`break`: a courier pauses after the work at hand; `quit`: leaves for good, or "
        "never comes; `closure`: a store takes on nothing; `delay`: an order's ride is held up."
    )
    courier: str = refers("couriers", "Who pauses or leaves.", "")
    store: str = refers("stores", "Which store closes.", "")
    order: str = refers("orders", "Whose ride is held up.", "")
    from_s: int = column(
        0, description="From when; of no concern for a delay.", unit="s of the day", ge=0, le=_MAX_S
    )
    length_s: int = column(
        0, description="For how long; of no concern for who leaves.", unit="s", ge=0, le=_MAX_S
    )


TABLES: dict[str, type[Row]] = {
    "places": PlaceRow,
    "matrix": MatrixRow,
    "orders": DayOrderRow,
    "order_stores": OrderStoreRow,
    "order_lines": DayLineRow,
    "skus": DaySkuRow,
    "stores": DayStoreRow,
    "stock": DayStockRow,
    "couriers": DayCourierRow,
    "incidents": IncidentRow,
    "network/nodes": NodeRow,
    "network/edges": EdgeRow,
}
