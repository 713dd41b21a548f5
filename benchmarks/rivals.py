"""An environment for rivals: ``python -m benchmarks.rivals FOLDER [--for siting]``.

For routing it holds this checkout and the rivals at the versions of ``constraints.txt``, for siting
spopt with PuLP, CBC and HiGHS. Afterwards set ``DISPATCHOPT_RIVALS_PYTHON`` to the Python that is
printed: ``benchmarks.static_sets`` runs PyVRP, OR-Tools and VROOM there, suite ``siting`` spopt.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parents[1]


#: What spopt needs; it asks for other versions than this project.
SITING = ("spopt==0.7.0", "highspy>=1.14,<1.15")


def make(folder: Path, area: str = "routing") -> Path:
    """Make the environment, and return its Python."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    if area == "siting":
        subprocess.run([str(python), "-m", "pip", "install", "-q", *SITING], check=True)
        return python
    install = [str(python), "-m", "pip", "install", "-q", "-c", str(HERE / "constraints.txt")]
    subprocess.run([*install, "-e", f"{HERE}[vroom]"], check=True)
    return python


def main() -> int:
    """Make the environment that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder to make")
    parser.add_argument("--for", dest="area", choices=("routing", "siting"), default="routing")
    given = parser.parse_args()
    if given.folder.exists():
        print(f"{given.folder} is there already", file=sys.stderr)
        return 1
    print(f"DISPATCHOPT_RIVALS_PYTHON={make(given.folder, given.area)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
