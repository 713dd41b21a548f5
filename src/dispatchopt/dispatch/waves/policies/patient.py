"""Routes leave only if something on them must."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.stop import Stop
from dispatchopt.dispatch.waves.routes import routes_for
from dispatchopt.dispatch.waves.state import WaveRoute, WaveState


@dataclass(frozen=True, kw_only=True)
class Patient:
    """Plan everything as if it left now, and send only routes that hold what must go.

    A simple rule that several entries of the EURO Meets NeurIPS 2022 competition used.
    """

    name: str = "patient"

    def decide(self, state: WaveState, *, stop: Stop, seed: int) -> tuple[WaveRoute, ...]:
        """Return the routes that hold what must go."""
        routes = routes_for(state, np.arange(len(state.requests)), stop=stop, seed=seed)
        return tuple(route for route in routes if state.must_go[list(route)].any())


POLICY = Patient()
