"""``dispatchopt render``: maps of instances, solutions and plans."""

from __future__ import annotations

from pathlib import Path

import click

from dispatchopt.cli import common


@click.command()
@click.argument("instance", type=click.Path(path_type=Path, allow_dash=True))
@click.argument("solution", required=False, type=click.Path(path_type=Path, exists=True))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    required=True,
    help="File to write; its ending says what: .html, .png, .geojson or .gpkg.",
)
@click.option("--tiles", metavar="URL", help="Map tiles to show; the map then needs a network.")
@click.option("--overwrite", is_flag=True, help="Replace what is at the output path.")
@common.reader_options
@common.verbosity
def command(
    instance: Path,
    solution: Path | None,
    output: Path,
    tiles: str | None,
    overwrite: bool,
    options: tuple[str, ...],
    quiet: bool,
) -> None:
    """Draw INSTANCE, with SOLUTION if given, as a map that opens without a network."""
    common.prepare_output(output, overwrite, ".html", ".png", ".geojson", ".gpkg")
    from dispatchopt.io import read, read_solution
    from dispatchopt.reporting import render

    given = read(instance, common.key_values(options))
    held = None if solution is None else read_solution(solution, given)
    render(given, held, output, tiles=tiles, overwrite=overwrite)
    if not quiet and str(output) != "-":
        click.echo(f"map: {output}", err=True)
