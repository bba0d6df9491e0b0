"""Reads named files out of a zip archive of a stranger, in memory and with a limit. Nothing is ever extracted to disk."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence

from llmops_git.forges.base import ForgeError
from llmops_git.forges.text import one_line

MOST_MEMBERS = 10_000
_ENCRYPTED = 0x1
_ENTRY = (
    b"PK\x01\x02"  # begins each entry of the directory, which zipfile would read whole: an entry of 46 bytes costs a kilobyte
)
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})  # what upload-artifact writes; others need unbounded memory
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


def read_members(content: bytes, wanted: Sequence[str], *, most_bytes: int) -> Mapping[str, bytes]:
    """The files among `wanted` (exact names) with their bytes, at most `most_bytes` together.

    Raises ForgeError for an archive that is broken, too large, encrypted, or names a member twice or outside of itself:
    no honest upload does, and what such a name means differs between readers.
    """
    if content.count(_ENTRY) > MOST_MEMBERS:
        raise _refused(f"has more than {MOST_MEMBERS:,} members")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = _members(archive)
            return _read(archive, [members[name] for name in dict.fromkeys(wanted) if name in members], most_bytes)
    except _BROKEN as error:
        raise _refused(f"is broken ({one_line(str(error), 100) or type(error).__name__})") from None


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.filename
        if name in members:
            raise _refused(f"holds `{one_line(name, 100)}` twice")
        if name.startswith(("/", "\\")) or ":" in name[:2] or ".." in name.replace("\\", "/").split("/"):
            raise _refused(f"names `{one_line(name, 100)}`, which is outside of it")
        members[name] = member
    return members


def _read(archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], most_bytes: int) -> dict[str, bytes]:
    kept: dict[str, bytes] = {}
    left = most_bytes
    for member in members:
        if member.flag_bits & _ENCRYPTED or member.compress_type not in _METHODS:
            raise _refused(f"holds `{one_line(member.filename, 100)}` encrypted or in an unknown compression")
        with archive.open(member) as file:
            data = file.read(left + 1)  # what the header says of the size is not to be trusted
        if len(data) > left:
            raise _refused(f"holds more than {most_bytes:,} bytes in the files that are read")
        left -= len(data)
        kept[member.filename] = data
    return kept


def _refused(why: str) -> ForgeError:
    return ForgeError(f"the archive {why}", hint="run the workflow that uploads it again")
