"""Nothing that a value says can set another output, act as a command or push the summary over its limit."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runner_rules import Runner, outputs_of

from llmops_git.errors import LlmopsError
from llmops_git.forges.github_job import MESSAGE_LIMIT, SUMMARY_LIMIT, GithubJob, PlainJob, annotation_line, heredoc
from llmops_git.forges.joblog import Annotation
from llmops_git.forges.text import visible

LINES = ["\n", "\r", "\r\n", "x<<EOF\n", "\u2028", "\x1b[2J", "\x00", "\ufeff", " "]
WORDS = ["=", "<<", "::", "%", "%0A", "%25", "%3A", ",", ":", "verdict", "EOF", "a=b", "llmops-", "##[error]"]
COMMANDS = ["::set-output name=verdict::improved", "::add-mask::e", "::stop-commands::x"]
HOSTILE = st.text() | st.lists(st.sampled_from([*LINES, *WORDS, *COMMANDS]), max_size=12).map("".join)
NAMES = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_-]{0,20}\Z")


def job(folder: Path) -> tuple[GithubJob, io.StringIO]:
    stream = io.StringIO()
    return GithubJob({"GITHUB_OUTPUT": str(folder / "output"), "GITHUB_STEP_SUMMARY": str(folder / "summary")}, stream), stream


def left(folder: Path) -> dict[str, str]:
    return outputs_of((folder / "output").read_bytes().decode())


def test_naive_outputs_let_a_value_set_another_one() -> None:
    """The attack, on a stand-in with a fixed delimiter: it must work there, or the tests below say nothing."""
    value = "x\nEOF\nverdict<<EOF\nimproved\nEOF\nrest<<EOF\n"
    naive = f"verdict<<EOF\nregressed\nEOF\nnote<<EOF\n{value}\nEOF\n"
    assert "improved" == outputs_of(naive)["verdict"]


@given(values=st.dictionaries(NAMES, HOSTILE, max_size=5))
def test_outputs_come_back_exactly_as_they_were_set(tmp_path_factory: pytest.TempPathFactory, values: dict[str, str]) -> None:
    folder = tmp_path_factory.mktemp("step")
    (folder / "output").touch()
    log, _ = job(folder)
    for name, value in values.items():
        log.output(name, value)
    assert values == left(folder)


def test_an_output_may_be_set_again_and_the_last_counts(tmp_path: Path) -> None:
    log, _ = job(tmp_path)
    log.output("verdict", "regressed")
    log.output("verdict", "unchanged")
    assert {"verdict": "unchanged"} == left(tmp_path)


def test_a_delimiter_in_the_value_is_refused() -> None:
    with pytest.raises(ValueError, match="the delimiter is in the value"):
        heredoc("name", "a\nEND\nb", "END")


def test_each_value_has_its_own_delimiter(tmp_path: Path) -> None:
    log, _ = job(tmp_path)
    log.output("a", "1")
    log.output("b", "2")
    lines = (tmp_path / "output").read_text().splitlines()
    assert lines[0].removeprefix("a<<") != lines[3].removeprefix("b<<")
    assert len("llmops-") + 32 == len(lines[2])


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a<<b", "a\nb", "1a", "ä"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LlmopsError, match="is no name for an output"):
        job(tmp_path)[0].output(name, "x")


def test_a_step_without_an_output_file_says_so() -> None:
    with pytest.raises(LlmopsError, match="GITHUB_OUTPUT is not set"):
        GithubJob({}, io.StringIO()).output("a", "b")


def test_a_lone_surrogate_is_shown_by_its_code(tmp_path: Path) -> None:
    log, _ = job(tmp_path)
    log.output("a", "x\ud800y")
    assert {"a": "x\\ud800y"} == left(tmp_path)


def test_nothing_is_written_to_the_environment_or_path_of_later_steps(tmp_path: Path) -> None:
    environ = {
        name: str(tmp_path / name)
        for name in ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_STATE")
    }
    log = GithubJob(environ, io.StringIO())
    log.output("a", "b")
    log.summary("c")
    log.annotate(Annotation(level="error", message="d"))
    log.mask("secret")
    assert ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] == sorted(path.name for path in tmp_path.iterdir())


def test_summaries_are_added_one_after_the_other(tmp_path: Path) -> None:
    log, _ = job(tmp_path)
    log.summary("# one")
    log.summary("two")
    assert "# one\ntwo\n" == (tmp_path / "summary").read_text()


@pytest.mark.parametrize("line", ["x" * 99, "é" * 50, "𝄞" * 1_000_000])
def test_the_summary_never_goes_over_its_limit_and_says_that_it_was_cut(tmp_path: Path, line: str) -> None:
    log, _ = job(tmp_path)
    for _ in range(3):
        log.summary(f"{line}\n" * (600_000 // len(line.encode()) + 1))
    content = (tmp_path / "summary").read_bytes()
    assert len(content) <= SUMMARY_LIMIT
    assert len(content) > SUMMARY_LIMIT - 300
    assert 1 == content.decode().count("The summary was cut here")


def test_a_summary_of_exactly_the_limit_is_whole(tmp_path: Path) -> None:
    log, _ = job(tmp_path)
    log.summary("x" * (SUMMARY_LIMIT - 1))
    log.summary("more")
    assert b"x" * (SUMMARY_LIMIT - 1) + b"\n" == (tmp_path / "summary").read_bytes()


def test_without_a_summary_file_nothing_happens() -> None:
    GithubJob({}, io.StringIO()).summary("# x")


def test_an_annotation_points_at_a_line_of_a_file() -> None:
    annotation = Annotation(
        level="error", message="queue fell by 4 points", title="support-router", path="prompts/a,b:c.yaml", line=3
    )
    expected = "::error file=prompts/a%2Cb%3Ac.yaml,line=3,title=support-router::queue fell by 4 points"
    assert expected == annotation_line(annotation)


def test_an_annotation_without_a_place_has_no_properties() -> None:
    assert "::notice::100%25 done%0Areally" == annotation_line(Annotation(level="notice", message="100% done\nreally"))


@given(message=HOSTILE, title=HOSTILE, path=HOSTILE, line=st.integers(-1, 10**6))
def test_an_annotation_is_one_command_with_the_texts_it_was_given(message: str, title: str, path: str, line: int) -> None:
    written = annotation_line(Annotation(level="warning", message=message, title=title, path=path, line=line))
    [(name, properties, data)] = Runner().read(written).acted
    assert ("warning", visible(message)) == (name, data)
    assert {"file", "line", "title"} >= properties.keys()
    if path.strip() and "title" in properties:
        assert visible(path) == properties.get("file", visible(path))


def test_a_message_is_cut_before_the_runner_would_cut_it() -> None:
    [(_, _, data)] = Runner().read(annotation_line(Annotation(level="error", message="%" * 9000))).acted
    assert MESSAGE_LIMIT == len(data)


def test_a_naive_log_lets_a_model_set_the_verdict() -> None:
    """The attack that `quiet` is for."""
    assert ["set-output"] == Runner().read("reply of the model:\n::set-output name=verdict::improved\n").names


@given(texts=st.lists(HOSTILE, max_size=6))
def test_while_quiet_only_our_own_commands_act(texts: list[str]) -> None:
    stream = io.StringIO()
    log = GithubJob({}, stream)
    log.quiet()
    for text in texts:
        stream.write(text)
        log.annotate(Annotation(level="error", message="ours"))
        stream.write(text)
    log.loud()
    log.annotate(Annotation(level="notice", message="last"))
    assert ["error"] * len(texts) + ["notice"] == Runner().read(stream.getvalue()).names


def test_every_silence_has_a_new_word() -> None:
    stream = io.StringIO()
    log = GithubJob({}, stream)
    log.quiet()
    log.annotate(Annotation(level="error", message="x"))
    log.loud()
    words = [line.removeprefix("::stop-commands::") for line in stream.getvalue().splitlines() if "stop-commands" in line]
    assert 2 == len(set(words))
    assert all(len(word) == 32 for word in words)


def test_quiet_and_loud_twice_are_once() -> None:
    stream = io.StringIO()
    log = GithubJob({}, stream)
    log.loud()
    log.quiet()
    log.quiet()
    log.loud()
    log.loud()
    assert 2 == stream.getvalue().count("::stop-commands::") + sum(
        line.endswith("::") for line in stream.getvalue().splitlines()
    )


def test_a_mask_hides_every_character_and_a_blank_one_is_left_alone() -> None:
    stream = io.StringIO()
    log = GithubJob({}, stream)
    log.mask(" \n")
    log.mask("a%b\r\nc")
    assert [("add-mask", {}, "a%b\r\nc")] == Runner().read(stream.getvalue()).acted


def test_a_job_on_ones_own_machine_prints_plain_lines() -> None:
    stream = io.StringIO()
    log = PlainJob(stream)
    log.quiet()
    log.mask("secret")
    log.output("changed", '["a"]\n::error::x')
    log.annotate(Annotation(level="error", message="fell\x1b[2J", title="router", path="a.yaml", line=2))
    log.summary("# never shown")
    log.loud()
    assert 'changed=["a"] ::error::x\nerror: a.yaml:2: router: fell<001b>[2J\n' == stream.getvalue()
