"""Numbers as text: by hand, there and back, and at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.reporting.packing import pack, pack_lines, pack_ring, pack_steps, unpack


def test_pack_by_hand() -> None:
    # Zigzag: 0 -> 0 = A, -1 -> 1 = B, 1 -> 2 = C, 15 -> 30 = e, 16 -> 32 = (0 and more) 1 = gB.
    assert pack([0, -1, 1, 15, 16]) == "ABCegB"


def test_pack_steps_are_differences() -> None:
    assert unpack(pack_steps([100, 105, 103])).tolist() == [100, 5, -2]


def test_empty_column() -> None:
    assert pack([]) == ""
    assert unpack("").tolist() == []


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-(2**51), 2**51)))
def test_pack_there_and_back(values: list[int]) -> None:
    assert unpack(pack(values)).tolist() == values


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-(2**51), 2**51)))
def test_packed_text_needs_no_escape(values: list[int]) -> None:
    assert not set(pack(values)) & set("<>&\\\"'`\n")


def test_number_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        pack([2**52])


def test_lines_keep_their_vertices() -> None:
    packed = pack_lines([8.0, 8.00002, 9.0], [41.0, 41.00001, 42.0], [2, 1])
    assert unpack(packed["counts"]).tolist() == [2, 1]
    xy = np.cumsum(unpack(packed["xy"]).reshape(-1, 2), axis=0)
    assert xy.tolist() == [[800000, 4100000], [800002, 4100001], [900000, 4200000]]


def test_ring_starts_at_its_own_first_vertex() -> None:
    assert unpack(pack_ring([[1.0, 2.0], [1.00001, 2.0]])).tolist() == [100000, 200000, 1, 0]
