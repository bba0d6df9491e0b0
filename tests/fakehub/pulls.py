"""What pull requests do to git: heads, merge refs, merges and the merge queue. Called with the hub's lock held or from a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakehub import githook
from fakehub.records import Issue, Pull, Repository

if TYPE_CHECKING:
    from fakehub.hub import Hub


def attach(hub: Hub, repo: Repository, issue: Issue, head: str, head_repository: Repository, base: str, *, draft: bool) -> None:
    """Make a pull request out of an issue. Raises ValueError when a branch is missing."""
    for place, branch in ((head_repository, head), (repo, base)):
        if not hub.store(place).branch(branch):
            del repo.issues[issue.number]
            raise ValueError(f"{place.full_name} has no branch {branch}")
    issue.pull = Pull(
        head_repository=head_repository.full_name,
        head_branch=head,
        head_oid="",
        head_owner=head_repository.owner,
        base_branch=base,
        base_oid="",
        draft=draft,
    )
    refresh(hub, repo, issue)


def refresh(hub: Hub, repo: Repository, issue: Issue) -> None:
    """Bring the head, refs/pull/N/head and refs/pull/N/merge up to date. `base.sha` moves only when the head does, as on GitHub."""
    pull = _facts(issue)
    store = hub.store(repo)
    base = store.branch(pull.base_branch)
    head = _head(hub, pull)
    if not head or not base:
        issue.state = "closed"
        return
    if head != pull.head_oid:
        store.fetch(hub.store(str(pull.head_repository)), head)
        store.update(f"refs/pull/{issue.number}/head", head)
        pull.head_oid, pull.base_oid, issue.updated = head, base, hub.now()
    if store.is_ancestor(head, base):  # pushed to the base directly: GitHub calls that merged
        issue.state, pull.merged_oid, pull.merged_by = "closed", head, repo.owner
        return
    merged = store.merge(base, head, f"Merge {head} into {base}")
    if merged:
        store.update(f"refs/pull/{issue.number}/merge", merged)
    else:
        store.delete(f"refs/pull/{issue.number}/merge")


def follow(hub: Hub, pushed: Repository) -> None:
    for repo in hub.repositories.values():
        for issue in repo.issues.values():
            pull = issue.pull if issue.state == "open" else None
            if pull and pull.head_repository and pushed.full_name in {repo.full_name, pull.head_repository}:
                refresh(hub, repo, issue)


def merge(hub: Hub, repo: Repository, number: int, method: str, login: str, title: str | None) -> str:
    issue = repo.issues[number]
    pull = _facts(issue)
    store = hub.store(repo)
    base = store.branch(pull.base_branch)
    if issue.state != "open" or not hub.mergeable(repo, issue):
        raise ValueError("Pull Request is not mergeable")
    _obey(hub, repo, pull, login or repo.owner, base)
    message = title or f"Merge pull request #{number} from {pull.head_owner}/{pull.head_branch}\n\n{issue.title}"
    if method == "merge":
        oid = store.merge(base, pull.head_oid, message)
    elif method == "squash":
        oid = store.squash(base, pull.head_oid, title or f"{issue.title} (#{number})")
    else:
        oid = store.rebase(base, pull.head_oid)
    if not oid:
        raise ValueError("Pull Request is not mergeable")
    _finish(hub, repo, issue, oid, base, login)
    return oid


def queue(hub: Hub, repo: Repository, number: int) -> str:
    pull = _facts(repo.issues[number])
    store = hub.store(repo)
    base = store.branch(pull.base_branch)
    oid = store.merge(base, pull.head_oid, f"Merge pull request #{number} from {pull.head_owner}/{pull.head_branch}")
    if not oid:
        raise ValueError("Pull Request is not mergeable")
    store.update(queue_ref(pull, number, base), oid)
    return oid


def finish_queue(hub: Hub, repo: Repository, number: int) -> str:
    issue = repo.issues[number]
    pull = _facts(issue)
    store = hub.store(repo)
    base = store.branch(pull.base_branch)
    oid = store.oid(queue_ref(pull, number, base))
    if not oid:
        raise ValueError(f"#{number} is not in the merge queue for the present tip of {pull.base_branch}")
    store.delete(queue_ref(pull, number, base))
    _finish(hub, repo, issue, oid, base, "")
    return oid


def queue_ref(pull: Pull, number: int, base: str) -> str:
    return f"refs/heads/gh-readonly-queue/{pull.base_branch}/pr-{number}-{base}"


def _finish(hub: Hub, repo: Repository, issue: Issue, oid: str, base: str, login: str) -> None:
    pull = _facts(issue)
    hub.store(repo).update(f"refs/heads/{pull.base_branch}", oid, base)
    issue.state, issue.updated = "closed", hub.now()
    pull.merged_oid, pull.merged_by = oid, login or repo.owner
    follow(hub, repo)


def _obey(hub: Hub, repo: Repository, pull: Pull, login: str, base: str) -> None:
    """Rulesets that hold merges back: required statuses."""
    reasons = githook.broken(
        repo.rulesets,
        {"login": login, "role": repo.role(login)},
        repo.default_branch,
        f"refs/heads/{pull.base_branch}",
        base,
        pull.head_oid,
        lambda: True,
        lambda context: hub.status(pull.head_oid, context, repo.full_name),
    )
    if reasons:
        raise ValueError("Repository rule violations found\n\n" + "\n\n".join(reasons))


def _head(hub: Hub, pull: Pull) -> str:
    repo = hub.repositories.get((pull.head_repository or "").lower())
    return hub.store(repo).branch(pull.head_branch) if repo else ""


def _facts(issue: Issue) -> Pull:
    assert issue.pull is not None
    return issue.pull
