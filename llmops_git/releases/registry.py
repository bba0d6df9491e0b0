"""The registry: every release, what runs in every environment, and where the evidence is, as git has it now.

Two git processes at most, however many releases there are: one `for-each-ref`, one `cat-file --batch`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from llmops_git.releases.environments import BRANCH_PREFIX, is_environment, read_environments
from llmops_git.releases.tags import REF_PREFIX, parse_tag
from llmops_git.releases.values import Registry, Release
from llmops_git.repo.refs import BRANCH_NAMESPACE, RECORDS, TAG_NAMESPACE, Ref, local_ref, read_refs

if TYPE_CHECKING:
    from llmops_git.repo.git import Git

EVIDENCE_REF = "refs/heads/llmops/evidence"
_ENVIRONMENTS = f"refs/heads/{BRANCH_PREFIX}"


def read_registry(git: Git, *, remote: str | None, config: str = "") -> Registry:
    """The state of the whole repository as this clone knows it, or of one config's releases. Order is by number.

    `remote` names the remote whose branches count; a branch that this clone has only locally is used where the remote
    has none. Raises NotMeasured when git fails.
    """
    tags = f"{TAG_NAMESPACE}{config}/" if config else TAG_NAMESPACE
    branches_here = [pattern for record in RECORDS for pattern in (record, local_ref(record, remote))]
    refs = read_refs(git, *dict.fromkeys((tags, *branches_here)))
    branches = shared_branches(refs, remote)
    environments = {
        name.removeprefix(_ENVIRONMENTS): ref
        for name, ref in branches.items()
        if name.startswith(_ENVIRONMENTS) and ref.kind == "commit" and is_environment(name.removeprefix(_ENVIRONMENTS))
    }
    releases, strays = sort_tags(ref for ref in refs if ref.name.startswith(REF_PREFIX))
    evidence = branches.get(EVIDENCE_REF)
    return Registry(
        releases=releases,
        environments=read_environments(git, environments),
        evidence=evidence.oid if evidence else "",
        strays=strays,
    )


def shared_branches(refs: Iterable[Ref], remote: str | None) -> dict[str, Ref]:
    """The branches by their shared name; the remote's own win over local ones of the same name."""
    found: dict[str, Ref] = {}
    namespace = local_ref(BRANCH_NAMESPACE, remote)
    for prefix in (BRANCH_NAMESPACE, namespace):
        found.update({BRANCH_NAMESPACE + ref.name.removeprefix(prefix): ref for ref in refs if ref.name.startswith(prefix)})
    return found


def sort_tags(refs: Iterable[Ref]) -> tuple[Mapping[str, tuple[Release, ...]], tuple[str, ...]]:
    """Releases by config in ascending order of number, and the refs that only look like one. Foreign tags are left alone."""
    found: dict[str, list[Release]] = {}
    strays = []
    for ref in refs:
        tag = parse_tag(ref.name)
        if tag is None:
            continue
        if ref.kind != "tag":
            strays.append(ref.name.removeprefix("refs/tags/"))
            continue
        release = Release(
            tag=tag, tag_object=ref.oid, commit=ref.target, header=ref.header, time=ref.time, contents=ref.contents
        )
        found.setdefault(tag.config, []).append(release)
    return {name: tuple(sorted(found[name], key=lambda release: release.tag.version)) for name in sorted(found)}, tuple(strays)
