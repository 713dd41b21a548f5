"""Faults of headers, in the words that all documents use."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from dispatchopt.io.issues import Issues, Said, nearest

_CODES = {
    "extra_forbidden": "unknown-key",
    "missing": "missing-key",
    "finite_number": "not-finite",
    "greater_than": "out-of-range",
    "greater_than_equal": "out-of-range",
    "less_than": "out-of-range",
    "less_than_equal": "out-of-range",
    "literal_error": "bad-choice",
    "string_pattern_mismatch": "bad-choice",
    "string_too_long": "too-long",
    "int_from_float": "not-whole",
}


def keep_faults(error: ValidationError, model: type[BaseModel], where: str, issues: Issues) -> None:
    """Keep an issue for each fault that a model found."""
    for each in error.errors(include_url=False):
        _keep(each, model, where, issues)


def _keep(each: Any, model: type[BaseModel], where: str, issues: Issues) -> None:
    path = [str(part) for part in each["loc"]]
    code = _CODES.get(each["type"], "wrong-type")
    if each["type"] == "int_type" and isinstance(each["input"], float):
        code = "not-whole"
    hint, wanted = "", each["msg"].removeprefix("Input should be ")
    if code == "unknown-key":
        known = _keys(model, path[:-1])
        listed = f"keys are: {', '.join(known)}" if known else ""
        hint = nearest(path[-1], known) or listed
        issues.add(code, f"{where} /{'/'.join(path)}", path[-1], "a key of the schema", hint)
        return
    if each["type"] in ("model_type", "model_attributes_type", "dict_type"):
        wanted = "an object with one value per key"
    if path == ["crs"]:
        code, wanted = "wrong-crs", "WGS84, GCJ-02, BD-09, or EPSG: and a number"
    if code == "missing-key":
        wanted = "this key"
        issues.add(code, f"{where} /{'/'.join(path)}", Said("nothing"), wanted, hint)
        return
    issues.add(code, f"{where} /{'/'.join(path)}", each["input"], wanted, hint)


def _keys(model: Any, path: list[str]) -> list[str]:
    for part in path:
        if part.isdigit():
            # A row of a list, whose model was found with the list.
            continue
        model = _model_in(model.model_fields[part].annotation if part in model.model_fields else 0)
        if model is None:
            return []
    return list(model.model_fields)


def _model_in(annotation: Any) -> Any:
    """Return the model that an annotation holds, in lists and choices too; None without one."""
    if hasattr(annotation, "model_fields"):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
