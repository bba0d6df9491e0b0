"""A disposable cache beside the clone's objects.

It holds who mentions whom in the last tree seen, scans by blob, and comparisons by content. It is never needed: without it
(read-only, locked, broken, of another version) everything is computed again. What is kept by content cannot be stale; what is
kept for one tree says which. Nothing in it is ever executed.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from llmops_git.repo.git import Git
    from llmops_git.repo.mentions import MentionTable

FORMAT = 3  # raise it with any change to the tables, or to what scans and comparisons contain
FOLDER = "llmops-git"
_SECONDS = 0.5  # how long another process may hold the file before we go on without it
_MOST_SCANS = 200_000
_MOST_COMPARISONS = 20_000
SHARDS = 256
_CHUNK = 500  # parameters of one statement
_TABLES = """
create table meta (name text primary key, value text) without rowid;
create table mention (shard integer primary key, lists blob);
create table glob (shard integer primary key, lists blob);
create table scan (id integer primary key, oid text, syntax text, found text, unique (oid, syntax));
create table comparison (id integer primary key, key blob unique, found text);
"""


T = TypeVar("T")
Write = Callable[[sqlite3.Connection], None]


class IndexTroubleError(Exception):
    """The file cannot be read now: compute instead."""


class _ForeignError(Exception):
    """A file of another version."""


class Index:
    """One cache file, read in one transaction. Its mentions are those of the tree `tree`, for the configs of `selection`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute("begin")  # what is read from here on is from one moment, whatever other processes do
        meta = dict(connection.execute("select name, value from meta"))
        self.tree: str = meta.get("tree", "")
        self.selection: str = meta.get("selection", "")
        self.total = int(meta.get("total", "0"))
        self._writes: list[Write] = []
        self._scans: list[tuple[str, str, str]] = []
        self._comparisons: list[tuple[bytes, str]] = []

    def keyed(self, keys: Iterable[bytes]) -> Iterator[bytes]:
        """The files that mention one of these keys."""
        wanted = sharded(dict.fromkeys(keys, ()))
        for shard, lists in self._select("select shard, lists from mention where shard in ({})", list(wanted)):
            for key in wanted[shard]:
                yield from look_up(lists, key)

    def ending(self, name: bytes) -> Iterator[bytes]:
        """The files that mention a key that ends with `name`."""
        for (lists,) in self._select("select lists from mention"):
            for key, paths in unpack(lists).items():
                if key.endswith(name):
                    yield from paths

    def patterns(self) -> Iterable[bytes]:
        """All globs."""
        return [pattern for (lists,) in self._select("select lists from glob") for pattern in unpack(lists)]

    def globbing(self, pattern: bytes) -> Iterable[bytes]:
        """The files that name this glob."""
        for (lists,) in self._select("select lists from glob where shard in ({})", [shard_of(pattern)]):
            return look_up(lists, pattern)
        return ()

    def scans(self, oids: Sequence[str]) -> dict[tuple[str, str], Any]:
        """What is known of these blobs: (id, syntax) -> what was kept."""
        with suppress(IndexTroubleError, ValueError):
            rows = self._select("select oid, syntax, found from scan where oid in ({})", list(oids))
            return {(oid, syntax): json.loads(text) for oid, syntax, text in rows}
        return {}

    def comparisons(self, keys: Sequence[bytes]) -> dict[bytes, Any]:
        """What is known of these comparisons."""
        with suppress(IndexTroubleError, ValueError):
            rows = self._select("select key, found from comparison where key in ({})", list(keys))
            return {key: json.loads(text) for key, text in rows}
        return {}

    def keep_scan(self, oid: str, syntax: str, found: Any) -> None:
        """Remember what a blob names."""
        self._scans.append((oid, syntax, json.dumps(found, separators=(",", ":"))))

    def keep_comparison(self, key: bytes, found: Any) -> None:
        """Remember a comparison."""
        self._comparisons.append((key, json.dumps(found, separators=(",", ":"))))

    def rebuild(self, tree: str, selection: str, total: int, table: MentionTable) -> None:
        """Keep the mentions of another tree in place of those that are here."""

        def write(connection: sqlite3.Connection) -> None:
            for name, lists in (("mention", table.keys), ("glob", table.globs)):
                connection.execute(f"delete from {name}")  # noqa: S608
                rows = [(shard, pack(some)) for shard, some in sharded(lists).items()]
                connection.executemany(f"insert into {name} values (?, ?)", rows)  # noqa: S608
            _set(connection, tree=tree, selection=selection, total=total)

        self._writes.append(write)

    def move(self, tree: str, total: int, table: MentionTable) -> None:
        """Add what a newer tree mentions; older mentions stay, since whatever is found by them is verified."""

        def write(connection: sqlite3.Connection) -> None:
            if connection.execute("select value from meta where name = 'tree'").fetchone() != (self.tree,):
                return  # another process has moved it
            for name, added in (("mention", table.keys), ("glob", table.globs)):
                for shard, some in sharded(added).items():
                    row = connection.execute(f"select lists from {name} where shard = ?", (shard,)).fetchone()  # noqa: S608
                    merged = unpack(row[0]) if row else {}
                    for key, paths in some.items():
                        merged[key] = list(dict.fromkeys([*merged.get(key, ()), *paths]))
                    connection.execute(f"insert or replace into {name} values (?, ?)", (shard, pack(merged)))  # noqa: S608
            _set(connection, tree=tree, total=total)

        self._writes.append(write)

    def close(self) -> None:
        """Write what was to be remembered, unless somebody else is writing, and let go of the file."""
        with suppress(sqlite3.Error):
            self._connection.execute("commit")
            if self._writes or self._scans or self._comparisons:
                self._save()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _save(self) -> None:
        connection = self._connection
        connection.execute("begin immediate")
        for write in self._writes:
            write(connection)
        connection.executemany("insert or ignore into scan (oid, syntax, found) values (?, ?, ?)", self._scans)
        connection.executemany("insert or ignore into comparison (key, found) values (?, ?)", self._comparisons)
        for name, most in (("scan", _MOST_SCANS), ("comparison", _MOST_COMPARISONS)):
            connection.execute(f"delete from {name} where id <= (select max(id) from {name}) - ?", (most,))  # noqa: S608
        connection.execute("commit")

    def _select(self, statement: str, values: list[Any] | None = None) -> Iterator[Any]:
        """Rows of a statement; `{}` in it stands for as many values as there are."""
        try:
            if values is None:
                yield from self._connection.execute(statement)
                return
            for start in range(0, len(values), _CHUNK):
                some = values[start : start + _CHUNK]
                yield from self._connection.execute(statement.format(",".join("?" * len(some))), some)
        except sqlite3.Error as error:
            raise IndexTroubleError(str(error)) from error


