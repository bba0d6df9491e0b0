"""The filters and tests that templates may use, each charged for what it takes and gives."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2.filters import FILTERS, make_attrgetter
from jinja2.tests import TESTS
from jinja2.utils import pass_environment

from llmops_git.configs.template_budget import LimitExceeded, current, each
from llmops_git.configs.template_guard import EACH, MEASURED, WRITTEN
from llmops_git.configs.template_words import words

Function = Callable[..., Any]
_FILTERS: Mapping[str, Any] = FILTERS
_TESTS: Mapping[str, Any] = TESTS

_MAX_INDENT = 200
_MAX_PRECISION = 20
_MAX_STRIPPED = 100

# taken from Jinja as they are: what they give is bounded by what they take
_TAKEN = words(
    "abs capitalize default d dictsort e escape first float groupby int items last length count list lower map max min "
    "reject rejectattr reverse safe select selectattr sort string title truncate unique upper urlencode"
)
_CHEAP = frozenset({"length", "count", "default", "d", "first"})  # cost nothing, whatever they are applied to
_CHEAP_TESTS = words(
    "boolean callable defined escaped even false filter float integer iterable mapping none number odd sameas sequence "
    "string test true undefined"
)
# why a well-known filter is not there
REFUSED = {
    "center": "its result can be made as large as one likes",
    "format": "its result can be made as large as one likes; join with `~`",
    "wordwrap": "its cost can be made as large as one likes",
    "random": "a prompt must be the same for the same inputs",
    "pprint": "its cost can be made as large as one likes; use `tojson`",
    "batch": "its result can be made as large as one likes",
    "slice": "its result can be made as large as one likes; use `[a:b]`",
    "attr": "use `a.b` or `a[b]`",
    "xmlattr": "prompts are not HTML",
    "urlize": "prompts are not HTML",
    "striptags": "prompts are not HTML",
    "filesizeformat": "it is not needed in prompts",
    "forceescape": "use `escape`",
}


def bounded(function: Function, *, cheap: bool = False) -> Function:
    """`function`, charged for its arguments and its result; a lazy result becomes a list."""
    injected = 1 if hasattr(function, "jinja_pass_arg") else 0

    @functools.wraps(function)
    def run(*arguments: Any, **named: Any) -> Any:
        budget = current()
        budget.step()
        if not cheap:
            for argument in (*arguments[injected:], *named.values()):
                budget.measure(argument)
        result = function(*arguments, **named)
        if isinstance(result, Iterator):
            result = list(each(result))
        if not cheap:
            budget.measure(result)
        return result

    return run


@pass_environment
def _join(environment: Any, value: Any, d: str = "", attribute: str | int | None = None) -> str:
    items = each(value) if attribute is None else map(make_attrgetter(environment, attribute), each(value))
    return join_bounded(_text(d), items)


def join_bounded(separator: str, items: Any) -> str:
    """`separator.join`, charged for the length of its result before it is made; items that are no text become text."""
    texts = [_text(item) for item in items]
    current().text(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    current().measure(value)
    return str(value)


def replace_bounded(text: str, old: str, new: str, count: int | None = -1) -> str:
    """`text.replace`, charged for the length of its result before it is made."""
    limit = -1 if count is None else int(count)
    found = text.count(old)
    current().text(len(text) + (found if limit < 0 else min(found, limit)) * len(new))
    return text.replace(old, new, limit)


def _replace(s: Any, old: Any, new: Any, count: int | None = None) -> str:
    return replace_bounded(_text(s), _text(old), _text(new), count)


def _indent(s: Any, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    pad = width if isinstance(width, str) else " " * min(max(width, 0), _MAX_INDENT + 1)
    if len(pad) > _MAX_INDENT:
        raise LimitExceeded(f"an indent is at most {_MAX_INDENT} characters")
    text = _text(s)
    current().text((text.count("\n") + 1) * len(pad))
    lines = text.split("\n")
    rest = [pad + line if line or blank else line for line in lines[1:]]
    return "\n".join([pad + lines[0] if first else lines[0], *rest])


def _round(value: Any, precision: int = 0, method: str = "common") -> float:
    if abs(precision) > _MAX_PRECISION:
        raise LimitExceeded(f"a number is rounded to at most {_MAX_PRECISION} digits")
    result: float = _FILTERS["round"](value, precision, method)
    return result


@pass_environment
def _sum(environment: Any, iterable: Any, attribute: str | int | None = None, start: float = 0) -> Any:
    items = iterable if attribute is None else map(make_attrgetter(environment, attribute), iterable)
    total = _number(start)
    for item in items:
        total += _number(item)
    return total


def _number(value: Any) -> Any:
    if not isinstance(value, int | float):  # lists would add up to their square
        raise TypeError("`sum` adds numbers only")
    return value


def _tojson(value: Any, indent: int | None = None) -> str:
    if indent is not None and not 0 <= indent <= 8:  # noqa: PLR2004
        raise LimitExceeded("tojson indents by at most 8")
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=indent, allow_nan=False)


def strip_characters(characters: Any) -> str | None:
    """The characters to strip; few, since stripping costs their number times the text."""
    if characters is None:
        return None
    if len(characters) > _MAX_STRIPPED:
        raise LimitExceeded(f"at most {_MAX_STRIPPED} different characters can be stripped")
    return str(characters)


def _trim(value: Any, chars: str | None = None) -> str:
    return _text(value).strip(strip_characters(chars))


def _wordcount(s: Any) -> int:
    return sum(1 for _ in re.finditer(r"\w+", _text(s)))


def _each(iterable: Any) -> Iterator[Any]:
    iter(iterable)  # an undefined or a number says so here, and not inside the loop
    return each(iterable)


def _measured(value: Any) -> Any:
    current().measure(value)
    return value


def _written(length: int) -> None:
    budget = current()
    budget.step()
    budget.text(length)


def filters() -> Mapping[str, Function]:
    """Name -> filter. Source of names and meaning: Jinja 3.1, "List of Builtin Filters"; `tojson` writes plain JSON."""
    own: dict[str, Function] = {"join": _join, "replace": _replace, "indent": _indent, "round": _round, "sum": _sum}
    own |= {"tojson": _tojson, "trim": _trim, "wordcount": _wordcount}
    table = {name: bounded(function) for name, function in own.items()}
    table |= {name: bounded(_FILTERS[name], cheap=name in _CHEAP) for name in _TAKEN}
    return table | {EACH: _each, MEASURED: _measured, WRITTEN: _written}


def tests() -> Mapping[str, Function]:
    """Name -> test, as in Jinja 3.1."""
    return {name: bounded(function, cheap=name in _CHEAP_TESTS) for name, function in _TESTS.items()}
