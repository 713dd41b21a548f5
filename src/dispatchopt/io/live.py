"""States of the live dispatcher and its answers, as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dispatchopt.dispatch.entry import Answer
from dispatchopt.dispatch.quotes import Quote
from dispatchopt.dispatch.state import DispatchState, OpenOrders, TripPlan
from dispatchopt.io._live_build import Index, build_state
from dispatchopt.io._live_write import lay_out
from dispatchopt.io.atomic import require_input
from dispatchopt.io.encodings.base import decode, header_object, parse_json
from dispatchopt.io.headers import keep_faults
from dispatchopt.io.issues import Issues, Said, single
from dispatchopt.io.schema.state import DecisionsDocument, StateDocument
from dispatchopt.simulation.day import Day

STATE, DECISIONS = "dispatchopt-state", "dispatchopt-decisions"


@dataclass(frozen=True, kw_only=True)
class Names:
    """Names of what a state counts by index.

    Parameters
    ----------
    places, stores, couriers, orders, asked
        Names; an index beyond the end, or of an empty tuple, is its own name.
    """

    places: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    couriers: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()

    def of(self, what: str, index: int) -> str:
        """Return the name of one thing."""
        known: tuple[str, ...] = getattr(self, what)
        return known[index] if index < len(known) else str(index)


def names_of(day: Day) -> Names:
    """Return the names of a day's tables, for states of its simulation."""
    return Names(stores=day.stores.ids, couriers=day.couriers.ids, orders=day.orders.ids)


@dataclass(frozen=True, kw_only=True, eq=False)
class Live:
    """A state that was read.

    Parameters
    ----------
    state
        What the dispatcher gets.
    asked
        Baskets that a promise is asked for, or None.
    names
        Names of everything.
    name
        Name of the document.
    """

    state: DispatchState
    asked: OpenOrders | None
    names: Names
    name: str = ""


#: Said of a document where a state is wanted.
_A_DAY = "a day is decided on at a second of it, `dispatchopt dispatch DAY --at SECOND`"


def parse_state(text: str, source: str = "state") -> Live:
    """Return the state that a JSON text describes.

    Raises
    ------
    InputError
        Listing everything that is wrong.
    """
    return state_of(parse_json(text, source), source)


def state_of(value: Any, source: str = "body") -> Live:
    """Return the state that a JSON value describes, such as the body of a request.

    Raises
    ------
    InputError
        Listing everything that is wrong.
    """
    given, issues = header_object(value, source), Issues()
    if given.get("format") != STATE:
        hint = _A_DAY if given.get("format") == "dispatchopt" else ""
        issues.add("wrong-format", f"{source} /format", given.get("format"), repr(STATE), hint)
    if given.get("version") != 1 or isinstance(given.get("version"), bool):
        issues.add("wrong-version", f"{source} /version", given.get("version"), "1")
    issues.raise_if_any()
    try:
        document = StateDocument.model_validate(dict(given))
    except ValidationError as error:
        keep_faults(error, StateDocument, source, issues)
        issues.raise_if_any()
        raise
    index = Index(document, issues, source)
    state, asked = build_state(document, index)
    names = Names(**{what: index.ids(what) for what in Names.__dataclass_fields__})
    return Live(state=state, asked=asked, names=names, name=document.name)


def read_state(path: str | Path) -> Live:
    """Return the state that a file holds; ``-`` is standard input.

    Raises
    ------
    InputError
        Listing everything that is wrong.
    """
    if str(path) == "-":
        return parse_state(decode(sys.stdin.buffer.read(), "stdin"), "stdin")
    path = Path(path)
    require_input(path)
    if path.is_dir():
        raise single("wrong-format", str(path), Said("a folder"), "a state as JSON", _A_DAY)
    try:
        data = path.read_bytes()
    except OSError as error:
        found = Said(error.strerror or str(error))
        raise single("unreadable-file", str(path), found, "a file that can be read") from None
    return parse_state(decode(data, path.name), path.name)


