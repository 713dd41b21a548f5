"""Renew ``baseline.json``: the objectives of every suite at its smallest size."""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
KEPT = ("suite", "size", "case", "method", "objective")


def main() -> None:
    """Run every suite and write one line per objective."""
    sys.path.insert(0, str(HERE.parent))
    from benchmarks.registry import suites

    lines = []
    for name, suite in suites().items():
        size = suite.sizes[0]
        for row in suite.run(size):
            if row.get("objective") is not None:
                entry = {"suite": name, "size": size, **row}
                lines.append(
                    " " + json.dumps({key: entry[key] for key in KEPT}, ensure_ascii=False)
                )
    text = "[\n" + ",\n".join(lines) + "\n]\n"
    (HERE / "baseline.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
