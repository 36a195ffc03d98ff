"""Files that commands write: whole or not at all, and never over what is not dagreg's own.

dagreg knows its own files by their hashes. A result's folder keeps those of its files in `fit.json`. Of any
other file that `-o` names, one line goes into a list of the user's, a hash of its place and content:
`dagreg/written` under `$XDG_STATE_HOME`, `~/.local/state` by default. A file that has been edited since is
the user's.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dagreg.errors import DagregError, Diagnostic

Hashes = Mapping[str, str]  # SHA-256 by name

_REMEMBERED = 20_000  # files in the user's list
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_PLACE = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.ENOENT, errno.EISDIR)


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes. Raises OSError where it cannot be read."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# ---------------------------------------------------------------- one file


def check_place(path: Path, inputs: Iterable[Path] = ()) -> None:
    """Whether a file can be written here, before any work is done for it.

    Raises DagregError where the place is one of `inputs` (DR582), something other than a file (DR581) or a
    file that dagreg did not write (DR580), or where nothing can be written (DR583, DR585).
    """
    with writing(path):
        status = _status(path)
        if status is None:
            _check_folder_above(path)
            return
        if any(_same(path, other) for other in inputs):
            message = f"`{path}` is what this command reads: it is not overwritten"
            raise DagregError((Diagnostic("DR582", message, notes=("give the output another name",)),))
        _check_kind(path, status)
        if _line(path, sha256_of(path)) not in _remembered():
            note = "give another name, or remove the file if it is of no use any more"
            message = f"`{path}` is there already, and is not as dagreg wrote it: it is not overwritten"
            raise DagregError((Diagnostic("DR580", message, notes=(note,)),))
        _check_folder_above(path)


def write_file(
    path: Path, write: Callable[[Path], object], inputs: Iterable[Path] = (), *, to_edit: bool = False
) -> None:
    """Has `write` make the file that it is given the path of, and puts it in its place whole.

    A file that is there `to_edit` is the user's from then on. A write that fails leaves nothing behind.
    Raises DagregError as `check_place` does, and where the disk is full (DR584) or the system refuses (DR583,
    DR585, DR586).
    """
    check_place(path, inputs)
    with writing(path), folders(path.parent):
        half = path.with_name(f".dagreg-{os.getpid()}{path.suffix}")
        try:
            write(half)
            flush(half)
            digest = sha256_of(half)
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)
    if not to_edit:
        _remember(_line(path, digest))


def flush(path: Path) -> None:
    """Sees a file safely on the disk, so that a full one is known before the file gets its place."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Words the system's refusals. Raises DagregError (DR583 to DR586) for any OSError within."""
    try:
        yield
    except (OSError, UnicodeEncodeError) as error:
        raise not_written(path, error) from error


def not_written(path: Path | str, error: Exception) -> DagregError:
    """The system's refusal to write here, as a message."""
    number = getattr(error, "errno", None)
    reason = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    if number in _NO_ROOM:
        code, note = "DR584", "free some space, or write to another disk; nothing was left behind"
    elif number in _FORBIDDEN:
        code, note = "DR583", "write where you may, or change the permissions of the folder"
    elif number in _NO_PLACE:
        code, note = "DR585", "give a name that the system can have there"
    else:
        code, note = "DR586", "nothing was left behind"
    return DagregError((Diagnostic(code, f"cannot write `{path}`: {reason}", notes=(note,)),))


def system_error(error: Exception) -> OSError:
    """What a library says of a file that it could not write, as the system's own error."""
    words = str(error)
    match = re.search(r"errno = (\d+)", words)
    if match is not None:
        return OSError(int(match[1]), os.strerror(int(match[1])))
    number = next((n for n in (*_NO_ROOM, *_FORBIDDEN) if os.strerror(n).lower() in words.lower()), errno.EIO)
    return OSError(number, os.strerror(number) if number != errno.EIO else words.strip().partition("\n")[0])


def _status(path: Path) -> os.stat_result | None:
    """What is here, links not followed; None where nothing is."""
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None
    except ValueError as error:  # a zero byte
        raise OSError(errno.EINVAL, str(error)) from error


def _check_kind(path: Path, status: os.stat_result) -> None:
    kind = _KINDS.get(stat.S_IFMT(status.st_mode))
    if kind is not None:
        note = "name a file; without `-o` the answer goes to stdout"
        raise DagregError(
            (Diagnostic("DR581", f"`{path}` is {kind}, and dagreg replaces none", notes=(note,)),)
        )


def _same(path: Path, other: Path) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False


def _check_folder_above(path: Path) -> None:
    """Raises OSError where no file can be made at this path: its nearest folder is none, or is closed."""
    for folder in path.parents:
        status = _status(folder)
        if status is None:
            continue
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"`{folder}` is not a folder")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, f"the folder `{folder}` cannot be written to")
        longest = os.pathconf(folder, "PC_NAME_MAX") if hasattr(os, "pathconf") else 255
        if any(len(os.fsencode(name)) > longest for name in path.relative_to(folder).parts):
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        return


