"""Draws live texts that a pack looked at, shows them to a person, and adds what they say to a suite of the pack."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.guard_labels import append_rows, text_digest
from llmops_git.errors import LlmopsError
from llmops_git.guardrails.leaves import texts_of
from llmops_git.guardrails.stand_ins import with_stand_ins
from llmops_git.guardrails.suite_rows import MAX_TEXT
from llmops_git.monitoring.captured import captured_in
from llmops_git.monitoring.guard_sample import Look, in_turn, looks_of, looks_query

if TYPE_CHECKING:
    from llmops_git.guardrails.base import Side
    from llmops_git.monitoring.store import Store
    from llmops_git.traces.span import Span

FAMILY = "reviewed"
IN_A_SUITE = "already in a suite"
ATTACK, BENIGN, SKIP, QUIT = "1", "2", "s", "q"
KEYS = "1 attack: a guardrail should act, 2 benign: it should not, s skip, q quit"
_ID_DIGITS = 12
_FEWEST_READ = 200  # texts drawn per stratum, at least: some were not captured


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One text to be labelled, redacted, with stand-ins for what was personal. What the pack said of it is not here: it would
    tell what to say."""

    id: str
    text: str
    side: Side
    trace_id: str
    release: str

    def row(self, *, attack: bool, who: str, when: str) -> dict[str, Any]:
        """The suite line of a label."""
        source = {"trace": self.trace_id, "release": self.release, "who": who, "when": when}
        return {
            "id": self.id,
            "text": self.text,
            "attack": attack,
            "family": FAMILY,
            "side": self.side,
            "source": {key: value for key, value in source.items() if value},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The items of a sample, how many hits and passes there were to draw from, and how many texts could not be shown: why
    -> how often."""

    items: tuple[Item, ...]
    hits: int
    passes: int
    missing: dict[str, int]


def draw(
    store: Store, pack: str, *, since: datetime, until: datetime, seed: int, count: int, clean: Callable[[str], str],
    known: set[str],
) -> Drawn:  # fmt: skip
    """`count` texts as even over hits and passes, rules and releases as there are, without those in `known` (digests of texts
    in suites). Raises LlmopsError where the pack never ran."""
    from llmops_git.monitoring.store import read_trace

    sql, parameters = looks_query(pack, since, until, seed=seed, most=max(_FEWEST_READ, count))
    items: list[Item] = []
    missing: dict[str, int] = {}
    with store.connection() as connection:
        looks = looks_of(connection.execute(sql, parameters).fetchall())
        if not looks:
            hint = "llmops-git guardrails rates --since 90d"
            raise LlmopsError(f"guardrail pack `{pack}` did not look at any text in that time", hint=hint)
        for look in in_turn(looks):
            if len(items) == count:
                break
            found = _item(read_trace(connection, look.trace_id), look, clean)
            if isinstance(found, Item) and text_digest(found.text) in known:
                found = IN_A_SUITE
            if isinstance(found, Item):
                known.add(text_digest(found.text))
                items.append(found)
            else:
                missing[found] = missing.get(found, 0) + 1
    strata = {(look.kind, look.rule, look.release, look.side): look.of for look in looks}
    hits, passes = (sum(of for (kind, *_), of in strata.items() if kind == wanted) for wanted in ("hit", "pass"))
    return Drawn(items=tuple(items), hits=hits, passes=passes, missing=missing)


def _item(spans: Sequence[Span], look: Look, clean: Callable[[str], str]) -> Item | str:
    """The text of a look; or, in words, why it cannot be shown."""
    captured = captured_in(spans)
    if isinstance(captured, str):
        return captured
    try:
        text = captured.observed if look.side == "output" else "\n".join(texts_of(captured.inputs))
        cleaned = with_stand_ins(clean(text))
    except LlmopsError:  # Undecided: what could not be looked through does not leave the store
        return "it could not be redacted"
    if cleaned is None:
        return "it held a secret, and without it there is nothing to find"
    if not cleaned.strip():
        return "no text was captured"
    if len(cleaned) > MAX_TEXT:
        return "it is too long"
    name = hashlib.sha256(f"{look.trace_id} {look.side}".encode()).hexdigest()[:_ID_DIGITS]
    return Item(id=f"live-{name}", text=cleaned, side=look.side, trace_id=look.trace_id, release=look.release)


def ask(items: Sequence[Item], path: Path, *, who: str, keys: Iterator[str]) -> int:
    """Show the items one by one and add each label to its file at once; how many were given."""
    from llmops_git.commands.project import terminal
    from llmops_git.reports.review_text import shown
    from llmops_git.reports.style import Paint

    paint = Paint(terminal()["color"])
    given = 0
    click.echo(f"  {KEYS}")
    for number, item in enumerate(items, 1):
        click.echo("")
        click.echo(paint(f"{number} of {len(items)}  {item.side}", "bold"))
        for line in shown(item.text).split("\n"):
            click.echo(f"  {line}")
        said = _said(keys)
        if said == QUIT:
            break
        if said != SKIP:
            given += append_rows(path, [item.row(attack=said == ATTACK, who=who, when=now())])
    return given


def _said(keys: Iterator[str]) -> str:
    for key in keys:
        if key in {ATTACK, BENIGN, SKIP, QUIT}:
            return key
        click.echo(f"  {KEYS}", err=True)
    return QUIT


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
