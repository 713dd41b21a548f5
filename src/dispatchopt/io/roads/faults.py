"""Errors that every reader of roads may raise."""

from __future__ import annotations

from pathlib import Path

from dispatchopt.core.errors import InputError, Issue


def unreadable(path: Path, error: OSError) -> InputError:
    """Return the error of a file that cannot be opened."""
    return InputError(
        Issue(
            code="unreadable-file",
            where=str(path),
            found=error.strerror or type(error).__name__,
            wanted="a file that can be read",
        )
    )


def read_bytes(path: Path) -> bytes:
    """Return the content of a file.

    Raises
    ------
    InputError
        If it cannot be read, or is empty.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    if not content.strip():
        raise InputError(
            Issue(code="empty-file", where=str(path), found="no content", wanted="a road network")
        )
    return content
