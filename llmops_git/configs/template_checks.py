"""What is wrong with templates before they run: syntax, filters that are not there, names that nobody declares."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

from llmops_git.configs.paths import suggestion

if TYPE_CHECKING:
    from jinja2 import nodes


class Finding(NamedTuple):
    """A problem with a template, at a line of it."""

    line: int
    message: str
    hint: str


class Checked(NamedTuple):
    """What one template was found to be: its problems, the names it reads from outside (first line), the names it sets."""

    findings: tuple[Finding, ...]
    reads: dict[str, int]
    sets: frozenset[str]


@functools.lru_cache(maxsize=1024)
def check_template(text: str) -> Checked:
    """Parse and compile a template without running it."""
    from jinja2 import TemplateSyntaxError, meta, nodes

    from llmops_git.configs.template_environment import compiled, environment, tokens

    try:
        tokens(text)
        tree = environment().parse(text)
        findings = tuple(_unknown_functions(tree))
        if findings:  # what follows would stumble over them, with a worse message
            return Checked(findings, {}, frozenset())
        reads = meta.find_undeclared_variables(tree)
        compiled(text)
    except TemplateSyntaxError as error:
        return Checked((Finding(error.lineno, f"not a valid template: {error.message}", ""),), {}, frozenset())
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        return Checked(
            (Finding(1, "the template is nested too deeply, or has a number that is too large", ""),), {}, frozenset()
        )
    names = list(tree.find_all(nodes.Name))
    lines = {name: min((node.lineno for node in names if node.name == name), default=1) for name in reads}
    return Checked((), lines, frozenset(node.name for node in names if node.ctx != "load") | _defined(tree))


def undeclared(checked: Checked, known: Collection[str]) -> list[Finding]:
    """The names that a template reads and nobody gives it."""
    return [
        Finding(
            line, f"`{name}` is not an input of this config", suggestion(name, known) or f"declare it: inputs.properties.{name}"
        )
        for name, line in sorted(checked.reads.items(), key=lambda item: (item[1], item[0]))
        if name not in known
    ]


def _defined(tree: nodes.Template) -> frozenset[str]:
    """Macros and imports, which set names too."""
    from jinja2 import nodes

    found = {node.name for node in tree.find_all(nodes.Macro)} | {node.target for node in tree.find_all(nodes.Import)}
    for node in tree.find_all(nodes.FromImport):
        found |= {name if isinstance(name, str) else name[1] for name in node.names}
    return frozenset(found)


def _unknown_functions(tree: nodes.Template) -> Iterator[Finding]:
    from jinja2 import nodes

    from llmops_git.configs.template_environment import environment
    from llmops_git.configs.template_filters import REFUSED

    for kind, table, word in ((nodes.Filter, environment().filters, "filter"), (nodes.Test, environment().tests, "test")):
        known = [name for name in table if name.isidentifier()]
        for node in tree.find_all(kind):
            if node.name in known:
                continue
            why = REFUSED.get(node.name) if word == "filter" else None
            message = f"the {word} `{node.name}` is not available" if why else f"there is no {word} `{node.name}`"
            yield Finding(node.lineno, message, why or suggestion(node.name, known))
