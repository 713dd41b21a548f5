"""Dense linear algebra on one thread."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg.lapack import dpotrf

from dispatchopt.core import blas


def test_threads_are_one_inside_and_as_before_outside() -> None:
    threads = blas._threads()
    if threads is None:
        # Another library than OpenBLAS: nothing is changed, and what is inside runs.
        with blas.one_thread():
            assert dpotrf(np.eye(3))[1] == 0
        return
    ask, tell = threads
    before = ask()
    try:
        tell(2)
        outside = ask()
        with blas.one_thread():
            assert ask() == 1
        assert ask() == outside
        with pytest.raises(ZeroDivisionError), blas.one_thread():
            raise ZeroDivisionError
        assert ask() == outside
    finally:
        tell(before)


def test_without_openblas_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "_threads", lambda: None)
    with blas.one_thread():
        assert dpotrf(np.eye(3))[1] == 0
