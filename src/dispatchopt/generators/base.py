"""What every generator offers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dispatchopt.generators.options import Option
from dispatchopt.geography.points import Points


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
        The generator: ``make(seed=1, network=None, **options)`` returns the problem, and places
        by table where the problem itself holds none.
    """

    kind: str
    about: str
    options: tuple[Option, ...]
    make: Callable[..., tuple[Any, dict[str, Points]]]

    @property
    def name(self) -> str:
        """The kind, by which the generator is found."""
        return self.kind
