"""Results kept on disk, a line of JSON each, so that long runs go on where they stopped.

A line counts only for the same settings and the same code: both are in its mark.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from benchmarks.registry import Row

from dispatchopt import dispatch, simulation


def mark_of(*settings: Any) -> str:
    """Digest of settings, by their ``repr``, and of the code that decides and replays."""
    digest = hashlib.sha256(repr(settings).encode())
    for package in (dispatch, simulation):
        for file in sorted(Path(str(package.__file__)).parent.rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def known(kept: Path | None, mark: str) -> dict[str, Row]:
    """Return the rows of a file that bear a mark, by case; none without a file."""
    if kept is None or not kept.is_file():
        return {}
    lines = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    return {
        line["case"]: {name: value for name, value in line.items() if name != "mark"}
        for line in lines
        if line.get("mark") == mark
    }


def keep(kept: Path | None, mark: str, row: Row) -> None:
    """Add a row to a file, if there is one."""
    if kept is not None:
        with kept.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"mark": mark, **row}) + "\n")
