"""VROOM's JSON: jobs, shipments and vehicles, with matrices or coordinates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dispatchopt.io.encodings.base import decode, parse_json
from dispatchopt.io.formats._base import Format, take_options
from dispatchopt.io.formats._vroom_build import Builder
from dispatchopt.io.formats._vrp_text import text_of
from dispatchopt.io.instance import Instance

_OPTIONS: dict[str, tuple[type, Any, float, float]] = {"detour_factor": (float, 1.4, 1.0, 10.0)}
_MOST_SNIFFED = 200_000_000


def _sniff(path: Path) -> bool:
    if not path.is_file() or path.stat().st_size > _MOST_SNIFFED:
        return False
    with path.open("rb") as file:
        if file.read(1024).lstrip()[:1] != b"{":
            return False
    text = text_of(path.read_bytes())
    has_work = re.search(r'"(jobs|shipments)"\s*:\s*\[', text)
    return bool(has_work and re.search(r'"vehicles"\s*:\s*\[', text)) and not re.search(
        r'"format"\s*:\s*"dispatchopt', text
    )


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    chosen = take_options(options, _OPTIONS)
    value = parse_json(decode(path.read_bytes(), path.name), path.name)
    return Builder(value, path.stem, chosen["detour_factor"]).instance()


def parse_vroom(text: str, source: str = "vroom", detour_factor: float = 1.4) -> Instance:
    """Return the routing instance of VROOM's JSON.

    Parameters
    ----------
    text
        VROOM's input.
    source
        What messages call it.
    detour_factor
        Road metres per metre of straight line, where no matrices are given.

    Raises
    ------
    InputError
        Listing everything that is wrong.
    """
    return Builder(parse_json(text, source), Path(source).stem, detour_factor).instance()


FORMAT = Format(
    name="vroom",
    sniff=_sniff,
    read=_read,
    options={"detour_factor": "road metres per metre of straight line, without matrices (1.4)"},
)
