"""Damaged files: a network or an InputError, nothing else."""

import warnings
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core.errors import InputError
from dispatchopt.geography import Network
from dispatchopt.io.roads import parse_graphml, parse_tables
from dispatchopt.io.roads.text import alternatives, highway_of, maxspeed_kmh, name_of, oneway_of

EXTREMES = [
    b"nan",
    b"inf",
    b"-1",
    b"1e400",
    b"9223372036854775808",
    b"",
    b"\x00",
    b"'",
    b'"',
    b"\xff",
]


def _network_or_error(parse: Callable[[], Network]) -> Network | None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return parse()
        except InputError as error:
            return None if error.issues else pytest.fail("an error without an issue")


@st.composite
def damage(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """Cut, overwrite, repeat or replace a value by an extreme."""
    kind = draw(st.sampled_from(["cut", "flip", "repeat", "extreme"]))
    where, size = draw(st.floats(0, 1)), draw(st.integers(1, 20))
    bytes_in = draw(st.binary(min_size=1, max_size=4))
    extreme = draw(st.sampled_from(EXTREMES))

    def apply(content: bytes) -> bytes:
        at = int(where * (len(content) - 1))
        if kind == "cut":
            return content[:at]
        if kind == "flip":
            return content[:at] + bytes_in + content[at + len(bytes_in) :]
        if kind == "repeat":
            return content[: at + size] + content[at:]
        ends = [k for k in range(at, len(content)) if content[k : k + 1] in b",\n<"]
        end = ends[0] if ends else len(content)
        return content[:at] + extreme + content[end:]

    return apply


@settings(max_examples=60, deadline=None)
@given(change=damage(), which=st.booleans())
def test_damaged_tables(
    nodes_csv: bytes, edges_csv: bytes, change: Callable[[bytes], bytes], which: bool
) -> None:
    nodes = change(nodes_csv) if which else nodes_csv
    edges = edges_csv if which else change(edges_csv)
    _network_or_error(lambda: parse_tables(nodes, edges))


@settings(max_examples=60, deadline=None)
@given(change=damage())
def test_damaged_graphml(graphml: bytes, change: Callable[[bytes], bytes]) -> None:
    _network_or_error(lambda: parse_graphml(change(graphml), "g"))


@settings(max_examples=25, deadline=None)
@given(nodes=st.binary(), edges=st.binary())
def test_any_bytes_as_tables(nodes: bytes, edges: bytes) -> None:
    assert _network_or_error(lambda: parse_tables(nodes, edges)) is None


@settings(max_examples=25, deadline=None)
@given(content=st.binary())
def test_any_bytes_as_graphml(content: bytes) -> None:
    assert _network_or_error(lambda: parse_graphml(content, "g")) is None


@settings(max_examples=25, deadline=None)
@given(text=st.text())
def test_any_words_are_read(text: str) -> None:
    assert isinstance(alternatives(text), list)
    assert highway_of(text) is None or highway_of(text)
    assert name_of(text) is None or name_of(text)
    assert maxspeed_kmh(text) != 0 or "0" in text
    assert oneway_of(text) in (True, False, None)


@pytest.mark.parametrize(
    ("cell", "speed"),
    [("50", 50), ("30 mph", 48.28032), ("['50', '30']", 30), (["50", "70 km/h"], 50), (40, 40)],
)
def test_speed_limits(cell: object, speed: float) -> None:
    assert maxspeed_kmh(cell) == pytest.approx(speed)


@pytest.mark.parametrize("cell", [None, float("nan"), "none", "walk", "RO:urban", ""])
def test_no_speed_limit(cell: object) -> None:
    assert maxspeed_kmh(cell) != maxspeed_kmh(cell)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [(True, True), ("yes", True), ("-1", True), ("no", False), (None, False),
     ("[True, False]", False), ("maybe", None)],
)  # fmt: skip
def test_one_ways(cell: object, expected: bool | None) -> None:
    assert oneway_of(cell) is expected


def test_a_comma_may_be_part_of_a_name() -> None:
    assert name_of("Rua A, B") == "Rua A, B"
    assert name_of("['Rua A', 'Rua B']") == "Rua A"
