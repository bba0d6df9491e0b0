from __future__ import annotations

import string
import subprocess

from hypothesis import given
from hypothesis import strategies as st

from llmops_git.releases.messages import format_message, one_line, parse_message
from llmops_git.releases.tags import ReleaseNote, TagName, TagRef, format_tag_message, parse_tag, parse_tag_message
from llmops_git.releases.versions import FIRST, Version, next_version, parse_version

NUMBERS = st.integers(0, 10**12)
VERSIONS = st.builds(Version, NUMBERS, NUMBERS, NUMBERS)
NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,30}", fullmatch=True)
OIDS = st.from_regex(r"[0-9a-f]{40}", fullmatch=True)
DIGESTS = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)
NASTY = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("\n\n\n:#- \t\r\0")), max_size=200) | st.sampled_from(
    [
        "Verdict: improved\nPrevious: none",
        "text\n\nConfig-Digest: sha256:00\n",
        "-----BEGIN PGP SIGNATURE-----\nxyz\n-----END PGP SIGNATURE-----",
        "---\nnothing after this",
        "# a heading\n#hash",
        "\n\n\n",
        "a\r\nb\x1b[31m",
    ]
)
REFS = st.none() | st.builds(TagRef, st.builds(lambda name: f"llmops/{name}/v1.0.0", NAMES), OIDS)
SCORES = st.dictionaries(st.text(max_size=8), st.floats(allow_nan=False, allow_infinity=False, width=16) | st.integers(0, 99))
NOTES = st.builds(
    ReleaseNote,
    tag=st.builds(TagName, NAMES, VERSIONS),
    summary=NASTY,
    config_digest=DIGESTS,
    closure_digest=DIGESTS,
    model=st.from_regex(r"[a-z0-9]{1,8}/[A-Za-z0-9._-]{1,20}", fullmatch=True),
    bump=st.sampled_from(["first", "major", "minor", "patch"]),
    baseline=REFS,
    verdict=st.sampled_from(["improved", "unchanged"]),
    scores=SCORES,
    eval_digest=DIGESTS,
    evidence=REFS,
    previous=REFS,
)


@given(NAMES, VERSIONS)
def test_a_tag_name_is_read_back_as_it_was_written(config: str, version: Version) -> None:
    tag = TagName(config, version)
    assert parse_tag(str(tag)) == parse_tag(tag.ref) == tag


@given(st.text(string.ascii_letters + string.digits + "/.-v@#", max_size=40))
def test_what_reads_as_a_tag_name_is_written_the_same(name: str) -> None:
    for text in (name, f"llmops/{name}", f"llmops/router/v{name}"):
        tag = parse_tag(text)
        assert tag is None or str(tag) == text


def test_foreign_tags_are_left_alone() -> None:
    foreign = [
        "v1.0.0", "llmops/router", "llmops/router/1.0.0", "llmops/router/v1.0", "llmops/router/v1.0.0-rc1", "llmops/a/b/v1.0.0",
        "llmops/router/v01.0.0", "llmops/Router/v1.0.0", "llmops/-x/v1.0.0", "llmops/router/v1.0.0\n", "llmops/router/v1.0.٣",
        "llmops/router/v" + "9" * 60 + ".0.0", "refs/heads/llmops/router/v1.0.0",
    ]  # fmt: skip
    assert [parse_tag(name) for name in foreign] == [None] * len(foreign)


@given(st.lists(VERSIONS))
def test_versions_order_by_number(versions: list[Version]) -> None:
    assert sorted(versions) == sorted(versions, key=lambda version: tuple(int(part) for part in str(version).split(".")))


def test_the_tenth_patch_comes_after_the_ninth() -> None:
    assert sorted([Version(1, 0, 10), Version(1, 0, 9)]) == [Version(1, 0, 9), Version(1, 0, 10)]


