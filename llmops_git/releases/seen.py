"""What this clone has seen: the last known tip of every environment and of the evidence, so that a rewrite is noticed.

A plain `git fetch` overwrites a rewritten branch without a word; this file, beside the clone's objects, remembers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

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


def load_seen(git: Git, remote: str | None) -> dict[str, str]:
    """Shared ref -> tip when it was last looked at; empty the first time, or when the file cannot be read."""
    try:
        document = json.loads(seen_file(git).read_bytes())
        refs = document["refs"][remote or ""]
        return {str(ref): str(oid) for ref, oid in refs.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def save_seen(git: Git, remote: str | None, tips: Mapping[str, str]) -> None:
    """Remember these tips for a remote; those of other remotes stay."""
    path = seen_file(git)
    others = _all_seen(path)
    document = {"schema": SCHEMA, "refs": {**others, remote or "": dict(tips)}}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".seen.{os.getpid()}")
    temporary.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    temporary.replace(path)


def require_unrewritten(git: Git, remote: str | None, registry: Registry) -> None:
    """Compare with what was seen and remember what is there now. Raises Tampered when a branch was rewritten or is gone."""
    tips = tips_of(registry)
    seen = load_seen(git, remote)
    alarms = rewritten_since_seen(git, seen, tips)
    if alarms:
        raise Tampered("\n".join(alarms), hint=f"find out who did this; to accept it: rm {seen_file(git)}")
    if tips != seen:
        save_seen(git, remote, tips)


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


def _all_seen(path: Path) -> dict[str, dict[str, str]]:
    try:
        refs = json.loads(path.read_bytes())["refs"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return refs if isinstance(refs, dict) else {}


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
