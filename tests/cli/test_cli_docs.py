"""What the pages show in Python runs as it stands, block after block, beside the instances."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from dispatchopt.cli.main import run

ROOT = Path(__file__).parents[2]
#: Sketches of what others write, and of data that is not shipped.
SKETCHES = {"architecture.md", "inventory-assortment.md"}
PAGES = [
    page
    for page in sorted((ROOT / "docs").glob("*.md"))
    if "```python" in page.read_text("utf-8") and page.name not in SKETCHES
]

MDRP = {
    "orders": "order\tx\ty\tplacement_time\trestaurant\tready_time\n"
    "o1\t0\t250\t10\tr1\t20\no2\t300\t400\t4\tr2\t9\n",
    "restaurants": "restaurant\tx\ty\nr1\t0\t0\nr2\t300\t0\n",
    "couriers": "courier\tx\ty\ton_time\toff_time\nc1\t0\t100\t0\t120\n",
    "instance_parameters": "meters_per_minute\tpickup service minutes\tdropoff service minutes\t"
    "target click-to-door\tmaximum click-to-door\tpay per order\tguaranteed pay per hour\n"
    "100\t4\t4\t40\t90\t10\t15\n",
}


def windows() -> str:
    """Return a small problem with time windows over a day, as VRPLIB has it."""
    nodes = range(2, 6)
    ways = [" ".join(str(abs(i - j) * 100) for j in range(5)) for i in range(5)]
    lines = ["NAME : tiny", "TYPE : VRPTW", "DIMENSION : 5", "EDGE_WEIGHT_TYPE : EXPLICIT"]
    lines += ["EDGE_WEIGHT_FORMAT : FULL_MATRIX", "CAPACITY : 9", "VEHICLES : 4"]
    lines += ["EDGE_WEIGHT_SECTION", *ways, "DEMAND_SECTION", "1 0", *(f"{i} 2" for i in nodes)]
    lines += ["DEPOT_SECTION", "1", "-1"]
    lines += ["SERVICE_TIME_SECTION", "1 0", *(f"{i} 60" for i in nodes)]
    lines += ["TIME_WINDOW_SECTION", "1 0 30000"]
    lines += [f"{i} {3600 * i} {3600 * i + 5000}" for i in nodes]
    return "\n".join([*lines, "EOF", ""])


@pytest.fixture
def beside_instances(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the shipped instances, and what the pages take for the reader's own."""
    shutil.copytree(ROOT / "instances", tmp_path / "instances")
    for name in ("yesterday", "today"):
        shutil.copytree(ROOT / "instances" / "sourcing-small", tmp_path / name)
    (tmp_path / "INSTANCE.txt").write_text(windows())
    strict = tmp_path / "0o50t75s1p100"
    strict.mkdir()
    for name, text in MDRP.items():
        (strict / f"{name}.txt").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_the_python_of_a_page_runs(page: Path, beside_instances: Path) -> None:
    text = page.read_text("utf-8")
    if "--save-state state.json" in text:
        asked = ["dispatch", "instances/day-small", "--at", "72000", "--save-state", "state.json"]
        assert run([*asked, "-q"]) == 0
        assert (beside_instances / "state.json").exists()
    known: dict[str, object] = {}
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL)):
        # Time on the clock and many days are for readers; less is enough for an answer.
        quick = re.sub(r"days=\d+", "days=1", re.sub(r"time_s=\d+", "time_s=1", code))
        exec(compile(quick, f"{page.name} block {number + 1}", "exec"), known)
