"""``dispatchopt whatif``: a planner's questions, answered by simulation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dispatchopt.cli import common, deadline, progress

_QUESTIONS = ("couriers", "shifts", "promise", "store", "surge", "compare")


@click.command()
@click.argument("question", type=click.Choice(_QUESTIONS))
@click.argument("day", type=click.Path(path_type=Path, allow_dash=True))
@click.argument("other", type=click.Path(path_type=Path), required=False)
@click.option("--policy", default="rolling", show_default=True, help="Name of a dispatch policy.")
@click.option("--against", metavar="POLICY", help="compare: the policy to compare with.")
@click.option(
    "--days",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Days that are drawn; two or more give intervals.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--as-it-was",
    is_flag=True,
    help="Keep the day's own orders; only noise differs from day to day.",
)
@click.option(
    "--target",
    type=common.Number(min=0, max=1, min_open=True),
    default=0.95,
    show_default=True,
    help="Share of orders on time that is wanted.",
)
@click.option(
    "--grid",
    metavar="LIST",
    help="Values to try, by commas: shares of today's shifts, minutes, or factors of the surge.",
)
@click.option(
    "--time-limit",
    type=common.Number(min=0, min_open=True),
    metavar="SECONDS",
    help="Wall clock; days that are cut short are not counted.",
)
@common.output("table", "json", "csv")
@common.verbosity
def command(
    question: str,
    day: Path,
    other: Path | None,
    policy: str,
    against: str | None,
    days: int,
    seed: int,
    as_it_was: bool,
    target: float,
    grid: str | None,
    time_limit: float | None,
    format_: str,
    output: Path | None,
    overwrite: bool,
    quiet: bool,
) -> int:
    """Answer QUESTION about DAY by simulating variants of it on the same draws.

    couriers: how many are needed; shifts: when one more is worth most; promise: which can be kept;
    store: what one more brings; surge: what a live stream does; compare: two policies (--against),
    or DAY and OTHER, another plan of it, pair by pair. All changes are against the first row, with
    95 % intervals. -o writes .json, .csv or, as a plot, .png.
    """
    common.prepare_output(output, overwrite, ".json", ".csv", ".png")
    common.refuse_stdin_twice(day, other)
    if (question == "compare") != (against is not None or other is not None):
        raise click.UsageError("compare, and only compare, wants --against POLICY or OTHER")
    values = _grid(grid)
    with deadline.alarm(time_limit) as call_off:
        from dispatchopt.cli.simulate import _day_of
        from dispatchopt.io import read
        from dispatchopt.simulation.questions import Options, ask, compare_policies

        given = _day_of(read(day))
        second = None if other is None else _day_of(read(other))
        call_off()
    with common.cancel_on_interrupt(quiet) as cancel, progress.study_progress(quiet) as callback:
        how: dict[str, Any] = {
            "days": days,
            "seed": seed,
            "is_redrawn": not as_it_was,
            "stop": common.make_stop(cancel, time_limit),
            "callback": callback,
        }
        if question == "compare":
            study = compare_policies(given, policy, against or policy, other_day=second, **how)
        else:
            options = Options(target=target, grid=values)
            study = ask(given, question, options, policy=policy, **how)
        is_cancelled = cancel.is_set()
    _emit(study, format_, output, overwrite, quiet)
    if is_cancelled:
        return common.EXIT_INTERRUPTED
    return 0 if study.is_complete else common.EXIT_NOTHING_FOUND


def _grid(text: str | None) -> tuple[float, ...]:
    if text is None:
        return ()
    try:
        return tuple(float(each) for each in text.split(","))
    except ValueError:
        raise click.UsageError(f"--grid wants numbers by commas, not {text!r}") from None


def _emit(study: Any, format_: str, output: Path | None, overwrite: bool, quiet: bool) -> None:
    if output is not None and output.suffix == ".png":
        from dispatchopt.io import write_bytes
        from dispatchopt.reporting.plot import study_png

        write_bytes(study_png(study), output, overwrite=overwrite)
    elif output is not None and output.suffix == ".csv":
        common.emit_rows(study.rows(), "csv", output, overwrite)
    elif output is not None:
        common.emit_json(study.value(), output, overwrite)
    if format_ == "json":
        common.emit_json(study.value())
    elif format_ == "csv":
        common.emit_rows(study.rows(), "csv", None, False)
    elif not quiet and str(output) != "-":
        common.emit_rows(_shown(study), "table", None, False)
        click.echo(study.answer)


def _shown(study: Any) -> list[dict[str, Any]]:
    """Return rows as a table shows them: percent and plus-minus."""
    rows = []
    for finding in study.findings:
        on_time, change = finding.figures["on_time_share"], finding.change.get("on_time_share")
        row: dict[str, Any] = {
            "variant": finding.label,
            "orders": round(finding.orders, 1),
            "on time %": _with_spread(on_time, 100),
            "change, points": "" if change is None else _with_spread(change, 100),
        }
        for name, title in (
            ("click_to_door_min", "click to door, min"),
            ("orders_per_courier_hour", "orders per courier hour"),
            ("cost_per_order_cents", "cents per order"),
        ):
            row[title] = _with_spread(finding.figures[name], 1)
        rows.append(row)
    return rows


def _with_spread(found: Any, factor: float) -> str:
    if found.count == 0:
        return ""
    spread = "" if found.count < 2 else f" +- {factor * found.half:.2f}"
    return f"{factor * found.mean:.2f}{spread}"
