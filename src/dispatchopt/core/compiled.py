"""Functions compiled by numba, kept on disk from one process to the next.

Import this where instances are large only: loading numba takes a good part of a second.

numba keeps compiled code under the name of a function, and compiles anew when the text of the file
that holds it has changed. Code of other files that went into it is not looked at, so that a release
which changes a helper would go on with the old one. Names here end with a mark of all that a module
holds when the function is compiled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

_PACKAGE = __name__.partition(".")[0]


def compiled(**options: Any) -> Callable[[Function], Function]:
    """Return a decorator that compiles a function at its first call, and keeps it on disk.

    Parameters
    ----------
    options
        Further options of ``numba.njit``. The interpreter's lock is not held while it runs.
    """

    def wrap(function: Function) -> Function:
        function.__qualname__ = f"{function.__qualname__}_{_mark(function.__globals__)}"
        made: Function = numba.njit(cache=True, nogil=True, **options)(function)
        return made

    return wrap


def _mark(known: dict[str, Any]) -> str:
    """Return a digest of a module's text, and of what it has from elsewhere, however far."""
    found = hashlib.sha256(Path(known["__file__"]).read_bytes())
    for name in sorted(known):
        value = known[name]
        if isinstance(value, numba.core.dispatcher.Dispatcher):
            text = value.py_func.__qualname__
        elif isinstance(value, ModuleType) and value.__name__.startswith(f"{_PACKAGE}."):
            text = Path(str(value.__file__)).read_text(encoding="utf-8")
        elif isinstance(value, int | float | tuple) and not name.startswith("__"):
            text = repr(value)
        else:
            continue
        found.update(f"{name}={text}\n".encode())
    return found.hexdigest()[:12]
