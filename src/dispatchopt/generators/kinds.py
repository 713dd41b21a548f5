"""The generators by the kind of what they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dispatchopt.core.errors import InputError, Issue
from dispatchopt.core.plugins import scan
from dispatchopt.generators.base import Generator, Made
from dispatchopt.generators.city import CityOptions, generate_city
from dispatchopt.generators.options import list_options
from dispatchopt.generators.snapshot import RoutingOptions, routing_with_places
from dispatchopt.generators.views import (
    DayOptions,
    SitingOptions,
    StockOptions,
    generate_day,
    inventory_with_places,
    siting_with_places,
)
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points


@dataclass(frozen=True, kw_only=True, eq=False)
class Generated:
    """A generated problem with what a document says about it; the fields of an instance.

    Parameters
    ----------
    name, kind, problem, source
        As in a document.
    places
        Places of rows by table, where the problem itself has none.
    extras
        What no solver needs.
    """

    name: str
    kind: str
    problem: Any
    source: str
    places: Mapping[str, Points]
    extras: Mapping[str, Any]


def _city(**options: Any) -> Made:
    return Made(generate_city(**options))


def _day(**options: Any) -> Made:
    return Made(generate_day(**options))


GENERATORS: dict[str, Generator] = {
    each.kind: each
    for each in (
        Generator(
            kind="city",
            about="streets, people, sites, goods, a day of orders, couriers",
            options=list_options(CityOptions),
            make=_city,
        ),
        Generator(
            kind="siting",
            about="customers and candidate sites with distances by road",
            options=list_options(SitingOptions),
            make=siting_with_places,
        ),
        Generator(
            kind="inventory",
            about="stores and SKUs with uncertain demand",
            options=list_options(StockOptions),
            make=inventory_with_places,
        ),
        Generator(
            kind="routing",
            about="open orders, stores and couriers at one moment",
            options=list_options(RoutingOptions),
            make=routing_with_places,
        ),
        Generator(
            kind="day",
            about="a day of orders, stocked stores and couriers, ready to be replayed",
            options=list_options(DayOptions),
            make=_day,
        ),
    )
}
GENERATORS |= scan("dispatchopt.generators.single", "GENERATOR")


def generate(kind: str, *, seed: int = 1, network: Network | None = None, **options: Any) -> Any:
    """Return a generated problem of a kind; see ``GENERATORS`` for the options of each.

    Raises
    ------
    InputError
        If there is no such kind, or listing every option that does not fit.
    """
    return _made(kind, seed, network, options).problem


def generate_document(
    kind: str, *, seed: int = 1, network: Network | None = None, **options: Any
) -> Generated:
    """Return a generated problem with its name, its source, and the places of its rows.

    Raises
    ------
    InputError
        As ``generate``.
    """
    problem, places, extras = _made(kind, seed, network, options)
    words = [f"--size {options.get('size', 'small')}", f"--seed {seed}"]
    words += [
        f"--set {name}={value}"
        for name, value in options.items()
        if name != "size" and value is not None
    ]
    made = f"made by dispatchopt generate {kind} {' '.join(words)}"
    if network is None:
        source = f"{made}; no real place; Apache-2.0"
    else:
        source = f"{made}, on streets of {network.source}"
    size = options.get("size", "small")
    name = f"Generated {kind}, {size}, seed {seed}"
    if kind == "city":
        name = problem.name
        problem = problem.replace(source=source)
    return Generated(
        name=name, kind=kind, problem=problem, source=source, places=places, extras=extras
    )


def _made(kind: str, seed: int, network: Network | None, options: dict[str, Any]) -> Made:
    if kind not in GENERATORS:
        raise InputError(
            Issue(
                code="unknown-choice",
                where="kind",
                found=repr(kind)[:60],
                wanted=f"one of {', '.join(GENERATORS)}",
            )
        )
    return GENERATORS[kind].make(seed=seed, network=network, **options)
