"""Run the bars: ``python -m benchmarks.siting_bars [--set NAME ...] [--time S] [--kept FILE]``.

One row of JSON per instance on stdout, progress on stderr, and at the end a line per set: how many
instances meet its bar. Sets whose data is not there are skipped, with a message.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.registry import Row
from benchmarks.siting_bars.bars import BARS, Bar
from benchmarks.siting_bars.measure import Case, run

import dispatchopt


def _mark(seconds: float | None) -> str:
    """Digest of the code of the engines and of the time given."""
    digest = hashlib.sha256(repr(seconds).encode())
    for file in sorted((Path(str(dispatchopt.__file__)).parent / "siting").rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _known(kept: Path | None, mark: str, any_code: bool) -> dict[tuple[str, str], Row]:
    if kept is None or not kept.is_file():
        return {}
    rows = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    return {(row["set"], row["case"]): row for row in rows if any_code or row["mark"] == mark}


def _row(bar: Bar, case: Case, seconds: float | None, mark: str, kept: Path | None) -> Row:
    row = {"set": bar.name, "mark": mark, **run(case, seconds)}
    if kept is not None:
        with kept.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")
    return row


def _line(row: Row) -> str:
    parts = [f"{row['set']}: {row['case']}: {row['status']}"]
    for name, digits in (("objective", 3), ("bound", 3), ("gap_percent", 4), ("cpu_s", 2)):
        if row[name] is not None:
            parts.append(f"{name} {row[name]:.{digits}f}")
    if row["above_listed_percent"] is not None:
        parts.append(f"{row['above_listed_percent']:+.4f} % of listed")
    return ", ".join(parts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run sets from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.siting_bars", description=__doc__)
    parser.add_argument("--set", nargs="*", default=[], dest="sets", choices=sorted(BARS))
    parser.add_argument("--only", nargs="*", default=[], help="parts of instances' names to keep")
    parser.add_argument("--time", type=float, help="seconds of each, in place of its bar's")
    parser.add_argument("--kept", type=Path, help="file of results to go on from")
    parser.add_argument(
        "--any-code", action="store_true", help="also take what other code left in --kept"
    )
    parser.add_argument("--list", action="store_true", help="print the sets and their bars only")
    given = parser.parse_args(arguments)
    if given.list:
        for bar in BARS.values():
            sys.stdout.write(f"{bar.name}: {bar.about}\n")
        return
    mark = _mark(given.time)
    known = _known(given.kept, mark, given.any_code)
    lines = []
    for bar in BARS.values():
        if given.sets and bar.name not in given.sets:
            continue
        cases = [
            case
            for case in bar.cases()
            if not given.only or any(part in case.name for part in given.only)
        ]
        if not cases:
            sys.stderr.write(f"{bar.name}: skipped, its data is not there\n")
            continue
        rows = []
        for case in cases:
            row = known.get((bar.name, case.name))
            if row is None:
                row = _row(bar, case, given.time, mark, given.kept)
            rows.append(row)
            sys.stderr.write(_line(row) + "\n")
            sys.stdout.write(json.dumps(row) + "\n")
        lines.append(bar.summary(rows))
    for line in lines:
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
