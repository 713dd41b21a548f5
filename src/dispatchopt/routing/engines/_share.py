"""A run of which an engine gives a share to another one."""

from __future__ import annotations

from typing import Any

from dispatchopt.core.run import Run
from dispatchopt.routing.problem import RoutingSolution


class Share:
    """A run of which only a share of the time and some steps are left."""

    def __init__(self, run: Run[RoutingSolution], time_s: float, steps: int) -> None:
        self._run = run
        self._until_s = run.clock.elapsed_s + time_s
        self._until = run.iterations + steps

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)

    @property
    def time_left_s(self) -> float:
        """Seconds left of the share."""
        return min(self._run.time_left_s, self._until_s - self._run.clock.elapsed_s)

    def should_stop(self) -> bool:
        """Whether the share, or the run, is over."""
        is_over = self._run.iterations >= self._until or self.time_left_s <= 0
        return self._run.should_stop() or is_over

    def step(self, count: int = 1) -> bool:
        """Count steps of the run."""
        self._run.step(count)
        return not self.should_stop()
