"""What every encoding offers, and what several need."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dispatchopt.core.errors import InputError
from dispatchopt.io.document import Document
from dispatchopt.io.issues import Said, single


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """One way of writing documents down.

    Parameters
    ----------
    name
        Name by which users ask for it.
    suffixes
        Endings of file names that stand for it.
    sniff
        Whether a path holds it, by content.
    read
        Returns the document of a path.
    write
        Writes a document to a path that does not exist yet.
    is_folder
        Whether it writes a folder.
    """

    name: str
    suffixes: tuple[str, ...]
    sniff: Callable[[Path], bool]
    read: Callable[[Path], Document]
    write: Callable[[Document, Path], None]
    is_folder: bool = False


def decode(data: bytes, where: str) -> str:
    """Return the text of UTF-8 bytes, without a byte order mark."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _wrong_encoding(where, "UTF-16 text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _wrong_encoding(
            f"{where} line {line}", f"the byte 0x{data[error.start]:02x}"
        ) from None


def _wrong_encoding(where: str, found: str) -> InputError:
    hint = "save the file as UTF-8 (in Excel: CSV UTF-8)"
    return single("wrong-encoding", where, Said(found), "text in UTF-8", hint)


def parse_json(text: str, where: str) -> Any:
    """Return the value of a JSON text; keys that stand twice are refused."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        hint = "the file ends too early" if error.pos >= len(text.rstrip()) else ""
        place = f"{where} line {error.lineno} column {error.colno}"
        raise single("bad-json", place, Said(error.msg), "JSON", hint) from None
    except _TwiceError as error:
        raise single("duplicate-key", where, error.key, "each key once") from None
    except RecursionError:
        raise single("bad-json", where, Said("values nested too deeply"), "JSON") from None
    except ValueError:
        # Whole numbers of thousands of digits.
        raise single("bad-json", where, Said("a number with too many digits"), "JSON") from None


class _TwiceError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _TwiceError(key)
            seen.add(key)
    return result


def header_object(value: Any, where: str) -> Mapping[str, Any]:
    """Return a header that was read, which must be a JSON object."""
    if not isinstance(value, dict):
        found = Said(f"a {type(value).__name__}")
        raise single("wrong-type", where, found, "a JSON object with format, version and kind")
    return value


def dump_header(header: Mapping[str, Any]) -> str:
    """Return a header as JSON; values that JSON lacks are refused."""
    try:
        return json.dumps(header, ensure_ascii=False, allow_nan=False, indent=2)
    except (TypeError, ValueError, RecursionError) as error:
        raise single("wrong-type", "notes", Said(str(error)), "values that JSON can hold") from None
