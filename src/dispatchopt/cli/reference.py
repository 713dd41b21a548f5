"""The command reference, made from the commands themselves.

``python -m dispatchopt.cli.reference > docs/cli.md`` writes it; a test compares the two.
"""

from __future__ import annotations

import click

from dispatchopt.cli.main import COMMANDS, cli

#: Width of the help texts, whatever the terminal.
WIDTH = 100


def reference() -> str:
    """Return the help of every command as Markdown."""
    context = click.Context(
        cli, info_name="dispatchopt", terminal_width=WIDTH, **cli.context_settings
    )
    parts = [
        "# Command line\n",
        "Made from the commands' own help by `python -m dispatchopt.cli.reference`.\n",
        _block("dispatchopt", cli.get_help(context)),
    ]
    for name in COMMANDS:
        command = cli.get_command(context, name)
        if command is None:
            continue
        inner = click.Context(command, info_name=name, parent=context, terminal_width=WIDTH)
        parts.append(_block(f"dispatchopt {name}", command.get_help(inner)))
    return "\n".join(parts)


def _block(title: str, text: str) -> str:
    return f"## `{title}`\n\n```\n{text.strip()}\n```\n"


if __name__ == "__main__":
    click.echo(reference(), nl=False)
