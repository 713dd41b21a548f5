"""An environment of their own for routing rivals: ``python -m benchmarks.rivals FOLDER``.

It holds this checkout and the rivals at the versions of ``constraints.txt``. Afterwards set
``DISPATCHOPT_RIVALS_PYTHON`` to the Python that is printed, and ``benchmarks.static_sets`` runs
PyVRP, OR-Tools and VROOM there.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parents[1]


def make(folder: Path) -> Path:
    """Make the environment, and return its Python."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "-q", "-c", str(HERE / "constraints.txt")]
    subprocess.run([*install, "-e", f"{HERE}[vroom]"], check=True)
    return python


def main() -> int:
    """Make the environment that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder to make")
    given = parser.parse_args()
    if given.folder.exists():
        print(f"{given.folder} is there already", file=sys.stderr)
        return 1
    print(f"DISPATCHOPT_RIVALS_PYTHON={make(given.folder)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
