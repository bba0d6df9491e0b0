"""Pull requests: list, open, change, merge."""

from __future__ import annotations

from fakehub import shapes
from fakehub.api import Call, Problem, Reply, invalid, operation, text
from fakehub.places import BOT
from fakehub.records import Issue, Pull, Repository


@operation("pulls/list", needs="pull_requests=read")
def list_pulls(call: Call) -> Reply:
    """`head` filters only as `owner:branch`; GitHub ignores every other form silently, and so does this."""
    query = call.query
    state = query.get("state", "open")
    found = [
        issue
        for issue in call.repo.issues.values()
        if issue.pull
        and state in {"all", issue.state}
        and query.get("base", issue.pull.base_branch) == issue.pull.base_branch
        and (":" not in query.get("head", "") or query["head"] == f"{issue.pull.head_owner}:{issue.pull.head_branch}")
    ]
    key = "updated" if query.get("sort") == "updated" else "number"
    descending = query.get("direction", "desc" if query.get("sort", "created") == "created" else "asc") == "desc"
    found.sort(key=lambda issue: getattr(issue, key), reverse=descending)
    shown, headers = call.page(found)
    return Reply(200, [shapes.pull(call.hub, call.repo, issue, full=False) for issue in shown], headers)


@operation("repos/list-pull-requests-associated-with-commit", needs="pull_requests=read")
def list_pulls_of_commit(call: Call) -> Reply:
    oid = call["commit_sha"]
    found = [issue for issue in call.repo.issues.values() if issue.pull and oid in {issue.pull.head_oid, issue.pull.merged_oid}]
    shown, headers = call.page(found)
    return Reply(200, [shapes.pull(call.hub, call.repo, issue, full=False) for issue in shown], headers)


@operation("pulls/get", needs="pull_requests=read")
def get_pull(call: Call) -> Reply:
    return Reply(200, shapes.pull(call.hub, call.repo, _pull(call), full=True))


@operation("pulls/create", needs="pull_requests=write", role="read")
def create_pull(call: Call) -> Reply:
    if call.login == BOT and not call.repo.actions_may_open_pull_requests:
        raise Problem(403, "GitHub Actions is not permitted to create or approve pull requests.")
    body = call.body
    title = text(body.get("title"), "PullRequest", most=256, field_name="title")
    if not title:
        raise invalid("PullRequest", "title", "missing_field")
    head, branch = _head(call, body["head"])
    if not call.hub.store(head).branch(branch):
        raise invalid("PullRequest", "head")
    if not call.hub.store(call.repo).branch(body["base"]):
        raise invalid("PullRequest", "base")
    _unique(call, head, branch, body["base"])
    if call.hub.is_behind(call.repo, head, branch, body["base"]):
        message = f"No commits between {call.repo.owner}:{body['base']} and {head.owner}:{branch}"
        raise Problem(422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": message}])
    issue = call.hub.open_pull_request(
        call.repo.full_name,
        head=branch,
        head_repository=head.full_name,
        base=body["base"],
        title=title,
        body=text(body.get("body"), "PullRequest"),
        author=call.login,
        draft=body.get("draft", False),
    )
    return Reply(201, shapes.pull(call.hub, call.repo, issue, full=True))


@operation("pulls/update", needs="pull_requests=write", role="read")
def update_pull(call: Call) -> Reply:
    issue = _pull(call)
    if "title" in call.body:
        issue.title = text(call.body["title"], "PullRequest", most=256, field_name="title")
    if "body" in call.body:
        issue.body = text(call.body["body"], "PullRequest")
    if "base" in call.body:
        if not call.hub.store(call.repo).branch(call.body["base"]):
            raise invalid("PullRequest", "base")
        _facts(issue).base_branch = call.body["base"]
        call.hub.refresh(call.repo, issue)
    issue.state = call.body.get("state", issue.state)
    issue.updated = call.hub.now()
    return Reply(200, shapes.pull(call.hub, call.repo, issue, full=True))


@operation("pulls/merge", needs="contents=write")
def merge_pull(call: Call) -> Reply:
    issue = _pull(call)
    if call.body.get("sha", _facts(issue).head_oid) != _facts(issue).head_oid:
        raise Problem(409, "Head branch was modified. Review and try the merge again.")
    try:
        method = call.body.get("merge_method", "merge")
        oid = call.hub.merge(
            issue.number, method, repository=call.repo.full_name, login=call.login, title=call.body.get("commit_title")
        )
    except ValueError as why:
        raise Problem(405, str(why)) from None
    return Reply(200, {"sha": oid, "merged": True, "message": "Pull Request successfully merged"})


def _pull(call: Call) -> Issue:
    issue = call.repo.issues.get(call.number("pull_number"))
    if issue is None or issue.pull is None:
        raise Problem(404, "Not Found")
    return issue


def _facts(issue: Issue) -> Pull:
    assert issue.pull is not None
    return issue.pull


def _head(call: Call, head: str) -> tuple[Repository, str]:
    """`branch` of this repository, or `owner:branch` of this one or of a fork of that owner."""
    owner, _, branch = head.rpartition(":")
    if not owner or owner == call.repo.owner:
        return call.repo, branch
    for known in call.hub.repositories.values():
        if known.owner == owner and known.parent == call.repo.full_name:
            return known, branch
    raise invalid("PullRequest", "head")


def _unique(call: Call, head: Repository, branch: str, base: str) -> None:
    for issue in call.repo.issues.values():
        pull = issue.pull
        if (
            issue.state == "open"
            and pull
            and (pull.head_repository, pull.head_branch, pull.base_branch) == (head.full_name, branch, base)
        ):
            message = f"A pull request already exists for {head.owner}:{branch}."
            raise Problem(422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": message}])
