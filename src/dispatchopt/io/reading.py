"""Reading and writing instances, whatever their encoding."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dispatchopt.core.errors import InputError
from dispatchopt.io.atomic import check_target, require_input, write_whole
from dispatchopt.io.document import HEADER_FILE
from dispatchopt.io.documents import instance_of, kind_of, layout_of
from dispatchopt.io.encodings import folder, json_file
from dispatchopt.io.encodings.base import Encoding, decode
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Said, single

STDIO = "-"


@functools.cache
def encodings() -> Mapping[str, Encoding]:
    """Return the encodings by name; JSON, which any brace resembles, comes last."""
    home = importlib.import_module("dispatchopt.io.encodings")
    modules = [
        importlib.import_module(f"{home.__name__}.{each.name}")
        for each in pkgutil.iter_modules(home.__path__)
        if not each.name.startswith("_") and each.name != "base"
    ]
    found = {module.ENCODING.name: module.ENCODING for module in modules}
    found[folder.PARQUET.name] = folder.PARQUET
    found[json_file.ENCODING.name] = found.pop(json_file.ENCODING.name)
    return found


def parse(text: str, source: str = "text") -> Instance:
    """Return the instance of a JSON text.

    Parameters
    ----------
    text
        A document as a single JSON.
    source
        What messages call it.

    Raises
    ------
    InputError
        Listing everything that is wrong with it.
    """
    return instance_of(json_file.loads(text, source))


def parse_value(value: Any, source: str = "body") -> Instance:
    """Return the instance of a JSON value that was parsed already, such as the body of a request.

    Raises
    ------
    InputError
        Listing everything that is wrong with it.
    """
    return instance_of(json_file.from_value(value, source))


def read(
    path: str | Path,
    options: Mapping[str, Any] | None = None,
    source_format: str | None = None,
) -> Instance:
    """Return the instance that a path holds; the format is told by content.

    Parameters
    ----------
    path
        A folder or a file, of ours or of a format of the field; ``-`` for JSON from standard input.
    options
        Options of a foreign format.
    source_format
        Encoding or format of the path; by default it is told by content.

    Raises
    ------
    InputError
        Listing everything that is wrong.
    """
    if str(path) == STDIO:
        return parse(decode(sys.stdin.buffer.read(), "stdin"), "stdin")
    path = Path(path)
    require_input(path)
    try:
        if source_format is not None:
            return _read_as(path, source_format, options or {})
        return _read(path, options or {})
    except OSError as error:
        found = Said(error.strerror or str(error))
        raise single("unreadable-file", str(path), found, "a file that can be read") from None


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    from dispatchopt.io.formats import formats

    if path.name == HEADER_FILE and path.is_file() and folder.table_files(path.parent):
        path = path.parent
    encoding = encoding_of(path)
    # A brace may begin any format, and a GeoPackage be of any program, so formats that know their
    # own content are asked first.
    if encoding is None or encoding.name in ("json", "gpkg"):
        for each in formats().values():
            if each.sniff(path):
                instance: Instance = each.read(path, options)
                return instance
    if encoding is None:
        raise _unknown(path)
    if options:
        raise single("unknown-key", "options", sorted(options), "no options for our own documents")
    instance = instance_of(encoding.read(path))
    return instance if instance.name else replace(instance, name=path.stem)


def _read_as(path: Path, name: str, options: Mapping[str, Any]) -> Instance:
    from dispatchopt.io.formats import formats

    if name in formats():
        instance: Instance = formats()[name].read(path, options)
        return instance
    if name not in encodings():
        wanted = "one of " + ", ".join([*encodings(), *formats()])
        raise single("bad-choice", "format", name, wanted)
    how = encodings()[name]
    if path.is_dir() != how.is_folder or (how.is_folder and not how.sniff(path)):
        raise _unknown(path)
    return instance_of(how.read(path))


def encoding_of(path: Path) -> Encoding | None:
    """Return the encoding of a path, told by content, or None."""
    return next((each for each in encodings().values() if each.sniff(path)), None)


def _unknown(path: Path) -> InputError:
    from dispatchopt.io.formats import formats

    wanted = "a dispatchopt document or one of " + ", ".join(formats())
    if path.is_dir():
        return single("unknown-format", str(path), Said(f"a folder without {HEADER_FILE}"), wanted)
    with path.open("rb") as file:
        head = file.read(40)
    if not head:
        return single("empty-file", str(path), Said("an empty file"), wanted)
    by_suffix = [each.name for each in encodings().values() if path.suffix.lower() in each.suffixes]
    hint = (
        f"its name says {by_suffix[0]}, its content does not" if path.suffix and by_suffix else ""
    )
    if head.lstrip().lower().startswith(b"route #"):
        hint = "these are routes, a solution: `dispatchopt check INSTANCE` takes them"
    code = "unreadable-file" if by_suffix and path.suffix else "unknown-format"
    return single(code, str(path), Said(f"content that begins with {head!r}"), wanted, hint)


def encoding_for(path: str | Path, name: str | None) -> Encoding:
    """Return the encoding by name, or the one that the ending of a path stands for.

    Raises
    ------
    InputError
        If there is none.
    """
    known = encodings()
    if name is None and str(path) == STDIO:
        name = "json"
    if name is not None:
        if name not in known:
            raise single("bad-choice", "encoding", name, "one of " + ", ".join(known))
        return known[name]
    suffix = "" if Path(path).is_dir() else Path(path).suffix.lower()
    for each in known.values():
        if suffix in each.suffixes:
            return each
    endings = ", ".join(
        end or "none (a folder)" for each in known.values() for end in each.suffixes
    )
    raise single("unknown-format", str(path), suffix, f"a name with the ending {endings}")


def as_instance(thing: Any) -> Instance:
    """Return an instance of a bare problem; an instance is returned as it is."""
    if isinstance(thing, Instance):
        return thing
    kind = kind_of(thing)
    return Instance(
        name=getattr(thing, "name", "") or kind.name,
        kind=kind.name,
        problem=thing,
        source=getattr(thing, "source", ""),
        notes=getattr(thing, "notes", {}),
    )


def dumps(thing: Any) -> str:
    """Return an instance (or a bare problem) as a single JSON text."""
    import io

    buffer = io.StringIO()
    json_file.dump(layout_of(as_instance(thing)), buffer)
    return buffer.getvalue()


def write(
    thing: Any,
    path: str | Path,
    encoding: str | None = None,
    *,
    overwrite: bool = False,
) -> None:
    """Write an instance or a bare problem, whole or not at all.

    Parameters
    ----------
    thing
        An ``Instance``, or a problem of any kind.
    path
        Where to; ``-`` for JSON on standard output.
    encoding
        ``folder``, ``parquet``, ``json``, ``gpkg`` or ``xlsx``; by default what the ending
        of the path stands for.
    overwrite
        Whether an existing document is replaced.

    Raises
    ------
    InputError
        If the target exists, cannot be written, or the instance does not fit into a document.
    """
    how = encoding_for(path, encoding)
    if str(path) == STDIO:
        if how.name != "json":
            raise single("bad-choice", "encoding", how.name, "json, as standard output is text")
        sys.stdout.write(dumps(thing))
        return
    path = Path(path)
    check_target(path, overwrite=overwrite, is_folder=how.is_folder)
    document = layout_of(as_instance(thing))
    write_whole(
        path, lambda to: how.write(document, to), overwrite=overwrite, is_folder=how.is_folder
    )
