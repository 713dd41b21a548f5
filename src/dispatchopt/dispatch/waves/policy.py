"""What a policy for waves is, and which there are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Protocol

from dispatchopt.core.errors import UnsupportedError
from dispatchopt.core.plugins import scan
from dispatchopt.core.stop import Stop
from dispatchopt.dispatch.waves.state import WaveRoute, WaveState


class WavePolicy(Protocol):
    """A frozen dataclass of parameters, exported by its file as ``POLICY``; it holds no state."""

    @property
    def name(self) -> str:
        """Name by which users ask for it."""

    def decide(self, state: WaveState, *, stop: Stop, seed: int) -> tuple[WaveRoute, ...]:
        """Return the routes that leave now, within the limits of ``stop``."""


@cache
def wave_policies() -> Mapping[str, WavePolicy]:
    """Return all policies by name: files of the policies package, and installed plug-ins."""
    return scan("dispatchopt.dispatch.waves.policies", "POLICY", group="dispatchopt.wave_policies")


def find_wave_policy(name: str) -> WavePolicy:
    """Return a policy by its name.

    Raises
    ------
    UnsupportedError
        If there is none of this name; the message lists all.
    """
    found = wave_policies()
    if name not in found:
        names = ", ".join(sorted(found))
        raise UnsupportedError(f"there is no policy {name!r} for waves; there are: {names}")
    return found[name]
