"""The messages of release tags and deployments: a subject, text for people, then one paragraph of trailers.

Only the last paragraph holds trailers and only this module writes it, so text from configs and people cannot add one.
Reading does not rely on `%(contents:trailers)`: git before 2.47 leaves it empty for signed tags.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_TRAILER = re.compile(r"^([A-Za-z][A-Za-z0-9-]*): (\S.*)$", re.MULTILINE)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")  # with those that reorder text
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
# what git would take for a signature or for the end of the message, when it stands at the start of a line
_FENCE = re.compile(r"^(?=-----BEGIN |---)", re.MULTILINE)
_SIGNATURE = re.compile(r"^-----BEGIN (?:PGP SIGNATURE|SSH SIGNATURE|PGP MESSAGE|SIGNED MESSAGE)-----", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message taken apart. `trailers` is empty when the last paragraph is not one of trailers only."""

    subject: str
    summary: str = ""
    trailers: Mapping[str, str] = field(default_factory=dict)


def format_message(subject: str, summary: str, trailers: Sequence[tuple[str, str]]) -> str:
    """The whole message, ending in a newline. Trailers without a value are left out; at least one must have a value.

    Control characters become spaces, each trailer one line; lines of the summary that git would read as a signature
    or as the end of the message are indented.
    """
    lines = [f"{key}: {value}" for key, value in ((key, one_line(value)) for key, value in trailers) if value]
    if not lines:
        raise ValueError("a message needs at least one trailer")
    paragraphs = [many_lines(one_line(subject)) or "(no subject)", many_lines(summary), "\n".join(lines)]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def parse_message(text: str, *, tag: bool = True) -> Message:
    """Take a message apart; a signature at the end of a tag's is no part of it. When a key comes twice, the first one counts.

    `tag` False is for commits, whose signature is a header and not in the message.
    """
    subject, _, rest = (_body(text) if tag else _trimmed(text)).partition("\n\n")
    rest = rest.strip("\n")
    before, gap, last = rest.rpartition("\n\n")
    trailers = _trailers_in(last)
    if not trailers:
        return Message(subject=subject, summary=rest)
    return Message(subject=subject, summary=before.strip("\n") if gap else "", trailers=trailers)


def parse_trailers(text: str) -> dict[str, str]:
    """Only the trailers of a message, for reading thousands of them."""
    _, gap, last = _body(text).rpartition("\n\n")
    return _trailers_in(last) if gap else {}


def signature_start(text: str) -> int:
    """Where the signature of a tag begins in its content; the length of the text when it has none.

    The rule is git's own (`parse_signed_buffer`): the last line that begins as a signature does. What comes before it is
    what was signed, so not one character after it may ever be read: text behind a good signature can be anybody's.
    """
    if "-----BEGIN " not in text:
        return len(text)
    return max((match.start() for match in _SIGNATURE.finditer(text)), default=len(text))


def _body(text: str) -> str:
    """A tag's message without its signature and without empty lines around it."""
    return _trimmed(text[: signature_start(text)])


def _trimmed(text: str) -> str:
    return text.replace("\r\n", "\n").strip("\n")


def _trailers_in(paragraph: str) -> dict[str, str]:
    """The trailers of a paragraph in which every line is one; nothing otherwise."""
    found = _TRAILER.findall(paragraph)
    if len(found) != paragraph.count("\n") + 1:
        return {}
    trailers: dict[str, str] = {}
    for key, value in found:
        trailers.setdefault(key, value)
    return trailers


def one_line(text: str) -> str:
    """`text` on one line: control characters and runs of white space become one space."""
    return _SPACES.sub(" ", _CONTROLS.sub(" ", _SURROGATES.sub("\ufffd", text))).strip()


def many_lines(text: str) -> str:
    """`text` with its lines and paragraphs, without control characters and without lines that git would misread."""
    kept = _CONTROLS.sub(" ", _SURROGATES.sub("\ufffd", text.replace("\r\n", "\n")))
    lines = "\n".join(line.rstrip() for line in kept.split("\n"))
    return _FENCE.sub("  ", re.sub(r"\n{3,}", "\n\n", lines).strip("\n"))
