"""Everything leaves at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.stop import Stop
from dispatchopt.dispatch.waves.routes import routes_for
from dispatchopt.dispatch.waves.state import WaveRoute, WaveState


@dataclass(frozen=True, kw_only=True)
class Greedy:
    """The reference: all that is open leaves now, on routes as good as the time allows."""

    name: str = "greedy"

    def decide(self, state: WaveState, *, stop: Stop, seed: int) -> tuple[WaveRoute, ...]:
        """Return routes for everything."""
        return routes_for(state, np.arange(len(state.requests)), stop=stop, seed=seed)


POLICY = Greedy()
