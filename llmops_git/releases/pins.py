"""What this clone knows about a release's tag object besides the tag: a tag that contradicts it was moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from llmops_git.releases.history import read_history
from llmops_git.releases.seen import load_seen_tags
from llmops_git.releases.values import Registry, Release, Running
from llmops_git.repo.fetch import tampered

if TYPE_CHECKING:
    from llmops_git.repo.git import Git


def require_pinned(git: Git, remote: str | None, registry: Registry, release: Release) -> None:
    """Raises Tampered when what this clone knows about the release says that its tag was another object.

    What was seen earlier, what runs and what the next release says come for free; the whole history of the environments is
    read only where none of them knows the release. A tag object under another name than its own is refused without asking.
    """
    require_own_name(release)
    pins = {**_seen(load_seen_tags(git, remote), release), **known_pins(registry, release)}
    if not pins:
        for name, state in registry.environments.items():
            pins.update(_deployed(name, (step.running for step in read_history(git, state.tip)), release))
    wrong = [
        f"tag `{release.name}` was moved: {who} {oid}, and it is {release.tag_object} now"
        for who, oid in pins.items()
        if oid != release.tag_object
    ]
    if wrong:
        raise tampered(wrong)


def require_own_name(release: Release) -> None:
    """Raises Tampered where a tag object stands under another name than the one it was made for."""
    if release.header != release.name:
        raise tampered([f"{release.name} holds the tag object of {release.header}: it was replayed under another name"])


def known_pins(registry: Registry, release: Release) -> dict[str, str]:
    """Who names the release by which object id: the environments that run it now, and the release after it."""
    pins: dict[str, str] = {}
    for name, state in registry.environments.items():
        pins.update(_deployed(name, state.running.values(), release))
    for after in registry.releases.get(release.tag.config, ()):
        note = after.note if after.tag.version > release.tag.version else None
        if note is not None and note.previous is not None and note.previous.name == release.name:
            pins[f"{after.name} came after"] = note.previous.oid
    return pins


def _seen(tags: Mapping[str, str], release: Release) -> dict[str, str]:
    oid = tags.get(release.tag.ref)
    return {"this clone saw": oid} if oid else {}


def _deployed(environment: str, steps: Iterable[Running], release: Release) -> dict[str, str]:
    """The first deployment that names another object counts, else the last one."""
    oids = [step.tag_object for step in steps if step.release == release.name]
    other = next((oid for oid in oids if oid != release.tag_object), None)
    return {f"{environment} ran": other or oids[-1]} if oids else {}
