"""Issues and labels."""

from __future__ import annotations

from typing import Any

from fakehub import shapes
from fakehub.api import Call, Problem, Reply, invalid, operation, text
from fakehub.records import Issue, Label


@operation("issues/list-for-repo", needs="issues=read")
def list_issues(call: Call) -> Reply:
    """Pull requests are issues too, here as on GitHub."""
    state = call.query.get("state", "open")
    labels = {name.lower() for name in call.query.get("labels", "").split(",") if name}
    found = [
        issue
        for issue in call.repo.issues.values()
        if state in {"all", issue.state}
        and labels <= {name.lower() for name in issue.labels}
        and call.query.get("creator", issue.author) == issue.author
        and issue.updated >= call.query.get("since", "")
    ]
    key = {"updated": "updated", "comments": "number"}.get(call.query.get("sort", ""), "number")
    found.sort(key=lambda issue: getattr(issue, key), reverse=call.query.get("direction", "desc") == "desc")
    shown, headers = call.page(found)
    return Reply(200, [shapes.issue(call.hub, call.repo, issue) for issue in shown], headers)


@operation("issues/create", needs="issues=write", role="read")
def create_issue(call: Call) -> Reply:
    title = text(call.body.get("title"), "Issue", most=256, field_name="title")
    if not title:
        raise invalid("Issue", "title", "missing_field")
    body = text(call.body.get("body"), "Issue")
    issue = call.hub.add_issue(call.repo.full_name, title, body, author=call.login)
    if _pushes(call):  # labels of others are silently dropped
        _label(call, issue, call.body.get("labels", []))
    return Reply(201, shapes.issue(call.hub, call.repo, issue))


@operation("issues/get", needs="issues=read; pull_requests=read")
def get_issue(call: Call) -> Reply:
    return Reply(200, shapes.issue(call.hub, call.repo, _issue(call)))


@operation("issues/update", needs="issues=write; pull_requests=write", role="read")
def update_issue(call: Call) -> Reply:
    issue = _issue(call)
    if not _pushes(call) and issue.author != call.login:
        raise Problem(403, "Must have admin rights to Repository.")
    if "title" in call.body:
        issue.title = text(call.body["title"], "Issue", most=256, field_name="title")
    if "body" in call.body:
        issue.body = text(call.body["body"], "Issue")
    issue.state = call.body.get("state", issue.state)
    if "labels" in call.body:
        issue.labels.clear()
        _label(call, issue, call.body["labels"])
    issue.updated = call.hub.now()
    return Reply(200, shapes.issue(call.hub, call.repo, issue))


@operation("issues/list-labels-on-issue", needs="issues=read; pull_requests=read")
def list_labels_of_issue(call: Call) -> Reply:
    labels = [call.repo.labels[name.lower()] for name in _issue(call).labels]
    shown, headers = call.page(labels)
    return Reply(200, [shapes.label(call.hub, call.repo, known) for known in shown], headers)


@operation("issues/add-labels", needs="issues=write; pull_requests=write")
def add_labels(call: Call) -> Reply:
    issue = _issue(call)
    _label(call, issue, call.body.get("labels", []))
    return Reply(200, [shapes.label(call.hub, call.repo, call.repo.labels[name.lower()]) for name in issue.labels])


@operation("issues/list-labels-for-repo", needs="issues=read; pull_requests=read")
def list_labels(call: Call) -> Reply:
    shown, headers = call.page(sorted(call.repo.labels.values(), key=lambda known: known.id))
    return Reply(200, [shapes.label(call.hub, call.repo, known) for known in shown], headers)


@operation("issues/get-label", needs="issues=read; pull_requests=read")
def get_label(call: Call) -> Reply:
    known = call.repo.labels.get(call["name"].lower())
    if known is None:
        raise Problem(404, "Not Found")
    return Reply(200, shapes.label(call.hub, call.repo, known))


@operation("issues/create-label", needs="issues=write; pull_requests=write")
def create_label(call: Call) -> Reply:
    name = call.body["name"]
    if name.lower() in call.repo.labels:
        raise invalid("Label", "name", "already_exists")
    text(name, "Label", most=50, field_name="name")
    text(call.body.get("description"), "Label", most=100, field_name="description")
    known = Label(id=call.hub.next_id(), name=name)
    known.color = call.body.get("color", known.color)
    known.description = call.body.get("description")
    call.repo.labels[name.lower()] = known
    return Reply(201, shapes.label(call.hub, call.repo, known))


def _issue(call: Call) -> Issue:
    issue = call.repo.issues.get(call.number("issue_number"))
    if issue is None:
        raise Problem(404, "Not Found")
    return issue


def _label(call: Call, issue: Issue, labels: list[Any]) -> None:
    """Labels that are not there yet are made."""
    for given in labels:
        name = text(given["name"] if isinstance(given, dict) else given, "Label", most=50, field_name="name")
        known = call.repo.labels.setdefault(name.lower(), Label(id=call.hub.next_id(), name=name))
        if known.name not in issue.labels:
            issue.labels.append(known.name)


def _pushes(call: Call) -> bool:
    assert call.token is not None
    return call.token.installation or call.repo.role(call.login) in {"write", "admin"}
