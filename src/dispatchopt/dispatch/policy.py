"""What a policy is, and which there are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Protocol

from dispatchopt.core.errors import UnsupportedError
from dispatchopt.core.plugins import scan
from dispatchopt.core.stop import Stop
from dispatchopt.dispatch.state import Decision, DispatchState


class Policy(Protocol):
    """A dispatcher: a frozen dataclass of parameters, exported by its file as ``POLICY``.

    It holds no state between calls, so it can serve many days at once.
    """

    @property
    def name(self) -> str:
        """Name by which users ask for it."""

    def decide(self, state: DispatchState, *, stop: Stop, seed: int) -> Decision:
        """Decide at a tick, within the limits of ``stop``."""


@cache
def policies() -> Mapping[str, Policy]:
    """Return all policies by name: files of the policies package, and installed plug-ins."""
    return scan("dispatchopt.dispatch.policies", "POLICY", group="dispatchopt.policies")


def find_policy(name: str) -> Policy:
    """Return a policy by its name.

    Raises
    ------
    UnsupportedError
        If there is none of this name; the message lists all.
    """
    found = policies()
    if name not in found:
        names = ", ".join(sorted(found))
        raise UnsupportedError(f"there is no dispatch policy {name!r}; there are: {names}")
    return found[name]
