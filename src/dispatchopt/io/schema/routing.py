"""The routing document."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from dispatchopt.io.schema.base import Header, Part, Row, column, ident, refers
from dispatchopt.io.schema.rows import EdgeRow, NodeRow
from dispatchopt.io.schema.travel import MatrixRow, PlaceRow

FAR = 1 << 40
MAX_RATE = 1 << 20
MAX_MASK = (1 << 62) - 1
MAX_DIMS = 4


class ProfilePart(Part):
    """A travel matrix, or the vehicle profile that one is computed for."""

    name: str = Field(default="unknown", max_length=200, description="Vehicle profile.")
    source: str = Field(default="given", max_length=200, description="Where the figures come from.")


class RoutingParametersPart(Part):
    """How travel is measured, and what figures mean."""

    travel: Literal["given", "straight", "road"] = column(
        "given",
        description="`given`: the table `matrix`; `straight`: a line times `detour_factor`; "
        "`road`: on the tables `network/nodes` and `network/edges`.",
    )
    profiles: list[ProfilePart] = Field(
        default=[ProfilePart()],
        min_length=1,
        max_length=100,
        description="Vehicle profiles; couriers refer to them by number, from 0.",
    )
    detour_factor: float = column(
        1.4, description="Road metres per metre of straight line.", ge=1, le=10
    )
    snap_limit_m: int = column(
        500, description="How far a place may lie from the network.", unit="m", ge=1, le=10**6
    )
    num_loads: int = column(
        1, description="Load dimensions: `load`, `load_2` and so on.", ge=0, le=MAX_DIMS
    )
    units_per_cent: int = column(1, description="Cost units in a cent.", ge=1, le=10**9)


class RoutingHeader(Header):
    """Header of a routing document: which courier carries which orders in which sequence."""

    kind: Literal["routing"] = Field(description="Always `routing`.")
    parameters: RoutingParametersPart = Field(
        default=RoutingParametersPart(), description="Travel and units."
    )


def _moment(description: str) -> int | None:
    result: int | None = column(
        None, description=f"{description}; no limit if not given.", unit="s", ge=-FAR, le=FAR
    )
    return result


def _load(description: str) -> int:
    result: int = column(0, description=description, ge=0, le=FAR)
    return result


class RoutingStoreRow(Row):
    """Where orders are loaded."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    place: str = refers("places", "Where it is.")
    service_s: int = column(0, description="Time to load one trip.", unit="s", ge=0, le=FAR)
    earliest_s: int | None = _moment("Loading begins no earlier")
    latest_s: int | None = _moment("Loading begins no later")
    pick_s: int = column(
        0,
        description="Time of a picker for one order; 0: orders are ready when released.",
        unit="s",
        ge=0,
        le=FAR,
    )
    pickers: int = column(1, description="Pickers who work side by side.", ge=1, le=FAR)


