"""The command line: finds commands, reads the configuration, and turns errors into exit codes."""

from __future__ import annotations

import importlib
import logging
import sys
import tomllib
from pathlib import Path
from typing import Any

import click

from dispatchopt.cli.common import EXIT_NOTHING_FOUND
from dispatchopt.cli.deadline import MESSAGE, TimeIsUp, leave_at_once

#: Commands; the module of the same name holds each as ``command``, imported when called.
COMMANDS = (
    "after-stream",
    "bench",
    "check",
    "convert",
    "curve",
    "dispatch",
    "engines",
    "explain",
    "forecast",
    "generate",
    "levels",
    "plan",
    "render",
    "simulate",
    "solve",
    "vroom",
    "whatif",
)


def _module(name: str) -> Any:
    """Return the module of a command."""
    return importlib.import_module(f"dispatchopt.cli.{name.replace('-', '_')}")


class LazyGroup(click.Group):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click calls it so)
        """List the names of all commands."""
        return sorted(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 (click calls it so)
        cmd_name: str,
    ) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = _module(cmd_name).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, and name the nearest one where it is misspelt."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            if near:
                raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", ctx) from None
            raise


def _read_config(ctx: click.Context, _param: click.Parameter, value: Path | None) -> None:
    """Use a TOML file as defaults: a table for each command, keys named like the options."""
    path = Path("dispatchopt.toml") if value is None else value
    if value is None and not path.is_file():
        return
    try:
        config = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise click.BadParameter(f"{path}: {error}") from error
    for name, table in config.items():
        if name not in COMMANDS or not isinstance(table, dict):
            raise click.BadParameter(
                f"{path}: [{name}] is not a table for a command; there are: {', '.join(COMMANDS)}"
            )
        command = _module(name).command
        known = {option.name for option in command.params if isinstance(option, click.Option)}
        table_keys = {key.replace("-", "_"): entry for key, entry in table.items()}
        for key in table_keys.keys() - known:
            raise click.BadParameter(
                f"{path}: [{name}] has no option {key!r}; there are: {', '.join(sorted(known))}"
            )
        config[name] = table_keys
    ctx.default_map = config


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from dispatchopt.core.versions import versions

    solvers = ("numpy", "scipy", "highspy", "pulp", "pyvrp", "ortools", "networkx")
    for name, version in versions(*solvers).items():
        click.echo(f"{name} {version}")
    ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "DISPATCHOPT"},
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    callback=_read_config,
    is_eager=True,
    expose_value=False,
    help="TOML file with defaults, a table per command. [default: dispatchopt.toml, if there]",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the versions of dispatchopt and of its solvers.",
)
def cli() -> None:
    """Plan instant fulfilment: where stores stand, what stock lies in them, who carries what.

    Every answer carries its status, a proven bound and the verdict of an independent checker.

    Exit codes: 0 solved, 1 failure, 2 usage, 3 invalid input, 4 proven infeasible, 5 nothing found
    in time, 6 check failed, 130 interrupted (the best answer so far is still written).

    Every option can also be set as DISPATCHOPT_<COMMAND>_<OPTION> or in the TOML file of --config.
    """


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit."""
    leave_at_once()
    sys.exit(run(args))


def run(args: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        code: Any = cli.main(args=args, standalone_mode=False)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except TimeIsUp:
        click.echo(MESSAGE, err=True)
        return EXIT_NOTHING_FOUND
    except BrokenPipeError:
        # The reader of a pipe has gone, as with `| head`: nothing is left to say to it.
        sys.stderr.close()
        return 0
    except Exception as error:  # noqa: BLE001 (the last line of defence: no traceback for users)
        return _explain(error)
    return code if isinstance(code, int) else 0


def _explain(error: Exception) -> int:
    from dispatchopt.core.errors import DispatchOptError, InputError, UnsupportedError

    verbose = logging.getLogger("dispatchopt").isEnabledFor(logging.DEBUG)
    if isinstance(error, DispatchOptError):
        click.echo(f"error: {error}", err=True)
        if verbose:
            logging.getLogger("dispatchopt").debug("raised here", exc_info=error)
        if isinstance(error, InputError):
            return 3
        return 2 if isinstance(error, UnsupportedError) else 1
    if isinstance(error, OSError) and error.filename is not None:
        click.echo(f"error: {error.filename}: {error.strerror}", err=True)
        return 1
    if isinstance(error, MemoryError):
        click.echo("error: memory is used up; try a smaller instance", err=True)
        return 1
    click.echo(
        f"error: this is a bug in dispatchopt: {type(error).__name__}: {error}\n"
        "Run again with -v to see where, and report it with the input if you can.",
        err=True,
    )
    if verbose:
        logging.getLogger("dispatchopt").debug("raised here", exc_info=error)
    return 1


if __name__ == "__main__":
    main()
