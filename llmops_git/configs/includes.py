"""Finds what a template includes: a scan that is certain or says so, and Jinja's own parser for the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_TAG = re.compile(r"\{%[-+]?\s*(?:include|extends|import|from)\b")
_START = re.compile(r"\{[#%{]")
_LITERAL = re.compile(
    r"""[-+]?\s*(?:include|extends|import|from)\s+(?:"([^"\\]*)"|'([^'\\]*)')\s*"""
    r"(?=(ignore\s+missing\b)|with\b|without\b|import\b|as\b|[-+]?%\})"
)
_RAW = re.compile(r"[-+]?\s*raw\b")
# the rest of a statement or expression, strings honoured; one with braces of its own is left to Jinja
_REST = {
    "{%": re.compile(r"""(?:[^"'%{}]+|%(?!\})|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*+%\}""", re.DOTALL),
    "{{": re.compile(r"""(?:[^"'{}]+|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*+\}\}""", re.DOTALL),
}


@dataclass(frozen=True, slots=True)
class Include:
    """One static include, import or extends. An `optional` one (`ignore missing`) may name nothing."""

    name: str
    line: int
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Dynamic:
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
    import jinja2  # noqa: PLC0415
    from jinja2 import nodes  # noqa: PLC0415

    try:
        tree = jinja2.Environment(autoescape=False).parse(text)  # noqa: S701  # parsed, never rendered
    except jinja2.TemplateSyntaxError as error:
        return (), (Dynamic(f"not a valid template: {error.message}", error.lineno),)
    except RecursionError:
        return (), (Dynamic("the template is nested too deeply", 1),)
    found: list[Include] = []
    dynamic: list[Dynamic] = []
    node: Any
    for node in tree.find_all((nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport)):
        if isinstance(node.template, nodes.Const) and isinstance(node.template.value, str):
            found.append(Include(node.template.value, node.lineno, getattr(node, "ignore_missing", False)))
        else:
            hint = 'write {% include "name.j2" %} and choose with {% if %}'
            dynamic.append(Dynamic("only static includes are allowed", node.lineno, hint))
    return tuple(found), tuple(dynamic)
