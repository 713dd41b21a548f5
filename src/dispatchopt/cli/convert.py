"""``dispatchopt convert``: between our encodings and the field's formats."""

from __future__ import annotations

from pathlib import Path

import click

from dispatchopt.cli import common


@click.command()
@click.argument("source", type=click.Path(path_type=Path, allow_dash=True))
@click.argument("target", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--to",
    "encoding",
    help="Encoding or format of TARGET. [default: by its ending; a folder without one]",
)
@click.option(
    "--from",
    "source_format",
    help="Encoding or format of SOURCE. [default: by its content]",
)
@click.option(
    "--set",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="Option of the reader, such as merge_m=250 for rappi; may be given more than once.",
)
@click.option("--overwrite", is_flag=True, help="Replace what is at TARGET.")
@common.verbosity
def command(
    source: Path,
    target: Path,
    encoding: str | None,
    source_format: str | None,
    options: tuple[str, ...],
    overwrite: bool,
    quiet: bool,
) -> None:
    """Read SOURCE in any known format and write it to TARGET.

    Encodings of ours: folder (CSV), parquet (folder), json, gpkg, xlsx. - is stdin or stdout.
    """
    from dispatchopt.io import convert

    instance = convert(
        source,
        target,
        to=encoding,
        source_format=source_format,
        options=common.key_values(options),
        overwrite=overwrite,
    )
    if not quiet:
        click.echo(f"{instance.kind} {instance.name!r}: {source} -> {target}", err=True)
        for key, note in instance.notes.items():
            click.echo(f"  {key}: {note}", err=True)
