"""One label that a person gave an output, and the lines of a label file (`schemas/label.schema.json`). Pure.

A line names the output by its digest and holds neither the output nor the inputs, so a pull request can carry it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmops_git.errors import InvalidInput, Problem

FORMAT = "llmops-git/label/1"
FOLDER = "labels"
ENDING = ".jsonl"
MOST_BYTES = 16 * 1024 * 1024  # of one file
_MOST_CHARACTERS = 10_000  # of one field
_NAME_CHARACTERS = 40
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)
_STRATA = ("flipped", "close", "disputed", "other")
_REQUIRED = ("config", "case", "scorer", "output", "label", "who", "when")
_OPTIONAL = ("judge", "inputs", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """How a case came into a sample: `of` is how many cases of the run its stratum has."""

    sample: str
    stratum: str
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What `who` said of the output of one case, asked the question of `scorer` (of `judge`, where it is one).

    `output` and `inputs` are digests (`sha256:…`; inputs may be ""), `when` is UTC as 2026-01-31T09:30:00Z, `shown` the
    place at which it was shown beside another output: 1, 2, or 0 where it was alone.
    """

    config: str
    case: str
    scorer: str
    output: str
    label: str
    who: str
    when: str
    judge: str = ""
    inputs: str = ""
    note: str = ""
    shown: int = 0
    drawn: Drawn | None = None

    @property
    def place(self) -> tuple[str, str, str, str]:
        """What was labelled: of one person and one place the latest label counts."""
        return self.config, self.case, self.scorer, self.output


def text_digest(text: str) -> str:
    """The digest by which a label names an output."""
    return f"sha256:{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"


def label_line(label: Label) -> str:
    """The label as a line of JSON, with its newline."""
    fields: dict[str, Any] = {name: getattr(label, name) for name in (*_REQUIRED, *_OPTIONAL) if getattr(label, name)}
    if label.shown:
        fields["shown"] = label.shown
    if label.drawn is not None:
        fields["drawn"] = {"sample": label.drawn.sample, "stratum": label.drawn.stratum, "of": label.drawn.of}
    return json.dumps({"format": FORMAT, **fields}, allow_nan=False) + "\n"


def parse_labels(data: bytes, path: str) -> list[Label]:
    """The labels of a file. Raises InvalidInput with every line that is none."""
    labels: list[Label] = []
    problems: list[Problem] = []
    if len(data) > MOST_BYTES:
        raise InvalidInput([Problem(path=path, message=f"is larger than {MOST_BYTES // 1024 // 1024} MB")])
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            try:
                labels.append(_label(json.loads(line)))
            except (ValueError, RecursionError) as error:
                message = str(error) if type(error) is ValueError else "is not a line of JSON"
                hint = "labels are written by `llmops-git review`"
                problems.append(Problem(path=path, line=number, message=message, hint=hint))
    if problems:
        raise InvalidInput(problems)
    return labels


def _label(value: Any) -> Label:
    if not isinstance(value, Mapping):
        raise ValueError("is not an object")  # noqa: TRY004 - a user's file, not a programmer's mistake
    if value.get("format") != FORMAT:
        raise ValueError(f"is not in the format {FORMAT}")
    unknown = sorted(set(value) - {"format", *_REQUIRED, *_OPTIONAL, "shown", "drawn"})
    if unknown:
        raise ValueError(f"unknown key `{unknown[0][:_NAME_CHARACTERS]}`")
    texts = {name: _text(value, name, required=name in _REQUIRED) for name in (*_REQUIRED, *_OPTIONAL)}
    for name in ("output", "inputs"):
        if texts[name] and not _DIGEST.fullmatch(texts[name]):
            raise ValueError(f"`{name}` must be sha256: and 64 hexadecimal digits")
    if not _TIME.fullmatch(texts["when"]):
        raise ValueError("`when` must be a time as 2026-01-31T09:30:00Z")
    shown = value.get("shown", 0)
    if isinstance(shown, bool) or shown not in (0, 1, 2):
        raise ValueError("`shown` must be 1 or 2")
    return Label(**texts, shown=shown, drawn=_drawn(value["drawn"]) if "drawn" in value else None)


def _text(value: Mapping[str, Any], name: str, *, required: bool) -> str:
    text = value.get(name, "")
    if not isinstance(text, str) or len(text) > _MOST_CHARACTERS:
        raise ValueError(f"`{name}` must be a text of at most {_MOST_CHARACTERS} characters")
    if required and not text:
        raise ValueError(f"`{name}` is missing")
    return text


def _drawn(value: Any) -> Drawn:
    if not isinstance(value, Mapping) or set(value) != {"sample", "stratum", "of"}:
        raise ValueError("`drawn` must say sample, stratum and of")
    of = value["of"]
    if not isinstance(value["sample"], str) or value["stratum"] not in _STRATA:
        raise ValueError(f"`drawn.stratum` must be one of {', '.join(_STRATA)}")
    if isinstance(of, bool) or not isinstance(of, int) or of < 1:
        raise ValueError("`drawn.of` must be a number of cases")
    return Drawn(sample=value["sample"], stratum=value["stratum"], of=of)


def latest(labels: Iterable[Label]) -> list[Label]:
    """Of each person and thing the last word: the latest time, of equal times the later line."""
    found: dict[tuple[Any, ...], Label] = {}
    for label in labels:
        key = (*label.place, label.who)
        if key not in found or found[key].when <= label.when:
            found[key] = label
    return list(found.values())


def file_name(sample: str, who: str) -> str:
    """The file of one person's labels of one sample: so two people never write into the same one."""
    plain = re.sub(r"[^a-z0-9]+", "-", who.partition("<")[0].lower()).strip("-")[:_NAME_CHARACTERS].strip("-")
    return f"{sample}-{plain or 'someone'}{ENDING}"


def consensus(labels: Sequence[Label]) -> Label | None:
    """The one label that most people gave a thing; None where the leading ones are level. The first of those who gave it."""
    votes: dict[str, list[Label]] = {}
    for label in labels:
        votes.setdefault(label.label, []).append(label)
    ranked = sorted(votes.values(), key=len, reverse=True)
    return None if len(ranked) > 1 and len(ranked[0]) == len(ranked[1]) else ranked[0][0]
