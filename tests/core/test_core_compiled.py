"""Compiled functions: kept on disk, and compiled anew when anything that went into them changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_HELPER = """
from dispatchopt.core.compiled import compiled

FACTOR = {factor}

@compiled()
def scaled(x):
    return {inner} * x
"""

_MIDDLE = """
from dispatchopt.core.compiled import compiled
from helper import scaled

@compiled()
def more(x):
    return scaled(x) + 1
"""

_KERNEL = """
from dispatchopt.core.compiled import compiled
from helper import FACTOR
from middle import more

@compiled()
def run(x):
    return FACTOR * more(x)

print(run(10), sum(run.stats.cache_hits.values()))
"""


@pytest.mark.slow
def test_code_of_other_files_is_not_kept_beyond_its_text(tmp_path: Path) -> None:
    (tmp_path / "middle.py").write_text(_MIDDLE)
    (tmp_path / "kernel.py").write_text(_KERNEL)

    def run(factor: int, inner: int) -> list[int]:
        (tmp_path / "helper.py").write_text(_HELPER.format(factor=factor, inner=inner))
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        told = subprocess.run(
            [sys.executable, "kernel.py"], cwd=tmp_path, env=env, capture_output=True, check=True
        )
        return [int(each) for each in told.stdout.split()]

    assert run(factor=1, inner=2) == [21, 0]
    assert run(factor=1, inner=2) == [21, 1]
    # Two files away, and a constant of another file.
    assert run(factor=1, inner=3) == [31, 0]
    assert run(factor=5, inner=3) == [155, 0]
    assert run(factor=5, inner=3) == [155, 1]
