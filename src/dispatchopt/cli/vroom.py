"""``dispatchopt vroom``: VROOM's command line, with the engines of this package behind it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from dispatchopt.cli import common

#: Exit codes, and codes in the output, as VROOM has them.
OK, INTERNAL_ERROR, INPUT_ERROR, ROUTING_ERROR = 0, 1, 2, 3
#: Steps without improvement after which a run ends, per job and level of exploration.
_STALL = 40


@click.command()
@click.argument("text", required=False)
@click.option(
    "-i",
    "--input",
    "source",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File with the problem; without it and without TEXT, stdin.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write."
)
@click.option("-l", "--limit", type=common.Number(min=0, min_open=True), help="Most seconds.")
@click.option(
    "-x",
    "--explore",
    type=click.IntRange(0, 5),
    default=5,
    show_default=True,
    help="How long to go on without improvement, where no limit is given.",
)
@click.option(
    "-t", "--threads", type=click.IntRange(min=1), default=1, help="Read, and one is used."
)
@click.option("-g", "--geometry", is_flag=True, help="Refused: no routing server is asked.")
@click.option("-c", "--choose-eta", is_flag=True, help="Refused: given steps are not timed.")
@click.option("--engine", default="auto", show_default=True, help="Name of an engine.")
def command(
    text: str | None,
    source: Path | None,
    output: Path | None,
    limit: float | None,
    explore: int,
    threads: int,  # noqa: ARG001 - VROOM's callers pass it
    geometry: bool,
    choose_eta: bool,
    engine: str,
) -> int:
    """Solve VROOM's JSON, from TEXT, a file or stdin, and print VROOM's JSON.

    Exit codes and the `code` of the output are VROOM's: 0 solved (orders may be unassigned), 1
    internal error, 2 input error. A client of VROOM changes `vroom` to `dispatchopt vroom`.
    """
    from dispatchopt.core.errors import DispatchOptError, InputError, UnsupportedError

    try:
        if geometry or choose_eta:
            flag = "-g" if geometry else "-c"
            raise UnsupportedError(f"{flag} is not supported: there is no routing server here")
        answer = _solve(_given(text, source), limit, explore, engine)
        code = OK
    except DispatchOptError as error:
        is_input = isinstance(error, InputError | UnsupportedError)
        code = INPUT_ERROR if is_input else INTERNAL_ERROR
        answer = json.dumps({"code": code, "error": str(error)}) + "\n"
    common.emit_text(answer, output, overwrite=True)
    return code


def _given(text: str | None, source: Path | None) -> tuple[str, str]:
    """Return the text of the problem, and what messages call it."""
    from dispatchopt.core.errors import InputError, Issue

    if text is not None:
        return text, "argument"
    try:
        if source is None:
            return sys.stdin.buffer.read().decode("utf-8"), "stdin"
        return source.read_text(encoding="utf-8"), str(source)
    except (OSError, UnicodeDecodeError) as error:
        where = "stdin" if source is None else str(source)
        wanted = "a text that can be read"
        issue = Issue(code="unreadable-file", where=where, found=str(error), wanted=wanted)
        raise InputError(issue) from error


def _solve(given: tuple[str, str], limit: float | None, explore: int, engine: str) -> str:
    from dispatchopt.core.stop import Stop
    from dispatchopt.io import parse_vroom, solution_text
    from dispatchopt.registry import solve

    instance = parse_vroom(*given)
    jobs = len(instance.problem.orders)
    stop: Any = Stop(time_s=limit, stall=_STALL * (1 + explore) * (1 + jobs))
    return solution_text(solve(instance.problem, engine=engine, stop=stop), instance, "vroom")
