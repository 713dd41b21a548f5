"""``dispatchopt generate``: seeded synthetic instances of every kind."""

from __future__ import annotations

from pathlib import Path

import click

from dispatchopt.cli import common


@click.command()
@click.argument("kind", type=click.Choice(common.kind_names()))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    required=True,
    help="Folder or file to write; - for JSON on stdout.",
)
@click.option("--size", default="small", show_default=True, help="small, medium or large.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--network",
    type=click.Path(path_type=Path, exists=True),
    help="A real road network to put the demand of a city on.",
)
@click.option(
    "--set",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="Any option of the generator, such as customers=2000; may be given more than once.",
)
@click.option("--to", "encoding", help="Encoding. [default: by the ending of the output]")
@click.option("--overwrite", is_flag=True, help="Replace what is at the output path.")
@common.verbosity
def command(
    kind: str,
    output: Path,
    size: str,
    seed: int,
    network: Path | None,
    options: tuple[str, ...],
    encoding: str | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Make an instance of KIND; the same seed and options make the same instance."""
    from dispatchopt.generators import generate_document
    from dispatchopt.io import Instance, require_absent, write
    from dispatchopt.io.roads import read_network

    if str(output) != "-":
        require_absent(output, overwrite=overwrite)
    chosen = common.key_values(options)
    if network is not None:
        chosen["network"] = read_network(network)
    made = generate_document(kind, size=size, seed=seed, **chosen)
    instance = Instance(
        name=made.name,
        kind=kind,
        problem=made.problem,
        source=made.source,
        places=made.places,
        extras=made.extras,
    )
    write(instance, output, encoding=encoding, overwrite=overwrite)
    if not quiet and str(output) != "-":
        click.echo(f"{kind}: {output}", err=True)
