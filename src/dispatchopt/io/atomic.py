"""Output that is written whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from dispatchopt.core.errors import InputError
from dispatchopt.io.document import HEADER_FILE
from dispatchopt.io.issues import Said, single


def check_target(path: Path, *, overwrite: bool, is_folder: bool) -> None:
    """Refuse a target that exists, or that is not ours to replace."""
    where = str(path)
    if not path.parent.is_dir():
        raise single("not-writable", where, Said("no such folder"), f"a folder {path.parent}")
    if not (path.exists() or path.is_symlink()):
        return
    if path.is_dir() != is_folder:
        found, wanted = ("a folder", "a file") if path.is_dir() else ("a file", "a folder")
        raise single("file-exists", where, Said(found), f"{wanted}, or nothing")
    if is_folder:
        if not any(path.iterdir()):
            return
        if not (path / HEADER_FILE).is_file():
            found = Said("a folder with other things in it")
            raise single("file-exists", where, found, "no such folder, or one with a document")
    if not overwrite:
        kind = "a folder" if is_folder else "a file"
        raise single("file-exists", where, Said(f"{kind} that exists"), "a new name, or overwrite")


def write_whole(
    path: Path, write: Callable[[Path], None], *, overwrite: bool = False, is_folder: bool = False
) -> None:
    """Write to a temporary name in the same folder, then rename.

    Parameters
    ----------
    path
        The target. What stands there is left as it is until the new content is complete.
    write
        Writes all content to the path it is given, which does not exist yet.
    overwrite
        Whether an existing target may be replaced.
    is_folder
        Whether the content is a folder. Of an existing one only the document is replaced; files
        that are no part of it are kept.

    Raises
    ------
    InputError
        If the target exists, or cannot be written.
    """
    check_target(path, overwrite=overwrite, is_folder=is_folder)
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}{path.suffix}")
    try:
        write(temporary)
        if is_folder and path.exists():
            _swap(temporary, path)
        else:
            temporary.replace(path)
    except OSError as error:
        found = Said(error.strerror or str(error))
        raise single("not-writable", str(path), found, "a place that can be written") from None
    finally:
        _remove(temporary)


def _swap(new: Path, path: Path) -> None:
    old = new.with_name(f"{new.name}.old")
    path.rename(old)
    try:
        new.rename(path)
    except OSError:
        old.rename(path)
        raise
    for each in old.iterdir():
        target = path / each.name
        is_ours = each.name == HEADER_FILE or each.suffix in (".csv", ".parquet")
        if not is_ours and each.name != "network" and not target.exists():
            os.replace(each, target)  # noqa: PTH105 - works for folders and files alike
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def require_input(path: Path) -> None:
    """Refuse a path that does not exist.

    Raises
    ------
    InputError
        With a hint that names a file like it.
    """
    if path.exists():
        return
    from dispatchopt.io.issues import nearest

    parent = path.parent
    hint = ""
    if parent.is_dir():
        hint = nearest(path.name, [each.name for each in sorted(parent.iterdir())[:1000]])
    elif not parent.exists():
        hint = f"there is no folder {parent}"
    raise single("no-file", str(path), Said("no such file or folder"), "a document", hint)


__all__ = ["InputError", "check_target", "require_input", "write_whole"]
