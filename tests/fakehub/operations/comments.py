"""Comments of issues and pull requests."""

from __future__ import annotations

from fakehub import shapes
from fakehub.api import LONGEST_BODY, Call, Problem, Reply, forbidden, operation
from fakehub.records import Comment, Issue

_READ = "issues=read; pull_requests=read"
_WRITE = "issues=write; pull_requests=write"


@operation("issues/list-comments", needs=_READ)
def list_comments(call: Call) -> Reply:
    issue = _issue(call)
    since = call.query.get("since", "")
    found = [known for known in call.repo.comments.values() if known.number == issue.number and known.updated >= since]
    shown, headers = call.page(sorted(found, key=lambda known: known.id))
    return Reply(200, [shapes.comment(call.hub, call.repo, known) for known in shown], headers)


@operation("issues/create-comment", needs=_WRITE, role="read")
def create_comment(call: Call) -> Reply:
    issue = _issue(call)
    _may_write(call, issue)
    known = call.hub.add_comment(call.repo.full_name, issue.number, _body(call), author=call.login)
    return Reply(201, shapes.comment(call.hub, call.repo, known))


@operation("issues/get-comment", needs=_READ)
def get_comment(call: Call) -> Reply:
    return Reply(200, shapes.comment(call.hub, call.repo, _comment(call)))


@operation("issues/update-comment", needs=_WRITE, role="read")
def update_comment(call: Call) -> Reply:
    known = _comment(call)
    _may_change(call, known)
    known.body = _body(call)
    known.updated = call.hub.now()
    return Reply(200, shapes.comment(call.hub, call.repo, known))


@operation("issues/delete-comment", needs=_WRITE, role="read")
def delete_comment(call: Call) -> Reply:
    known = _comment(call)
    _may_change(call, known)
    del call.repo.comments[known.id]
    return Reply(204)


def _issue(call: Call) -> Issue:
    issue = call.repo.issues.get(call.number("issue_number"))
    if issue is None:
        raise Problem(404, "Not Found")
    return issue


def _comment(call: Call) -> Comment:
    known = call.repo.comments.get(call.number("comment_id"))
    if known is None:
        raise Problem(404, "Not Found")
    return known


def _body(call: Call) -> str:
    body: str = call.body["body"]
    if not body.strip():
        raise _unprocessable("Body cannot be blank")
    if len(body) > LONGEST_BODY:
        raise _unprocessable(f"Body is too long (maximum is {LONGEST_BODY} characters)")
    return body


def _unprocessable(message: str) -> Problem:
    error = {"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": message}
    return Problem(422, "Validation Failed", [error])


def _may_write(call: Call, issue: Issue) -> None:
    """`pull_requests` is enough for a pull request only; `issues` for both."""
    if not call.may("issues", "write") and not (issue.pull and call.may("pull_requests", "write")):
        raise forbidden(call)


def _may_change(call: Call, known: Comment) -> None:
    _may_write(call, call.repo.issues[known.number])
    assert call.token is not None
    if not call.token.installation and known.author != call.login and call.repo.role(call.login) not in {"write", "admin"}:
        raise forbidden(call)
