"""The generators by the kind of what they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dispatchopt.core.errors import InputError, Issue
from dispatchopt.generators.city import CityOptions, generate_city
from dispatchopt.generators.options import Option, list_options
from dispatchopt.generators.snapshot import RoutingOptions, generate_routing
from dispatchopt.generators.views import (
    DayOptions,
    InventoryOptions,
    SitingOptions,
    generate_day,
    generate_inventory,
    generate_siting,
)


@dataclass(frozen=True, kw_only=True)
class Generator:
    """A generator and what it can be asked.

    Parameters
    ----------
    kind
        Kind of document that it makes.
    about
        One line for help texts.
    options
        Its options, beside ``seed`` and ``network``.
    make
        The generator: ``make(seed=1, network=None, **options)``.
    """

    kind: str
    about: str
    options: tuple[Option, ...]
    make: Callable[..., Any]


GENERATORS: dict[str, Generator] = {
    each.kind: each
    for each in (
        Generator(
            kind="city",
            about="streets, people, sites, goods, a day of orders, couriers",
            options=list_options(CityOptions),
            make=generate_city,
        ),
        Generator(
            kind="siting",
            about="customers and candidate sites with distances by road",
            options=list_options(SitingOptions),
            make=generate_siting,
        ),
        Generator(
            kind="inventory",
            about="stores and SKUs with uncertain demand",
            options=list_options(InventoryOptions),
            make=generate_inventory,
        ),
        Generator(
            kind="routing",
            about="open orders, stores and couriers at one moment",
            options=list_options(RoutingOptions),
            make=generate_routing,
        ),
        Generator(
            kind="day",
            about="a day of orders, stocked stores and couriers, ready to be replayed",
            options=list_options(DayOptions),
            make=generate_day,
        ),
    )
}


def generate(kind: str, *, seed: int = 1, **options: Any) -> Any:
    """Return a generated problem of a kind; see ``GENERATORS`` for the options of each.

    Raises
    ------
    InputError
        If there is no such kind, or listing every option that does not fit.
    """
    if kind not in GENERATORS:
        raise InputError(
            Issue(
                code="unknown-choice",
                where="kind",
                found=repr(kind)[:60],
                wanted=f"one of {', '.join(GENERATORS)}",
            )
        )
    return GENERATORS[kind].make(seed=seed, **options)
