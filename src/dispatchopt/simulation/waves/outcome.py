"""What a day in epochs was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dispatchopt.core.arrays import digest


@dataclass(frozen=True, kw_only=True)
class Wave:
    """One epoch.

    Parameters
    ----------
    epoch
        Its number.
    num_open, num_must
        Requests open, and of these how many had to go.
    routes
        Numbers of requests in sequence.
    cost_s
        Seconds of driving.
    wall_s
        Wall clock of the decision; it differs from run to run and is no part of the digest.
    """

    epoch: int
    num_open: int
    num_must: int
    routes: tuple[tuple[int, ...], ...]
    cost_s: int
    wall_s: float


@dataclass(frozen=True, kw_only=True)
class WaveOutcome:
    """A simulated day in epochs.

    Parameters
    ----------
    day_name, policy, seed
        What was simulated.
    waves
        The epochs.
    """

    day_name: str
    policy: str
    seed: int
    waves: tuple[Wave, ...]

    @property
    def cost_s(self) -> int:
        """Seconds of driving of all routes: what the competition counts."""
        return sum(wave.cost_s for wave in self.waves)

    @property
    def digest(self) -> str:
        """Digest of all routes; equal for equal days, whatever the wall clock said."""
        return digest([self.day_name, [[wave.epoch, list(wave.routes)] for wave in self.waves]])

    def figures(self) -> dict[str, Any]:
        """Return the figures of the day as plain values, fit for JSON."""
        walls = sorted(wave.wall_s for wave in self.waves)
        return {
            "day": self.day_name,
            "policy": self.policy,
            "seed": self.seed,
            "cost_s": self.cost_s,
            "epochs": len(self.waves),
            "requests": sum(len(route) for wave in self.waves for route in wave.routes),
            "routes": sum(len(wave.routes) for wave in self.waves),
            "by_epoch": [
                {
                    "epoch": wave.epoch,
                    "open": wave.num_open,
                    "must": wave.num_must,
                    "sent": sum(len(route) for route in wave.routes),
                    "routes": len(wave.routes),
                    "cost_s": wave.cost_s,
                }
                for wave in self.waves
            ],
            "decision_max_s": walls[-1] if walls else 0.0,
        }
