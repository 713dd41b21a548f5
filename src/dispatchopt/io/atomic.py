"""Output that is written whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

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
        there, wanted = ("a folder", "a file") if path.is_dir() else ("a file", "a folder")
        raise single("file-exists", where, Said(there), f"{wanted}, or nothing")
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


def require_absent(path: str | Path, *, overwrite: bool = False) -> None:
    """Refuse a target that exists, unless it may be replaced, or whose folder does not.

    Raises
    ------
    InputError
        If the target is there already, or cannot be made.
    """
    path = Path(path)
    is_folder = path.is_dir()
    if overwrite or not path.exists():
        if not path.absolute().parent.is_dir():
            check_target(path, overwrite=overwrite, is_folder=is_folder)
        return
    if is_folder and not any(path.iterdir()):
        return
    found = Said(f"a {'folder' if is_folder else 'file'} that exists")
    raise single("file-exists", str(path), found, "a new name, or overwrite")


def write_text(text: str, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a text file in UTF-8, whole or not at all.

    Raises
    ------
    InputError
        If the target exists, or cannot be written.
    """
    write_whole(
        Path(path),
        lambda to: _put(to, text),
        overwrite=overwrite,
    )


def write_bytes(data: bytes, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a file of bytes, whole or not at all.

    Raises
    ------
    InputError
        If the target exists or cannot be written.
    """
    path = Path(path)
    check_target(path, overwrite=overwrite, is_folder=False)
    write_whole(path, lambda to: _put_bytes(to, data), overwrite=overwrite)


def _put_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _put(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8"))


def write_folder(
    path: str | Path, files: Mapping[str, str | bytes], *, overwrite: bool = False
) -> None:
    """Write files into a folder, all or none; other files that are there already are kept.

    Parameters
    ----------
    path
        The folder; made if need be.
    files
        Content by name; names may hold folders.
    overwrite
        Whether files of these names may be replaced, and the folder need not be empty.

    Raises
    ------
    InputError
        If the folder is not empty, or cannot be written.
    """
    path = Path(path)
    require_absent(path, overwrite=overwrite)
    check_folder = path.exists() and not path.is_dir()
    if check_folder:
        raise single("file-exists", str(path), Said("a file"), "a folder, or nothing")
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}")
    try:
        for name, content in files.items():
            target = temporary / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        temporary.mkdir(exist_ok=True)
        if not path.exists():
            temporary.rename(path)
            return
        for name in files:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (temporary / name).replace(path / name)
    except OSError as error:
        found = Said(error.strerror or str(error))
        raise single("not-writable", str(path), found, "a place that can be written") from None
    finally:
        _remove(temporary)


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
