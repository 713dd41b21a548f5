"""What a service sends to the dispatcher at a tick, and what it gets back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from dispatchopt.io.schema.base import MAX_ID, Part
from dispatchopt.io.schema.city import Vehicle
from dispatchopt.io.schema.day import UNLIMITED_ML, DayRulesPart

_MOST_S = 100 * 86_400
#: What never happens is written as a second far beyond any day.
_NEVER_S = 10**11
_MOST_M = 1e7


def _name(description: str, default: Any = ...) -> Any:
    return Field(default, description=description, min_length=1, max_length=MAX_ID)


def _moment(description: str, default: Any = ..., least: int = 0) -> Any:
    return Field(
        default,
        description=f"{description} In seconds of the day.",
        ge=least,
        le=_NEVER_S,
    )


class PlacePart(Part):
    """A place."""

    id: str = _name("Name, once in the list.")
    lon: float | None = Field(None, description="Longitude (WGS84).", ge=-180, le=180)
    lat: float | None = Field(None, description="Latitude (WGS84).", ge=-90, le=90)
    x_m: float | None = Field(
        None, description="East, for travel on a plane.", ge=-_MOST_M, le=_MOST_M
    )
    y_m: float | None = Field(
        None, description="North, for travel on a plane.", ge=-_MOST_M, le=_MOST_M
    )


class TravelPart(Part):
    """Travel among the places."""

    kind: Literal["straight", "matrix", "plane"] = Field(
        default="straight",
        description="`straight`: a line between coordinates times `detour_factor`; `matrix`: "
        "`distance_m` and `duration_s`; `plane`: whole steps between `x_m` and `y_m`.",
    )
    vehicle: Vehicle | None = Field(
        default=None,
        description="Profile: speed of straight travel, and its hours; e-bike where needed.",
    )
    detour_factor: float = Field(
        default=1.4, description="Road metres per metre of straight line.", ge=1, le=10
    )
    source: str = Field(default="given", description="Where a matrix comes from.", max_length=200)
    profile: str = Field(default="unknown", description="Vehicle of a matrix.", max_length=200)
    distance_m: list[list[int | None]] = Field(
        default=[], description="Metres, a row per place in the order of the list; null: no way."
    )
    duration_s: list[list[int | None]] = Field(
        default=[], description="Seconds in free flow, likewise."
    )
    metres_per_step: float = Field(
        default=1.0, description="Metres of a step on a plane.", gt=0, le=_MOST_M
    )
    step_s: int = Field(default=1, description="Seconds of a step.", ge=1, le=86_400)


class OptionPart(Part):
    """A store that may serve an order."""

    store: str = _name("The store.")
    missing_lines: int = Field(0, description="Lines it could not fill now.", ge=0, le=10**6)
    is_empty: bool = Field(False, description="Whether it could fill nothing of it.")


class OpenOrderPart(Part):
    """An order that is placed and on no trip yet."""

    id: str = _name("Name, once in the list.")
    place: str = _name("Where it goes.")
    placed_s: int = _moment("When it was placed.")
    due_s: int = _moment("Until when it is promised.")
    load_ml: int = Field(0, description="Volume in millilitres.", ge=0, le=10**12)
    num_lines: int = Field(0, description="Lines to pick.", ge=0, le=10**6)
    store: str | None = _name("Store where it is being picked; null while none is chosen.", None)
    ready_s: int = _moment(
        "When it is expected to be ready; -1 while no store is chosen, unless it is given.", -1, -1
    )
    ready_samples_s: list[Annotated[int, Field(ge=0, le=_NEVER_S)]] = Field(
        [],
        description="Equally likely moments at which it is ready, as many for each order that has "
        "any; none where `ready_s` is sure.",
        max_length=100,
    )
    options: list[OptionPart] = Field([], description="Stores that may serve it.")
    declined_by: list[str] = Field([], description="Couriers who declined it.")


class CourierStatePart(Part):
    """A courier on shift, or soon to come."""

    id: str = _name("Name, once in the list.")
    place: str = _name("Where the courier is, or will be once free.")
    is_free: bool = Field(True, description="Whether an instruction may be given now.")
    free_s: int | None = _moment(
        "When the courier is expected to be free; null for now or the start of the shift.", None
    )
    parked_s: int | None = _moment(
        "When the courier stopped there without goods; null if not so.", None
    )
    taken_orders: int = Field(
        0, description="Orders taken on since the start of the shift.", ge=0, le=10**6
    )
    store: str | None = _name("Store whose trips it may do; null for any.", None)
    on_s: int = _moment("Start of the shift.", 0)
    off_s: int = _moment("End of the shift.", 86_400)
    capacity_orders: int = Field(1000, description="Most orders of a trip.", ge=1, le=10**6)
    capacity_ml: int = Field(
        UNLIMITED_ML, description="Most volume of a trip.", ge=0, le=UNLIMITED_ML
    )
    pace: float = Field(1.0, description="Factor on the durations of the travel.", gt=0, le=100)


class StoreStatePart(Part):
    """A store."""

    id: str = _name("Name, once in the list.")
    place: str = _name("Where it is.")
    open_s: int = _moment("Orders are taken on from here.", 0)
    close_s: int = Field(
        86_400, description="And before this, in seconds of the day.", ge=0, le=10**9
    )
    pickers: int = Field(1, description="Orders picked at the same time.", ge=0, le=10**6)
    pick_base_s: int = Field(120, description="Picking an order takes this.", ge=0, le=_MOST_S)
    pick_line_s: int = Field(15, description="And this per line.", ge=0, le=_MOST_S)
    picker_free_s: int | None = _moment(
        "When picking of one more order could start; null for now, or never without pickers.", None
    )
    recent_orders: int = Field(
        0, description="Orders taken on within the last hour.", ge=0, le=10**9
    )


class PlannedPart(Part):
    """A trip: one courier fetches orders at one store and brings them in this sequence."""

    courier: str = _name("Who.")
    store: str = _name("From where.")
    orders: list[str] = Field(description="The orders, in the sequence of delivery.", min_length=1)


class StateDocument(Part):
    """All that is known at a tick: the body of a call of the dispatcher."""

    format: Literal["dispatchopt-state"] = Field(description="Always `dispatchopt-state`.")
    version: Literal[1] = Field(description="Version of the format: 1.")
    name: str = Field("", description="Name for messages.", max_length=200)
    now_s: int = _moment("Now.")
    rules: DayRulesPart = Field(DayRulesPart(), description="The rules.")
    travel: TravelPart = Field(TravelPart(), description="How long the ways among them take.")
    places: list[PlacePart] = Field(description="The places.", min_length=1)
    stores: list[StoreStatePart] = Field([], description="All stores.")
    couriers: list[CourierStatePart] = Field([], description="Couriers on shift or soon to come.")
    orders: list[OpenOrderPart] = Field([], description="Orders placed and on no trip.")
    asked: list[OpenOrderPart] = Field(
        [], description="Baskets that customers ask a promise for; nothing is decided on them."
    )
    last: list[PlannedPart] = Field(
        [], description="`planned` of the last answer: trips that have not begun."
    )


class SourcingPart(Part):
    """Start picking."""

    order: str = _name("The order.")
    store: str = _name("Where.")


class RefusalPart(Part):
    """An order that is refused."""

    order: str = _name("The order.")
    reason: str = Field(description="Code of the reason.")


class MovePart(Part):
    """Drive somewhere and wait for work."""

    courier: str = _name("Who.")
    place: str = _name("Where to.")


class WaitingPart(Part):
    """An open order that starts no trip now."""

    order: str = _name("The order.")
    why: str = Field(description="`store`, `picking`, `planned`, `courier` or `better`.")
    courier: str | None = _name("The courier planned for it.", None)
    remedy: str = Field(description="What would have to change.")


class QuotePart(Part):
    """What can be said about when an order is at its door."""

    order: str = _name("The order, or the basket asked for.")
    store: str | None = _name("From where; null where nobody can.", None)
    courier: str | None = _name("By whom.", None)
    ready_s: int | None = _moment("Expected to be ready.", None)
    pickup_s: int | None = _moment("Expected to be taken over.", None)
    door_s: int | None = _moment("Expected at the door.", None)
    safe_s: int | None = _moment("At the door in nine of ten cases.", None)
    is_in_time: bool = Field(description="Whether `safe_s` keeps the promise.")
    cost_cents: float = Field(description="What it adds to the cost.", ge=0)
    reason: str = Field("", description="Why not, or why not in time.")


class DecisionsDocument(Part):
    """What the dispatcher decided, and why."""

    format: Literal["dispatchopt-decisions"] = Field(description="Always `dispatchopt-decisions`.")
    version: Literal[1] = Field(description="Version of the format: 1.")
    name: str = Field("", description="Name of the state.", max_length=200)
    now_s: int = _moment("The tick.")
    policy: str = Field(description="The policy that decided.")
    seed: int = Field(description="Seed of the call.", ge=0)
    elapsed_s: float = Field(description="Wall clock of the decision in seconds.", ge=0)
    refusals: list[RefusalPart] = Field([], description="Orders refused; they take effect first.")
    sourcing: list[SourcingPart] = Field([], description="Then these stores start picking.")
    trips: list[PlannedPart] = Field([], description="Then these trips begin; they are final.")
    moves: list[MovePart] = Field([], description="And these couriers drive without goods.")
    planned: list[PlannedPart] = Field(
        [],
        description="Trips meant to begin later; the `last` of the next state. They bind nobody.",
    )
    waiting: list[WaitingPart] = Field([], description="Orders that start no trip now, and why.")
    quotes: list[QuotePart] = Field([], description="When each open order is expected.")
    asked: list[QuotePart] = Field([], description="A quote for each basket that was asked for.")


#: Documents of the live dispatcher, by the name of their published schema.
LIVE: dict[str, type[BaseModel]] = {
    "dispatch-decisions": DecisionsDocument,
    "dispatch-state": StateDocument,
}
