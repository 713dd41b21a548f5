"""A day in epochs: requests are drawn, routes leave in waves, and all of it is checked."""

from __future__ import annotations

from dispatchopt.simulation.waves.check import check_waves
from dispatchopt.simulation.waves.outcome import Wave, WaveOutcome
from dispatchopt.simulation.waves.runner import hindsight, simulate_waves
from dispatchopt.simulation.waves.setting import WaveDay, wave_day

__all__ = [
    "Wave",
    "WaveDay",
    "WaveOutcome",
    "check_waves",
    "hindsight",
    "simulate_waves",
    "wave_day",
]