def state_value(
    state: DispatchState,
    names: Names | None = None,
    *,
    asked: OpenOrders | None = None,
    name: str = "",
) -> dict[str, Any]:
    """Return a state as plain values, as they stand in JSON.

    Raises
    ------
    InputError
        If its travel can only be written as a matrix and there are too many places.
    """
    known = Names() if names is None else names
    return {"format": STATE, "version": 1, "name": name, **lay_out(state, known.of, asked)}


def state_text(
    state: DispatchState,
    names: Names | None = None,
    *,
    asked: OpenOrders | None = None,
    name: str = "",
) -> str:
    """Return a state as JSON; ``parse_state`` gives it back, counted anew from 0."""
    value = state_value(state, names, asked=asked, name=name)
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def answer_value(
    answer: Answer, names: Names | None = None, *, quotes: bool = True, name: str = ""
) -> dict[str, Any]:
    """Return what the dispatcher decided as plain values, as they stand in JSON.

    Parameters
    ----------
    answer
        What ``dispatch`` returned.
    names
        Names of everything.
    quotes
        Whether open orders are quoted; baskets that were asked for always are.
    name
        Name of the state.
    """
    known = Names() if names is None else names
    decision, of = answer.decision, known.of
    return {
        "format": DECISIONS,
        "version": 1,
        "name": name,
        "now_s": answer.state.now_s,
        "policy": answer.policy,
        "seed": answer.seed,
        "elapsed_s": round(answer.elapsed_s, 6),
        "refusals": [
            {"order": of("orders", order), "reason": str(why)} for order, why in decision.refusals
        ],
        "sourcing": [
            {"order": of("orders", order), "store": of("stores", store)}
            for order, store in decision.sourcing
        ],
        "trips": _trips(decision.trips, known),
        "moves": [
            {"courier": of("couriers", courier), "place": of("places", place)}
            for courier, place in decision.moves
        ],
        "planned": _trips(decision.planned, known),
        "waiting": [
            {
                "order": of("orders", each.order),
                "why": str(each.why),
                "courier": None if each.courier < 0 else of("couriers", each.courier),
                "remedy": each.remedy,
            }
            for each in answer.waiting
        ],
        "quotes": [_quote(each, known, "orders") for each in answer.quotes] if quotes else [],
        "asked": [_quote(each, known, "asked") for each in answer.asked_quotes],
    }


def answer_text(
    answer: Answer, names: Names | None = None, *, quotes: bool = True, name: str = ""
) -> str:
    """Return what the dispatcher decided as JSON."""
    value = answer_value(answer, names, quotes=quotes, name=name)
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _trips(trips: Sequence[TripPlan], names: Names) -> list[dict[str, Any]]:
    return [
        {
            "courier": names.of("couriers", trip.courier),
            "store": names.of("stores", trip.store),
            "orders": [names.of("orders", order) for order in trip.orders],
        }
        for trip in trips
    ]


def _quote(quote: Quote, names: Names, what: str) -> dict[str, Any]:
    def moment(second: int) -> int | None:
        return None if second < 0 else second

    return {
        "order": names.of(what, quote.order),
        "store": None if quote.store < 0 else names.of("stores", quote.store),
        "courier": None if quote.courier < 0 else names.of("couriers", quote.courier),
        "ready_s": moment(quote.ready_s),
        "pickup_s": moment(quote.pickup_s),
        "door_s": moment(quote.door_s),
        "safe_s": moment(quote.safe_s),
        "is_in_time": quote.is_in_time,
        "cost_cents": quote.cost_cents,
        "reason": quote.reason,
    }


def is_state(value: Mapping[str, Any]) -> bool:
    """Whether a JSON object calls itself a state."""
    return value.get("format") == STATE


def check_answer(value: Any) -> None:
    """Hold an answer against its schema.

    Raises
    ------
    InputError
        Listing everything that is wrong.
    """
    issues = Issues()
    try:
        DecisionsDocument.model_validate(value)
    except ValidationError as error:
        keep_faults(error, DecisionsDocument, "decisions", issues)
        issues.raise_if_any()
