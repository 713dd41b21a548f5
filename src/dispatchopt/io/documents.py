"""From documents to instances and back."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import ValidationError

from dispatchopt.geography.points import Points
from dispatchopt.io.document import FORMAT, VERSION, Cells, Document
from dispatchopt.io.headers import keep_faults
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, Said, nearest, single
from dispatchopt.io.kinds._places import check_crs, limits_for, to_wgs84
from dispatchopt.io.kinds.base import Kind, Parts, document_of, empty_table
from dispatchopt.io.schema.base import columns_of
from dispatchopt.io.tables import Checked, check_table


@functools.cache
def kinds() -> Mapping[str, Kind]:
    """Return the kinds of documents by name: each file of ``kinds`` is one."""
    home = importlib.import_module("dispatchopt.io.kinds")
    modules = [
        importlib.import_module(f"{home.__name__}.{each.name}")
        for each in pkgutil.iter_modules(home.__path__)
        if not each.name.startswith("_") and each.name != "base"
    ]
    return {module.KIND.name: module.KIND for module in modules}


def _kind_named(name: str) -> Kind | None:
    """Return a kind, importing all of them only where no file is called so."""
    home, file = "dispatchopt.io.kinds", name.replace("-", "_")
    is_file = file.isidentifier() and not file.startswith("_") and file != "base"
    if is_file and importlib.util.find_spec(f"{home}.{file}") is not None:
        kind: Kind = importlib.import_module(f"{home}.{file}").KIND
        if kind.name == name:
            return kind
    return kinds().get(name)


def instance_of(document: Document) -> Instance:
    """Return the instance that a document holds.

    Raises
    ------
    InputError
        Listing everything that is wrong with the document.
    """
    issues = Issues()
    kind = _kind(document, issues)
    if kind is None:
        issues.raise_if_any()
        raise AssertionError  # unreachable: no kind is an issue
    header = _header(document, kind, issues)
    tables = _tables(document, kind, header, issues)
    parts = Parts(
        header=header,
        tables=tables,
        given=frozenset(document.tables),
        issues=issues,
        where=document.where,
    )
    problem = kind.build(parts)
    return Instance(
        name=header.name,
        kind=kind.name,
        problem=problem,
        source=header.source,
        known_objective=header.known.objective,
        known_bound=header.known.bound,
        notes=header.notes,
        extras={} if kind.extras is None else kind.extras(parts),
        names={} if kind.has_places else _names(tables, kind),
        places={} if kind.has_places else _known_places(tables),
    )


def _names(tables: Mapping[str, Checked], kind: Kind) -> dict[str, tuple[str, ...]]:
    return {
        name: table.ids(key)
        for name, table in tables.items()
        if len(table) and (key := kind.rows[name].key) is not None
    }


def _known_places(tables: Mapping[str, Checked]) -> dict[str, Points]:
    return {
        name: Points(lon=table["lon"], lat=table["lat"])
        for name, table in tables.items()
        if len(table)
        and "lon" in table.columns
        and np.isfinite(table["lon"]).all()
        and np.isfinite(table["lat"]).all()
        and not name.startswith("network/")
    }


def layout_of(instance: Instance) -> Document:
    """Return the document of an instance, checked as if it had been read.

    Raises
    ------
    InputError
        If the instance holds what documents do not allow, such as names with control characters.
    """
    kind = kinds()[instance.kind]
    document = document_of(kind, instance)
    instance_of(document)
    return document


def _kind(document: Document, issues: Issues) -> Kind | None:
    header, where = document.header, document.where
    if header.get("format") != FORMAT:
        hint = nearest("format", header) if "format" not in header else ""
        if header.get("format") == f"{FORMAT}-state":
            hint = "a state of the live dispatcher is for `dispatchopt dispatch`, without --at"
        issues.add("wrong-format", f"{where} /format", header.get("format"), repr(FORMAT), hint)
    version = header.get("version")
    if version != VERSION or isinstance(version, bool):
        hint = "a newer dispatchopt may read it" if isinstance(version, int) and version > 1 else ""
        issues.add("wrong-version", f"{where} /version", version, str(VERSION), hint)
    name = header.get("kind")
    found = _kind_named(name) if isinstance(name, str) else None
    if found is None:
        known = kinds()
        hint = nearest(name, known) if isinstance(name, str) else ""
        issues.add("wrong-kind", f"{where} /kind", name, "one of " + ", ".join(known), hint)
    return found


def _header(document: Document, kind: Kind, issues: Issues) -> Any:
    given = dict(document.header)
    if document.cells is Cells.LOOSE:
        given = _loosened(given)
    # These three have been judged already, with better words.
    given |= {"format": FORMAT, "version": VERSION, "kind": kind.name}
    for name in [each for each in given if each in kind.rows]:
        issues.add("wrong-type", f"/{name}", given.pop(name), "a list of records, one per row")
    try:
        return kind.header.model_validate(given)
    except ValidationError as error:
        keep_faults(error, kind.header, document.where, issues)
        faulty = {
            str(each["loc"][1])
            for each in error.errors()
            if each["loc"][:1] == ("parameters",) and each["loc"][1:]
        }
        parameters = given.get("parameters")
        if isinstance(parameters, dict):
            sound = {key: value for key, value in parameters.items() if key not in faulty}
            given["parameters"] = sound
    except RecursionError:
        issues.add("wrong-type", document.where, Said("values nested too deeply"), "a header")
    fallback: dict[str, Any] = {"format": FORMAT, "version": VERSION, "kind": kind.name}
    for key in ("crs", "parameters"):
        try:
            return kind.header.model_validate({**fallback, key: given.get(key)})
        except (ValidationError, RecursionError):
            continue
    return kind.header.model_validate(fallback)


def _loosened(header: dict[str, Any]) -> dict[str, Any]:
    """Return a header of a spreadsheet: whole numbers that were typed as 3.0, names as 17."""
    result: dict[str, Any] = {}
    for key, value in header.items():
        if isinstance(value, dict) and key != "notes":
            result[key] = _loosened(value)
        elif isinstance(value, float) and value == int(value if abs(value) < 1e15 else 0):
            result[key] = int(value)
        else:
            result[key] = value
    for key in ("name", "source"):
        if isinstance(result.get(key), int | float):
            result[key] = str(result[key])
    return result


def _tables(document: Document, kind: Kind, header: Any, issues: Issues) -> dict[str, Checked]:
    crs = check_crs(header.crs, document.where, issues)
    for name, table in document.tables.items():
        if name not in kind.rows:
            known = [each for each in kind.rows if each not in document.tables]
            hint = nearest(name, known) or f"tables of a {kind.name} are: {', '.join(kind.rows)}"
            issues.add(
                "unknown-table", table.where, name, f"a table of a {kind.name} document", hint
            )
    result = {}
    for name, model in kind.rows.items():
        given = document.tables.get(name)
        if name in kind.required and (given is None or not given.num_rows):
            code = "missing-table" if given is None else "empty-table"
            where = document.where if given is None else given.where
            found = Said("no such table" if given is None else "no rows")
            issues.add(code, where, found, f"a table {name} with at least one row")
        table = given if given is not None else empty_table(name, model)
        limits = limits_for(crs, columns_of(model))
        result[name] = to_wgs84(check_table(name, table, model, issues, limits), crs, issues)
    return result


def kind_of(problem: Any) -> Kind:
    """Return the kind of document that holds a problem.

    Raises
    ------
    InputError
        If there is none.
    """
    for kind in kinds().values():
        if isinstance(problem, kind.problem_type()):
            return kind
    wanted = "a problem of " + ", ".join(kinds())
    raise single("wrong-kind", "problem", Said(type(problem).__name__), wanted)
