"""How much memory this process has held."""

from __future__ import annotations

import sys


def peak_mb() -> float:
    """Return the most memory this process has held so far, MB; nan where the system cannot say."""
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in kilobytes, macOS in bytes.
    return peak / 1024**2 if sys.platform == "darwin" else peak / 1024
