"""Dispatch in waves: requests gather, and at each epoch some of them leave on final routes."""

from __future__ import annotations

from dispatchopt.dispatch.waves.policy import WavePolicy, find_wave_policy, wave_policies
from dispatchopt.dispatch.waves.state import Forecast, Requests, WaveRoute, WaveState

__all__ = [
    "Forecast",
    "Requests",
    "WavePolicy",
    "WaveRoute",
    "WaveState",
    "find_wave_policy",
    "wave_policies",
]
