"""What of a change concerns guardrails: which packs have to be measured, against what, and on whose texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmops_git.commands.guard_packs import packs_in, suite_of
from llmops_git.configs.pack_file import PackFile, PackMeasure
from llmops_git.configs.values import Change, Status
from llmops_git.errors import InvalidInput
from llmops_git.evals.guard_gate import PACKS
from llmops_git.guardrails.suites import Suite

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.configs.policy import Policy
    from llmops_git.configs.tree import Tree
    from llmops_git.configs.values import Aspect, Config, JsonObject
    from llmops_git.evals.values import Instrument
    from llmops_git.guardrails.base import Side
    from llmops_git.repo.changes import ChangeSet

EDITS = "this change edits its own suites or gate: it is scored on the base's as well"
NO_SUITE = "has no suite: nothing shows what it catches, and what it catches wrongly"
SUITES_GONE = "has no suite any more: it is measured on the base's"
BROKEN_BASE = "guardrail packs of the base could not be read, so nothing is compared with them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One entry of the report: what guards on both sides, and what it is measured on. `packs` are resolved; None: there is
    nothing to compare with. `suites` say whose texts and gate: the head's own, and the base's where they differ."""

    name: str
    status: Status
    aspect: Aspect
    base: tuple[JsonObject, ...] | None
    head: tuple[JsonObject, ...]
    suites: tuple[tuple[Instrument, Suite, PackMeasure], ...]
    notes: tuple[str, ...] = ()
    config: str = ""  # the config that applies less than before, where that is what is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """What of a change concerns guardrails, found before anything is asked: files that are wrong cost nothing then."""

    trials: tuple[Trial, ...]
    notes: tuple[str, ...]
    base_name: str


def guarded_by(project: Project, changes: ChangeSet, policy: Policy, *, names: Sequence[str] = ()) -> Guarded:
    """What has to be measured for a change. `names` leaves only packs that these configs apply. Raises InvalidInput for packs
    and suites of the head that are wrong."""
    head = project.tree(None if changes.head_name == "worktree" else changes.head_name)
    base = project.tree(changes.base_oid) if changes.base_oid else None
    after = packs_in(head, policy)
    before, notes = packs_of_base(base, policy)
    applied = {pack for name in names for pack in _applied(project, head, changes, name)}
    trials = [
        trial
        for name, pack in after.items()
        if not names or name in applied
        for trial in _changed(name, before.get(name), pack, base, head)
    ]
    if base is not None:
        trials += [
            trial
            for change in changes.changes
            if not names or change.config in names
            for trial in _dropped(change, before, base)
        ]
    return Guarded(trials=tuple(trials), notes=notes, base_name=changes.base_oid)


def packs_of_base(base: Tree | None, policy: Policy) -> tuple[dict[str, PackFile], tuple[str, ...]]:
    """A base that is broken is no reason to refuse its repair."""
    if base is None:
        return {}, ()
    try:
        return packs_in(base, policy), ()
    except InvalidInput:
        return {}, (BROKEN_BASE,)


def _applied(project: Project, head: Tree, changes: ChangeSet, name: str) -> set[str]:
    """The packs that a config of the head applies."""
    config: Config | None = next((change.head for change in changes.changes if change.config == name), None)
    if config is None and name in project.configs(head):
        config = project.load(head, name)
    sides = (config.resolved.get("guardrails") or {}) if config else {}
    return {str(pack["name"]) for packs in sides.values() for pack in packs}


def _changed(name: str, before: PackFile | None, after: PackFile, base: Tree | None, head: Tree) -> Iterator[Trial]:
    """The trial of a pack that is new, or whose rules, suites or gate differ."""
    edited = before is None or (_blobs(base, before), _gate(before)) != (_blobs(head, after), _gate(after))
    if before is None or before.digest != after.digest or edited:
        yield trial_of(name, before, after, base, suite_of(head, after.measure.suites))


def trial_of(name: str, before: PackFile | None, after: PackFile, base: Tree | None, own: Suite | None) -> Trial:
    """A pack on its `own` suite, and where that or its gate is another one than the base's, on the base's."""
    was = _suite_of_base(base, before)
    suites: list[tuple[Instrument, Suite, PackMeasure]] = [("head", own, after.measure)] if own else []
    notes = []
    if before is not None and was is not None and _other_instrument(before, was, after, own):
        suites.append(("base", was, before.measure))
        notes.append(EDITS if own else SUITES_GONE)
    if not suites:
        notes.append(f"`{name}` {NO_SUITE}")
    return Trial(
        name=PACKS + name,
        status="added" if before is None else "modified",
        aspect="guardrails" if before is None or before.digest != after.digest else "evaluation",
        base=(before.resolved,) if before else None,
        head=(after.resolved,),
        suites=tuple(suites),
        notes=tuple(notes),
    )


def _other_instrument(before: PackFile, was: Suite, after: PackFile, own: Suite | None) -> bool:
    """Whether the base's suites and gate are to be asked as well: they are others, and there is something to compare."""
    if own is None:
        return True
    return before.digest != after.digest and (was.digest, _gate(before)) != (own.digest, _gate(after))


def _blobs(tree: Tree | None, pack: PackFile | None) -> list[object]:
    return [(path, tree.entry(path)) for path in pack.measure.suites] if tree and pack else []


def _gate(pack: PackFile) -> tuple[object, ...]:
    measure = pack.measure
    return (dict(measure.recall), measure.false_alarms, measure.margin)


def _suite_of_base(base: Tree | None, before: PackFile | None) -> Suite | None:
    try:
        return suite_of(base, before.measure.suites) if base and before else None
    except InvalidInput:
        return None


def _dropped(change: Change, before: dict[str, PackFile], base: Tree) -> Iterator[Trial]:
    """The trials of a config that applies a pack no more: what guarded that side, and what guards it now, on the suites of the
    packs that went."""
    if change.base is None or change.head is None:
        return
    sides: tuple[Side, ...] = ("input", "output")
    for side in sides:
        was, now = (tuple((config.resolved.get("guardrails") or {}).get(side, ())) for config in (change.base, change.head))
        gone = [str(pack["name"]) for pack in was if pack["name"] not in {kept["name"] for kept in now}]
        if not gone:
            continue
        paths = sorted({path for name in gone if name in before for path in before[name].measure.suites})
        suite = suite_of(base, paths)
        listed = ", ".join(f"`{name}`" for name in gone)
        notes = [f"`{change.config}` does not apply {listed} to its {side} any more"]
        if suite is None:
            notes.append(f"{listed} {NO_SUITE}")
        yield Trial(
            name=f"{change.config}/{PACKS}{side}",
            status="modified",
            aspect="guardrails",
            base=was,
            head=now,
            suites=(("base", suite, PackMeasure()),) if suite else (),
            notes=tuple(notes),
            config=change.config,
        )
