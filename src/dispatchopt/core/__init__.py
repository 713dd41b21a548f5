"""What every other layer stands on: errors, limits, results, and the one runner."""

from dispatchopt.core.domain import Domain, Engine
from dispatchopt.core.errors import (
    DispatchOptError,
    EngineError,
    InputError,
    Issue,
    MissingPackageError,
    NoSolutionError,
    UnsupportedError,
)
from dispatchopt.core.explain import Finding
from dispatchopt.core.result import (
    Progress,
    Report,
    Result,
    Status,
    StopReason,
    TracePoint,
    Violation,
)
from dispatchopt.core.run import Callback, Run, solve
from dispatchopt.core.stop import Cancel, Stop, StopClock
from dispatchopt.core.versions import versions

__all__ = [
    "Callback",
    "Cancel",
    "DispatchOptError",
    "Domain",
    "Engine",
    "EngineError",
    "Finding",
    "InputError",
    "Issue",
    "MissingPackageError",
    "NoSolutionError",
    "Progress",
    "Report",
    "Result",
    "Run",
    "Status",
    "Stop",
    "StopClock",
    "StopReason",
    "TracePoint",
    "UnsupportedError",
    "Violation",
    "solve",
    "versions",
]
