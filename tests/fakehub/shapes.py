"""What the hub's records look like in replies: GitHub's own example of the operation with our facts put in."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fakehub.records import Artifact, Comment, Issue, Label, Repository, Run, Status

if TYPE_CHECKING:
    from fakehub.hub import Hub

_EMPTY_COUNTS = {"comments": 0, "review_comments": 0, "commits": 1, "additions": 1, "deletions": 0, "changed_files": 1}


def node(kind: str, number: int) -> str:
    return base64.b64encode(f"{kind}{number}".encode()).decode()


def user(hub: Hub, login: str) -> dict[str, Any]:
    known = hub.user(login)
    url = f"{hub.api_url}/users/{quote(login)}"
    page = f"apps/{login.removesuffix('[bot]')}" if known.type == "Bot" else login
    links = ("followers", "subscriptions", "repos", "received_events")
    return {
        "login": login,
        "id": known.id,
        "node_id": node("User", known.id),
        "avatar_url": f"{hub.server_url}/avatars/{known.id}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{hub.server_url}/{page}",
        **{f"{link}_url": f"{url}/{link}" for link in links},
        "organizations_url": f"{url}/orgs",
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "events_url": f"{url}/events{{/privacy}}",
        "type": known.type,
        "site_admin": False,
    }


def example(hub: Hub, repository: Repository, operation: str) -> dict[str, Any]:
    """GitHub's example with its addresses and names replaced by ours."""
    return localised(hub, repository, hub.contract.example(operation))


def localised(hub: Hub, repository: Repository, value: Any) -> Any:
    text = json.dumps(value)
    for theirs, ours in {
        "https://api.github.com": hub.api_url,
        "https://github.com": hub.server_url,
        "octocat/Hello-World": repository.full_name,
        "octocat/example": repository.full_name,
        "octo-org/octo-repo": repository.full_name,
        "Codertocat/Hello-World": repository.full_name,
        '"Hello-World"': json.dumps(repository.name),
        '"octo-repo"': json.dumps(repository.name),
    }.items():
        text = text.replace(theirs, ours)
    return json.loads(text)


def repository(hub: Hub, known: Repository, *, full: bool = False) -> dict[str, Any]:
    shape = example(hub, known, "repos/get")
    for key in ("template_repository", "source", "parent", "organization", "license", "security_and_analysis"):
        shape.pop(key, None)
    shape |= {
        "id": known.id,
        "node_id": node("Repository", known.id),
        "name": known.name,
        "full_name": known.full_name,
        "owner": user(hub, known.owner),
        "private": known.private,
        "visibility": "private" if known.private else "public",
        "fork": known.parent is not None,
        "default_branch": known.default_branch,
        "clone_url": f"{hub.server_url}/{known.full_name}.git",
        "license": None,
        "language": None,
        "has_discussions": False,
    }
    if full and known.parent is not None:
        shape["parent"] = shape["source"] = repository(hub, hub.repository(known.parent))
    return shape


def comment(hub: Hub, repo: Repository, known: Comment) -> dict[str, Any]:
    issue = repo.issues[known.number]
    kind = "pull" if issue.pull else "issues"
    return {
        "id": known.id,
        "node_id": node("IssueComment", known.id),
        "url": f"{_url(hub, repo)}/issues/comments/{known.id}",
        "html_url": f"{hub.server_url}/{repo.full_name}/{kind}/{known.number}#issuecomment-{known.id}",
        "issue_url": f"{_url(hub, repo)}/issues/{known.number}",
        "body": known.body,
        "user": user(hub, known.author),
        "created_at": known.created,
        "updated_at": known.updated,
        "author_association": "COLLABORATOR",
    }


def label(hub: Hub, repo: Repository, known: Label) -> dict[str, Any]:
    return {
        "id": known.id,
        "node_id": node("Label", known.id),
        "url": f"{_url(hub, repo)}/labels/{quote(known.name)}",
        "name": known.name,
        "color": known.color,
        "default": False,
        "description": known.description,
    }


def issue(hub: Hub, repo: Repository, known: Issue) -> dict[str, Any]:
    shape = example(hub, repo, "issues/create")
    number = {"1347": str(known.number)}
    shape = _numbered(shape, number)
    for key in ("pull_request", "closed_by", "milestone", "assignees"):
        shape.pop(key, None)
    kind = "pull" if known.pull else "issues"
    url = f"{hub.server_url}/{repo.full_name}/{kind}/{known.number}"
    shape |= _common(hub, repo, known) | {
        "html_url": url,
        "node_id": node("Issue", known.id),
        "comments": sum(comment.number == known.number for comment in repo.comments.values()),
        "state_reason": "completed" if known.state == "closed" else None,
        "assignees": [],
        "milestone": None,
        "closed_by": None,
    }
    if known.pull:
        links = {"url": f"{_url(hub, repo)}/pulls/{known.number}", "html_url": url}
        shape["pull_request"] = {**links, "diff_url": f"{url}.diff", "patch_url": f"{url}.patch"}
    return shape


