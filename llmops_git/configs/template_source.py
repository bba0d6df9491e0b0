"""The canonical form of a template: what reaches the model, and nothing of how it was typed.

Jinja comments are dropped, whitespace control is applied, white space inside tags is normalised, and the names of included
files are replaced. Two templates with one canonical form render the same; a test holds the canonical form to the original.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from llmops_git.configs.template_words import words
from llmops_git.errors import LlmopsError

_INCLUDING = frozenset({"include", "import", "extends", "from"})
_AFTER_NAME = frozenset({"ignore", "with", "without", "import", "as"})
_BEGINS = frozenset({"block_begin", "variable_begin"})
_ENDS = frozenset({"block_end", "variable_end"})
_SILENT = frozenset({"comment_begin", "comment", "comment_end", "whitespace", "raw_begin", "raw_end"})
_DELIMITER = re.compile(r"\{[{%#]")

_NO_SPACE_BEFORE = frozenset({".", ",", ")", "]", "}", ":"})
_NO_SPACE_AFTER = frozenset({".", "(", "[", "{"})
_OPENING = frozenset({"(", "["})
_SIGNS = frozenset({"-", "+"})
_KEYWORDS = words("and as call elif else extends filter for from if import in include is not or set with without")

Token = tuple[int, str, str]  # line, kind, text


class TemplateSourceError(LlmopsError):
    """A template that has no canonical form: not valid, or including a file whose name is computed."""

    def __init__(self, message: str, line: int, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.line = line


def includes_of(text: str) -> list[tuple[str, int]]:
    """The (name, line) of every template that a template includes, in order. Raises TemplateSourceError."""
    if "{%" not in text:
        return []
    tokens = _lex(text)
    return [(_literal(tokens[place][2]), tokens[place][0]) for place in _included(tokens)]


def canonical_source(text: str, rename: Mapping[str, str]) -> str:
    """The canonical form of a template, included names replaced by `rename[name]` (names not in it stay).

    Raises TemplateSourceError with the line.
    """
    if "{%" not in text and "{{" not in text and "{#" not in text:
        return text if "\r" not in text else text.replace("\r\n", "\n").replace("\r", "\n")
    return _canonical(text, tuple(sorted(rename.items())))


@functools.lru_cache(maxsize=512)
def _canonical(text: str, rename: tuple[tuple[str, str], ...]) -> str:
    tokens = _renamed(_lex(text), dict(rename))
    written = _write(tokens)
    if list(_meaning(_lex(written))) != list(_meaning(tokens)):
        raise TemplateSourceError(
            "the text around a comment reads as a tag when the comment is gone", 1, hint="remove the comment"
        )
    return written


@functools.lru_cache(maxsize=64)
def _lex(text: str) -> list[Token]:
    from jinja2 import TemplateSyntaxError

    from llmops_git.configs.template_environment import tokens

    try:
        return tokens(text)
    except TemplateSyntaxError as error:
        raise TemplateSourceError(f"not a valid template: {error.message}", error.lineno) from None


def _renamed(tokens: list[Token], rename: Mapping[str, str]) -> list[Token]:
    """The tokens with the names of included files replaced."""
    result = list(tokens)
    for place in _included(tokens):
        line, kind, source = tokens[place]
        name = _literal(source)
        result[place] = (line, kind, f'"{rename[name]}"' if name in rename else source)
    return result


def _included(tokens: list[Token]) -> Iterator[int]:
    """The places of the names of included files. Raises TemplateSourceError where one is computed."""
    for index, (line, kind, _text) in enumerate(tokens):
        if kind != "block_begin":
            continue
        inside = _inside(tokens, index + 1)
        if not inside or tokens[inside[0]][1] != "name" or tokens[inside[0]][2] not in _INCLUDING:
            continue
        if len(inside) == 1 or not _is_static(tokens, inside):
            hint = 'write {% include "name.j2" %} and choose with {% if %}'
            raise TemplateSourceError("only static includes are allowed", line, hint=hint)
        yield inside[1]


def _inside(tokens: list[Token], start: int) -> list[int]:
    """The places of the tokens of a tag that mean something, up to its end."""
    places = []
    for place in range(start, len(tokens)):
        if tokens[place][1] == "block_end":
            break
        if tokens[place][1] != "whitespace":
            places.append(place)
    return places


def _is_static(tokens: list[Token], inside: list[int]) -> bool:
    if tokens[inside[1]][1] != "string":
        return False
    return len(inside) == 2 or (tokens[inside[2]][1] == "name" and tokens[inside[2]][2] in _AFTER_NAME)  # noqa: PLR2004


def _literal(source: str) -> str:
    """The text of a string token (as jinja2.lexer reads it)."""
    return source[1:-1].encode("ascii", "backslashreplace").decode("unicode-escape")


def _write(tokens: list[Token]) -> str:
    pieces = list(_meaning(tokens))
    last = len(pieces) - 1
    return "".join(
        _tag(kind, meaning) if kind != "data" else _data(meaning, before_tag=index < last)
        for index, (kind, meaning) in enumerate(pieces)
    )


def _meaning(tokens: list[Token]) -> Iterator[tuple[str, Any]]:
    """What the tokens say: ("data", text), adjacent and raw text joined, or (kind of tag, its words)."""
    data = ""
    tag: list[str] | None = None
    for _line, kind, text in tokens:
        if kind == "data":
            data += text
        elif kind in _BEGINS:
            if data:
                yield "data", data
            data, tag = "", []
        elif kind in _ENDS:
            yield kind, tuple(tag or ())
            tag = None
        elif kind not in _SILENT and tag is not None:
            tag.append(text)
    if tag is not None:
        raise TemplateSourceError("not a valid template: a tag does not end", tokens[-1][0])
    if data:
        yield "data", data


def _data(text: str, *, before_tag: bool) -> str:
    """Plain text, in a raw block where it would read as a tag."""
    if not _DELIMITER.search(text) and not (before_tag and text.endswith("{")):
        return text
    return f"{{% raw %}}{text}{{% endraw %}}"


def _tag(kind: str, words: tuple[str, ...]) -> str:
    return f"{{% {_spaced(words)} %}}" if kind == "block_end" else f"{{{{ {_spaced(words)} }}}}"


def _spaced(words: tuple[str, ...]) -> str:
    """The tokens of a tag as people write them."""
    written = ""
    before = ""
    signed = False  # before is the sign of a number
    for word in words:
        tight = (
            not written
            or word in _NO_SPACE_BEFORE
            or before in _NO_SPACE_AFTER
            or signed
            or (word in _OPENING and _is_value(before))
        )
        written += word if tight else f" {word}"
        signed = word in _SIGNS and not _is_value(before)
        before = word
    return written


def _is_value(word: str) -> bool:
    return bool(word) and word not in _KEYWORDS and (word[-1].isalnum() or word[-1] in "_)]}\"'")
