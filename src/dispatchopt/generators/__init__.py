"""Seeded synthetic instances of every kind."""

from dispatchopt.generators.base import Generator
from dispatchopt.generators.city import CityOptions, generate_city
from dispatchopt.generators.kinds import (
    GENERATORS,
    Generated,
    generate,
    generate_document,
)
from dispatchopt.generators.options import Option
from dispatchopt.generators.snapshot import RoutingOptions, generate_routing
from dispatchopt.generators.streets import generate_streets
from dispatchopt.generators.views import (
    DayOptions,
    InventoryOptions,
    SitingOptions,
    generate_day,
    generate_inventory,
    generate_siting,
)

__all__ = [
    "GENERATORS",
    "CityOptions",
    "DayOptions",
    "Generated",
    "Generator",
    "InventoryOptions",
    "Option",
    "RoutingOptions",
    "SitingOptions",
    "generate",
    "generate_city",
    "generate_day",
    "generate_document",
    "generate_inventory",
    "generate_routing",
    "generate_siting",
    "generate_streets",
]
