"""The schema is stated once: what is published, documented and used as default follows from it."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dispatchopt.dispatch.rules import DayRules
from dispatchopt.geography import PROFILES
from dispatchopt.io.documents import kinds
from dispatchopt.io.reading import encodings
from dispatchopt.io.schema import publish
from dispatchopt.io.schema.base import columns_of
from dispatchopt.io.schema.city import CityParametersPart
from dispatchopt.io.schema.day import DayRulesPart
from dispatchopt.io.schema.routing import TABLES
from dispatchopt.pipeline.city import CityParameters
from dispatchopt.routing.breaks import Breaks
from dispatchopt.routing.tables import Couriers, Orders, Stores

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.mark.parametrize("name", sorted(publish.files()))
def test_published_file_equals_the_models(name: str) -> None:
    """Run ``python -m dispatchopt.io.schema.publish docs`` after a change."""
    assert (DOCS / name).read_text(encoding="utf-8") == publish.files()[name]


def test_every_column_and_key_has_a_description() -> None:
    for kind in kinds().values():
        for row in kind.rows.values():
            assert all(column.description for column in columns_of(row).values()), row
    for schema in publish.json_schemas().values():
        for model in schema["$defs"].values():
            for key, field in model.get("properties", {}).items():
                assert field.get("description"), key


@pytest.mark.parametrize("kind", list(kinds()))
def test_json_schema_names_tables_and_required_columns(kind: str) -> None:
    schema = publish.json_schemas()[f"{kind}.json"]
    text = json.dumps(schema)
    assert schema["additionalProperties"] is False
    for table, row in kinds()[kind].rows.items():
        assert row.__name__ in schema["$defs"]
        wanted = [each.name for each in columns_of(row).values() if each.is_required]
        assert schema["$defs"][row.__name__].get("required", []) == wanted, table
    assert '"format"' in text


@pytest.mark.parametrize(
    ("model", "own"), [(CityParametersPart, CityParameters), (DayRulesPart, DayRules)]
)
def test_defaults_of_parameters_are_those_of_the_problem(model: Any, own: Any) -> None:
    assert model().model_dump() == dataclasses.asdict(own())


@pytest.mark.parametrize(
    ("table", "own"),
    [("orders", Orders), ("stores", Stores), ("couriers", Couriers), ("breaks", Breaks)],
)
def test_defaults_of_routing_columns_are_those_of_the_problem(table: str, own: Any) -> None:
    columns = columns_of(TABLES[table])
    for field in dataclasses.fields(own):
        named = {"pickup_place", "locked_courier", "planned_courier", "planned_store"}
        if "range" not in field.metadata or field.name in named:
            continue
        column = columns[field.name]
        default: Any = field.default_factory
        if column.default is not None:
            assert column.default == default(), field.name
        low, high = field.metadata["range"]
        assert (low, high) == (column.low, column.high) or field.name == "profile", field.name


def test_vehicles_are_the_profiles() -> None:
    vehicles = columns_of(kinds()["city"].rows["couriers"])["vehicle"].choices
    assert set(vehicles) == set(PROFILES)


def codes_in_source() -> dict[str, set[str]]:
    """Return every error code in the source with the files that use it."""
    makers = {"add", "single", "_issue", "issue", "problem_issue", "CellError", "_cells", "flag"}
    makers |= {"report", "each", "_wrong", "Issue"}
    found: dict[str, set[str]] = {}
    for path in (ROOT / "src" / "dispatchopt").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            given = [word.value for word in node.keywords if word.arg == "code"]
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else ""
            name = function.id if isinstance(function, ast.Name) else name
            if name in makers:
                given += node.args[1:4] if name in ("flag", "report") else node.args[:1]
            for argument in given:
                for part in ast.walk(argument):
                    value = part.value if isinstance(part, ast.Constant) else None
                    if isinstance(value, str) and re.fullmatch(r"[a-z]+(-[a-z]+)+", value):
                        found.setdefault(value, set()).add(path.name)
    return found


def test_every_error_code_is_documented() -> None:
    text = (ROOT / "instances" / "README.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", text, flags=re.MULTILINE))
    found = codes_in_source()
    assert {"missing-column", "unknown-reference", "far-from-road"} <= set(found)
    assert set(found) - documented == set()


@pytest.mark.parametrize("word", ["WGS84", "GCJ-02", "BD-09", "EPSG:", "stdin", "rappi"])
def test_formats_page_names(word: str) -> None:
    assert word in (DOCS / "formats.md").read_text(encoding="utf-8")


def test_formats_page_names_every_encoding_and_format() -> None:
    from dispatchopt.io.formats import formats

    text = (DOCS / "formats.md").read_text(encoding="utf-8")
    for name in [*encodings(), *formats()]:
        assert f"`{name}`" in text
    for each in formats().values():
        for option in each.options:
            assert f"`{option}`" in text


def test_importing_io_is_light() -> None:
    code = (
        "import sys, dispatchopt.io; "
        "heavy = {'pydantic', 'pandas', 'geopandas', 'pyogrio', 'openpyxl', 'pyarrow'}; "
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_exported_names_exist() -> None:
    from dispatchopt import io

    for name in io.__all__:
        assert callable(getattr(io, name))
    with pytest.raises(AttributeError):
        _ = io.nothing