def pull(hub: Hub, repo: Repository, known: Issue, *, full: bool) -> dict[str, Any]:
    """A pull request as in a list, or in full."""
    facts = known.pull
    assert facts is not None
    shape = _numbered(
        example(hub, repo, "pulls/get"), {"1347": str(known.number), "6dcb09b5b57875f334f61aebed695e2e4193db5e": facts.head_oid}
    )
    head_repository = hub.repositories.get((facts.head_repository or "").lower())
    shape |= _common(hub, repo, known) | {
        "draft": facts.draft,
        "assignees": [],
        "milestone": None,
        "requested_reviewers": [],
        "requested_teams": [],
        "active_lock_reason": None,
        "auto_merge": None,
        "merged_at": known.updated if facts.merged_oid else None,
        "merge_commit_sha": facts.merged_oid or hub.store(repo).oid(f"refs/pull/{known.number}/merge") or None,
        "head": _end(hub, facts.head_owner, facts.head_branch, facts.head_oid, head_repository),
        "base": _end(hub, repo.owner, facts.base_branch, facts.base_oid, repo),
    }
    whole = _EMPTY_COUNTS | {
        "merged": bool(facts.merged_oid),
        "merged_by": user(hub, facts.merged_by) if facts.merged_by else None,
        "mergeable": hub.mergeable(repo, known) if known.state == "open" else None,
        "mergeable_state": "clean",
        "maintainer_can_modify": False,
        "rebaseable": None,
        "comments": sum(comment.number == known.number for comment in repo.comments.values()),
    }
    if full:
        return shape | whole
    return {key: value for key, value in shape.items() if key not in whole}


def status(hub: Hub, repo: Repository, known: Status) -> dict[str, Any]:
    return {
        **simple_status(hub, repo, known),
        "creator": user(hub, known.creator),
    }


def simple_status(hub: Hub, repo: Repository, known: Status) -> dict[str, Any]:
    return {
        "url": f"{_url(hub, repo)}/statuses/{known.oid}",
        "avatar_url": f"{hub.server_url}/avatars/{hub.user(known.creator).id}",
        "id": known.id,
        "node_id": node("Status", known.id),
        "state": known.state,
        "description": known.description,
        "target_url": known.url,
        "context": known.context,
        "created_at": known.created,
        "updated_at": known.created,
    }


def artifact(hub: Hub, repo: Repository, known: Artifact) -> dict[str, Any]:
    url = f"{_url(hub, repo)}/actions/artifacts/{known.id}"
    run = repo.runs[known.run]
    return {
        "id": known.id,
        "node_id": node("Artifact", known.id),
        "name": known.name,
        "size_in_bytes": len(known.content),
        "url": url,
        "archive_download_url": f"{url}/zip",
        "expired": known.expired,
        "created_at": known.created,
        "updated_at": known.created,
        "expires_at": "2026-12-31T00:00:00Z",
        "workflow_run": {
            "id": run.id,
            "repository_id": repo.id,
            "head_repository_id": hub.repository(run.head_repository or repo.full_name).id,
            "head_branch": run.head_branch,
            "head_sha": run.head_oid,
        },
    }


def run(hub: Hub, repo: Repository, known: Run) -> dict[str, Any]:
    shape = _numbered(example(hub, repo, "actions/get-workflow-run"), {"30433642": str(known.id)})
    for key in ("head_commit", "referenced_workflows", "previous_attempt_url"):
        shape.pop(key, None)
    head = hub.repositories.get((known.head_repository or "").lower())
    return shape | {
        "id": known.id,
        "name": known.name,
        "path": known.path,
        "event": known.event,
        "run_attempt": known.attempt,
        "status": "completed" if known.conclusion else "in_progress",
        "conclusion": known.conclusion,
        "head_sha": known.head_oid,
        "head_branch": known.head_branch,
        "head_commit": None,
        "previous_attempt_url": None,
        "referenced_workflows": [],
        "repository": repository(hub, repo),
        "head_repository": repository(hub, head) if head else None,
        "pull_requests": [],  # which it is for every run of a fork
        "actor": user(hub, known.actor),
        "triggering_actor": user(hub, known.actor),
        "created_at": known.created,
        "updated_at": known.created,
        "run_started_at": known.created,
    }


def _url(hub: Hub, repo: Repository) -> str:
    return f"{hub.api_url}/repos/{repo.full_name}"


def _common(hub: Hub, repo: Repository, known: Issue) -> dict[str, Any]:
    return {
        "id": known.id,
        "number": known.number,
        "title": known.title,
        "body": known.body,
        "state": known.state,
        "locked": False,
        "user": user(hub, known.author),
        "labels": [label(hub, repo, repo.labels[name.lower()]) for name in known.labels],
        "assignee": None,
        "created_at": known.created,
        "updated_at": known.updated,
        "closed_at": known.updated if known.state == "closed" else None,
    }


def _end(hub: Hub, owner: str, branch: str, oid: str, repo: Repository | None) -> dict[str, Any]:
    """The head or base of a pull request; the repository is null when the fork was deleted."""
    person = user(hub, owner)
    return {
        "label": f"{owner}:{branch}",
        "ref": branch,
        "sha": oid,
        "user": person,
        "repo": repository(hub, repo) if repo else None,
    }


def _numbered(shape: dict[str, Any], replacements: Mapping[str, str]) -> dict[str, Any]:
    text = json.dumps(shape)
    for theirs, ours in replacements.items():
        text = text.replace(theirs, ours)
    result: dict[str, Any] = json.loads(text)
    return result
