"""dispatchopt: where stores stand, what stock lies in them, which courier carries what.

.. code-block:: python

    import dispatchopt as do

    city = do.read("instances/city-small").problem
    plan = do.plan(city, stop=do.Stop(time_s=60), seed=1)
    print(plan.siting.status, plan.siting.gap, plan.figures["day"])

Names are imported when first used, so that a command line answers at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dispatchopt.core import (
        Cancel,
        DispatchOptError,
        EngineError,
        InputError,
        MissingPackageError,
        NoSolutionError,
        Result,
        Status,
        Stop,
        StopReason,
        UnsupportedError,
    )
    from dispatchopt.generators import generate
    from dispatchopt.io import convert, read, read_solution, write, write_solution
    from dispatchopt.pipeline import City, CityPlan, plan
    from dispatchopt.registry import check, solve
    from dispatchopt.reporting import render_html, report_html
    from dispatchopt.simulation import simulate

_HOMES = {
    "Cancel": "core",
    "City": "pipeline",
    "CityPlan": "pipeline",
    "DispatchOptError": "core",
    "EngineError": "core",
    "InputError": "core",
    "MissingPackageError": "core",
    "NoSolutionError": "core",
    "Result": "core",
    "Status": "core",
    "Stop": "core",
    "StopReason": "core",
    "UnsupportedError": "core",
    "check": "registry",
    "convert": "io",
    "generate": "generators",
    "plan": "pipeline",
    "read": "io",
    "read_solution": "io",
    "render_html": "reporting",
    "report_html": "reporting",
    "simulate": "simulation",
    "solve": "registry",
    "write": "io",
    "write_solution": "io",
}

__all__ = [
    "Cancel",
    "City",
    "CityPlan",
    "DispatchOptError",
    "EngineError",
    "InputError",
    "MissingPackageError",
    "NoSolutionError",
    "Result",
    "Status",
    "Stop",
    "StopReason",
    "UnsupportedError",
    "check",
    "convert",
    "generate",
    "plan",
    "read",
    "read_solution",
    "render_html",
    "report_html",
    "simulate",
    "solve",
    "write",
    "write_solution",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"dispatchopt.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'dispatchopt' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
