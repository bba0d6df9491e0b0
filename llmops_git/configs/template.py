"""Renders the templates of a resolved config: messages and search queries, strictly and within a budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llmops_git.configs.paths import suggestion
from llmops_git.configs.values import JsonObject
from llmops_git.errors import LlmopsError

if TYPE_CHECKING:
    from jinja2 import Template

_EXCERPT = 80


class TemplateError(LlmopsError):
    """A template did not render. `where` names it (`messages[1] (user)`), `line` counts in the resolved template."""

    def __init__(self, where: str, line: int, reason: str, *, excerpt: str = "", hint: str = "") -> None:
        place = f"{where}, line {line}" if line else where
        shown = f" in `{excerpt}`" if excerpt else ""
        super().__init__(f"{place}: {reason}{shown}", hint=hint)
        self.where = where
        self.line = line
        self.reason = reason


def render_messages(
    resolved: JsonObject, inputs: JsonObject, documents: Sequence[JsonObject] = ()
) -> tuple[dict[str, str], ...]:
    """The messages exactly as the model gets them: {"role", "content"} in order. Raises TemplateError.

    Templates see each input by its name, all of them as `input`, and what retrieval found as `documents`.
    """
    context = template_context(inputs, documents)
    rendered = []
    for index, message in enumerate(resolved["messages"]):
        where = f"messages[{index}] ({message['role']})"
        content = render_text(message["template"], context, resolved.get("templates", {}), where)
        rendered.append({"role": message["role"], "content": content})
    return tuple(rendered)


def render_query(resolved: JsonObject, inputs: JsonObject) -> str:
    """The search text of a request. Raises TemplateError."""
    context = template_context(inputs, ())
    return render_text(resolved["retrieval"]["query"], context, resolved.get("templates", {}), "retrieval.query")


def template_context(inputs: JsonObject, documents: Sequence[JsonObject]) -> dict[str, Any]:
    """The names that templates see."""
    return {"input": inputs, "documents": list(documents), **inputs}


def render_text(template: str, context: Mapping[str, Any], partials: Mapping[str, str], where: str) -> str:
    """One template rendered under a full budget; `partials` are the texts it may include, by name. Raises TemplateError."""
    from jinja2 import TemplateSyntaxError

    from llmops_git.configs.template_budget import start
    from llmops_git.configs.template_environment import PARTIALS, compiled

    start()
    PARTIALS.set(partials)
    try:
        return _run(compiled(template), context)
    except TemplateSyntaxError as error:
        raise TemplateError(where, error.lineno, str(error.message)) from None
    except Exception as error:  # noqa: BLE001  # a template can make Python raise anything
        raise _explain(error, context, where) from None


def _run(template: Template, context: Mapping[str, Any]) -> str:
    run: Callable[..., Any] = template.root_render_func
    return "".join(run(template.new_context(dict(context))))


def _explain(error: Exception, context: Mapping[str, Any], where: str) -> TemplateError:
    import re

    from jinja2 import TemplateNotFound, UndefinedError

    line, excerpt = _line_of(error)
    reason = str(error) or type(error).__name__
    hint = ""
    if isinstance(error, UndefinedError):
        name = re.match(r"'([^']*)' is undefined\Z", reason)
        if name:
            known = [key for key in context if key not in ("input", "documents")]
            hint = suggestion(name[1], context) or (f"the inputs are: {', '.join(known)}" if known else "there are no inputs")
    elif isinstance(error, OverflowError):
        reason = "a number grows too large"
    elif isinstance(error, RecursionError):
        reason = "the template calls itself too deeply"
    elif isinstance(error, TemplateNotFound):
        reason = f"the included template `{error.name}` is not part of the config"
    return TemplateError(where, line, reason, excerpt=excerpt, hint=hint)


def _line_of(error: Exception) -> tuple[int, str]:
    """The innermost template line that an error went through, and its text."""
    line, excerpt = 0, ""
    trace = error.__traceback__
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            line = template.get_corresponding_lineno(trace.tb_lineno)
            lines = getattr(template, "source_text", "").split("\n")
            excerpt = lines[line - 1].strip()[:_EXCERPT] if 0 < line <= len(lines) else ""
        trace = trace.tb_next
    return line, excerpt
