"""The field's static sets: where they lie, how their costs are counted, and what is best known."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dispatchopt import io
from dispatchopt.core.seeds import stream
from dispatchopt.io.instance import Instance


@dataclass(frozen=True, kw_only=True)
class StaticSet:
    """A folder of instances, and how its costs are counted.

    Parameters
    ----------
    folder
        Below ``$DISPATCHOPT_DATA/routing``.
    rounding
        Name of the rounding under which the listed costs hold; lists in double precision are
        compared with costs in thousandths, as larger figures unbalance the penalties of rivals.
    convention
        How the convention of the listed costs begins.
    has_vehicles_first
        Whether fewer vehicles beat any distance.
    """

    folder: str
    rounding: str
    convention: str
    has_vehicles_first: bool = False


SETS = {
    "solomon": StaticSet(folder="solomon", rounding="dimacs", convention="distance"),
    "yang": StaticSet(folder="yang_mtvrptwr", rounding="dimacs", convention="distance"),
    "uchoa-x": StaticSet(folder="uchoa_x", rounding="round", convention="distance"),
    "vidal": StaticSet(folder="vidal_mdvrptw", rounding="exact", convention="distance"),
    "prizes": StaticSet(folder="pyvrp_pcvrptw", rounding="dimacs", convention="distance"),
    "mdvrp": StaticSet(folder="cordeau_mdvrp", rounding="exact", convention="distance"),
    "mdvrptw": StaticSet(folder="cordeau_mdvrptw", rounding="exact", convention="distance"),
    "road": StaticSet(folder="dimacs_road", rounding="round", convention=""),
    **{
        f"gh-{size}": StaticSet(
            folder=f"gehring_homberger/{size}", rounding="dimacs", convention="distance"
        )
        for size in (200, 400, 600, 800, 1000)
    },
    **{
        f"li-lim-{size}": StaticSet(
            folder=f"li_lim/{size}",
            rounding="exact",
            convention="hierarchical",
            has_vehicles_first=True,
        )
        for size in (100, 200, 400, 600, 800, 1000)
    },
}


def home() -> Path:
    """Return the folder of the sets."""
    return Path(os.environ.get("DISPATCHOPT_DATA", "../shared/data")) / "routing"


def instances(name: str) -> list[Path]:
    """Return the instances of a set, sorted by name; none if it is not there."""
    folder = home() / SETS[name].folder
    found = [*folder.glob("*.vrp"), *folder.glob("*.txt")]
    return sorted(path for path in found if "readme" not in path.name.lower())


def best_known(name: str) -> dict[str, tuple[float, int]]:
    """Return listed costs and numbers of vehicles (0 if not listed) by instance."""
    chosen = SETS[name]
    top = chosen.folder.partition("/")[0]
    with (home() / "bks.csv").open(encoding="utf-8", newline="") as stream:
        return {
            row["instance"]: (float(row["cost"]), int(row["vehicles"] or 0))
            for row in csv.DictReader(stream)
            if row["set"].partition("/")[0] == top
            and row["convention"].startswith(chosen.convention)
        }


def read_instance(name: str, path: Path) -> Instance:
    """Return an instance under the convention of its set."""
    chosen = SETS[name]
    options = {"rounding": chosen.rounding}
    if chosen.has_vehicles_first:
        options["vehicles_first"] = "1"
    return io.read(path, options)


def drawn(
    names: Sequence[str], *, sample: int | None = None, draw: int = 1, only: Sequence[str] = ()
) -> list[tuple[str, Path]]:
    """Return sets and instances in the sequence in which they are run.

    With a sample these are so many of each set at most, first one of every set, then a second one
    of every set; a larger sample of the same draw begins with the smaller one.
    """
    lists: list[list[tuple[str, Path]]] = []
    for name in names:
        paths = [path for path in instances(name) if not only or path.stem in only]
        if sample is not None:
            mixed = stream(draw, "static sets", name).permutation(len(paths))
            paths = [paths[at] for at in mixed[:sample].tolist()]
        lists.append([(name, path) for path in paths])
    if sample is None:
        return [each for own in lists for each in own]
    return [own[turn] for turn in range(sample) for own in lists if turn < len(own)]
