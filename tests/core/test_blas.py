"""Dense linear algebra on one thread, and on as many as before afterwards."""

from __future__ import annotations

import pytest
import scipy.linalg  # noqa: F401  # loads the library that is asked for its threads
from threadpoolctl import threadpool_info, threadpool_limits

from dispatchopt.core import blas


def _threads() -> list[int]:
    return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]


def test_threads_are_one_inside_and_as_before_outside() -> None:
    with threadpool_limits(2, user_api="blas"):
        outside = _threads()
        assert outside
        with blas.one_thread():
            assert _threads() == [1] * len(outside)
        assert _threads() == outside
        with pytest.raises(ZeroDivisionError), blas.one_thread():
            raise ZeroDivisionError
        assert _threads() == outside
