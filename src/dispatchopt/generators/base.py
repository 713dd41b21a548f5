"""What every generator offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from dispatchopt.generators.options import Option
from dispatchopt.geography.points import Points


class Made(NamedTuple):
    """A generated problem, and what a document says beside it.

    Parameters
    ----------
    problem
        The problem.
    places
        Places of rows by table, where the problem itself holds none.
    extras
        What no solver needs, as in an instance.
    """

    problem: Any
    places: Mapping[str, Points] = MappingProxyType({})
    extras: Mapping[str, Any] = MappingProxyType({})


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
    make: Callable[..., Made]

    @property
    def name(self) -> str:
        """The kind, by which the generator is found."""
        return self.kind
