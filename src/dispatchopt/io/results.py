"""Results in files: JSON to be read again; CSV, GeoJSON and GeoPackage for other programs."""

from __future__ import annotations

import csv
import functools
import importlib
import io
import json
import math
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dispatchopt.core.arrays import digest
from dispatchopt.core.result import Result, Status, StopReason
from dispatchopt.io.atomic import check_target, require_input, write_whole
from dispatchopt.io.encodings.base import decode, header_object, parse_json
from dispatchopt.io.formats._sol import holds_routes, parse_routes, routes_text
from dispatchopt.io.formats._vroom_output import vroom_text
from dispatchopt.io.formats._vrp_text import text_of
from dispatchopt.io.headers import keep_faults
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, Said, nearest, single
from dispatchopt.io.solutions.base import Feature, SolutionKind

FORMAT = "dispatchopt-solution"
_TEXTS = ("json", "csv", "geojson", "sol", "vroom")
_STDIO = "-"


@functools.cache
def solution_kinds() -> Mapping[str, SolutionKind]:
    """Return the kinds of solutions by name: each file of ``solutions`` is one."""
    home = importlib.import_module("dispatchopt.io.solutions")
    modules = [
        importlib.import_module(f"{home.__name__}.{each.name}")
        for each in pkgutil.iter_modules(home.__path__)
        if each.name != "base"
    ]
    return {module.SOLUTION.name: module.SOLUTION for module in modules}


def _kind_of(instance: Instance) -> SolutionKind:
    known = solution_kinds()
    if instance.kind not in known:
        raise single("wrong-kind", "instance", instance.kind, "one of " + ", ".join(known))
    return known[instance.kind]


def solution_text(result: Result[Any], instance: Instance, form: str = "json") -> str:
    """Return a result as text.

    Parameters
    ----------
    result
        What ``solve`` returned.
    instance
        The instance that was solved.
    form
        ``json``, ``csv`` (decisions only), ``geojson`` (needs places), ``sol`` (routes, as CVRPLIB
        has them) or ``vroom`` (VROOM's output, for what was read from its input).

    Raises
    ------
    InputError
        If the form is unknown, or the instance has no places for a map.
    """
    if form not in _TEXTS:
        raise single("bad-choice", "format", form, "one of " + ", ".join(_TEXTS))
    if form == "csv":
        return _csv(result, instance)
    if form == "vroom":
        return vroom_text(result, instance)
    if form == "sol":
        if instance.kind != "routing":
            found = Said(f"a {instance.kind} document")
            raise single("wrong-kind", "format", found, "routes, for sol")
        return routes_text(result, instance)
    if form == "geojson":
        return _geojson(_features(result, instance))
    return json.dumps(solution_value(result, instance), ensure_ascii=False, indent=1) + "\n"


def solution_value(result: Result[Any], instance: Instance) -> dict[str, Any]:
    """Return a result as plain values, as they stand in JSON."""
    kind = _kind_of(instance)
    made = result.solution
    summary = result.summary()
    return {
        "format": FORMAT,
        "version": 1,
        "kind": instance.kind,
        "instance": {"name": instance.name, "digest": summary.pop("digest") or _digest(instance)},
        **_finite(summary),
        "decisions": None if made is None else kind.decisions(instance, made),
        "unserved": []
        if made is None
        else [asdict(each) for each in kind.unserved(instance, made)],
    }


def _digest(instance: Instance) -> str:
    return digest(instance.problem)


