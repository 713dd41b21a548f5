"""``dispatchopt dispatch``: one decision of the live dispatcher."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dispatchopt.cli import common


@click.command()
@click.argument("state", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--policy", default="rolling", show_default=True, help="Name of a dispatch policy.")
@click.option(
    "--budget",
    type=common.Number(min=0, min_open=True),
    metavar="SECONDS",
    help="Wall clock of the decision. [default: as long as it takes]",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--at",
    "at_s",
    type=click.IntRange(min=0),
    metavar="SECOND",
    help="STATE is a day: replay it up to this second, and decide then.",
)
@click.option(
    "--save-state",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the state that was decided on, to be sent again.",
)
@click.option("--no-quotes", is_flag=True, help="Do not say when each open order is expected.")
@common.output("table", "json")
@common.verbosity
def command(
    state: Path,
    policy: str,
    budget: float | None,
    seed: int,
    at_s: int | None,
    save_state: Path | None,
    no_quotes: bool,
    format_: str,
    output: Path | None,
    overwrite: bool,
    quiet: bool,
) -> int:
    """Decide on STATE: assign, bundle, wait, move, refuse, and quote promises.

    STATE is what is known now, as JSON (docs/dispatch.md). Nothing is kept between calls: send the
    `planned` trips of the answer as `last` of the next state. -o writes the answer as JSON.
    """
    common.prepare_output(output, overwrite, ".json")
    common.prepare_output(save_state, overwrite, ".json")
    from dispatchopt.dispatch.entry import dispatch
    from dispatchopt.io.live import answer_text, read_state, state_text

    live = read_state(state) if at_s is None else _moment(state, at_s, policy, seed)
    answer = dispatch(
        live.state, budget, policy=policy, seed=seed, asked=live.asked, name=live.name or str(state)
    )
    if save_state is not None:
        text = state_text(live.state, live.names, asked=live.asked, name=live.name)
        common.emit_text(text, save_state, overwrite)
    text = answer_text(answer, live.names, quotes=not no_quotes, name=live.name)
    if output is not None:
        common.emit_text(text, output, overwrite)
    if format_ == "json":
        common.emit_text(text, None, overwrite=False)
    elif not quiet and str(output) != "-":
        _print(answer, live.names, not no_quotes)
    return 0


def _moment(path: Path, at_s: int, policy: str, seed: int) -> Any:
    """Return the state of a day at a second."""
    from dispatchopt.cli.simulate import _day_of
    from dispatchopt.io import read
    from dispatchopt.io.live import Live, names_of
    from dispatchopt.simulation.moment import state_at

    day = _day_of(read(path))
    state = state_at(day, at_s, policy, seed=seed)
    return Live(state=state, asked=None, names=names_of(day), name=day.name)


def _print(answer: Any, names: Any, has_quotes: bool) -> None:
    decision = answer.decision
    rows: list[dict[str, Any]] = [
        {"decision": "refuse", "order": names.of("orders", order), "why": str(why)}
        for order, why in decision.refusals
    ]
    rows += [
        {
            "decision": "pick",
            "order": names.of("orders", order),
            "store": names.of("stores", store),
        }
        for order, store in decision.sourcing
    ]
    for word, trips in (("ride", decision.trips), ("planned", decision.planned)):
        rows += [
            {
                "decision": word,
                "order": ", ".join(names.of("orders", order) for order in trip.orders),
                "store": names.of("stores", trip.store),
                "courier": names.of("couriers", trip.courier),
            }
            for trip in trips
        ]
    rows += [
        {
            "decision": "move",
            "courier": names.of("couriers", courier),
            "why": f"to {names.of('places', place)}",
        }
        for courier, place in decision.moves
    ]
    rows += [
        {"decision": "wait", "order": names.of("orders", each.order), "why": str(each.why)}
        for each in answer.waiting
    ]
    rows += [_asked(each, names) for each in answer.asked_quotes]
    if rows:
        common.emit_rows(
            [{key: row.get(key) for key in _COLUMNS} for row in rows], "table", None, False
        )
    quotes = (*answer.quotes, *answer.asked_quotes) if has_quotes else answer.asked_quotes
    kept = sum(quote.is_in_time for quote in quotes)
    said = f"; {kept} of {len(quotes)} quotes in time" if quotes else ""
    click.echo(f"second {answer.state.now_s}, {answer.policy}, {answer.elapsed_s:.3f} s{said}")


def _asked(quote: Any, names: Any) -> dict[str, Any]:
    """Return the row of a basket that was asked for; seconds of the day."""
    row = {"decision": "promise" if quote.is_in_time else "no promise"}
    row["order"] = names.of("asked", quote.order)
    if quote.courier < 0:
        return row | {"why": quote.reason}
    when = f"door at {quote.door_s}, nine times in ten by {quote.safe_s}"
    return row | {
        "store": names.of("stores", quote.store),
        "courier": names.of("couriers", quote.courier),
        "why": f"{quote.reason}: {when}" if quote.reason else when,
    }


_COLUMNS = ("decision", "order", "store", "courier", "why")
