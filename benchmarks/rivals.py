"""An environment for rivals: ``python -m benchmarks.rivals FOLDER [--for siting|inventory]``.

Prints the variable to set, whose value is the Python of the new environment. For routing
(``DISPATCHOPT_RIVALS_PYTHON``, read by ``benchmarks.static_sets``) it holds this checkout and the
rivals at the versions of ``constraints.txt``, for siting (the same variable, read by suite
``siting``) spopt with PuLP, CBC and HiGHS, for inventory (``DISPATCHOPT_STOCKPYL_PYTHON``, read by
suite ``inventory``) stockpyl.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parents[1]


#: Rivals that ask for other versions than this project, and the variable that names their Python.
APART = {
    "siting": ("DISPATCHOPT_RIVALS_PYTHON", ("spopt==0.7.0", "highspy>=1.14,<1.15")),
    "inventory": ("DISPATCHOPT_STOCKPYL_PYTHON", ("stockpyl==1.0.2",)),
}


def make(folder: Path, area: str = "routing") -> str:
    """Make the environment, and return the variable to set and its value."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    if area in APART:
        variable, packages = APART[area]
        subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True)
        return f"{variable}={python}"
    install = [str(python), "-m", "pip", "install", "-q", "-c", str(HERE / "constraints.txt")]
    subprocess.run([*install, "-e", f"{HERE}[vroom]"], check=True)
    return f"DISPATCHOPT_RIVALS_PYTHON={python}"


def main() -> int:
    """Make the environment that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder to make")
    parser.add_argument("--for", dest="area", choices=("routing", *APART), default="routing")
    given = parser.parse_args()
    if given.folder.exists():
        print(f"{given.folder} is there already", file=sys.stderr)
        return 1
    print(make(given.folder.resolve(), given.area))
    return 0


if __name__ == "__main__":
    sys.exit(main())