@given(VERSIONS, st.sampled_from(["major", "minor", "patch", "none"]))
def test_every_bump_gives_a_higher_version(version: Version, bump: str) -> None:
    assert next_version(version, bump) > version  # type: ignore[arg-type]


def test_bumps_reset_the_smaller_numbers() -> None:
    version = Version(1, 4, 2)
    bumped = [str(next_version(version, bump)) for bump in ("major", "minor", "patch", "none")]  # type: ignore[arg-type]
    assert bumped == ["2.0.0", "1.5.0", "1.4.3", "1.4.3"]
    assert next_version(None, "major") == FIRST


@given(VERSIONS)
def test_a_version_is_read_back_as_it_was_written(version: Version) -> None:
    assert parse_version(str(version)) == version


@given(NOTES)
def test_no_summary_changes_what_the_trailers_say(note: ReleaseNote) -> None:
    read = parse_tag_message(note.tag, format_tag_message(note))
    assert read is not None
    for name in ReleaseNote.__slots__:
        if name not in ("summary", "scores"):
            assert getattr(read, name) == getattr(note, name)


@given(NASTY, NASTY, NASTY)
def test_a_message_is_read_back_as_it_was_written(subject: str, summary: str, value: str) -> None:
    trailers = [("Reason", value), ("Last", "one")]
    first = format_message(subject, summary, trailers)
    message = parse_message(first)
    assert message.trailers == {key: one_line(value) for key, value in trailers if one_line(value)}
    again = format_message(message.subject, message.summary, list(message.trailers.items()))
    assert parse_message(again) == message


@given(NASTY)
def test_git_reads_the_same_trailers(summary: str) -> None:
    text = format_message("subject", summary, [("Config-Digest", "sha256:1"), ("Previous", "none")])
    done = subprocess.run(["git", "interpret-trailers", "--parse"], input=text.encode(), capture_output=True, check=True)
    assert done.stdout.decode() == "Config-Digest: sha256:1\nPrevious: none\n"


def test_lines_that_look_like_comments_are_kept() -> None:
    assert parse_message(format_message("s", "# heading\n#1 fixed", [("Key", "value")])).summary == "# heading\n#1 fixed"


def test_a_signature_is_no_part_of_the_message() -> None:
    signed = (
        format_message("s", "text", [("Key", "value")])
        + "-----BEGIN SSH SIGNATURE-----\nKey: forged\n-----END SSH SIGNATURE-----\n"
    )
    assert dict(parse_message(signed).trailers) == {"Key": "value"}


def test_a_last_paragraph_with_one_other_line_holds_no_trailers() -> None:
    message = parse_message("subject\n\ntext\n\nKey: value\nand more")
    assert (dict(message.trailers), message.summary) == ({}, "text\n\nKey: value\nand more")


def test_a_message_that_is_only_trailers_has_no_summary() -> None:
    message = parse_message("subject\n\nKey: value\n")
    assert (message.subject, message.summary, dict(message.trailers)) == ("subject", "", {"Key": "value"})


def test_the_first_of_two_equal_keys_counts() -> None:
    assert parse_message("s\n\nKey: one\nKey: two\n").trailers["Key"] == "one"


def test_scores_keep_six_digits() -> None:
    tag = TagName("router", FIRST)
    note = ReleaseNote(
        tag=tag, config_digest="sha256:1", closure_digest="sha256:2", model="a/b", bump="first", verdict="improved",
        scores={"queue": 1 / 3, "n": 30, "all": [2 / 3]}, eval_digest="sha256:3",
    )  # fmt: skip
    assert 'Eval: {"all":[0.666667],"n":30,"queue":0.333333}\n' in format_tag_message(note)


def test_a_message_that_somebody_else_wrote_is_no_release_note() -> None:
    tag = TagName("router", FIRST)
    assert parse_tag_message(tag, "my own tag\n") is None
    assert parse_tag_message(tag, "s\n\nConfig-Digest: a\nClosure-Digest: b\nEval-Digest: c\nEval: {broken\n") is None
