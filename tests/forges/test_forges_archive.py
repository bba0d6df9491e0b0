"""Archives of strangers: nothing is extracted, nothing larger than the limit is held, nothing ambiguous is read."""

from __future__ import annotations

import io
import struct
import tracemalloc
import warnings
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.forges.archive import MOST_MEMBERS, read_members
from llmops_git.forges.base import ForgeError


def packed(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # duplicate names are what some tests are about
        for name, content in files:
            archive.writestr(name, content)
    return buffer.getvalue()


def test_exactly_the_wanted_members_are_read() -> None:
    content = packed(("a.json", b"1"), ("b/a.json", b"2"), ("A.json", b"3"))
    assert {"a.json": b"1"} == read_members(content, ["a.json", "a.json", "c.json", "b/"], most_bytes=10)


def test_an_empty_archive_holds_nothing() -> None:
    assert {} == read_members(packed(), ["a"], most_bytes=10)


def test_a_naive_reader_would_hold_the_whole_bomb() -> None:
    content = packed(("a", b"\0" * 20_000_000))
    assert len(content) < 30_000
    assert 20_000_000 == len(zipfile.ZipFile(io.BytesIO(content)).read("a"))
    tracemalloc.start()
    with pytest.raises(ForgeError, match="the archive holds more than 1,000,000 bytes in the files that are read"):
        read_members(content, ["a"], most_bytes=1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_a_bomb_that_lies_about_its_size_is_refused() -> None:
    content = bytearray(packed(("a", b"\0" * 1_000_000)))
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = content.index(signature) + offset
        content[place : place + 4] = struct.pack("<I", 10)
    with pytest.raises(ForgeError, match="is broken"):
        read_members(bytes(content), ["a"], most_bytes=1000)


def test_a_bomb_that_nobody_wants_is_never_unpacked() -> None:
    assert {"b": b"1"} == read_members(packed(("a", b"\0" * 20_000_000), ("b", b"1")), ["b"], most_bytes=10)


def test_the_limit_is_for_all_files_together() -> None:
    content = packed(("a", b"x" * 6), ("b", b"x" * 5))
    assert 11 == sum(map(len, read_members(content, ["a", "b"], most_bytes=11).values()))
    with pytest.raises(ForgeError, match="more than 10 bytes"):
        read_members(content, ["a", "b"], most_bytes=10)


def test_a_name_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ForgeError, match=r"holds `report\.json` twice"):
        read_members(packed(("report.json", b"good"), ("x", b""), ("report.json", b"evil")), ["x"], most_bytes=10)


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "\\x", "..\\x", "C:/x", "a/..", ".."])
def test_a_name_outside_of_the_archive_is_refused(name: str) -> None:
    with pytest.raises(ForgeError, match="which is outside of it"):
        read_members(packed(("report.json", b"1"), (name, b"x")), ["report.json"], most_bytes=10)


def test_an_encrypted_member_is_refused() -> None:
    content = bytearray(packed(("a", b"x"), method=zipfile.ZIP_STORED))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(ForgeError, match="holds `a` encrypted or in an unknown compression"):
        read_members(bytes(content), ["a"], most_bytes=10)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_no_upload_uses_are_refused(method: int) -> None:
    with pytest.raises(ForgeError, match="unknown compression"):
        read_members(packed(("a", b"x"), method=method), ["a"], most_bytes=10)


def test_a_directory_of_very_many_members_is_refused() -> None:
    content = packed(*((f"{number}", b"") for number in range(MOST_MEMBERS + 1)), method=zipfile.ZIP_STORED)
    with pytest.raises(ForgeError, match="has more than 10,000 members"):
        read_members(content, ["1"], most_bytes=10)


def test_a_name_of_a_stranger_is_cleaned_in_the_message() -> None:
    with pytest.raises(ForgeError, match=r"`/\S*<001b>\[2J::error::x") as caught:
        read_members(packed(("/\x1b[2J::error::x", b"")), [], most_bytes=10)
    assert "\x1b" not in caught.value.message


@given(st.data())
def test_a_damaged_archive_is_read_or_refused_but_never_a_crash(data: st.DataObject) -> None:
    content = bytearray(packed(("report.json", b"{}" * 50), ("b", b"x" * 40)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content
    try:
        found = read_members(bytes(content), ["report.json"], most_bytes=1000)
    except ForgeError:
        return
    assert found in ({}, {"report.json": b"{}" * 50})


def test_what_is_no_archive_is_refused() -> None:
    with pytest.raises(ForgeError, match="the archive is broken"):
        read_members(b"<html>", ["a"], most_bytes=10)