class RoutingOrderRow(Row):
    """What is to be delivered."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    place: str = refers("places", "Where it is delivered.")
    load: int = _load("Amount in the first dimension.")
    load_2: int = _load("Amount in the second dimension.")
    load_3: int = _load("Amount in the third dimension.")
    load_4: int = _load("Amount in the fourth dimension.")
    service_s: int = column(0, description="Time at the door.", unit="s", ge=0, le=FAR)
    earliest_s: int | None = _moment("Service begins no earlier")
    latest_s: int | None = _moment("Service begins no later")
    release_s: int | None = _moment("It is ready (or may be picked), so that loading begins later")
    max_age_s: int = column(
        FAR, description="Most time from ready to service at the door.", unit="s", ge=0, le=FAR
    )
    promise_s: int | None = _moment("Service that begins later is late")
    late_cost_per_s: int = column(0, description="Cost of a second late.", ge=0, le=MAX_RATE)
    promise_2_s: int | None = _moment("Service that begins later is very late")
    late_2_cost_per_s: int = column(
        0, description="What a second costs more from then on.", ge=0, le=MAX_RATE
    )
    promise_3_s: int | None = _moment("Service that begins later is later still")
    late_3_cost_per_s: int = column(
        0, description="What a second costs more from then on.", ge=0, le=MAX_RATE
    )
    refusal_cost: int = column(
        -1, description="Cost of not serving it; -1 if it must be served.", ge=-1, le=FAR
    )
    pickup_place: str = refers("places", "Where it is picked up, if not at a store.", "")
    pickup_service_s: int = column(0, description="Time at the pick-up.", unit="s", ge=0, le=FAR)
    pickup_earliest_s: int | None = _moment("Pick-up begins no earlier")
    pickup_latest_s: int | None = _moment("Pick-up begins no later")
    skills: int = column(
        0, description="Bit mask of what its courier must have.", ge=0, le=MAX_MASK
    )
    locked_courier: str = refers("couriers", "Couriers that alone may carry it; any if empty.", "")
    planned_courier: str = refers("couriers", "Couriers that the last plan gave it to.", "")
    planned_store: str = refers("stores", "Store that the last plan served it from.", "")
    change_cost: int = column(
        0, description="Cost of another courier or store than planned.", ge=0, le=FAR
    )
    stores: str = column(
        "",
        description="Stores that may serve it, separated by `|`; all if empty, none if `|`.",
        ref="stores",
        max_length=1_000_000,
    )


class RoutingCourierRow(Row):
    """A courier, or a class of couriers that are alike."""

    key: ClassVar[str | None] = "id"
    id: str = ident()
    start_place: str = refers("places", "Where it starts; at its first store if empty.", "")
    end_place: str = refers("places", "Where it ends; where its last order was if empty.", "")
    count: int = column(1, description="How many there are.", ge=0, le=FAR)
    capacity: int = column(FAR, description="Most load in the first dimension.", ge=0, le=FAR)
    capacity_2: int = column(FAR, description="In the second dimension.", ge=0, le=FAR)
    capacity_3: int = column(FAR, description="In the third dimension.", ge=0, le=FAR)
    capacity_4: int = column(FAR, description="In the fourth dimension.", ge=0, le=FAR)
    earliest_s: int | None = _moment("Its route starts no earlier")
    latest_s: int | None = _moment("Its route has ended by then")
    profile: int = column(0, description="Number of its profile, from 0.", ge=0, le=1000)
    fixed_cost: int = column(0, description="Cost of using it.", ge=0, le=FAR)
    cost_per_m: int = column(1, description="Cost of a metre.", ge=0, le=MAX_RATE)
    cost_per_s: int = column(0, description="Cost of a second of route.", ge=0, le=MAX_RATE)
    cost_per_order: int = column(0, description="Cost of each order delivered.", ge=0, le=FAR)
    min_pay: int = column(0, description="Least cost of each courier that is used.", ge=0, le=FAR)
    max_distance_m: int = column(FAR, description="Longest route.", unit="m", ge=0, le=FAR)
    max_duration_s: int = column(FAR, description="Longest route.", unit="s", ge=0, le=FAR)
    max_trips: int = column(1, description="Most trips of a route.", ge=1, le=FAR)
    max_stops: int = column(FAR, description="Most orders of a trip.", ge=1, le=FAR)
    skills: int = column(0, description="Bit mask of what it has.", ge=0, le=MAX_MASK)
    stores: str = column(
        "",
        description="Stores where it may load, separated by `|`; all if empty, none if `|`.",
        ref="stores",
        max_length=1_000_000,
    )


class RoutingBreakRow(Row):
    """A break of a courier, on its route or off it."""

    courier: str = refers("couriers", "Who rests; every courier of the class.")
    earliest_s: int | None = _moment("It begins no earlier")
    latest_s: int | None = _moment("It begins no later")
    duration_s: int = column(0, description="How long it is.", unit="s", ge=0, le=FAR)


TABLES: dict[str, type[Row]] = {
    "places": PlaceRow,
    "matrix": MatrixRow,
    "stores": RoutingStoreRow,
    "orders": RoutingOrderRow,
    "couriers": RoutingCourierRow,
    "breaks": RoutingBreakRow,
    "network/nodes": NodeRow,
    "network/edges": EdgeRow,
}
