"""``dispatchopt after-stream``: from what a stream has left to its rebalancing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dispatchopt.cli import common

_FILE = click.Path(path_type=Path, dir_okay=False)
_COST = common.Number(min=0, max=1e6)


@click.command()
@click.argument("surge", type=click.Path(path_type=Path, allow_dash=True))
@click.argument("solution", required=False, type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--stock",
    type=_FILE,
    required=True,
    help="CSV of what is left: store, sku, on_hand_units, and as wanted held_units (held for the "
    "stream, free now) and movable_units (lives long enough). Pairs not listed have nothing.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    required=True,
    help="Rebalancing document to write, folder or file; - for JSON on stdout.",
)
@click.option(
    "--left",
    type=common.Number(min=0, max=1),
    default=1.0,
    show_default=True,
    metavar="SHARE",
    help="Share of the shelf's demand that is still to come.",
)
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    metavar="ID",
    help="A scenario that is still possible, repeatable. [default: all]",
)
@click.option(
    "--reach",
    type=click.IntRange(min=1),
    default=8000,
    show_default=True,
    metavar="METRES",
    help="Longest lane.",
)
@click.option(
    "--network",
    type=click.Path(path_type=Path, exists=True),
    help="Roads that lanes follow. [default: straight lines times --detour]",
)
@click.option(
    "--detour",
    type=common.Number(min=1, max=10),
    default=1.4,
    show_default=True,
    metavar="FACTOR",
    help="Length of a way by its straight line.",
)
@click.option(
    "--unit-cost",
    type=_COST,
    metavar="CENTS",
    help="Cost of moving a unit. [default: transfer_cost of SURGE]",
)
@click.option(
    "--unit-km-cost",
    type=_COST,
    default=0.0,
    show_default=True,
    metavar="CENTS",
    help="More for each km that a unit goes.",
)
@click.option(
    "--ride-km-cost",
    type=_COST,
    default=0.0,
    show_default=True,
    metavar="CENTS",
    help="Cost of a km of the van, there and back, on each lane that is used.",
)
@click.option("--van-ml", type=click.IntRange(min=0, max=10**15), help="Room on each lane.")
@click.option(
    "--lanes",
    "lanes_file",
    type=_FILE,
    help="CSV of lanes (origin, target, unit_cost, ...) in place of those within reach.",
)
@click.option("--to", "encoding", help="Encoding. [default: by the ending of the output]")
@click.option("--overwrite", is_flag=True, help="Replace what is at the output path.")
@common.verbosity
def command(
    surge: Path,
    solution: Path | None,
    stock: Path,
    output: Path,
    left: float,
    scenarios: tuple[str, ...],
    encoding: str | None,
    overwrite: bool,
    quiet: bool,
    **how: Any,
) -> None:
    """Write the rebalancing of what a live stream has left, for `solve`.

    SURGE is the document of the stream. With its SOLUTION, more left than there was is refused.
    Stock that was held for the stream goes back to the shelf; the shelf's demand to come is that of
    the scenarios; lanes join stores within reach of each other.
    """
    common.refuse_stdin_twice(surge, solution)
    from dispatchopt.inventory.surge.stream import after_stream
    from dispatchopt.io import Instance, read, read_left, read_solution, require_absent, write

    if str(output) != "-":
        require_absent(output, overwrite=overwrite)
    given = read(surge)
    if given.kind != "surge":
        raise _refusal("wrong-kind", str(surge), given.kind, "a surge document")
    sent = None
    if solution is not None:
        sent = read_solution(solution, given, is_decided=True).require().order_units
    found = read_left(stock, given, sent)
    problem = after_stream(
        given.problem,
        found.stock_units,
        _lanes(given, **how),
        movable_units=found.movable_units,
        left=left,
        scenarios=scenarios,
    )
    facts = {
        "left_units": int(found.stock_units.sum()),
        "released_units": int(found.held_units.sum()),
        "movable_units": int(found.movable_units.sum()),
        "shelf_demand_units": round(float(problem.stock.mean_units.sum()), 1),
        "lanes": problem.num_lanes,
    }
    if sent is not None:
        before = int((given.problem.on_hand_units + sent).sum())
        facts["sold_units"] = before - facts["left_units"]
    made = Instance(
        name=f"After the stream: {given.name}",
        kind="rebalancing",
        problem=problem,
        source=given.source,
        places=given.places,
        notes={"after_stream": facts},
    )
    write(made, output, encoding=encoding, overwrite=overwrite)
    if not quiet and str(output) != "-":
        click.echo(f"rebalancing: {output}", err=True)
        for name, value in facts.items():
            click.echo(f"  {name.replace('_', ' ')}: {value:,}", err=True)


def _lanes(
    surge: Any,
    *,
    lanes_file: Path | None,
    reach: int,
    network: Path | None,
    detour: float,
    unit_cost: float | None,
    unit_km_cost: float,
    ride_km_cost: float,
    van_ml: int | None,
) -> Any:
    """Return the lanes of a file, or those between stores within reach of each other."""
    from dispatchopt.geography import router_for
    from dispatchopt.inventory.rebalancing import lanes_within
    from dispatchopt.io import read_lanes
    from dispatchopt.io.roads import read_network

    if lanes_file is not None:
        return read_lanes(lanes_file, surge)
    cost = surge.problem.transfer_cost if unit_cost is None else unit_cost
    if cost is None:
        wanted = "the cost of moving a unit: transfer_cost in SURGE, or --unit-cost"
        raise _refusal("missing-key", f"{surge.name} /parameters/transfer_cost", "nothing", wanted)
    if "stores" not in surge.places:
        wanted = "lon and lat of every store, or --lanes FILE"
        raise _refusal("missing-column", "stores", "no lon and lat", wanted)
    roads = None if network is None else read_network(network)
    router = router_for(
        "straight" if roads is None else "road",
        profile="car",
        detour_factor=detour,
        network=roads,
        far="unreachable",
    )
    places = surge.places["stores"]
    return lanes_within(
        router.matrix(places, places),
        reach_m=reach,
        cost_per_unit=cost,
        cost_per_unit_km=unit_km_cost,
        cost_per_km=ride_km_cost,
        capacity_ml=van_ml,
    )


def _refusal(code: str, where: str, found: str, wanted: str) -> Exception:
    from dispatchopt.core.errors import InputError, Issue

    return InputError(Issue(code=code, where=where, found=found, wanted=wanted))
