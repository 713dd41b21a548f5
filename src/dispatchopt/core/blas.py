"""Dense linear algebra on one thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@cache
def _libraries() -> Any:
    """Return what sets the threads of the libraries loaded; SciPy's LAPACK is one of them."""
    import scipy.linalg  # noqa: F401  # only what is loaded is found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Have LAPACK compute on one thread.

    Threads of OpenBLAS wait for each other without giving up their cores: where other work is on
    one of these, a factor of 200 x 200 takes some hundred times as long with two threads as alone.
    """
    with _libraries().limit(limits=1, user_api="blas"):
        yield
