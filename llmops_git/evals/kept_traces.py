"""The traces of a run folder, found again by config and case without holding all of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path

from llmops_git.errors import LlmopsError
from llmops_git.evals.folder import TRACES_FILE
from llmops_git.traces import attributes as names
from llmops_git.traces.otlp import from_otlp_line
from llmops_git.traces.span import Span
from llmops_git.traces.tree import Node, trees_of

_CASE = b'"key":"llmops.case","value":{"stringValue":'
_MOST_CASE = 4_000
MOST_LINE = 64 * 1024 * 1024  # bytes of one trace


def read_traces(folder: Path, case: str | None = None) -> Iterator[Node]:
    """The samples' traces, in the order in which they were written; of one case, or of all. Lines that hold another case
    are not parsed. Raises LlmopsError when the file cannot be read or is none."""
    path = folder / TRACES_FILE
    wanted = None if case is None else json.dumps(case).encode()
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(MOST_LINE):
                number += 1
                if wanted is None or wanted in line or b"\\u" in line:
                    yield from _samples(line, case, f"{path}:{number}")
    except OSError as error:
        raise LlmopsError(f"{path} cannot be read: {error.strerror}", hint="llmops-git eval writes a run folder") from None


def traces_of(folder: Path, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], Node]:
    """The first repeat of each wanted (config digest, case) that the folder has a trace of; {} where it has no traces.
    Raises LlmopsError when the file cannot be read or is none."""
    path = folder / TRACES_FILE
    found: dict[tuple[str, str], Node] = {}
    if not wanted or not path.is_file():
        return found
    cases = {case for _, case in wanted}
    try:
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(MOST_LINE), b""), start=1):
                if _case_in(line) not in (None, *cases):
                    continue
                for root in _samples(line, None, f"{path}:{number}"):
                    key = (digest_in(root.span), str(root.span.attributes[names.CASE]))
                    if key in wanted and (key not in found or repeat_in(root.span) < repeat_in(found[key].span)):
                        found[key] = root
    except OSError as error:
        raise LlmopsError(f"{path} cannot be read: {error.strerror}") from None
    return found


def _case_in(line: bytes) -> str | None:
    """The case of a line as we write it, found without parsing it; None where that does not tell."""
    place = line.find(_CASE)
    if place < 0:
        return None
    try:
        text = line[place + len(_CASE) : place + len(_CASE) + _MOST_CASE].decode("ascii")
        case, _ = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return None
    return case if isinstance(case, str) else None


def _samples(line: bytes, case: str | None, where: str) -> Iterator[Node]:
    try:
        spans = from_otlp_line(line.decode("utf-8", "replace"))
    except LlmopsError as error:
        raise LlmopsError(f"{where}: {error.message}") from None
    for root in trees_of(spans):
        if names.CASE in root.span.attributes and case in (None, root.span.attributes[names.CASE]):
            yield root


def digest_in(span: Span) -> str:
    """The config digest of a sample."""
    return str(span.attributes.get(names.CONFIG_DIGEST, ""))


def repeat_in(span: Span) -> int:
    """Which repeat of its case a sample is."""
    value = span.attributes.get(names.REPEAT, 0)
    return value if isinstance(value, int) else 0
