"""The files of a store: a folder, or a prefix on object storage through fsspec. Names are relative to it, with slashes."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.repo.ignored import keep_out_of_git

REMOTE = 'pip install "llmops-git[remote]", and the driver of the storage, as s3fs or gcsfs'
TEMPORARY = ".part"
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]+://")


class Files(Protocol):
    """What a store needs of a place. Every write is there whole or not at all."""

    where: str

    def names(self, folder: str) -> list[str]:
        """All files below a folder, sorted; none where there is no such folder."""

    def read(self, name: str) -> bytes:
        """A file. Raises FileNotFoundError."""

    def write(self, name: str, content: bytes) -> None:
        """Replace or make a file."""

    def create(self, name: str, content: bytes) -> None:
        """Make a file that is not there. Raises FileExistsError."""

    def take(self, source: Path, name: str) -> None:
        """Move a local file here, and make sure that it stays."""

    def remove(self, name: str) -> None:
        """Delete a file; nothing where there is none."""

    def address(self, name: str) -> str:
        """What DuckDB opens it by."""

    def modified(self, name: str) -> float:
        """Seconds since 1970 when it was last written."""


def files_at(where: str | Path) -> Files:
    """The files at a path, or at a URL that fsspec knows. Raises LlmopsError when what that needs is not installed."""
    if _URL.match(str(where)):
        return RemoteFiles(str(where))
    return LocalFiles(Path(where))


class LocalFiles:
    """A folder on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.where = str(self.folder)

    def names(self, folder: str) -> list[str]:
        top = self.folder / folder
        found = [path for path in top.rglob("*") if path.is_file()] if top.is_dir() else []
        return sorted(path.relative_to(self.folder).as_posix() for path in found)

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        self.take(self._beside(name, content), name)

    def create(self, name: str, content: bytes) -> None:
        beside = self._beside(name, content)
        target = self.folder / name
        try:
            os.link(beside, target)  # unlike a rename it fails where something is
        except FileExistsError:
            raise
        except OSError:  # a disk without links; whoever writes holds the lock
            if target.exists():
                raise FileExistsError(target) from None
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
        _sync_folder((self.folder / name).parent)

    def take(self, source: Path, name: str) -> None:
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        keep_out_of_git(self.folder)
        with source.open("rb") as file:
            os.fsync(file.fileno())
        source.replace(target)
        _sync_folder(target.parent)

    def remove(self, name: str) -> None:
        target = self.folder / name
        target.unlink(missing_ok=True)
        with suppress(OSError):  # a day without spans needs no folder
            if target.parent != self.folder:
                target.parent.rmdir()

    def address(self, name: str) -> str:
        return str(self.folder / name)

    def modified(self, name: str) -> float:
        return (self.folder / name).stat().st_mtime

    def _beside(self, name: str, content: bytes) -> Path:
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        keep_out_of_git(self.folder)
        beside = target.with_name(f"{target.name}.{secrets.token_hex(4)}{TEMPORARY}")
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return beside


class RemoteFiles:
    """A prefix of an fsspec file system. Object storage shows an object when it is whole, which is all that is needed."""

    def __init__(self, url: str) -> None:
        try:
            import fsspec
        except ModuleNotFoundError:
            raise LlmopsError(f"{url} needs fsspec, which is not installed", hint=REMOTE) from None
        try:
            self.system, root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise LlmopsError(f"{url} cannot be opened: {error}", hint=REMOTE) from None
        self.where = url.rstrip("/")
        self._root = str(root).rstrip("/")
        protocol = self.system.protocol
        self._protocol = protocol if isinstance(protocol, str) else protocol[0]

    def names(self, folder: str) -> list[str]:
        self.system.invalidate_cache()
        found = self.system.find(self._path(folder)) if self.system.exists(self._path(folder)) else []
        return sorted(str(path)[len(self._root) + 1 :] for path in found)

    def read(self, name: str) -> bytes:
        content: bytes = self.system.cat_file(self._path(name))
        return content

    def write(self, name: str, content: bytes) -> None:
        self._make_folder(name)
        self.system.pipe_file(self._path(name), content)

    def create(self, name: str, content: bytes) -> None:
        self._make_folder(name)
        self.system.pipe_file(self._path(name), content, mode="create")

    def take(self, source: Path, name: str) -> None:
        self._make_folder(name)
        self.system.put_file(str(source), self._path(name))
        source.unlink()

    def remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self.system.rm_file(self._path(name))

    def address(self, name: str) -> str:
        return f"{self._protocol}://{self._path(name)}"

    def modified(self, name: str) -> float:
        return float(self.system.modified(self._path(name)).timestamp())

    def register(self, connection: Any) -> None:
        """Let a DuckDB connection read it."""
        connection.register_filesystem(self.system)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _make_folder(self, name: str) -> None:
        self.system.makedirs(self._path(name).rpartition("/")[0], exist_ok=True)


@contextmanager
def writing(files: Files, *, wait_seconds: float = 60) -> Iterator[None]:
    """One writer at a time. Raises NotMeasured when another one is at it for too long, and when the place takes no more."""
    with outside(files):
        if isinstance(files, LocalFiles):
            with _locked(files.folder / "lock", wait_seconds):
                _sweep(files.folder)
                yield
        else:
            yield  # who commits second is told so by the manifest, see `Store.commit`


@contextmanager
def outside(files: Files) -> Iterator[None]:
    """What the disk, the storage or a damaged file does is nobody's fault here. Raises NotMeasured."""
    import duckdb

    try:
        yield
    except OSError as error:
        raise NotMeasured(f"{error.filename or files.where}: {error.strerror or error}") from None
    except duckdb.Error as error:
        raise NotMeasured(f"{files.where}: {str(error).splitlines()[0][:300]}") from None


@contextmanager
def _locked(file: Path, wait_seconds: float) -> Iterator[None]:
    import fcntl
    import time

    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as held:
        until = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise NotMeasured(f"another process is writing to {file.parent}", hint="run it again") from None
                time.sleep(0.05)
        yield


def _sweep(folder: Path) -> None:
    """What a writer left that was killed."""
    shutil.rmtree(folder / "working", ignore_errors=True)
    for path in folder.rglob(f"*{TEMPORARY}"):
        path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
