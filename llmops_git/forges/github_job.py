"""Leaves outputs, a summary and annotations for a step of GitHub Actions. Nothing is ever written to GITHUB_ENV or GITHUB_PATH.

What the runner does with these files and lines: actions/runner, `FileCommandManager` and `ActionCommand`.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from typing import TextIO

from llmops_git.errors import LlmopsError
from llmops_git.forges.joblog import Annotation
from llmops_git.forges.text import cut, one_line, visible

SUMMARY_LIMIT = 1024 * 1024  # bytes a step; above it the runner uploads nothing at all
MESSAGE_LIMIT = 4_000  # characters; the runner cuts at 4,096
TITLE_LIMIT = 200
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_CUT_NOTICE = "\n\n_The summary was cut here: it is as long as GitHub shows._\n"


class GithubJob:
    """The log of one step.

    `stream` is what the runner reads (standard output). Standard error must go to the same pipe while annotations are made
    between `quiet()` and `loud()`: the runner reads two pipes in no fixed order, so a line of the other one could be taken
    for a command while this one has lifted the stop.
    """

    summary_limit = SUMMARY_LIMIT

    def __init__(self, environ: Mapping[str, str], stream: TextIO) -> None:
        self._outputs = environ.get("GITHUB_OUTPUT", "")
        self._summary = environ.get("GITHUB_STEP_SUMMARY", "")
        self._stream = stream
        self._resume = ""  # the word that ends the silence; "" while commands act

    def output(self, name: str, value: str) -> None:
        """Raises LlmopsError for a name that is none, or where the step has no file for outputs."""
        if not _NAME.fullmatch(name):
            raise LlmopsError(f"`{one_line(name, 60)}` is no name for an output", hint="letters, digits, - and _")
        if not self._outputs:
            raise LlmopsError("GITHUB_OUTPUT is not set: this step cannot have outputs", hint="update the runner")
        _append(self._outputs, heredoc(name, value, _delimiter(value)).encode("utf-8", "backslashreplace"))

    def summary(self, markdown: str) -> None:
        """Add to the step's page; what would go over the limit is cut at a line, and says so."""
        if not self._summary:
            return
        content = f"{markdown}\n".encode("utf-8", "backslashreplace")
        free = SUMMARY_LIMIT - _size(self._summary)
        if len(content) > free:
            content = _fitting(content, free)
        _append(self._summary, content)

    def annotate(self, annotation: Annotation) -> None:
        self._command(annotation_line(annotation))

    def mask(self, secret: str) -> None:
        """A blank value is left alone: to hide it would make every line of the log unreadable."""
        if secret.strip():
            self._command(f"::add-mask::{_data(secret)}")

    def quiet(self) -> None:
        if not self._resume:
            self._resume = secrets.token_hex(16)
            self._print(f"::stop-commands::{self._resume}\n")

    def loud(self) -> None:
        if self._resume:
            self._print(f"\n::{self._resume}::\n")
            self._resume = ""

    def _command(self, line: str) -> None:
        """One command; in a silence it is lifted for exactly this line, and closed with a new word.

        The newline before it ends what somebody may have left unfinished: a command counts only at the start of a line.
        """
        if not self._resume:
            self._print(f"{line}\n")
            return
        again = secrets.token_hex(16)
        self._print(f"\n::{self._resume}::\n{line}\n::stop-commands::{again}\n")
        self._resume = again

    def _print(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class PlainJob:
    """The log of a job on somebody's own machine: outputs and annotations as lines, no summary, nothing hidden."""

    summary_limit = SUMMARY_LIMIT

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def output(self, name: str, value: str) -> None:
        self._stream.write(f"{one_line(name, 60)}={one_line(value, MESSAGE_LIMIT)}\n")

    def summary(self, markdown: str) -> None:
        """Nothing: the report is in its own file, and the text of it was printed."""

    def annotate(self, annotation: Annotation) -> None:
        place = f"{annotation.path}:{annotation.line}" if annotation.line else annotation.path
        parts = (annotation.level, place, annotation.title, annotation.message)
        self._stream.write(": ".join(one_line(part, MESSAGE_LIMIT) for part in parts if part) + "\n")

    def mask(self, secret: str) -> None:
        """Nothing: this log is not kept."""

    def quiet(self) -> None:
        """Nothing: no line of a terminal is a command."""

    def loud(self) -> None:
        """Nothing."""


def annotation_line(annotation: Annotation) -> str:
    """The workflow command of an annotation; whatever its texts are, it is one line and has these properties only."""
    properties = {
        "file": visible(annotation.path),
        "line": str(annotation.line) if annotation.line > 0 and annotation.path else "",
        "title": one_line(annotation.title, TITLE_LIMIT),
    }
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    message = cut(visible(annotation.message), MESSAGE_LIMIT)
    return f"::{annotation.level}{' ' if given else ''}{given}::{_data(message)}"


def heredoc(name: str, value: str, delimiter: str) -> str:
    """One value in the format of GITHUB_OUTPUT. Raises ValueError where a line of the value is the delimiter."""
    if delimiter in value:
        raise ValueError("the delimiter is in the value")
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def _delimiter(value: str) -> str:
    while (delimiter := f"llmops-{secrets.token_hex(16)}") in value:
        pass
    return delimiter


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _fitting(content: bytes, free: int) -> bytes:
    """`content` cut at the end of a line so that it and the notice fit; nothing where not even the notice does."""
    notice = _CUT_NOTICE.encode()
    room = free - len(notice)
    if room < 0:
        return b""
    kept = content[:room]
    end = kept.rfind(b"\n")
    kept = kept[:end] if end > 0 else kept.decode("utf-8", "ignore").encode()
    return kept + notice


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116  # the runner's own path
    except OSError:
        return 0


def _append(path: str, content: bytes) -> None:
    try:
        with open(path, "ab") as file:  # noqa: PTH123  # the runner's own path
            file.write(content)
    except OSError as error:
        raise LlmopsError(f"cannot write to {one_line(path, 200)}: {error.strerror}") from None
