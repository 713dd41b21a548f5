"""From one encoding or format to another: read, then write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dispatchopt.io.atomic import check_target, write_whole
from dispatchopt.io.formats import formats
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Said, single
from dispatchopt.io.reading import encoding_for, encodings, read, write


def convert(
    source: str | Path,
    target: str | Path,
    *,
    to: str | None = None,
    source_format: str | None = None,
    options: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Instance:
    """Read a document or a file of the field, write it in another form, and return what it held.

    Parameters
    ----------
    source
        What to read; the format is told by content. ``-`` is standard input.
    target
        Where to write; ``-`` is standard output.
    to
        Encoding or format to write; by default what the ending of ``target`` stands for.
    source_format
        Encoding or format of the source; by default it is told by content.
    options
        Options of the format that is read.
    overwrite
        Whether an existing target is replaced.

    Raises
    ------
    InputError
        If the source is wrong, or the target exists or cannot be written.
    """
    how = formats().get(to) if to is not None and to not in encodings() else None
    if to is None and str(target) != "-":
        suffix = Path(target).suffix.lower()
        writers = [each for each in formats().values() if each.write and suffix in each.suffixes]
        how = writers[0] if writers and suffix else None
    if how is None:
        if to is not None and to not in encodings():
            wanted = "one of " + ", ".join(
                [*encodings(), *(n for n, f in formats().items() if f.write)]
            )
            raise single("bad-choice", "to", to, wanted)
        how_ours = encoding_for(target, to)
        if str(target) != "-":
            check_target(Path(target), overwrite=overwrite, is_folder=how_ours.is_folder)
        instance = read(source, options, source_format)
        write(instance, target, how_ours.name, overwrite=overwrite)
        return instance
    writer = how.write
    if writer is None:
        raise single("bad-choice", "to", how.name, "a format that can be written")
    if str(target) == "-":
        raise single("bad-choice", "target", Said("-"), f"a file, for {how.name}")
    check_target(Path(target), overwrite=overwrite, is_folder=False)
    instance = read(source, options, source_format)
    write_whole(Path(target), lambda path: writer(instance, path), overwrite=overwrite)
    return instance
