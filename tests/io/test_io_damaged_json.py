"""Damaged JSON documents: one readable error that names place, value and wish; nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dispatchopt import io
from dispatchopt.core.errors import InputError
from dispatchopt.io.documents import kinds

Maker = Callable[[str], dict[str, Any]]
DELETE = object()


def spoil(value: Any, path: str, new: Any) -> Any:
    """Set (or delete) what stands at a JSON path of a document."""
    *parents, last = path.strip("/").split("/")
    inner = value
    for key in parents:
        inner = inner[int(key)] if isinstance(inner, list) else inner[key]
    if new is DELETE:
        del inner[last]
    elif isinstance(inner, list):
        inner[int(last) : int(last) + 1] = [new]
    else:
        inner[last] = new
    return value


# kind, JSON path, new value, code, part of the place, part of what is found
CASES: list[tuple[str, str, Any, str, str, str]] = [
    ("city", "/format", DELETE, "wrong-format", "/format", "nothing"),
    ("city", "/format", "geojson", "wrong-format", "/format", "'geojson'"),
    ("city", "/version", 2, "wrong-version", "/version", "2"),
    ("city", "/version", True, "wrong-version", "/version", "True"),
    ("city", "/version", "1", "wrong-version", "/version", "'1'"),
    ("city", "/kind", "town", "wrong-kind", "/kind", "'town'"),
    ("city", "/kind", ["city"], "wrong-kind", "/kind", "['city']"),
    ("city", "/kind", "siting", "unknown-table", "/skus", "skus"),
    ("city", "/crs", "WGS-84", "wrong-crs", "/crs", "'WGS-84'"),
    ("city", "/crs", "EPSG:99999", "wrong-crs", "crs", "EPSG:99999"),
    ("city", "/colour", "red", "unknown-key", "/colour", "colour"),
    ("city", "/parameters/reach", 3000, "unknown-key", "/parameters/reach", "reach"),
    ("city", "/parameters/reach_m", -1, "out-of-range", "/parameters/reach_m", "-1"),
    ("city", "/parameters/reach_m", 2**63, "out-of-range", "/parameters/reach_m", str(2**63)),
    ("city", "/parameters/reach_m", 3000.5, "not-whole", "/parameters/reach_m", "3000.5"),
    ("city", "/parameters/reach_m", "3000", "wrong-type", "/parameters/reach_m", "'3000'"),
    ("city", "/parameters/reach_m", True, "wrong-type", "/parameters/reach_m", "True"),
    ("city", "/parameters/required_share", 1.5, "out-of-range", "required_share", "1.5"),
    ("city", "/parameters/siting_goal", "max", "bad-choice", "siting_goal", "'max'"),
    ("city", "/parameters", [1], "wrong-type", "/parameters", "[1]"),
    ("city", "/name", ["x"], "wrong-type", "/name", "['x']"),
    ("city", "/customers", DELETE, "missing-table", "text", "no such table"),
    ("city", "/customers", [], "empty-table", "/customers", "no rows"),
    ("city", "/sites", [], "empty-table", "/sites", "no rows"),
    ("city", "/customers", {"c1": 1}, "wrong-type", "/customers", "{'c1': 1}"),
    ("city", "/customers", None, "wrong-type", "/customers", "nothing"),
    ("city", "/customers/0", [1, 2], "wrong-type", "/customers/0", "[1, 2]"),
    ("city", "/customers/0", None, "wrong-type", "/customers/0", "nothing"),
    ("city", "/customers/0/lat", DELETE, "missing-value", "/customers/0/lat", "nothing"),
    ("city", "/customers/0/lat", None, "missing-value", "/customers/0/lat", "nothing"),
    ("city", "/customers/0/lat", "41.15", "wrong-type", "/customers/0/lat", "'41.15'"),
    ("city", "/customers/0/lat", True, "wrong-type", "/customers/0/lat", "True"),
    ("city", "/customers/0/lat", 141.0, "out-of-range", "/customers/0/lat", "141.0"),
    ("city", "/customers/0/lon", float("nan"), "not-finite", "/customers/0/lon", "nan"),
    ("city", "/customers/0/lon", float("inf"), "not-finite", "/customers/0/lon", "inf"),
    ("city", "/customers/0/lon", 0.0, "far-apart", "/customers/0/lon", "0.0"),
    ("city", "/customers/0/demand_units", -1, "out-of-range", "/customers/0/demand_units", "-1"),
    ("city", "/customers/0/demand_units", 2**63, "out-of-range", "demand_units", str(2**63)),
    ("city", "/customers/0/demand_units", 10**5000, "out-of-range", "demand_units", "large int"),
    ("city", "/customers/0/demand_units", 2.5, "not-whole", "demand_units", "2.5"),
    ("city", "/customers/0/demand_units", False, "wrong-type", "demand_units", "False"),
    ("city", "/customers/0/demand", 5, "unknown-column", "/customers", "demand"),
    ("city", "/customers/0/id", 17, "wrong-type", "/customers/0/id", "17"),
    ("city", "/customers/0/id", "", "missing-value", "/customers/0/id", "''"),
    ("city", "/customers/0/id", " c1", "bad-text", "/customers/0/id", "' c1'"),
    ("city", "/customers/0/id", "c\n1", "bad-text", "/customers/0/id", "'c\\n1'"),
    ("city", "/customers/0/id", "c\ud800", "bad-text", "/customers/0/id", "ud800"),
    ("city", "/customers/0/id", "x" * 10**6, "too-long", "/customers/0/id", "1000000 characters"),
    ("city", "/customers/1/id", "c1", "duplicate-id", "/customers/1/id", "'c1'"),
    ("city", "/customers/0/id", {"a": 1}, "wrong-type", "/customers/0/id", "{'a': 1}"),
    ("city", "/sites/0/status", "open", "bad-choice", "/sites/0/status", "'open'"),
    ("city", "/sites/0/status", 1, "wrong-type", "/sites/0/status", "1"),
    ("city", "/sites/0/pickers", 0, "out-of-range", "/sites/0/pickers", "0"),
    ("city", "/skus/0/case_pack_units", 0, "out-of-range", "/skus/0/case_pack_units", "0"),
    ("city", "/skus/0/is_fresh", 1, "wrong-type", "/skus/0/is_fresh", "1"),
    ("city", "/skus/0/abc_class", "D", "bad-choice", "/skus/0/abc_class", "'D'"),
    ("city", "/skus/1/id", "milk", "duplicate-id", "/skus/1/id", "'milk'"),
    ("city", "/orders/0/customer", "c9", "unknown-reference", "/orders/0/customer", "'c9'"),
    ("city", "/orders/0/placed_s", "10:00", "wrong-type", "/orders/0/placed_s", "'10:00'"),
    ("city", "/order_lines/0/sku", "mlik", "unknown-reference", "/order_lines/0/sku", "'mlik'"),
    ("city", "/order_lines/0/order", "o9", "unknown-reference", "/order_lines/0/order", "'o9'"),
    ("city", "/order_lines/0/units", 0, "out-of-range", "/order_lines/0/units", "0"),
    ("city", "/couriers/0/off_s", 29999, "bad-order", "/couriers/0/off_s", "29999"),
    ("city", "/couriers/0/vehicle", "bike", "bad-choice", "/couriers/0/vehicle", "'bike'"),
    ("city", "/couriers/0/lat", 41.1, "missing-value", "/couriers/0/lat", "41.1"),
    ("city", "/network", [1], "wrong-type", "/network", "1"),
    ("city", "/network/nodes", {}, "wrong-type", "/network/nodes", "{}"),
    ("city", "/network/edges/0/to", "9", "unknown-reference", "/network/edges/0/to", "'9'"),
    ("city", "/network/edges/0/length_m", -1, "out-of-range", "/network/edges/0/length_m", "-1"),
    ("city", "/network/edges/0/shape", "1 2 3", "bad-shape-text", "edges/0/shape", "'1 2 3'"),
    ("city", "/shops", [], "unknown-table", "/shops", "shops"),
    ("city", "/notes", 5, "wrong-type", "/notes", "5"),
    ("siting", "/coverage", DELETE, "missing-table", "text", "no table coverage"),
    ("siting", "/coverage/0/site", "s9", "unknown-reference", "/coverage/0/site", "'s9'"),
    ("siting", "/coverage/0/distance_m", -5, "out-of-range", "/coverage/0/distance_m", "-5"),
    ("siting", "/coverage/0/cost_cents", 5.0, "missing-value", "/coverage/1/cost_cents", "nan"),
    ("siting", "/parameters/max_sites", None, "missing-limit", "max_sites", "None"),
    ("siting", "/parameters/cover_by", 0, "out-of-range", "/parameters/cover_by", "0"),
    ("siting", "/parameters/travel", "straight", "conflict", "/coverage", "a table coverage"),
    ("siting", "/sites/0/capacity_units", -3, "out-of-range", "capacity_units", "-3"),
    ("inventory", "/demand", DELETE, "missing-table", "text", "no table demand"),
    ("inventory", "/demand/0/mean_units", -1.0, "out-of-range", "/demand/0/mean_units", "-1.0"),
    ("inventory", "/demand/0/sku", "tea", "unknown-reference", "/demand/0/sku", "'tea'"),
    ("inventory", "/parameters", {"rule": "fill-rate"}, "no-target", "target", "None"),
    ("inventory", "/skus/0/holding_cost", 0.0, "holding-cost-too-low", "holding_cost", "0.0"),
    ("inventory", "/stock/0/on_hand_units", 1e300, "out-of-range", "on_hand_units", "1e+300"),
    ("routing", "/orders/0/place", "p9", "unknown-reference", "/orders/0/place", "'p9'"),
    ("routing", "/orders/0/stores", "s1|s7", "unknown-reference", "/orders/0/stores", "'s7'"),
    ("routing", "/orders/0/stores", "s1|s1", "duplicate-pair", "/orders/0/stores", "'s1|s1'"),
    ("routing", "/couriers/0/profile", 1, "unknown-reference", "/couriers/0/profile", "1"),
    ("routing", "/places/0/lon", None, "missing-value", "/places/0/lon", "nan"),
    ("routing", "/parameters/travel", "given", "missing-table", "text", "no table matrix"),
    ("routing", "/parameters/profiles/0/name", "bus", "unknown-profile", "profile", "'bus'"),
    ("routing", "/parameters/profiles", [], "wrong-type", "/parameters/profiles", "[]"),
    ("day", "/orders/0/due_s", 50, "bad-order", "/orders/0/due_s", "50"),
    ("day", "/couriers/0/store", "s9", "unknown-reference", "/couriers/0/store", "'s9'"),
    ("day", "/couriers/0/pace", 0.0, "out-of-range", "/couriers/0/pace", "0.0"),
    ("day", "/parameters/rules/tick_s", 0, "out-of-range", "/parameters/rules/tick_s", "0"),
    ("day", "/parameters/rules/tick", 5, "unknown-key", "/parameters/rules/tick", "tick"),
    ("day", "/stores/0/place", DELETE, "missing-column", "/stores", "the columns id"),
]
#: Damages that are stated beside a kind's sound document; "delete" takes the value away.
SOUND = Path(__file__).parent / "sound"
CASES += [
    (path.stem, where, DELETE if new == "delete" else new, code, place, found)
    for path in sorted(SOUND.glob("*.json"))
    for where, new, code, place, found in json.loads(path.read_text(encoding="utf-8"))["damaged"]
]


def error_of(text: str) -> InputError:
    with pytest.raises(InputError) as caught:
        io.parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("kind", "path", "new", "code", "where", "found"),
    CASES,
    ids=[f"{case[0]}{case[1]}-{case[3]}-{at}" for at, case in enumerate(CASES)],
)
def test_damaged(  # noqa: PLR0917 - one argument per column of the table
    document: Maker, kind: str, path: str, new: Any, code: str, where: str, found: str
) -> None:
    value = spoil(document(kind), path, new)
    with pytest.raises(InputError) as caught:
        io.parse_value(value, "text")
    matching = [issue for issue in caught.value.issues if issue.code == code]
    assert matching, str(caught.value)
    assert any(where in issue.where and found in issue.found for issue in matching), matching
    assert all(issue.wanted for issue in caught.value.issues)
    assert max(len(line) for line in str(caught.value).splitlines()) < 1200


@pytest.mark.parametrize("kind", list(kinds()))
def test_sound_documents_are_read(document: Maker, kind: str) -> None:
    assert io.parse_value(document(kind)).kind == kind


def test_all_problems_are_listed_at_once(document: Maker) -> None:
    value = document("city")
    value["version"] = 3
    value["parameters"]["reach"] = 1
    value["customers"][0]["lat"] = 100.0
    value["orders"][0]["customer"] = "nobody"
    value["couriers"][0]["off_s"] = 5
    with pytest.raises(InputError) as caught:
        io.parse_value(value)
    codes = {issue.code for issue in caught.value.issues}
    assert codes == {
        "wrong-version",
        "unknown-key",
        "out-of-range",
        "unknown-reference",
        "bad-order",
    }


def test_a_thousand_problems_of_a_kind_are_listed_shortly(document: Maker) -> None:
    value = document("city")
    value["customers"] = [{"id": f"c{row}", "lon": -8.6, "lat": 99.0} for row in range(1000)]
    with pytest.raises(InputError) as caught:
        io.parse_value(value)
    issues = [issue for issue in caught.value.issues if issue.code == "out-of-range"]
    assert len(issues) == 21
    assert issues[-1].found == "980 more of this kind"


@pytest.mark.parametrize(
    ("path", "new", "hint"),
    [
        ("/customers/0/demand", 5, "'demand_units'"),
        ("/parameters/reach", 5, "'reach_m'"),
        ("/kind", "City", "'city'"),
        ("/order_lines/0/sku", "mlik", "'milk'"),
        ("/couriers/0/vehicle", "E-Bike", "'e-bike'"),
        ("/customers/0/lat", "41.15", "without quotes"),
        ("/customers/0/id", 17, "quotes"),
        ("/skus/0/is_fresh", 1, "true or false"),
        ("/costumers", [], "'customers'"),
    ],
)
def test_hints(document: Maker, path: str, new: Any, hint: str) -> None:
    value = document("city")
    if path == "/costumers":
        del value["customers"]
    with pytest.raises(InputError) as caught:
        io.parse_value(spoil(value, path, new))
    assert any(hint in issue.hint for issue in caught.value.issues), str(caught.value)


def test_swapped_coordinates_are_recognised(document: Maker) -> None:
    value = document("city")
    for row in value["customers"]:
        row["lon"], row["lat"] = 31.2, 121.4
    with pytest.raises(InputError, match="lon and lat look swapped"):
        io.parse_value(value)


def test_swapped_coordinates_within_range_are_recognised(document: Maker) -> None:
    value = document("city")
    row = value["customers"][0]
    row["lon"], row["lat"] = row["lat"], row["lon"]
    with pytest.raises(InputError, match="lon and lat look swapped"):
        io.parse_value(value)


def test_null_island_is_recognised(document: Maker) -> None:
    value = document("city")
    value["customers"][0] |= {"lon": 0.0, "lat": 0.0}
    with pytest.raises(InputError, match="0, 0 stands for an unknown place"):
        io.parse_value(value)


def test_road_without_network(document: Maker) -> None:
    value = document("city")
    value["parameters"]["travel"] = "road"
    del value["network"]
    with pytest.raises(InputError, match="network/nodes"):
        io.parse_value(value)


TEXTS: list[tuple[str, str]] = [
    ("", "bad-json"),
    ("   ", "bad-json"),
    ("{", "bad-json"),
    ('{"format": "dispatchopt", "version": 1,', "bad-json"),
    ("[1, 2]", "wrong-type"),
    ('"city"', "wrong-type"),
    ("null", "wrong-type"),
    ("12", "wrong-type"),
    ("{'format': 1}", "bad-json"),
    ('{"format": "dispatchopt", "format": "dispatchopt"}', "duplicate-key"),
    ("[" * 100_000, "bad-json"),
    ('{"a":' * 100_000, "bad-json"),
    ('{"x": ' + "9" * 5000 + "}", "bad-json"),
    ("{}", "wrong-format"),
    ('{"format": "dispatchopt", "version": 1, "kind": "city"} x', "bad-json"),
]


@pytest.mark.parametrize(("text", "code"), TEXTS, ids=range(len(TEXTS)))
def test_damaged_text(text: str, code: str) -> None:
    assert code in {issue.code for issue in error_of(text).issues}


@pytest.mark.parametrize("cut", range(1, 40))
def test_truncated(document: Maker, cut: int) -> None:
    text = json.dumps(document("city"))
    assert {issue.code for issue in error_of(text[: cut * len(text) // 40]).issues} == {"bad-json"}


def test_a_faulty_parameter_leaves_the_others_as_they_are() -> None:
    """Travel by straight lines needs no matrix, whatever is wrong with the profiles."""
    place = {"id": "p", "lon": 0.0, "lat": 0.0}
    value = {
        "format": "dispatchopt",
        "version": 1,
        "kind": "routing",
        "parameters": {"travel": "straight", "profiles": ["bicycle"]},
        "places": [place],
        "stores": [{"id": "s", "place": "p"}],
        "couriers": [{"id": "c", "start_place": "p"}],
        "orders": [{"id": "o", "place": "p"}],
    }
    with pytest.raises(InputError) as caught:
        io.parse_value(value, "text")
    (issue,) = caught.value.issues
    assert issue.where.endswith("/parameters/profiles/0")
    assert issue.wanted == "an object with one value per key"
    value["parameters"] = {"travel": "straight", "profiles": [{"name": "bicycle"}, {"name": "cow"}]}
    with pytest.raises(InputError) as caught:
        io.parse_value(value, "text")
    (issue,) = caught.value.issues
    assert (issue.code, issue.where) == ("unknown-profile", "/parameters/profiles/1/name")