def _finite(value: Any) -> Any:
    """Return a value in which numbers that JSON lacks are None."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.item() if hasattr(value, "item") else value


def _csv(result: Result[Any], instance: Instance) -> str:
    if result.solution is None:
        return ""
    rows = _kind_of(instance).rows(instance, result.solution)
    buffer = io.StringIO()
    if rows:
        writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return buffer.getvalue()


def _features(result: Result[Any], instance: Instance) -> Sequence[Feature]:
    if result.solution is None:
        return []
    found = _kind_of(instance).features(instance, result.solution)
    if not found:
        hint = "write lon and lat into its tables"
        raise single(
            "missing-column", instance.name, Said("no coordinates"), "places, to draw a map", hint
        )
    return found


def _geojson(features: Sequence[Feature]) -> str:
    lines = []
    for each in features:
        lonlat = [
            list(pair)
            for pair in zip(each.places.lon.tolist(), each.places.lat.tolist(), strict=True)
        ]
        geometry = (
            {"type": "Point", "coordinates": lonlat[0]}
            if each.shape == "point"
            else {"type": "LineString", "coordinates": lonlat}
        )
        feature = {"type": "Feature", "geometry": geometry, "properties": dict(each.properties)}
        lines.append(json.dumps(feature, ensure_ascii=False))
    return '{"type": "FeatureCollection", "features": [\n' + ",\n".join(lines) + "\n]}\n"


def _write_gpkg(features: Sequence[Feature], path: Path) -> None:
    import geopandas
    import shapely

    layers: dict[str, list[Feature]] = {}
    for each in features:
        layers.setdefault(str(each.properties["layer"]), []).append(each)
    for name, members in layers.items():
        shapes = [
            shapely.Point(each.places.lon[0], each.places.lat[0])
            if each.shape == "point"
            else shapely.LineString(list(zip(each.places.lon, each.places.lat, strict=True)))
            for each in members
        ]
        columns = {
            key: [each.properties[key] for each in members]
            for key in members[0].properties
            if key != "layer"
        }
        frame = geopandas.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4326")
        frame.to_file(path, layer=name, driver="GPKG", engine="pyogrio")


def write_solution(
    result: Result[Any],
    instance: Instance,
    path: str | Path,
    form: str | None = None,
    *,
    overwrite: bool = False,
) -> None:
    """Write a result, whole or not at all.

    Parameters
    ----------
    result, instance
        What ``solve`` returned, and the instance that was solved.
    path
        Where to; ``-`` for JSON on standard output.
    form
        ``json``, ``csv``, ``geojson``, ``sol``, ``vroom`` or ``gpkg``; by default the ending of the
        path.

    Raises
    ------
    InputError
        If the target exists or cannot be written, or the form is unknown.
    """
    if str(path) == _STDIO:
        sys.stdout.write(solution_text(result, instance, form or "json"))
        return
    path = Path(path)
    form = form or path.suffix.lower().removeprefix(".") or "json"
    if form not in (*_TEXTS, "gpkg"):
        wanted = "an ending " + ", ".join(f".{each}" for each in (*_TEXTS, "gpkg"))
        raise single("bad-choice", str(path), form, wanted)
    check_target(path, overwrite=overwrite, is_folder=False)
    if form == "gpkg":
        features = _features(result, instance)
        write_whole(path, lambda to: _write_gpkg(features, to), overwrite=overwrite)
        return
    data = solution_text(result, instance, form).encode("utf-8")

    def put(to: Path) -> None:
        to.write_bytes(data)

    write_whole(path, put, overwrite=overwrite)


def parse_solution(
    text: str, instance: Instance, source: str = "solution", *, is_decided: bool = False
) -> Result[Any]:
    """Return the result that a text describes.

    Parameters
    ----------
    text
        A solution document, or a list of routes as CVRPLIB has them.
    instance
        The instance it was made for.
    source
        What messages call the text.
    is_decided
        Refuse a result without decisions, as of an infeasible instance.

    Raises
    ------
    InputError
        Listing everything that is wrong, or that the instance is another one.
    """
    if holds_routes(text):
        return parse_routes(text, instance, source)
    given = dict(header_object(parse_json(text, source), source))
    issues = Issues()
    kind = _kind_of(instance)
    if given.get("format") != FORMAT:
        hint = "this is an instance, not a solution" if given.get("format") == "dispatchopt" else ""
        issues.add("wrong-format", f"{source} /format", given.get("format"), repr(FORMAT), hint)
    if given.get("version") != 1 or isinstance(given.get("version"), bool):
        issues.add("wrong-version", f"{source} /version", given.get("version"), "1")
    if given.get("kind") != kind.name:
        hint = nearest(str(given.get("kind"))[:100], solution_kinds())
        issues.add("wrong-kind", f"{source} /kind", given.get("kind"), repr(kind.name), hint)
    issues.raise_if_any()
    model = kind.document
    try:
        document: Any = model.model_validate(given)
    except ValidationError as error:
        keep_faults(error, model, source, issues)
        issues.raise_if_any()
        raise
    found, wanted = document.instance.digest, _digest(instance)
    if found != wanted:
        hint = "it was made for another instance, or the instance has been edited since"
        issues.add("wrong-digest", f"{source} /instance/digest", found, f"{wanted!r}", hint)
        issues.raise_if_any()
    if is_decided and document.decisions is None:
        hint = f"its status is {document.status!r}: nothing was decided"
        issues.add("missing-value", f"{source} /decisions", None, "decisions", hint)
    made = None
    if document.decisions is not None:
        made = kind.solution(instance, document.decisions, issues)
    issues.raise_if_any()
    return Result(
        status=Status(document.status),
        stopped_by=StopReason(document.stopped_by),
        solution=made,
        objective=document.objective,
        bound=document.bound,
        engine=document.engine,
        seed=document.seed,
        elapsed_s=document.elapsed_s,
        iterations=document.iterations,
        parts=document.parts,
        figures={
            key: math.nan if value is None else value for key, value in document.figures.items()
        },
        digest=found,
        reason=document.reason,
        versions=document.versions,
    )


def read_solution(path: str | Path, instance: Instance, *, is_decided: bool = False) -> Result[Any]:
    """Return the result that a file holds; ``-`` is standard input.

    Parameters
    ----------
    path, instance
        The file, and the instance it was made for.
    is_decided
        Refuse a result without decisions, as of an infeasible instance.

    Raises
    ------
    InputError
        Listing everything that is wrong, or that the instance is another one.
    """
    if str(path) == _STDIO:
        text = decode(sys.stdin.buffer.read(), "stdin")
        return parse_solution(text, instance, "stdin", is_decided=is_decided)
    path = Path(path)
    require_input(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        found = Said(error.strerror or str(error))
        raise single("unreadable-file", str(path), found, "a file that can be read") from None
    if holds_routes(text_of(data)):
        return parse_routes(text_of(data), instance, path.name)
    return parse_solution(decode(data, path.name), instance, path.name, is_decided=is_decided)
