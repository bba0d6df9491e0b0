"""Finds what a template includes: a scan that is certain or says so, and Jinja's own parser for the rest."""

from __future__ import annotations

import re
from typing import NamedTuple

_TAG = re.compile(r"\{%[-+]?\s*(?:include|extends|import|from)\b")
_START = re.compile(r"\{[#%{]")
_LITERAL = re.compile(
    r"""[-+]?\s*(?:include|extends|import|from)\s+(?:"([^"\\]*)"|'([^'\\]*)')\s*"""
    r"(?=(ignore\s+missing\b)|with\b|without\b|import\b|as\b|[-+]?%\})"
)
_INCLUDING = frozenset({"include", "extends", "import", "from"})
_AFTER_NAME = frozenset({"ignore", "with", "without", "import", "as"})
_RAW = re.compile(r"[-+]?\s*raw\b")
# the rest of a statement or expression, strings honoured; one with braces of its own is left to Jinja. An atomic group: Python
# before 3.11.5 loses matches where a group is repeated possessively
_REST = {
    "{%": re.compile(r"""(?>(?:[^"'%{}]+|%(?!\})|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*)%\}""", re.DOTALL),
    "{{": re.compile(r"""(?>(?:[^"'{}]+|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*)\}\}""", re.DOTALL),
}


class Include(NamedTuple):
    """One static include, import or extends. An `optional` one (`ignore missing`) may name nothing."""

    name: str
    line: int
    optional: bool = False


class Dynamic(NamedTuple):
    """Something that keeps the includes from being known: a name that is computed, or a template Jinja cannot read."""

    message: str
    line: int
    hint: str = ""


def find_includes(text: str) -> tuple[tuple[Include, ...], tuple[Dynamic, ...]]:
    """All templates that `text` names, in order, and what kept others from being found.

    Source of the grammar: Jinja 3.1, default delimiters. A template without any of the four tags costs one search.
    """
    if _TAG.search(text) is None:
        return (), ()
    found = scan_includes(text)
    return _parse_includes(text) if found is None else (found, ())


def scan_includes(text: str) -> tuple[Include, ...] | None:
    """The includes of a template as far as a scan of its tags can be certain of them; None when it cannot."""
    found: list[Include] = []
    position = 0
    while start := _START.search(text, position):
        kind, position = start.group(), start.end()
        if kind == "{#":
            end = text.find("#}", position)
            if end < 0:
                return None
            position = end + 2
            continue
        if kind == "{%":
            if _RAW.match(text, position):
                return None
            literal = _LITERAL.match(text, position)
            if literal:
                name = literal[1] if literal[1] is not None else literal[2]
                line = text.count("\n", 0, start.start()) + 1
                found.append(Include(name, line, literal[3] is not None))
                position = literal.end()
            elif _TAG.match(text, start.start()):
                return None
        rest = _REST[kind].match(text, position)
        if rest is None:
            return None
        position = rest.end()
    return tuple(found)


def _parse_includes(text: str) -> tuple[tuple[Include, ...], tuple[Dynamic, ...]]:
    import jinja2

    environment = jinja2.Environment(autoescape=False)  # noqa: S701  # read, never rendered
    try:
        environment.parse(text)
        tokens = [token for token in environment.lex(text) if token[1] != "whitespace"]
    except jinja2.TemplateSyntaxError as error:
        return (), (Dynamic(f"not a valid template: {error.message}", error.lineno),)
    except RecursionError:
        return (), (Dynamic("the template is nested too deeply", 1),)
    found: list[Include] = []
    dynamic: list[Dynamic] = []
    for place, (line, begin, _) in enumerate(tokens):
        if begin != "block_begin" or tokens[place + 1][2] not in _INCLUDING:
            continue
        (_, kind, name), (_, end, after) = tokens[place + 2 : place + 4]
        if kind == "string" and (end == "block_end" or after in _AFTER_NAME):
            found.append(Include(_literal(name), line, after == "ignore"))
        else:
            hint = 'write {% include "name.j2" %} and choose with {% if %}'
            dynamic.append(Dynamic("only static includes are allowed", line, hint))
    return tuple(found), tuple(dynamic)


def _literal(source: str) -> str:
    """The text of a string token (as jinja2.lexer reads it)."""
    return source[1:-1].encode("ascii", "backslashreplace").decode("unicode-escape")
