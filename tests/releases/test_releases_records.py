from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.releases.records import format_record, parse_record
from llmops_git.releases.values import Running

OIDS = st.from_regex(r"[0-9a-f]{40}", fullmatch=True)
RUNNING = st.builds(
    Running,
    config=st.just("router"),
    release=st.builds(lambda number: f"llmops/router/v{number}.0.1", st.integers(0, 99)),
    tag_object=OIDS,
    commit=OIDS,
    digest=st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True),
    bundle=OIDS,
    action=st.sampled_from(["promote", "rollback"]),
)
GOOD = Running(
    config="router", release="llmops/router/v1.0.0", tag_object="a" * 40, commit="b" * 40, digest="sha256:" + "c" * 64,
    bundle="d" * 40, action="promote",
)  # fmt: skip


@given(RUNNING)
def test_a_record_is_read_back_as_it_was_written(running: Running) -> None:
    assert parse_record("router", format_record(running)) == running


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fall_over(data: bytes) -> None:
    assert parse_record("router", data) is None


def test_comments_and_spaces_of_a_hand_edit_are_fine() -> None:
    text = format_record(GOOD).decode().replace("[running]", "; by hand\n\n[running]").replace("\taction = ", "  action=")
    assert parse_record("router", text.encode()) == GOOD


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("llmops/router/v1.0.0", "llmops/other/v1.0.0"),
        ("llmops/router/v1.0.0", "llmops/router/v1.0.0-rc1"),
        ("llmops/router/v1.0.0", "main"),
        ("a" * 40, "a" * 39),
        ("promote", "deploy"),
        ("\taction = promote\n", ""),
        ("\taction = promote\n", "\taction = promote\n\taction = rollback\n"),
        ("[running]", "[include]"),
        ("[running]\n", '[running]\n[include]\n\tpath = "/etc/passwd"\n'),
    ],
)
def test_anything_else_is_no_record(old: str, new: str) -> None:
    assert parse_record("router", format_record(GOOD).decode().replace(old, new).encode()) is None


def test_a_value_that_would_need_quoting_cannot_be_written() -> None:
    running = Running(
        config="router", release="llmops/router/v1.0.0\n\taction = rollback", tag_object="a" * 40, commit="b" * 40,
        digest="sha256:" + "c" * 64, bundle="d" * 40, action="promote",
    )  # fmt: skip
    with pytest.raises(ValueError, match="cannot be the release"):
        format_record(running)