@contextmanager
def folders(folder: Path) -> Iterator[None]:
    """A folder and those above it, made where they are not there; gone again where the block fails."""
    new = [f for f in (folder, *folder.parents) if not f.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for made in new:
            with suppress(OSError):  # someone else has put a file there
                made.rmdir()
        raise


# ---------------------------------------------------------------- the user's list of files that dagreg wrote


def _list() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return Path(state) / "dagreg" / "written"


def _line(path: Path, digest: str) -> str:
    """A place and a content as one hash: the list tells nobody what was written where."""
    return hashlib.sha256(os.fsencode(os.path.realpath(path)) + b"\0" + digest.encode()).hexdigest()


def _remembered() -> list[str]:
    try:
        return _list().read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return []


def _remember(line: str) -> None:
    """Where the list cannot be written, the next run asks for another name: rather that than a file lost."""
    with suppress(OSError):
        place = _list()
        place.parent.mkdir(parents=True, exist_ok=True)
        known = _remembered()
        if len(known) < _REMEMBERED:
            with place.open("a", encoding="ascii") as stream:
                stream.write(f"{line}\n")
            return
        half = place.with_name(f"written-{os.getpid()}")
        half.write_text("\n".join([*known[-_REMEMBERED // 2 :], line, ""]), encoding="ascii")
        half.replace(place)


# ---------------------------------------------------------------- a text that carries its own hash

_HEAD, _AFTER = '{"sha256": "', '", '


def sealed(content: Mapping[str, Any]) -> str:
    """A record as JSON, its first field the hash of all that follows."""
    rest = json.dumps(content, allow_nan=False)[1:]
    return f"{_HEAD}{hashlib.sha256(rest.encode()).hexdigest()}{_AFTER}{rest}"


def is_sealed(text: str) -> bool:
    """Whether a text is as `sealed` made it."""
    start = len(_HEAD) + 64
    rest = text[start + len(_AFTER) :]
    return (
        text.startswith(_HEAD)
        and text[start : start + len(_AFTER)] == _AFTER
        and (text[len(_HEAD) : start] == hashlib.sha256(rest.encode("utf-8", "surrogatepass")).hexdigest())
    )


# ---------------------------------------------------------------- a folder of files


def check_folder(folder: Path, names: Iterable[str], known: Hashes) -> None:
    """Whether a folder can take these files, before any work is done for them.

    `known` are the hashes of those that dagreg wrote there. Raises DagregError where another is there
    (DR580), where the folder is something else (DR581), or where nothing can be written (DR583, DR585).
    """
    with writing(folder):
        if _status(folder) is None:
            _check_folder_above(folder)
            return
        if not folder.is_dir():
            message = f"`{folder}` is no folder, and the result's files need one"
            raise DagregError((Diagnostic("DR581", message, notes=("give another name with `-o`",)),))
        _check_folder_above(folder / "file")
        foreign = [name for name in names if not _ours(folder / name, known.get(name))]
    if foreign:
        listed = ", ".join(f"`{folder / name}`" for name in foreign)
        one = len(foreign) == 1
        are = "is there already, and is not as dagreg wrote it: it is not overwritten or removed"
        some = "are there already, and are not as dagreg wrote them: they are not overwritten or removed"
        note = f"give another folder with `-o`, or move {'it' if one else 'them'} away"
        raise DagregError((Diagnostic("DR580", f"{listed} {are if one else some}", notes=(note,)),))


def _ours(path: Path, digest: str | None) -> bool:
    """Whether nothing is here, or the very file that dagreg wrote."""
    status = _status(path)
    return status is None or (
        stat.S_ISREG(status.st_mode) and digest is not None and sha256_of(path) == digest
    )


def replace_all(
    made: Iterable[Path], folder: Path, names: Iterable[str], first: str, last: str, away: Path
) -> None:
    """Puts files into a folder, in place of those of these names, which go to the folder `away`.

    `first` holds the hashes of the others, and `last` says that all are there: `last` goes and comes last, so
    that a run that is cut short never leaves it beside files of another; and as `first` goes after the others
    and comes before them, all that ever lies there is known by it. What fails puts the older files back.
    Raises OSError.
    """
    new = {path.name: path for path in made}
    old = [
        name
        for name in (last, *sorted({*names} - {first, last}), first)
        if _status(folder / name) is not None
    ]
    order = [name for name in (first, *sorted(new.keys() - {first, last}), last) if name in new]
    gone: list[str] = []
    placed: list[str] = []
    try:
        for name in old:
            move(folder / name, away / name)
            gone.append(name)
        for name in order:
            move(new[name], folder / name)
            placed.append(name)
    except BaseException:
        for name in reversed(placed):
            (folder / name).unlink(missing_ok=True)
        for name in reversed(gone):
            os.replace(away / name, folder / name)
        raise


def move(source: Path, target: Path) -> None:
    """A file to its place."""
    os.replace(source, target)
