"""What this clone has seen: the last known tip of every environment and of the evidence, and the object of every release
tag, so that a rewrite is noticed.

A plain `git fetch` overwrites a rewritten branch without a word, `git fetch --tags --force` a moved tag; this file, beside
the clone's objects, remembers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops_git.releases.environments import environment_ref
from llmops_git.releases.history import history_is_cut
from llmops_git.releases.registry import EVIDENCE_REF
from llmops_git.releases.values import Registry
from llmops_git.repo.fetch import Tampered, is_ancestor, tampered

if TYPE_CHECKING:
    from llmops_git.repo.git import Git

SCHEMA = "llmops-git/seen/1"


def seen_file(git: Git) -> Path:
    return git.location.common_dir / "llmops-git" / "seen.json"


def tips_of(registry: Registry) -> dict[str, str]:
    """Shared ref -> tip, of everything that only ever grows."""
    tips = {environment_ref(name): state.tip for name, state in registry.environments.items()}
    return {**tips, EVIDENCE_REF: registry.evidence} if registry.evidence else tips


def tags_of(registry: Registry) -> dict[str, str]:
    """Ref -> tag object, of every release: these never change."""
    return {release.tag.ref: release.tag_object for releases in registry.releases.values() for release in releases}


def load_seen(git: Git, remote: str | None) -> dict[str, str]:
    """Shared ref -> tip when it was last looked at; empty the first time, or when the file cannot be read."""
    return _part(_read(seen_file(git)), "refs", remote)


def load_seen_tags(git: Git, remote: str | None) -> dict[str, str]:
    """Ref of a release -> its tag object when it was first looked at."""
    return _part(_read(seen_file(git)), "tags", remote)


def save_seen(git: Git, remote: str | None, tips: Mapping[str, str], tags: Mapping[str, str] | None = None) -> None:
    """Remember these tips for a remote, and these tags besides those already known; what is known of other remotes stays."""
    path = seen_file(git)
    known = _read(path)
    refs, all_tags = _object(known, "refs"), _object(known, "tags")
    own = {**_part(known, "tags", remote), **(tags or {})}
    _write(path, {"refs": {**refs, remote or "": dict(tips)}, "tags": {**all_tags, remote or "": own}})


def remember_tag(git: Git, remote: str | None, ref: str, oid: str) -> None:
    """Remember a release that was just published, whatever was known of a tag of its name."""
    save_seen(git, remote, load_seen(git, remote), {ref: oid})


def forget_tags(git: Git, remote: str | None, refs: Collection[str]) -> None:
    """Forget tags that only this clone has: whoever deletes them need not be alarmed when the number is used after all."""
    path = seen_file(git)
    known = _read(path)
    tags = _part(known, "tags", remote)
    if tags.keys() & set(refs):
        kept = {ref: oid for ref, oid in tags.items() if ref not in refs}
        _write(path, {"refs": _object(known, "refs"), "tags": {**_object(known, "tags"), remote or "": kept}})


def require_unrewritten(git: Git, remote: str | None, registry: Registry) -> None:
    """Compare with what was seen and remember what is there now. Raises Tampered when a branch was rewritten or is gone, or
    a tag is another object."""
    tips, tags = tips_of(registry), tags_of(registry)
    seen, seen_tags = load_seen(git, remote), load_seen_tags(git, remote)
    alarms = [*rewritten_since_seen(git, seen, tips), *moved_since_seen(seen_tags, tags)]
    if alarms:
        raise Tampered("\n".join(alarms), hint=f"find out who did this; to accept it: rm {seen_file(git)}")
    if tips != seen or tags.keys() - seen_tags.keys():
        save_seen(git, remote, tips, tags)


def require_unmoved(registry: Registry) -> None:
    """Compare the tags with what environments run: a fresh clone has seen nothing yet, but each deployment names its tag's
    object. Raises Tampered when a tag that runs somewhere is another object now."""
    objects = {release.name: release.tag_object for releases in registry.releases.values() for release in releases}
    alarms = [
        f"tag `{run.release}` was moved: {run.tag_object} runs in {state.name}, and it is {objects[run.release]} now"
        for state in registry.environments.values()
        for run in state.running.values()
        if objects.get(run.release, run.tag_object) != run.tag_object
    ]
    if alarms:
        raise tampered(alarms)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _write(path: Path, parts: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".seen.{os.getpid()}")
    temporary.write_text(json.dumps({"schema": SCHEMA, **parts}, indent=1, sort_keys=True) + "\n")
    temporary.replace(path)


def _object(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _part(document: Mapping[str, Any], key: str, remote: str | None) -> dict[str, str]:
    value = _object(document, key).get(remote or "")
    return {str(ref): str(oid) for ref, oid in value.items()} if isinstance(value, dict) else {}


def moved_since_seen(seen: Mapping[str, str], tags: Mapping[str, str]) -> list[str]:
    """One sentence for each release whose tag is another object than when this clone first saw it."""
    return [
        f"tag `{ref.removeprefix('refs/tags/')}` was moved: it was {seen[ref]} when it was seen earlier, and it is {oid} now"
        for ref, oid in sorted(tags.items())
        if seen.get(ref, oid) != oid
    ]


def rewritten_since_seen(git: Git, seen: Mapping[str, str], tips: Mapping[str, str]) -> list[str]:
    """One sentence for each branch that no longer contains what was seen, or is gone. A history that a shallow clone has
    cut off cannot be judged and is left out."""
    alarms = []
    for ref, old in sorted(seen.items()):
        name, new = ref.removeprefix("refs/heads/"), tips.get(ref)
        if new is None:
            alarms.append(f"branch `{name}` is gone: it was at {old}")
        elif new != old and not is_ancestor(git, old, new) and not history_is_cut(git, new):
            alarms.append(f"branch `{name}` was rewritten: {old}, seen earlier, is not in {new}")
    return alarms
