"""Tables for the terminal. The only part of the library that prints, at the command line's wish."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dispatchopt.reporting.verdict import badges, decisions, key_figures, verdict

if TYPE_CHECKING:
    from rich.console import Console

    from dispatchopt.core.result import Result
    from dispatchopt.pipeline.result import CityPlan

_COLOURS = {"good": "green", "warn": "yellow", "bad": "red", "": ""}


def print_plan(plan: CityPlan, console: Console | None = None) -> None:
    """Print the verdict, key figures, decisions and stages of a plan."""
    out = _console(console)
    tone, sentence = verdict(plan)
    out.print(_text(sentence, f"bold {_COLOURS[tone]}".strip()))
    figures = [(f.label, f"{f.value} {f.unit}".strip(), f.note) for f in key_figures(plan)]
    out.print(_table("Figures", ("", "", ""), figures))
    out.print(_table("Proof", ("decision", "is"), [(name, text) for name, text, _ in badges(plan)]))
    rows = [(s.name, f"{s.seconds:.2f} s", f"{s.peak_mb:,.0f} MB", s.note) for s in plan.stages]
    out.print(_table("Stages", ("stage", "time", "peak memory", "note"), rows))
    for sentence in decisions(plan):
        out.print(_text(f"- {sentence}"))


def print_result(result: Result[Any], instance: Any = None, console: Console | None = None) -> None:
    """Print status, objective with its parts, bound, gap and origin of a result."""
    name = "" if instance is None else f"{instance.kind} {instance.name}"
    facts = [
        ("status", f"{result.status} ({result.stopped_by})"),
        ("objective", _number(result.objective)),
        *((f"  {part.replace('_', ' ')}", _number(value)) for part, value in result.parts.items()),
        ("bound", _number(result.bound)),
        ("gap", "unknown" if result.gap is None else f"{result.gap:.3%}"),
        *((figure.replace("_", " "), _number(value)) for figure, value in result.figures.items()),
        ("engine", result.engine),
        ("reason", result.reason),
        ("time", f"{result.elapsed_s:.2f} s, {result.iterations:,} iterations"),
        ("seed", str(result.seed)),
    ]
    _console(console).print(_table(name, ("", ""), [fact for fact in facts if fact[1]]))


#: Figures of a replayed day that a planner looks at: of each key all, or those that are named.
_SHORT: dict[str, tuple[str, ...]] = {
    "stopped_by": (),
    "orders": (),
    "on_time_share": (),
    "on_time_ceiling_share": (),
    "delivered_share": (),
    "complete_share": (),
    "click_to_door_s": ("mean", "p50", "p90"),
    "excess_s": ("mean", "p90"),
    "couriers": ("shifts", "shift_hours", "busy_share", "orders_per_hour", "distance_km"),
    "trips": ("count", "orders_per_trip"),
    "cost": (),
    "reasons": (),
    "decisions": ("wall_p99_s",),
}


def print_day(
    figures: Mapping[str, Any], console: Console | None = None, *, is_short: bool = False
) -> None:
    """Print the figures of a replayed day (what ``simulation.metrics`` returns), all or the main.

    ``is_short`` keeps those that planners look at.
    """
    out = _console(console)
    name = f"{figures.get('day', '')} under {figures.get('policy', '')}"
    shown = _short(figures) if is_short else figures
    out.print(_table(name, ("figure", "value"), list(_flat(shown))))


def _short(figures: Mapping[str, Any]) -> dict[str, Any]:
    shown = {}
    for name, kept in _SHORT.items():
        value = figures.get(name)
        if kept and isinstance(value, Mapping):
            value = {part: value[part] for part in kept if part in value}
        if name in figures:
            shown[name] = value
    return shown


def print_verdict(found: Mapping[str, Any], console: Console | None = None) -> None:
    """Print what a checker found: the confirmed objective, or every broken rule."""
    out = _console(console)
    if found["is_feasible"]:
        out.print(_text("All rules are kept.", "bold green"))
    else:
        rows = [(v["rule"], v["where"], _number(v["by"])) for v in found["violations"]]
        out.print(_text(f"{len(rows):,} rules are broken.", "bold red"))
        out.print(_table("Violations", ("rule", "where", "by"), rows))
    claimed = found.get("claimed")
    facts = [("objective", _number(found["objective"])), ("claimed", _number(claimed))]
    parts = found.get("parts", {})
    facts += [(name.replace("_", " "), _number(value)) for name, value in parts.items()]
    out.print(_table("", ("", ""), [fact for fact in facts if fact[1] != "none"]))
    if not found["is_claim_true"]:
        out.print(_text("The objective differs from what the file claims.", "bold red"))


def _flat(figures: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    """Yield name and value of every single figure; lists are left to ``--format json``."""
    for name, value in figures.items():
        label = f"{prefix}{str(name).replace('_', ' ')}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{label}: ")
        elif not isinstance(value, list | tuple):
            yield label, _figure(str(name), value)


def _figure(name: str, value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, float) and name.endswith("share"):
        return f"{value:.1%}"
    return _number(value) if isinstance(value, int | float) else str(value)


def _number(value: float | None) -> str:
    if value is None:
        return "none"
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) >= 1 else f"{value:.4g}"


def _console(console: Console | None) -> Console:
    if console is not None:
        return console
    from rich.console import Console as RichConsole

    return RichConsole(highlight=False)


def _text(text: str, style: str = "") -> Any:
    from rich.text import Text

    # Text, not markup: names may hold square brackets.
    return Text(text, style=style)


def _table(title: str, names: Iterable[str], rows: Iterable[Iterable[str]]) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    heads = list(names)
    table = Table(
        title=_text(title, "bold") if title else None,
        title_justify="left",
        box=SIMPLE_HEAD,
        show_header=any(heads),
    )
    for head in heads:
        table.add_column(_text(head))
    for row in rows:
        table.add_row(*(_text(str(cell)) for cell in row))
    return table
