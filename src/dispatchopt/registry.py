"""Finds domains, engines and policies, and solves any problem with the right one."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import dispatchopt
from dispatchopt.core import plugins
from dispatchopt.core.domain import Domain
from dispatchopt.core.errors import DispatchOptError, UnsupportedError
from dispatchopt.core.explain import Aim, Finding
from dispatchopt.core.result import Report, Result
from dispatchopt.core.run import Callback
from dispatchopt.core.run import solve as run_solve
from dispatchopt.core.stop import Stop
from dispatchopt.core.versions import versions


@dataclass(frozen=True, kw_only=True)
class EngineEntry:
    """One engine or policy that works here: kind of problem, name, what it does, versions."""

    domain: str
    name: str
    about: str
    versions: dict[str, str]


@cache
def domains() -> dict[str, Domain[Any, Any]]:
    """Return every domain by name: a package, at any depth, with a module ``domain``."""
    found: dict[str, Domain[Any, Any]] = {}
    for package in _packages(dispatchopt.__name__, dispatchopt.__path__):
        if importlib.util.find_spec(f"{package}.domain") is None:
            continue
        domain = importlib.import_module(f"{package}.domain").DOMAIN
        if domain.name in found:
            raise DispatchOptError(f"two packages call their domain {domain.name!r}")
        found[domain.name] = domain
    return found


# Packages that hold no domain at any depth; they are left unopened, because some are heavy.
_WITHOUT_DOMAINS = {"cli", "core", "engines", "generators", "geography", "io", "reporting"}


def _packages(name: str, path: Iterable[str]) -> Iterator[str]:
    for module in pkgutil.iter_modules(path):
        if module.ispkg and module.name not in _WITHOUT_DOMAINS:
            inner = f"{name}.{module.name}"
            yield inner
            yield from _packages(inner, importlib.import_module(inner).__path__)


def _nearest_domain(module: str) -> Domain[Any, Any] | None:
    """Return the domain of the innermost package of a module that is one; no other is imported."""
    package = module.rpartition(".")[0]
    while package.startswith(f"{dispatchopt.__name__}."):
        if importlib.util.find_spec(f"{package}.domain") is not None:
            found: Domain[Any, Any] = importlib.import_module(f"{package}.domain").DOMAIN
            return found
        package = package.rpartition(".")[0]
    return None


def domain_of(problem: object) -> Domain[Any, Any]:
    """Return the domain of a problem.

    Raises
    ------
    UnsupportedError
        If the object is not a problem of any domain.
    """
    near = _nearest_domain(type(problem).__module__)
    if near is not None and isinstance(problem, near.problem_type):
        return near
    for domain in domains().values():
        if isinstance(problem, domain.problem_type):
            return domain
    kinds = ", ".join(sorted(domains()))
    raise UnsupportedError(
        f"{type(problem).__name__} is not a problem to solve; there are problems of {kinds}. "
        "`dispatchopt plan` plans a city, `dispatchopt simulate` replays a day (in Python: plan(), "
        "simulate())."
    )


def solve(
    problem: Any,
    *,
    engine: str = "auto",
    stop: Stop | None = None,
    seed: int = 1,
    callback: Callback | None = None,
    start: Any = None,
) -> Result[Any]:
    """Solve a problem of any domain; see ``dispatchopt.core.run.solve``."""
    return run_solve(
        domain_of(problem),
        problem,
        engine=engine,
        stop=stop,
        seed=seed,
        callback=callback,
        start=start,
    )


def check(problem: Any, solution: Any) -> Report:
    """Check a solution of any domain's problem: every broken rule, and what it costs."""
    return domain_of(problem).check(problem, solution)


def explain(problem: Any, solution: Any, aim: Aim | None = None) -> tuple[Finding, ...]:
    """Return what stands behind a feasible solution of any domain's problem.

    Parameters
    ----------
    problem, solution
        A problem and a feasible solution of it.
    aim
        Places, names, and what solving anew may spend; by default none of these and 20 s.

    Raises
    ------
    UnsupportedError
        If the domain has nothing to say.
    """
    return tuple(each_finding(problem, solution, Aim() if aim is None else aim))


def each_finding(problem: Any, solution: Any, aim: Aim) -> Iterator[Finding]:
    """Yield the tables of ``explain`` as they are made; those that need no solving come first."""
    domain = domain_of(problem)
    if not _is_explained(domain):
        known = ", ".join(sorted(name for name, each in domains().items() if _is_explained(each)))
        raise UnsupportedError(f"{domain.name} solutions are not explained; there are: {known}")
    if domain.explain is not None:
        yield from domain.explain(problem, solution)
    if domain.explain_further is not None:
        yield from domain.explain_further(problem, solution, aim)


def _is_explained(domain: Domain[Any, Any]) -> bool:
    return domain.explain is not None or domain.explain_further is not None


def policies() -> Mapping[str, Any]:
    """Return every dispatch policy by name."""
    return plugins.scan("dispatchopt.dispatch.policies", "POLICY", group="dispatchopt.policies")


def wave_policies() -> Mapping[str, Any]:
    """Return every policy of days in epochs by name."""
    return plugins.scan(
        "dispatchopt.dispatch.waves.policies", "POLICY", group="dispatchopt.wave_policies"
    )


def entries() -> list[EngineEntry]:
    """List every engine and policy that can be used here."""
    listed = [
        EngineEntry(
            domain=domain.name,
            name=name,
            about=_first_line(engine),
            versions=versions(*engine.packages),
        )
        for domain in domains().values()
        for name, engine in domain.engines().items()
        # An engine behind an optional package that is not there cannot be used.
        if getattr(engine, "is_installed", True)
    ]
    listed += [
        EngineEntry(domain="dispatch", name=name, about=_first_line(policy), versions=versions())
        for name, policy in policies().items()
    ]
    listed += [
        EngineEntry(domain="epochs", name=name, about=_first_line(policy), versions=versions())
        for name, policy in wave_policies().items()
    ]
    return listed


def _first_line(thing: object) -> str:
    return (type(thing).__doc__ or "").strip().partition("\n")[0]
