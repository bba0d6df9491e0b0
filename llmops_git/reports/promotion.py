"""The pull request that proposes a deployment: what would run, on which evidence, and what that changes. Markdown."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, replace

from llmops_git.configs.values import Change
from llmops_git.releases.deploy import Step
from llmops_git.releases.values import Release
from llmops_git.reports.escape import code, no_commands, prose
from llmops_git.reports.release_page import file_link, tag_link
from llmops_git.reports.sections import fields_fold

LIMIT = 60_000  # characters; GitHub takes 65,536
STATUS = "llmops-git/promotion"
_NOT_IN_A_BUNDLE = ("evaluation", "metadata")
_NONE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A deployment that waits to be merged. `running` is the release it replaces, None for the first; `change` says what
    that changes, None where one of the two cannot be loaded any more. `server` and `repository` make links, where known."""

    step: Step
    environment: str
    commit: str
    actor: str
    running: Release | None = None
    running_name: str = ""
    change: Change | None = None
    server: str = ""
    repository: str = ""


def promotion_title(waiting: Waiting) -> str:
    """`promote router v1.0.1 to production`."""
    tag = waiting.step.release.tag
    if waiting.step.action == "rollback":
        return f"roll back {tag.config} to v{tag.version} in {waiting.environment}"
    return f"promote {tag.config} v{tag.version} to {waiting.environment}"


def promotion_body(waiting: Waiting) -> str:
    """The description; every text of people, configs and models is escaped."""
    parts = [_headline(waiting), _table(waiting), _reason(waiting.step.reason), _evidence(waiting)]
    last = _small_print(waiting)
    room = LIMIT - sum(len(part) + 2 for part in (*parts, last))
    changes = _changes(waiting.change)
    if len(changes) > room:
        changes = f"### What changes\n\n{prose('too much for this page: the changed files show it')}"
    return no_commands("\n\n".join(part for part in (*parts, changes, last) if part)) + "\n"


def _headline(waiting: Waiting) -> str:
    tag = waiting.step.release.tag
    name = f"{code(tag.config)} **v{tag.version}**"
    if waiting.step.action == "rollback":
        return (
            f"Merging this takes {code(waiting.environment)} back to {name}, and keeps automatic promotion of it off "
            f"until somebody promotes again."
        )
    return f"Merging this makes {name} run in {code(waiting.environment)}."


def _table(waiting: Waiting) -> str:
    new, old = waiting.step.release, waiting.running
    rows = [("release", _linked(waiting, old) if old else code(waiting.running_name or "nothing"), _linked(waiting, new))]
    for name, key in (("model", "Model"), ("config digest", "Config-Digest")):
        rows.append((name, code(old.trailers.get(key, "")) if old else "", code(new.trailers.get(key, ""))))
    lines = ["| | runs now | after merging |", "|:--|:--|:--|"]
    return "\n".join([*lines, *(f"| {name} | {before} | {after} |" for name, before, after in rows)])


def _linked(waiting: Waiting, release: Release) -> str:
    return _link(tag_link(waiting.server, waiting.repository, release.name), release.name)


def _link(address: str, text: str) -> str:
    return f'<a href="{html.escape(address)}">{code(text)}</a>' if address.startswith("https://") else code(text)


def _reason(reason: str) -> str:
    return f"**Why:** {prose(reason)}" if reason else ""


def _evidence(waiting: Waiting) -> str:
    """What the release's tag says about its evaluation, and where the record is."""
    release = waiting.step.release
    note = release.note
    if note is None:
        return f"### Evidence\n\n{prose('the release tag has no message that can be read')}"
    lines = [f"- {prose(line)}" for line in release.message.summary.split("\n") if line.strip()]
    if note.evidence is not None:
        place = file_link(waiting.server, waiting.repository, "llmops/evidence", note.evidence.name)
        lines.append(f"- record: {_link(place, note.evidence.name)}")
    return "\n".join(["### Evidence", "", f"Verdict when it was released: **{prose(note.verdict)}**", "", *lines])


def _changes(change: Change | None) -> str:
    if change is None:
        return f"### What changes\n\n{prose('one of the two releases cannot be loaded any more: the changed files show it')}"
    touched = tuple(aspect for aspect in change.aspects if aspect not in _NOT_IN_A_BUNDLE)
    if change.status == "added":
        return f"### What changes\n\n{prose('nothing of this config ran here before')}"
    fields = tuple(
        field for field in change.fields if not field.path.startswith(("evaluation", "description", "owner", "critical"))
    )
    shown = fields_fold(replace(change, fields=fields)) if fields else prose("nothing that reaches the model or the caller")
    return f"### What changes\n\n{prose(', '.join(touched) or 'nothing')}\n\n{shown}"


def _small_print(waiting: Waiting) -> str:
    vouched = f"The status {code(STATUS)} vouches for commit {code(waiting.commit[:12])} and for no other one"
    return (
        f"<sub>Asked for by {code(waiting.actor)}. {vouched}: it is exactly the deployment that {code('llmops-git')} made. "
        f"Merge it in any way: what runs is read from the files, and {code('llmops-git verify')} checks them.</sub>"
    )