def open_index(git: Git, root: str = "") -> Index | None:
    """The cache of this clone (worktrees share it) for the policy in the folder `root`; None where there can be none."""
    path = git.location.common_dir / FOLDER / _file_name(root)
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError:
        return None
    for attempt in range(2):
        try:
            return Index(_connect(path))
        except sqlite3.OperationalError:  # locked, or the place is read-only
            return _open_read_only(path)
        except (sqlite3.DatabaseError, _ForeignError, ValueError):  # not ours, or broken: start again
            if attempt:
                return None
            try:
                path.unlink(missing_ok=True)
            except OSError:
                return None
    return None


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_SECONDS, isolation_level=None)
    try:
        (version,) = connection.execute("pragma user_version").fetchone()
        if version == 0 and not connection.execute("select 1 from sqlite_master").fetchone():
            connection.executescript(f"begin immediate; {_TABLES} pragma user_version = {FORMAT}; commit;")
        elif version != FORMAT:
            raise _ForeignError
    except BaseException:
        connection.close()
        raise
    return connection


def _open_read_only(path: Path) -> Index | None:
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=_SECONDS, isolation_level=None)
    except sqlite3.Error:
        return None
    try:
        (version,) = connection.execute("pragma user_version").fetchone()
        if version == FORMAT:
            return Index(connection)
    except (sqlite3.Error, ValueError):
        pass
    connection.close()
    return None


def _file_name(root: str) -> str:
    return f"cache-{hashlib.sha256(root.encode(errors='surrogateescape')).hexdigest()[:12]}.db" if root else "cache.db"


def _set(connection: sqlite3.Connection, **values: object) -> None:
    connection.executemany("insert or replace into meta values (?, ?)", [(name, str(value)) for name, value in values.items()])


def shard_of(key: bytes) -> int:
    """The row that a key is kept in: a few large rows are written in a tenth of the time that many small ones take."""
    return zlib.crc32(key) % SHARDS


def sharded(lists: Mapping[bytes, T]) -> dict[int, dict[bytes, T]]:
    """The same lists, by row."""
    shards: dict[int, dict[bytes, T]] = {}
    for key, values in lists.items():
        shards.setdefault(shard_of(key), {})[key] = values
    return shards


def pack(lists: Mapping[bytes, Iterable[bytes]]) -> bytes:
    """Keys with their paths as bytes: `key NUL path NUL path`, one after the other, separated by two NULs."""
    return b"\0\0".join(b"\0".join((key, *paths)) for key, paths in lists.items())


def look_up(packed: bytes, key: bytes) -> list[bytes]:
    """The paths of one key."""
    start = 0 if packed.startswith(key + b"\0") else packed.find(b"\0\0" + key + b"\0") + 2
    if start == 1:
        return []
    end = packed.find(b"\0\0", start)
    return packed[start + len(key) + 1 : end if end >= 0 else None].split(b"\0")


def unpack(packed: bytes) -> dict[bytes, list[bytes]]:
    """The inverse of `pack`."""
    found = {}
    for line in packed.split(b"\0\0") if packed else ():
        key, *paths = line.split(b"\0")
        found[key] = paths
    return found
