"""The one Jinja environment: immutable sandbox, strict about undefined names, bounded in time and output, in process."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Mapping
from contextvars import ContextVar
from types import BuiltinMethodType, MethodType
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateNotFound, TemplateSyntaxError, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import BlockReference, Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Cycler, Joiner, Namespace

from llmops_git.configs import template_filters
from llmops_git.configs.template_budget import MAX_INTEGER_BITS, MAX_RANGE, Budget, LimitExceeded, current, each
from llmops_git.configs.template_guard import Guard
from llmops_git.configs.template_words import words

_CALL_STEPS = 5  # a macro or a block costs about this many loop rounds
_INCLUDE_STEPS = 20
_MAX_CACHED = 1024
MAX_TOKENS = 10_000  # of one template: words, operators and delimiters of tags, and comments
_FREE_TOKENS = frozenset({"data", "whitespace"})
_MAX_EXPONENT = 1024

_TEXT_METHODS = words(
    "capitalize casefold count endswith find index isalnum isalpha isascii isdecimal isdigit islower isnumeric isspace "
    "istitle isupper join lower lstrip partition removeprefix removesuffix replace rfind rindex rpartition rsplit rstrip "
    "split splitlines startswith strip swapcase title upper"
)
_METHODS: tuple[tuple[type, frozenset[str]], ...] = (
    (str, _TEXT_METHODS),
    (dict, frozenset({"items", "keys", "values", "get", "copy"})),
    (list, frozenset({"index", "count", "copy"})),
    (tuple, frozenset({"index", "count"})),
)
_CALLABLE = (Macro, BlockReference, LoopContext, Joiner)

# the partials that the render under way may include: name -> text
PARTIALS: ContextVar[Mapping[str, str]] = ContextVar("partials")


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Charges every call and operator; includes come from PARTIALS only."""

    intercepted_binops = frozenset(ImmutableSandboxedEnvironment.default_binop_table)

    def __init__(self) -> None:
        # constants are not folded: folding would run filters while compiling, outside of any budget
        super().__init__(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True, optimized=False, cache_size=0)
        self.filters = dict(template_filters.filters())
        self.tests = dict(template_filters.tests())
        self.globals = {"range": _range, "dict": dict, "namespace": Namespace, "cycler": Cycler, "joiner": Joiner}
        self.finalize = _finalize

    def _generate(self, source: nodes.Template, *arguments: Any, **named: Any) -> str:
        code: str = super()._generate(Guard().visit(source), *arguments, **named)
        return code

    def get_template(self, name: Any, parent: str | None = None, globals: Any = None) -> Template:  # noqa: A002, ARG002
        budget = current()
        budget.step(_INCLUDE_STEPS)
        text = PARTIALS.get().get(name)
        if text is None:
            raise TemplateNotFound(str(name))
        return compiled(text)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if not super().is_safe_attribute(obj, attr, value):
            return False
        if not callable(value) or isinstance(obj, LoopContext | Cycler | Namespace | Context) or isinstance(value, Macro):
            return True
        return any(isinstance(obj, kind) and attr in names for kind, names in _METHODS)

    def wrap_str_format(self, value: Any) -> None:  # noqa: ARG002
        """`format` is no method that templates may call: leave it to `is_safe_attribute`."""
        return

    def call(self, context: Context, obj: Any, /, *arguments: Any, **named: Any) -> Any:
        budget = current()
        budget.step()
        if isinstance(obj, BuiltinMethodType | MethodType) and isinstance(obj.__self__, str):
            return _call_text(budget, str(obj.__self__), obj.__name__, arguments, named)
        for argument in (*arguments, *named.values()):
            budget.measure(argument)
        if isinstance(obj, LoopContext):
            arguments = (each(arguments[0]), *arguments[1:])
        if not isinstance(obj, _CALLABLE):
            result = super().call(context, obj, *arguments, **named)
            if type(result) is not range:  # its numbers are charged when they are made
                budget.measure(result)
            return result
        budget.step(_CALL_STEPS)
        budget.depth -= 1
        if budget.depth < 0:
            raise LimitExceeded("macros, blocks or loops call each other too deeply")
        try:
            return super().call(context, obj, *arguments, **named)
        finally:
            budget.depth += 1

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002
        budget = current()
        budget.step()
        if type(left) is not int or type(right) is not int:
            budget.measure(left)
            budget.measure(right)
        return _OPERATORS[operator](budget, left, right)


