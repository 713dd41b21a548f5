"""``dispatchopt check``: the independent checker on a solution file."""

from __future__ import annotations

from pathlib import Path

import click

from dispatchopt.cli import common


@click.command()
@click.argument("instance", type=click.Path(path_type=Path, allow_dash=True))
@click.argument("solution", type=click.Path(path_type=Path, allow_dash=True))
@common.reader_options
@common.output("table", "json")
@common.verbosity
def command(
    instance: Path,
    solution: Path,
    options: tuple[str, ...],
    format_: str,
    output: Path | None,
    overwrite: bool,
    quiet: bool,
) -> int:
    """Check SOLUTION against INSTANCE: every broken rule, or the confirmed objective.

    Exit code 6 if a rule is broken, or if the objective differs from what the file claims.
    """
    common.refuse_stdin_twice(instance, solution)
    common.prepare_output(output, overwrite)
    from dispatchopt.core.tolerance import same_cost
    from dispatchopt.io import named_violations, read, read_solution
    from dispatchopt.registry import check

    given = read(instance, common.key_values(options))
    held = read_solution(solution, given, is_decided=True)
    report = check(given.problem, held.solution)
    claimed = held.objective
    is_claim_true = claimed is None or same_cost(claimed, report.objective)
    verdict = {
        "is_feasible": report.is_feasible,
        "objective": report.objective,
        "claimed": claimed,
        "is_claim_true": is_claim_true,
        "parts": dict(report.parts),
        "figures": dict(report.figures),
        "violations": [
            {"rule": broken.rule, "where": broken.where, "by": broken.by}
            for broken in named_violations(report.violations, given)
        ],
    }
    if format_ == "json" or output is not None:
        common.emit_json(verdict, output, overwrite)
    elif not quiet:
        from dispatchopt.reporting import print_verdict

        print_verdict(verdict)
    return 0 if report.is_feasible and is_claim_true else common.EXIT_CHECK_FAILED
