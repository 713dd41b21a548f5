"""Finding engines and policies: a new one is one file in a folder that is scanned."""

from __future__ import annotations

import importlib
import pkgutil
from importlib import metadata
from typing import Any

from dispatchopt.core.errors import DispatchOptError


def scan(package: str, export: str, *, group: str | None = None) -> dict[str, Any]:
    """Return the objects that the files of a package export, by their ``name``.

    Parameters
    ----------
    package
        Dotted name of the package whose files are read, such as ``dispatchopt.siting.engines``.
    export
        Name of the variable that each file must hold, such as ``ENGINE``.
    group
        Entry-point group by which other distributions add theirs.

    Raises
    ------
    DispatchOptError
        If a file exports none, or if a name is taken twice.
    """
    home = importlib.import_module(package)
    found: dict[str, Any] = {}
    origin: dict[str, str] = {}
    sources = [
        (f"{package}.{module.name}", importlib.import_module(f"{package}.{module.name}"))
        for module in sorted(pkgutil.iter_modules(home.__path__), key=lambda each: each.name)
        if not module.name.startswith("_")
    ]
    if group is not None:
        sources += [
            (point.value, point.load())
            for point in sorted(metadata.entry_points(group=group), key=lambda each: each.name)
        ]
    for where, module in sources:
        thing = getattr(module, export, None)
        if thing is None:
            raise DispatchOptError(f"{where} exports no {export}")
        if thing.name in found:
            raise DispatchOptError(
                f"the name {thing.name!r} is taken by {origin[thing.name]} and by {where}"
            )
        found[thing.name] = thing
        origin[thing.name] = where
    return found
