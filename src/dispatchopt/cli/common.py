"""What commands share: options, limits, progress, and where results go."""

from __future__ import annotations

import csv
import io
import json
import logging
import math
import os
import pkgutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

if TYPE_CHECKING:
    from dispatchopt.core.stop import Cancel, Stop

F = TypeVar("F", bound=Callable[..., Any])

#: When this process began to work, so that a time limit covers reading and imports as well.
STARTED = time.perf_counter()
#: Seconds kept back from a time limit for checking and writing the answer.
RESERVE_S = 0.3

EXIT_INFEASIBLE, EXIT_NOTHING_FOUND, EXIT_CHECK_FAILED, EXIT_INTERRUPTED = 4, 5, 6, 130


class Number(click.FloatRange):
    """A number in a range; ``nan``, which every comparison lets through, is none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number, or refuse it."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


def kind_names() -> list[str]:
    """Return the kinds of documents, told by the names of their files: importing them is slow."""
    folder = Path(__file__).parents[1] / "io" / "kinds"
    names = [module.name for module in pkgutil.iter_modules([str(folder)])]
    return [name.replace("_", "-") for name in names if name[0] != "_" and name != "base"]


def limits(command: F) -> F:
    """Add the options that limit a run."""
    for option in reversed(
        (
            click.option(
                "--time-limit",
                type=Number(min=0, min_open=True),
                metavar="SECONDS",
                help="Wall clock for everything, reading included.",
            ),
            click.option(
                "--gap",
                type=Number(min=0),
                default=0.0,
                show_default=True,
                help="Relative gap that is good enough.",
            ),
            click.option(
                "--iterations",
                type=click.IntRange(min=1),
                help="Steps of the engine; makes a run repeatable to the last bit.",
            ),
            click.option(
                "--seed",
                type=click.IntRange(min=0),
                default=1,
                show_default=True,
                help="The same seed and iteration limit give the same answer.",
            ),
        )
    ):
        command = option(command)
    return command


def reader_options(command: F) -> F:
    """Add ``--set`` for the readers of foreign formats."""
    return click.option(
        "--set",
        "options",
        multiple=True,
        metavar="KEY=VALUE",
        help="Option of the reader of a foreign format; may be given more than once.",
    )(command)


def verbosity(command: F) -> F:
    """Add ``-q`` and ``-v``."""

    def set_level(_ctx: click.Context, _param: click.Parameter, value: int) -> int:
        if value:
            logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
            logging.getLogger("dispatchopt").setLevel(logging.DEBUG if value > 1 else logging.INFO)
        return value

    quiet = click.option("-q", "--quiet", is_flag=True, help="No progress and no summary.")
    verbose = click.option(
        "-v",
        "--verbose",
        count=True,
        callback=set_level,
        expose_value=False,
        help="Log to stderr; twice for details.",
    )
    return quiet(verbose(command))


def output(*formats: str) -> Callable[[F], F]:
    """Add ``--format``, ``-o`` and ``--overwrite``."""

    def add(command: F) -> F:
        command = click.option(
            "--overwrite", is_flag=True, help="Replace what is at the output path."
        )(command)
        command = click.option(
            "-o",
            "--output",
            type=click.Path(path_type=Path, allow_dash=True),
            help="File to write; - for stdout.",
        )(command)
        if formats:
            command = click.option(
                "--format",
                "format_",
                type=click.Choice(formats),
                default=formats[0],
                show_default=True,
                help="What is printed on stdout.",
            )(command)
        return command

    return add


def prepare_output(output: Path | None, overwrite: bool, *endings: str) -> None:
    """Refuse, before any work is done, a target that could not be written after it.

    Parameters
    ----------
    output
        The target; None and ``-`` are always fine.
    overwrite
        Whether it may be replaced.
    endings
        Endings of names that stand for a form (``.json``); none at all means that any will do.

    Raises
    ------
    InputError
        If the target exists, cannot be made, or has another ending.
    """
    if output is None or str(output) == "-":
        return
    from dispatchopt.core.errors import InputError, Issue
    from dispatchopt.io import require_absent

    require_absent(output, overwrite=overwrite)
    if endings and output.suffix.lower() not in ("", *endings):
        raise InputError(
            Issue(
                code="bad-choice",
                where=str(output),
                found=repr(output.suffix),
                wanted=f"an ending {', '.join(endings)}",
            )
        )
    if endings and output.is_dir():
        raise InputError(
            Issue(
                code="file-exists",
                where=str(output),
                found="a folder",
                wanted="the name of a file",
            )
        )
    if not os.access(output.absolute().parent, os.W_OK | os.X_OK):
        raise InputError(
            Issue(
                code="not-writable",
                where=str(output),
                found="a folder that may not be written to",
                wanted="a place that can be written",
            )
        )


def refuse_stdin_twice(*paths: Path | None) -> None:
    """Refuse to read two documents from one standard input."""
    if sum(str(path) == "-" for path in paths) > 1:
        raise click.UsageError("only one document can come from standard input (-)")


def _say_at_once(text: str) -> None:
    """Write to stderr from a signal handler, where its buffer may be in use."""
    with suppress(OSError):
        os.write(2, text.encode())


@contextmanager
def cancel_on_interrupt(
    quiet: bool = False,
    has_something: Callable[[], bool] = lambda: True,
    *,
    is_raised: bool = False,
) -> Iterator[Cancel]:
    """Turn the first Ctrl-C or SIGTERM into a wish to end; a second one ends at once.

    Parameters
    ----------
    quiet
        Say nothing about it.
    has_something
        Whether there may be something to keep yet; without that the first Ctrl-C ends at once.
    is_raised
        Whether the first one is raised as well, for work that does not look at the wish.
    """
    from dispatchopt.core.stop import Cancel

    cancel = Cancel()

    def on_interrupt(_signal: int, _frame: object) -> None:
        if cancel.is_set() or not has_something():
            raise KeyboardInterrupt
        cancel.set()
        if not quiet:
            _say_at_once("\nending; the best answer so far is kept (again to give up)\n")
        if is_raised:
            raise KeyboardInterrupt

    # Services and job queues end a process by SIGTERM where people press Ctrl-C.
    wishes = (signal.SIGINT, signal.SIGTERM)
    try:
        before = [signal.signal(wish, on_interrupt) for wish in wishes]
    except ValueError:  # not in the main thread, where Python takes no signals
        yield cancel
        return
    try:
        yield cancel
    finally:
        for wish, handler in zip(wishes, before, strict=True):
            signal.signal(wish, handler)


def make_stop(
    cancel: Cancel,
    time_limit: float | None = None,
    gap: float = 0.0,
    iterations: int | None = None,
) -> Stop:
    """Build the limits of a run; what the process has used so far counts."""
    from dispatchopt.core.stop import Stop

    time_s = None
    if time_limit is not None:
        time_s = max(0.001, time_limit - RESERVE_S - (time.perf_counter() - STARTED))
    return Stop(time_s=time_s, gap=gap, iterations=iterations, cancel=cancel)


def emit_json(value: Any, output: Path | None = None, overwrite: bool = False) -> None:
    """Print or write plain values as JSON; non-finite numbers become null."""
    text = json.dumps(_plain(value), indent=2, allow_nan=False, ensure_ascii=False)
    emit_text(text + "\n", output, overwrite)


def key_values(options: tuple[str, ...]) -> dict[str, Any]:
    """Split ``KEY=VALUE`` options; values stay text."""
    pairs: dict[str, Any] = {}
    for option in options:
        key, sign, value = option.partition("=")
        if not sign or not key:
            raise click.UsageError(f"--set wants KEY=VALUE, not {option!r}")
        pairs[key.replace("-", "_")] = value
    return pairs


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def exit_code(status: str, stopped_by: str) -> int:
    """Return the exit code of a result."""
    if stopped_by == "cancelled":
        return EXIT_INTERRUPTED
    if status == "infeasible":
        return EXIT_INFEASIBLE
    return EXIT_NOTHING_FOUND if status == "unknown" else 0


def emit_rows(
    rows: list[dict[str, Any]], format_: str, output: Path | None, overwrite: bool
) -> None:
    """Print rows as a table, JSON or CSV, or write them to a file."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if format_ == "table" and (output is None or str(output) == "-"):
        _print_table(rows, columns)
        return
    if format_ == "csv" or (output is not None and output.suffix == ".csv"):
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        emit_text(buffer.getvalue(), output, overwrite)
    else:
        emit_json(rows, output, overwrite)


def emit_text(text: str, output: Path | None, overwrite: bool) -> None:
    """Print text, or write it to a file whole or not at all."""
    if output is None or str(output) == "-":
        click.echo(text, nl=not text.endswith("\n"))
        return
    from dispatchopt.io import write_text

    write_text(text, output, overwrite=overwrite)


def _print_table(rows: list[dict[str, Any]], columns: list[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for name in columns:
        is_number = all(isinstance(row.get(name, 0), int | float) for row in rows)
        # A number folded over lines is not one; text may be.
        justify: Literal["left", "right"] = "right" if is_number else "left"
        table.add_column(name.replace("_", " "), justify=justify, no_wrap=is_number)
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in columns))
    console = Console()
    if not console.is_terminal:
        # A pipe or file has no edge to fold at.
        console = Console(width=max(console.width, Console(width=10_000).measure(table).maximum))
    console.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
