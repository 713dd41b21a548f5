"""The published form of the schema: JSON Schema files, and the reference page of all keys.

``python -m dispatchopt.io.schema.publish docs`` writes both anew.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from dispatchopt.io.documents import kinds
from dispatchopt.io.kinds.base import Kind
from dispatchopt.io.results import solution_kinds
from dispatchopt.io.schema.base import Column, Row, columns_of
from dispatchopt.io.schema.state import LIVE

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of every document as a single JSON, by file name."""
    found = {f"{kind.name}.json": _schema(document_model(kind)) for kind in kinds().values()}
    found |= {
        f"{name}-solution.json": _schema(kind.document)
        for name, kind in sorted(solution_kinds().items())
    }
    return found | {f"{name}.json": _schema(model) for name, model in LIVE.items()}


def document_model(kind: Kind) -> type[BaseModel]:
    """Return the model of a whole document: its header, and its tables as lists of records."""
    fields: dict[str, Any] = {}
    network: dict[str, Any] = {}
    for table, row in kind.rows.items():
        group, _, name = table.rpartition("/")
        into = network if group else fields
        is_required = table in kind.required
        about = (row.__doc__ or "").splitlines()[0]
        into[name] = (
            list[row],  # type: ignore[valid-type]
            Field(description=f"Table `{table}`. {about}", min_length=1 if is_required else 0)
            if is_required
            else Field(default=[], description=f"Table `{table}`. {about}"),
        )
    if network:
        model = create_model("Network", __config__=ConfigDict(extra="forbid"), **network)
        fields["network"] = (model, Field(default=None, description="The streets."))
    title = "".join(word.capitalize() for word in kind.name.split("-")) + "Document"
    made: type[BaseModel] = create_model(title, __base__=kind.header, **fields)
    return made


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return {"$schema": _DRAFT, **model.model_json_schema()}


def reference_page() -> str:
    """Return the page that lists every key and column, in Markdown."""
    lines = [
        "# Keys and columns of documents",
        "",
        "Made from the models by `python -m dispatchopt.io.schema.publish docs`, not by hand.",
        "What the encodings are and how errors read: [formats.md](formats.md).",
        "",
    ]
    for kind in kinds().values():
        lines += [f"## {kind.name}", "", *_header_lines(kind.header, ""), ""]
        for table, row in kind.rows.items():
            needed = " (at least one row)" if table in kind.required else ""
            lines += [f"### {kind.name}: table `{table}`{needed}", ""]
            # Python 3.13 takes the indentation out of docstrings, earlier ones leave it in.
            lines += [inspect.cleandoc(row.__doc__ or ""), "", *_column_lines(row), ""]
    for name, made in sorted(solution_kinds().items()):
        lines += [f"## {name} solution", "", *_header_lines(made.document, ""), ""]
    for name, live in LIVE.items():
        lines += [f"## {name}", "", *_header_lines(live, ""), ""]
    return "\n".join(lines).rstrip() + "\n"


def _column_lines(row: type[Row]) -> Iterator[str]:
    yield "| column | holds | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for column in columns_of(row).values():
        cells = (f"`{column.name}`", _holds(column), _default(column), _cell(column.description))
        yield f"| {' | '.join(cells)} |"


def _holds(column: Column) -> str:
    if column.ref:
        return f"names of `{column.ref}`"
    return _cell(column.wanted)


def _default(column: Column) -> str:
    if column.is_required:
        return "required"
    if column.default is None:
        return "not given"
    return f"`{json.dumps(column.default)}`"


def _header_lines(model: type[BaseModel], prefix: str) -> list[str]:
    lines = [] if prefix else ["| key | default | meaning |", "| --- | --- | --- |"]
    for name, field in model.model_fields.items():
        inner = _inner(field.annotation)
        default = (
            "required"
            if field.is_required()
            else _plain_default(field.get_default(call_default_factory=True))
        )
        lines.append(f"| `{prefix}{name}` | {default} | {_cell(field.description or '')} |")
        if inner is not None:
            lines += _header_lines(inner, f"{prefix}{name}.")
    return lines


def _inner(annotation: Any) -> type[BaseModel] | None:
    """Return the model that a key holds, alone or in a list, if it is one."""
    for each in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
    return None


def _plain_default(default: Any) -> str:
    if isinstance(default, BaseModel) or (isinstance(default, list) and default):
        return "see below"
    return f"`{json.dumps(default)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def files() -> Mapping[str, str]:
    """Return everything that is published, by path below the folder of the documentation."""
    found = {
        f"schema/{name}": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in json_schemas().items()
    }
    return {**found, "schema.md": reference_page()}


def main(folder: Path) -> None:
    """Write everything that is published into a folder."""
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
