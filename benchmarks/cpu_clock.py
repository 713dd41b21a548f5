"""A limit in CPU seconds, so that figures do not depend on what else a machine does."""

from __future__ import annotations

import time
from collections.abc import Callable

from dispatchopt.core import Stop
from dispatchopt.core.stop import StopClock


class CpuStop(Stop):
    """A ``Stop`` whose seconds are those that this process was computing."""

    def start(self, clock: Callable[[], float] = time.process_time) -> StopClock:
        """Start the clock of one run."""
        return StopClock(self, clock)
