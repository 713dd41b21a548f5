"""Two results side by side."""

from __future__ import annotations

from typing import Any

from dispatchopt.core.result import Result


def compare(first: Result[Any], second: Result[Any]) -> list[dict[str, Any]]:
    """Return one row per figure: ``figure``, ``first``, ``second`` and ``change``.

    ``change`` is the second less the first where both are numbers, else None. Objective and bound
    come first, then the objective's parts and the other figures in the first result's order.

    Raises
    ------
    ValueError
        If the results are of different problems.
    """
    if first.digest and second.digest and first.digest != second.digest:
        raise ValueError(
            f"results of different problems: digests {first.digest} and {second.digest}"
        )
    rows = [
        _row("objective", first.objective, second.objective),
        _row("bound", first.bound, second.bound),
        _row("gap", first.gap, second.gap),
        _row("elapsed_s", first.elapsed_s, second.elapsed_s),
    ]
    for kind in ("parts", "figures"):
        left, right = getattr(first, kind), getattr(second, kind)
        names = [*left, *(name for name in right if name not in left)]
        rows += [_row(f"{kind}.{name}", left.get(name), right.get(name)) for name in names]
    return rows


def _row(figure: str, first: float | None, second: float | None) -> dict[str, Any]:
    change = None if first is None or second is None else second - first
    return {"figure": figure, "first": first, "second": second, "change": change}
