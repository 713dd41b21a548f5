"""Small files of each routing format, written by hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

DATA = Path(
    os.environ.get("DISPATCHOPT_DATA", Path(__file__).parents[2].parent / "shared" / "data")
)

# The depot lies at (0, 0); customers at (3, 4), (6, 8), (0, 1.55): distances 5, 10 and 1.55.
SOLOMON = """small

VEHICLE
NUMBER     CAPACITY
  2         30

CUSTOMER
CUST NO.  XCOORD.   YCOORD.    DEMAND   READY TIME  DUE DATE   SERVICE   TIME

    0      0         0          0          0       100          0
    1      3         4         10         20        40          2
    2      6         8         20          0        60          2
    3      0         1.55      5           0        90          2
"""
LI_LIM = """2\t30\t1
0\t0\t0\t0\t0\t100\t0\t0\t0
1\t3\t4\t10\t20\t40\t2\t0\t2
2\t6\t8\t-10\t0\t60\t2\t1\t0
"""
CORDEAU = """6 1 2 2
50 30
0 40
1 3 4 2 10 1 2 1 2 20 40
2 6 8 2 20 1 2 1 2 0 60
3 0 0 0 0 0 0 0 100
4 6 0 0 0 0 0 0 100
"""
CVRP = """NAME : small
COMMENT : "by hand: 3 customers"
TYPE : CVRP
DIMENSION : 4
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 30
NODE_COORD_SECTION
1 0 0
2 3 4
3 6 8
4 0 1.55
DEMAND_SECTION
1 0
2 10
3 20
4 5
DEPOT_SECTION
 1
 -1
EOF
"""
DIALECT = """NAME: dialect
TYPE: MTVRPTWR
DIMENSION: 4
VEHICLES: 3
EDGE_WEIGHT_TYPE: EUC_2D
CAPACITY: 30
SERVICE_TIME: 2
VEHICLES_MAX_DURATION: 80
NODE_COORD_SECTION
1 0 0
2 6 0
3 3 4
4 6 8
DEMAND_SECTION
1 0
2 0
3 10
4 20
TIME_WINDOW_SECTION
1 0 100
2 10 90
3 20 40
4 0 60
RELEASE_TIME_SECTION
1 0
2 0
3 4
4 0
PRIZE_SECTION
1 0
2 0
3 0
4 7.5
VEHICLES_DEPOT_SECTION
1 1
2 1
3 2
VEHICLES_RELOAD_DEPOT_SECTION
1 1 2
2 1 2
3 2
DEPOT_SECTION
1
2
-1
EOF
"""
MATRIX = """NAME : matrix
TYPE : CVRP
DIMENSION : 3
EDGE_WEIGHT_TYPE : EXPLICIT
EDGE_WEIGHT_FORMAT : LOWER_ROW
CAPACITY : 10
EDGE_WEIGHT_SECTION
7
8 9
DEMAND_SECTION
1 0
2 4
3 5
EOF
"""
TEXTS = {
    "solomon": SOLOMON,
    "li-lim": LI_LIM,
    "cordeau": CORDEAU,
    "cvrp": CVRP,
    "dialect": DIALECT,
    "matrix": MATRIX,
}


@pytest.fixture(scope="session")
def texts() -> dict[str, str]:
    """Return the files by name."""
    return TEXTS


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes a text and returns its path."""

    def write(text: str, name: str = "given.txt") -> Path:
        path = tmp_path / name
        path.write_text(TEXTS.get(text, text), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def routing_data() -> Path:
    """Return the folder of real routing sets, or skip."""
    path = DATA / "routing"
    if not path.is_dir():
        pytest.skip(f"real instances are not at {path}; set DISPATCHOPT_DATA")
    return path
