"""Nothing leaves before it must."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.stop import Stop
from dispatchopt.dispatch.waves.routes import routes_for
from dispatchopt.dispatch.waves.state import WaveRoute, WaveState


@dataclass(frozen=True, kw_only=True)
class Lazy:
    """Only what would be late otherwise leaves now."""

    name: str = "lazy"

    def decide(self, state: WaveState, *, stop: Stop, seed: int) -> tuple[WaveRoute, ...]:
        """Return routes for what must go."""
        return routes_for(state, np.flatnonzero(state.must_go), stop=stop, seed=seed)


POLICY = Lazy()
