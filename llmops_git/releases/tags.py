"""Release tags: the grammar of their names, and what their messages say. Pure: no git, no clock."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from llmops_git.releases.messages import Message, format_message, parse_message
from llmops_git.releases.versions import VERSION, Version

PREFIX = "llmops/"
REF_PREFIX = f"refs/tags/{PREFIX}"
_NAME = re.compile(rf"(?:refs/tags/)?llmops/([a-z0-9][a-z0-9-]*)/v{VERSION}", re.ASCII)
_DIGITS = 6  # significant digits of a score in a tag message


class TagName(NamedTuple):
    """What a release tag's name says. Names sort by config, then by number, never by time."""

    config: str
    version: Version

    def __str__(self) -> str:
        return f"{PREFIX}{self.config}/v{self.version}"

    @property
    def ref(self) -> str:
        return f"refs/tags/{self}"


def parse_tag(name: str) -> TagName | None:
    """`llmops/<config>/v<semver>` (with or without `refs/tags/`) taken apart; None for every other name."""
    match = _NAME.fullmatch(name)
    return TagName(match[1], Version(int(match[2]), int(match[3]), int(match[4]))) if match else None


class TagRef(NamedTuple):
    """A tag pinned by its object id, as the trailers `Previous` and `Baseline` hold it: `<tag name> <object id>`."""

    name: str
    oid: str

    def __str__(self) -> str:
        return f"{self.name} {self.oid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseNote:
    """What a release tag's message says. `scores` is the one-line JSON of `Eval`; digests read `sha256:<hex>`."""

    tag: TagName
    summary: str = ""
    config_digest: str
    closure_digest: str
    model: str  # provider/id
    bump: str  # major | minor | patch | none; `first` for the first release
    baseline: TagRef | None = None
    verdict: str
    scores: Mapping[str, Any] = field(default_factory=dict)
    eval_digest: str
    evidence: TagRef | None = None  # path on the evidence branch, blob id
    statement: TagRef | None = None  # likewise
    previous: TagRef | None = None


def format_tag_message(note: ReleaseNote) -> str:
    """The message of a release tag, ready for `git mktag`."""
    trailers = [
        ("Config-Digest", note.config_digest),
        ("Closure-Digest", note.closure_digest),
        ("Model", note.model),
        ("Bump", note.bump),
        ("Baseline", str(note.baseline or "none")),
        ("Verdict", note.verdict),
        ("Eval", json.dumps(rounded(note.scores), sort_keys=True, separators=(",", ":"), allow_nan=False)),
        ("Eval-Digest", note.eval_digest),
        ("Evidence", str(note.evidence or "none")),
        ("Statement", str(note.statement or "")),
        ("Previous", str(note.previous or "none")),
    ]
    return format_message(f"release {note.tag.config} v{note.tag.version}", note.summary, trailers)


def parse_tag_message(tag: TagName, text: str) -> ReleaseNote | None:
    """What a release tag's message says; None when it is not a message that `format_tag_message` writes."""
    return note_from(tag, parse_message(text))


def note_from(tag: TagName, message: Message) -> ReleaseNote | None:
    """The release note in a parsed message; None when a needed trailer is missing or cannot be read."""
    trailers = message.trailers
    if not {"Config-Digest", "Closure-Digest", "Eval-Digest"} <= set(trailers):
        return None
    try:
        scores = json.loads(trailers.get("Eval", "{}"))
    except (ValueError, RecursionError):
        return None
    return ReleaseNote(
        tag=tag,
        summary=message.summary,
        config_digest=trailers["Config-Digest"],
        closure_digest=trailers["Closure-Digest"],
        model=trailers.get("Model", ""),
        bump=trailers.get("Bump", ""),
        baseline=parse_tag_ref(trailers.get("Baseline", "")),
        verdict=trailers.get("Verdict", ""),
        scores=scores if isinstance(scores, dict) else {},
        eval_digest=trailers["Eval-Digest"],
        evidence=parse_tag_ref(trailers.get("Evidence", "")),
        statement=parse_tag_ref(trailers.get("Statement", "")),
        previous=parse_tag_ref(trailers.get("Previous", "")),
    )


def parse_tag_ref(text: str) -> TagRef | None:
    """`<name> <object id>` taken apart; None for `none` and for anything else."""
    name, gap, oid = text.partition(" ")
    return TagRef(name, oid) if gap and re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", oid) else None


def rounded(value: Any) -> Any:
    """A JSON value with its floats at six significant digits, so that a tag message stays short and repeatable."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, Mapping):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value
