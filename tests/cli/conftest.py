"""Commands in processes of their own, ended from outside."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

COMMAND = (sys.executable, "-m", "dispatchopt")


def _interrupted(
    arguments: list[str], said: str, signals: int = 1, wish: int = signal.SIGINT
) -> subprocess.CompletedProcess[str]:
    process = subprocess.Popen(
        [*COMMAND, *arguments, "-vv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    heard = []
    for line in process.stderr:
        heard.append(line)
        if re.search(said, line):
            break
    for number in range(signals):
        process.send_signal(wish)
        if number + 1 < signals:
            for line in process.stderr:
                heard.append(line)
                if "again to give up" in line:
                    break
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(arguments, process.returncode, out, "".join(heard) + err)


@pytest.fixture(scope="session")
def interrupted() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command, send Ctrl-C once its log matches, and return how it ended."""
    return _interrupted
