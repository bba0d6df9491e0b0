"""Takes known secrets out of values before they are rendered or written: in every text, in the forms in which text travels."""

from __future__ import annotations

import base64
import dataclasses
import functools
import html
import json
import re
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"
SHORTEST = 6  # characters; what is shorter would redact words
_SHORTEST_LINE = 12  # of a secret of several lines, each of which is one
T = TypeVar("T")


def redacted(value: T, secrets: Sequence[str]) -> T:
    """`value` with every secret in its texts replaced by `[redacted]`.

    Goes through dataclasses, mappings (keys as well), tuples, lists and sets; other values stay as they are, and so do words
    of ours in fields that hold nothing else (a verdict). A secret is found as it is, as it stands in JSON, in a URL and in
    base64 (at any offset). Secrets shorter than 6 characters are ignored.
    """
    cleaned: T = redactor(secrets)(value)
    return cleaned


def redactor(secrets: Sequence[str]) -> Callable[[Any], Any]:
    """The function that `redacted` applies, for many values."""
    forms = sorted({form for secret in secrets for form in _forms(secret)}, key=lambda form: (-len(form), form))
    if not forms:
        return lambda value: value
    pattern = re.compile("|".join(re.escape(form) for form in forms))
    return functools.partial(_redacted, pattern)


def _redacted(pattern: re.Pattern[str], value: Any) -> Any:
    again = functools.partial(_redacted, pattern)
    if isinstance(value, str):
        return pattern.sub(REDACTED, value)
    if isinstance(value, bytes):
        return pattern.sub(REDACTED, value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        words = _fixed_words(type(value))
        found = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
        return dataclasses.replace(value, **{name: _except(words.get(name), again, item) for name, item in found.items()})
    if isinstance(value, Mapping):
        return _mapping(again, value)
    if isinstance(value, tuple) and hasattr(value, "_make"):
        return value._make(map(again, value))
    if isinstance(value, list | tuple | set | frozenset):
        return type(value)(map(again, value))
    return value


def _mapping(again: Callable[[Any], Any], value: Mapping[Any, Any]) -> dict[Any, Any]:
    """Keys that become equal are told apart, so that nothing is lost."""
    found: dict[Any, Any] = {}
    for key, item in value.items():
        name = cleaned = again(key)
        number = 2
        while name in found:
            name, number = f"{cleaned} {number}", number + 1
        found[name] = again(item)
    return found


def _except(words: frozenset[Any] | None, again: Callable[[Any], Any], value: Any) -> Any:
    """`value` cleaned, but for `words` of ours."""
    if words is None:
        return again(value)
    if isinstance(value, tuple):
        return tuple(_except(words, again, item) for item in value)
    return value if isinstance(value, str) and value in words else again(value)


@functools.cache
def _fixed_words(kind: type) -> Mapping[str, frozenset[Any]]:
    """The fields of a dataclass that hold words of ours, and which: a secret that happens to be `production` must not change
    what a report says."""
    try:
        hints = typing.get_type_hints(kind)
    except NameError:  # a type that is imported for the checker only
        return {}
    found = {name: frozenset(_words_of(hint)) for name, hint in hints.items()}
    return {name: words for name, words in found.items() if words}


def _words_of(hint: Any) -> Iterator[Any]:
    """The words of a Literal, or of a tuple of them."""
    if typing.get_origin(hint) is typing.Literal:
        yield from typing.get_args(hint)
    elif typing.get_origin(hint) is tuple:
        for argument in typing.get_args(hint):
            yield from _words_of(argument)


def _forms(secret: str) -> Iterator[str]:
    """The texts by which a secret can be known."""
    stripped = secret.strip()
    lines = [line.strip() for line in stripped.splitlines()]
    whole = {secret, stripped, *(line for line in lines if len(lines) > 1 and len(line) >= _SHORTEST_LINE)}
    for text in whole:
        if len(text) >= SHORTEST:
            yield text
            yield from _escaped(text)
            yield from _encoded(text)


def _escaped(text: str) -> Iterator[str]:
    """As it stands in JSON, once and twice, in a URL, in HTML and in a Python or shell literal."""
    for plain in (True, False):
        once = json.dumps(text, ensure_ascii=plain)[1:-1]
        yield from (once, once.replace("/", "\\/"), json.dumps(once, ensure_ascii=plain)[1:-1])
    yield from (html.escape(text), repr(text)[1:-1])
    for quoted in (quote(text, safe="", errors="replace"), quote(text, errors="replace"), quote_plus(text, errors="replace")):
        yield quoted
        yield re.sub(r"%[0-9A-F]{2}", lambda code: code.group().lower(), quoted)


def _encoded(text: str) -> Iterator[str]:
    """Base64 of text that holds the secret at any offset: the letters that depend on nothing else. Either alphabet."""
    data = text.encode("utf-8", "replace")
    for offset in range(3):
        letters = base64.b64encode(bytes(offset) + data).decode().rstrip("=")
        first = (0, 2, 3)[offset]
        whole = 8 * (offset + len(data)) // 6
        sure = letters[first:whole]
        if len(sure) >= SHORTEST:
            yield sure
            yield sure.replace("+", "-").replace("/", "_")
