#!/usr/bin/env python3
"""Set up and run dispatchopt on a fresh machine; needs nothing but Python 3.11 or newer.

python3 run.py plan [CITY] [OPTIONS]    plan the shipped city (or CITY); opens nothing by itself
python3 run.py test [PYTEST OPTIONS]    format, types, layers, and all tests
python3 run.py do ARGS...               any dispatchopt command, as in: run.py do solve FILE

Each makes a virtual environment of its own beside this file, from the versions in constraints.txt,
the first time and whenever these versions change.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
CITY = HERE / "instances" / "city-small"
OUT = HERE / "out" / "city-small"


def environment(extras: str) -> Path:
    """Return the Python of an environment with dispatchopt and some of its extras."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    home = HERE / f".venv-{version}-{extras}"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = home / "installed"
    pinned = (HERE / "constraints.txt").read_bytes() + (HERE / "pyproject.toml").read_bytes()
    digest = hashlib.sha256(pinned).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return python
    print(f"installing dispatchopt into {home.name} (once)", file=sys.stderr, flush=True)
    venv.create(home, with_pip=True, clear=home.exists())
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--constraint", HERE / "constraints.txt", "--editable", f"{HERE}[{extras}]"]
    subprocess.run(command, check=True)
    stamp.write_text(digest)
    return python


def plan(arguments: list[str]) -> int:
    """Plan the shipped city, or another one."""
    python = environment("plan")
    if not arguments or arguments[0].startswith("-"):
        arguments = [str(CITY), *arguments]
        if not {"-o", "--output"} & set(arguments):
            OUT.parent.mkdir(exist_ok=True)
            arguments += ["--output", str(OUT), "--overwrite"]
    return subprocess.run([python, "-m", "dispatchopt", "plan", *arguments], check=False).returncode


def do(arguments: list[str]) -> int:
    """Run any command."""
    command = [environment("plan"), "-m", "dispatchopt", *arguments]
    return subprocess.run(command, check=False).returncode


def test(arguments: list[str]) -> int:
    """Run every check; the first that fails ends the run."""
    python = environment("dev")
    folder = python.parent
    parallel = [] if {"-n", "-p"} & set(arguments) else ["-n", "auto"]
    checks = [
        [folder / "ruff", "format", "--check", "--quiet", "."],
        [folder / "ruff", "check", "--quiet", "."],
        [folder / "mypy", "--no-error-summary"],
        [folder / "lint-imports"],
        [python, "-m", "pytest", *parallel, *arguments],
    ]
    if os.environ.get("DISPATCHOPT_TESTS_ONLY"):
        checks = checks[-1:]
    for check in checks:
        print("$", Path(check[0]).name, *map(str, check[1:]), flush=True)
        code = subprocess.run(check, check=False, cwd=HERE).returncode
        if code:
            return code
    return 0


def main() -> int:
    """Run the command named first."""
    if sys.version_info < (3, 11):  # noqa: UP036 (this file meets whatever Python is there)
        print("dispatchopt needs Python 3.11 or newer", file=sys.stderr)
        return 2
    commands = {"plan": plan, "test": test, "do": do}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return commands[sys.argv[1]](sys.argv[2:])
    except subprocess.CalledProcessError as error:
        print(f"installation failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        # The command got the same Ctrl-C and has said what it kept.
        return 130


if __name__ == "__main__":
    sys.exit(main())
