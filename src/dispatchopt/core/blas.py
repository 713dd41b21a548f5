"""Dense linear algebra on one thread."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

#: What OpenBLAS is called in the wheels of SciPy, and elsewhere.
_PREFIXES = ("scipy_openblas", "openblas")


@cache
def _threads() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """Return what asks for, and what sets, the threads of SciPy's LAPACK; None if unknown."""
    from scipy.linalg import _flapack

    try:
        # Symbols of a library are looked for in those it was linked against, too.
        library = ctypes.CDLL(_flapack.__file__)
    except OSError:
        return None
    for prefix in _PREFIXES:
        ask = getattr(library, f"{prefix}_get_num_threads", None)
        tell = getattr(library, f"{prefix}_set_num_threads", None)
        if ask is not None and tell is not None:
            ask.restype = ctypes.c_int
            tell.argtypes, tell.restype = [ctypes.c_int], None
            return ask, tell
    return None


@contextmanager
def one_thread() -> Iterator[None]:
    """Have SciPy's LAPACK compute on one thread; nothing changes where it is no OpenBLAS.

    Threads of OpenBLAS wait for each other without giving up their cores. Where other work is on
    one of these, a factor of 200 x 200 takes some hundred times as long with two threads as alone,
    and where the cores are free, hardly less.
    """
    threads = _threads()
    if threads is None:
        yield
        return
    ask, tell = threads
    before = ask()
    tell(1)
    try:
        yield
    finally:
        tell(before)
