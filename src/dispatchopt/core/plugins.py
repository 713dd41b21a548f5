"""Finding engines and policies: a new one is one file in a folder that is scanned."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

from dispatchopt.core.errors import DispatchOptError


class Plugins(Mapping[str, Any]):
    """The objects that the files of a package export, by their ``name``.

    Where a file is called as its object is (with "_" for "-"), asking for that object imports this
    file alone; whatever looks at all of them imports all, and what other distributions add.

    Parameters
    ----------
    package
        Dotted name of the package whose files are read, such as ``dispatchopt.siting.engines``.
    export
        Name of the variable that each file must hold, such as ``ENGINE``.
    group
        Entry-point group by which other distributions add theirs.
    """

    def __init__(self, package: str, export: str, group: str | None) -> None:
        home = importlib.import_module(package)
        self._package, self._export, self._group = package, export, group
        self._files = sorted(
            module.name
            for module in pkgutil.iter_modules(home.__path__)
            if not module.name.startswith("_")
        )
        self._found: dict[str, Any] | None = None

    def __getitem__(self, name: str) -> Any:
        """Return an object; KeyError for none."""
        if self._found is None and (file := name.replace("-", "_")) in self._files:
            thing = self._exported(*self._imported(file))
            if thing.name == name:
                return thing
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names, by file and then by entry point."""
        return iter(self._all())

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._all())

    def _imported(self, file: str) -> tuple[str, Any]:
        where = f"{self._package}.{file}"
        return where, importlib.import_module(where)

    def _exported(self, where: str, module: Any) -> Any:
        thing = getattr(module, self._export, None)
        if thing is None:
            raise DispatchOptError(f"{where} exports no {self._export}")
        return thing

    def _all(self) -> dict[str, Any]:
        if self._found is not None:
            return self._found
        sources = [self._imported(file) for file in self._files]
        if self._group is not None:
            points = metadata.entry_points(group=self._group)
            sources += [
                (point.value, point.load()) for point in sorted(points, key=lambda each: each.name)
            ]
        found: dict[str, Any] = {}
        origin: dict[str, str] = {}
        for where, module in sources:
            thing = self._exported(where, module)
            if thing.name in found:
                raise DispatchOptError(
                    f"the name {thing.name!r} is taken by {origin[thing.name]} and by {where}"
                )
            found[thing.name] = thing
            origin[thing.name] = where
        self._found = found
        return found


def scan(package: str, export: str, *, group: str | None = None) -> Plugins:
    """Return the objects that the files of a package export, imported as they are asked for.

    Using them raises DispatchOptError where a file exports none, or where a name is taken twice;
    see ``Plugins`` for the parameters.
    """
    return Plugins(package, export, group)
