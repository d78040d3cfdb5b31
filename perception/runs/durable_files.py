"""Atomic, durable file writes: a temporary file, fsync, then rename."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Callable, Iterator
from io import BufferedWriter
from pathlib import Path
from typing import Any

from camshaft.envs.errors import CamshaftError, CorruptFile

TEMPORARY_SUFFIX = ".unfinished"


@contextlib.contextmanager
def named_disk_errors(folder: Path) -> Iterator[None]:
    """Context manager that turns an OSError into a CamshaftError with the folder and the reason.

    Args:
        folder: folder that files are written to within the context.
    """
    try:
        yield
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or str(error))
        raise CamshaftError(
            f"cannot write to {folder}: {reason}; files that were complete are kept"
        ) from error


def write_durably(path: Path, write: Callable[[BufferedWriter], Any]) -> None:
    """Write a file atomically: after a crash, `path` holds either the old or the new content.

    Args:
        path: file to write; its folder is created if needed.
        write: writes the content to a stream.
    """
    temporary = temporary_name(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with temporary.open("wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        _remove_quietly(temporary)
        raise
    _sync_folder(path.parent)


def read_file(path: Path) -> bytes:
    """Read a file that must exist.

    Raises:
        CorruptFile: the file does not exist or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise CorruptFile(f"{path} does not exist") from error
    except OSError as error:
        raise CorruptFile(f"{path} cannot be read: {error.strerror}") from error


def write_json_durably(path: Path, content: Any) -> None:
    """Write `content` as indented JSON, atomically."""
    text = json.dumps(content, indent=4, ensure_ascii=False)
    write_durably(path, lambda stream: stream.write(text.encode()))


def finish_file(temporary: Path, path: Path) -> None:
    """Rename a completely written temporary file to its final name, durably."""
    with temporary.open("rb+") as stream:
        os.fsync(stream.fileno())
    os.replace(temporary, path)
    _sync_folder(path.parent)


def temporary_name(path: Path) -> Path:
    """Name of a file while it is being written."""
    return path.with_name(path.name + TEMPORARY_SUFFIX)


class FolderLock:
    """Lock that keeps two processes from writing to a folder at the same time; has no effect on Windows.

    Args:
        path: lock file, in a subfolder of the folder.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = path.open("ab")
        try:
            import fcntl
        except ImportError:  # Windows
            return
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._stream.close()
            raise CamshaftError(f"{path.parent.parent} is being written to by another process") from error

    def release(self) -> None:
        """Release the lock."""
        self._stream.close()


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(PermissionError):  # Windows cannot open folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove_quietly(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