def _range(*arguments: int) -> range:
    made = range(*arguments)
    try:
        count = len(made)
    except OverflowError:
        count = MAX_RANGE + 1
    if count > MAX_RANGE:
        raise LimitExceeded(f"a range has at most {MAX_RANGE:,} numbers")
    return made


@pass_context
def _finalize(context: Context, value: Any) -> str:  # noqa: ARG001  # taking the context keeps Jinja from folding constants
    budget = current()
    budget.step()
    budget.measure(value)
    return value if type(value) is str else str(value)


def _add(budget: Budget, left: Any, right: Any) -> Any:  # noqa: ARG001
    return left + right


def _multiply(budget: Budget, left: Any, right: Any) -> Any:
    for one, other in ((left, right), (right, left)):
        if isinstance(one, str | list | tuple) and isinstance(other, int):
            (budget.text if isinstance(one, str) else budget.step)(len(one) * max(other, 0))
    if type(left) is int and type(right) is int and left.bit_length() + right.bit_length() > MAX_INTEGER_BITS:
        raise LimitExceeded("a number grows too large")
    return left * right


def _power(budget: Budget, left: Any, right: Any) -> Any:  # noqa: ARG001
    if (
        isinstance(left, int)
        and isinstance(right, int)
        and (abs(right) > _MAX_EXPONENT or left.bit_length() * abs(right) > MAX_INTEGER_BITS)
    ):
        raise LimitExceeded("a number grows too large")
    return left**right


def _modulo(budget: Budget, left: Any, right: Any) -> Any:  # noqa: ARG001
    if isinstance(left, str):
        raise SecurityError("text is not formatted with `%` here; join with `~`")
    return left % right


_OPERATORS: Mapping[str, Any] = {
    "+": _add,
    "-": lambda _, left, right: operator.sub(left, right),
    "*": _multiply,
    "/": lambda _, left, right: operator.truediv(left, right),
    "//": lambda _, left, right: operator.floordiv(left, right),
    "%": _modulo,
    "**": _power,
}


def _call_text(budget: Budget, text: str, name: str, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
    """A method of text, charged for the text, its arguments and its result."""
    if name not in _TEXT_METHODS:
        raise SecurityError(f"text has no method `{name}` here")
    budget.text(len(text))
    for argument in (*arguments, *named.values()):
        budget.measure(argument)
    match name:
        case "join":
            return template_filters.join_bounded(text, each(*arguments))
        case "replace":
            return template_filters.replace_bounded(text, *arguments, **named)
        case "strip" | "lstrip" | "rstrip":
            return getattr(text, name)(*map(template_filters.strip_characters, arguments))
        case "split" | "rsplit":
            return _split(budget, text, name, *arguments, **named)
        case "splitlines":
            budget.step(len(re.findall(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", text)))
        case _:
            pass
    result = getattr(text, name)(*arguments, **named)
    budget.measure(result)
    return result


def _split(budget: Budget, text: str, name: str, sep: str | None = None, maxsplit: int = -1) -> list[str]:
    room = budget.steps + 1
    parts: list[str] = getattr(text, name)(sep, room if maxsplit < 0 else min(maxsplit, room))
    budget.measure(parts)
    return parts


@functools.cache
def environment() -> BoundedEnvironment:
    """The environment of this process."""
    return BoundedEnvironment()


def tokens(text: str) -> list[tuple[int, str, str]]:
    """The (line, kind, text) of everything in a template. Raises jinja2.TemplateSyntaxError.

    Compiling costs up to a millisecond for each word of a tag, before any budget of a render holds: so there is a limit.
    """
    found = []
    left = MAX_TOKENS
    for token in environment().lex(text):
        if token[1] not in _FREE_TOKENS:
            left -= 1
            if left < 0:
                raise TemplateSyntaxError(
                    f"more than {MAX_TOKENS:,} words in tags: move some of it to inputs or documents", token[0]
                )
        found.append(token)
    return found


@functools.lru_cache(maxsize=_MAX_CACHED)
def compiled(text: str) -> Template:
    """A template, compiled once. Raises jinja2.TemplateSyntaxError, and what Python raises for code that is too deep."""
    tokens(text)
    template = environment().from_string(text)
    template.source_text = text  # type: ignore[attr-defined]  # for the excerpt of an error
    return template
