"""sql: the output is SQL of a dialect, and if asked for it only reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.extras import extra_module
from llmops_git.scorers.fences import body_of, is_fenced
from llmops_git.scorers.results import empty, failed, passed, quoted

MOST_CHARACTERS = 20_000
MOST_DEPTH = 100  # brackets inside brackets; the parser calls itself for each, several times


@dataclass(frozen=True, slots=True, kw_only=True)
class Sql:
    """Every statement is parsed; nothing is run, and no table has to exist. `sqlglot` is the parser's module."""

    sqlglot: Any
    dialect: str = ""
    read_only: bool = False
    statements: int | None = 1
    fenced: bool = False
    direction: Direction = "higher"
    scale: Scale = "binary"
    step: float = 1.0
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        if not sample.output.strip():
            return empty()
        text = body_of(sample.output, fenced=self.fenced)
        if len(text) > MOST_CHARACTERS or _depth(text) > MOST_DEPTH:
            return failed("the statement is too long or too deeply nested to be parsed", label="too long")
        try:
            parsed = [each for each in self.sqlglot.parse(text, dialect=self.dialect or None) if each is not None]
        except (self.sqlglot.errors.SqlglotError, RecursionError, ValueError) as error:
            return failed("the SQL stands in a code fence" if is_fenced(sample.output) else _first_line(error))
        if not parsed:
            return failed("there is no statement, only comments")
        if self.statements is not None and len(parsed) > self.statements:
            return failed(f"{len(parsed)} statements, more than {self.statements}", label="several statements")
        reasons = (self._unknown(each) or (self.read_only and self._writes(each)) for each in parsed)
        return next((failed(reason) for reason in reasons if reason), passed())

    def _unknown(self, statement: Any) -> str:
        """Why this is no statement: the parser takes single words for the names of columns, and keeps what it does not
        understand as a command."""
        known = self.sqlglot.exp
        if isinstance(statement, known.Command):
            return f"{quoted(statement.sql()[:80])} is not understood"
        kinds = [known.Query, known.DML, known.DDL]
        kinds += [getattr(known, name) for name in _STATEMENTS if hasattr(known, name)]
        return "" if isinstance(statement, tuple(kinds)) else "this is no statement"

    def _writes(self, statement: Any) -> str:
        known = self.sqlglot.exp
        if not isinstance(statement, known.Query | known.Values):
            return f"{statement.key.upper()} is no query"
        writing = tuple(getattr(known, name) for name in ("DML", "DDL", "Drop", "Alter", "Into", "Command", "Lock"))
        for node in statement.walk():
            if isinstance(node, writing) and not isinstance(node, known.Query):
                return f"{node.key.upper()} does more than read"
        return ""


_STATEMENTS = (
    "Alter", "Analyze", "Attach", "Cache", "Commit", "Copy", "Describe", "Detach", "Drop", "Export", "Grant", "Kill",
    "LoadData", "Merge", "Pragma", "Refresh", "Revoke", "Rollback", "Set", "Show", "Summarize", "Transaction", "TruncateTable",
    "Uncache", "Use", "Values",
)  # fmt: skip


def _depth(text: str) -> int:
    """How deep brackets are nested, wherever they stand: a bound that needs no parser."""
    depth = deepest = 0
    for letter in text:
        if letter in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in ")]}":
            depth -= 1
    return deepest


def _first_line(error: Exception) -> str:
    text = "the statement is nested too deeply" if isinstance(error, RecursionError) else str(error)
    return f"not SQL: {text.replace(chr(27), '').splitlines()[0] if text else type(error).__name__}"


def build(settings: ScorerSettings) -> Sql:
    import logging

    sqlglot = extra_module("sqlglot", "sqlglot")
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it would write the outputs of strangers to the terminal
    options = settings.options
    dialect = options.get("dialect", "")
    if dialect and dialect not in sqlglot.Dialect.classes and dialect not in {each.value for each in sqlglot.Dialects}:
        known = ", ".join(sorted(each.value for each in sqlglot.Dialects if each.value))
        raise LlmopsError(f"there is no SQL dialect `{dialect}`", hint=f"there are {known}")
    return Sql(
        sqlglot=sqlglot,
        dialect=dialect,
        read_only=options.get("read_only", False),
        statements=int(options.get("statements", 1)),
        fenced=options.get("fenced", False),
    )
