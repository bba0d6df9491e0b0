"""`ci monitor` on the fake hub: one issue per alert, and what is no alert."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakehub.hub import Hub
from fakehub.records import Issue as HubIssue

from llmops_git.forges.alerts import Alert, issue_body, key_of, plan_issues
from llmops_git.forges.base import Issue
from tests.chat_server import ChatServer, chat_server
from tests.commands.ci_project import CiProject, Done, config
from tests.commands.staged_project import dispatch, release, staged
from tests.commands.test_commands_eval import skill

MOVED = "verification failed: deployments"
ALERT = Alert(key="behind/production/router", title="router is behind", body="**text**", severity="warning")


@pytest.fixture(scope="module")
def model() -> Iterator[ChatServer]:
    with chat_server(skill) as server:  # type: ignore[arg-type]
        yield server


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("made") / "staged.git"


@pytest.fixture
def ci(
    hub: Hub, model: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], made: Path
) -> CiProject:
    """A project of skill 60 on main, released and running in staging."""
    return staged(hub, model, tmp_path, monkeypatch, capfd, made)


def watch(ci: CiProject, token: str | None = None) -> Done:
    return ci.run("schedule", ci.hub.event_payload("schedule"), job="monitor", token=token)


def issues(hub: Hub) -> list[HubIssue]:
    return [issue for issue in hub.repository().issues.values() if issue.pull is None]


def move(hub: Hub, tag: str) -> str:
    """Put another object at a tag, as an administrator might; the object that was there."""
    store = hub.store("octo-org/prompts")
    before = store.oid(f"refs/tags/{tag}", "tag")
    forged = store.run("cat-file", "tag", tag).replace("tagger ", "tagger Mallory ", 1)
    store.update(f"refs/tags/{tag}", store.run("hash-object", "-w", "-t", "tag", "--stdin", stdin=f"{forged}\n"))
    return before


def test_a_repository_that_is_well_has_no_issues(ci: CiProject, hub: Hub) -> None:
    ended = watch(ci)
    assert (ended.code, issues(hub)) == (0, []), ended.out
    assert "nothing to report" in ended.summary


def test_an_alert_is_one_issue_that_is_updated_closed_and_reopened(ci: CiProject, hub: Hub) -> None:
    tag = "llmops/router/v1.0.0"
    before = move(hub, tag)
    ended = watch(ci)
    assert ended.code == 1, ended.out
    (issue,) = issues(hub)
    assert (issue.title, issue.state, issue.author) == (MOVED, "open", "github-actions[bot]")
    assert "was moved: staging ran" in issue.body
    assert f"::error title=llmops-git::{MOVED}" in ended.out
    said = issue.body
    assert watch(ci).code == 1
    assert [(each.number, each.body) for each in issues(hub)] == [(issue.number, said)]
    hub.store("octo-org/prompts").update(f"refs/tags/{tag}", before)
    assert watch(ci).code == 0
    assert [each.state for each in issues(hub)] == ["closed"]
    move(hub, tag)
    assert watch(ci).code == 1
    assert [each.state for each in issues(hub)] == ["open"]


def test_without_permission_for_issues_the_alarm_is_still_given(ci: CiProject, hub: Hub) -> None:
    move(hub, "llmops/router/v1.0.0")
    ended = watch(ci, token=hub.token(permissions={"contents": "read", "issues": "read"}))
    assert (ended.code, issues(hub)) == (1, [])
    assert "issues could not be kept" in ended.out
    assert "issues: write" in ended.out
    assert f"::error title=llmops-git::{MOVED}" in ended.out


def test_a_refused_change_on_main_is_a_warning_until_it_is_mended(ci: CiProject, hub: Hub) -> None:
    hub.commit({"prompts/router.yaml": config(5)})
    commit = hub.store("octo-org/prompts").branch("main")
    assert ci.run("push", hub.event_payload("push", after=commit), job="release").code == 1
    ended = watch(ci)
    assert ended.code == 0, ended.out
    (issue,) = issues(hub)
    assert issue.title == "router: the default branch holds a change that the gate refused"
    assert "evidence/router/" in issue.body
    release(ci, 90)
    watch(ci)
    assert [each.state for each in issues(hub)] == ["closed"]


def test_a_broken_config_and_a_release_that_never_came_are_warnings(ci: CiProject, hub: Hub) -> None:
    """Commits of the hub are long ago, so a change of now has waited for more than a day."""
    hub.commit({"prompts/router.yaml": config(90), "prompts/dates.yaml": "name: dates\nmodel: 3\n"})
    ended = watch(ci)
    assert ended.code == 0, ended.out
    assert sorted(issue.title for issue in issues(hub)) == [
        "dates: the config on the default branch cannot be loaded",
        "router: a change on the default branch has waited for its release for over a day",
    ]


def test_an_environment_that_is_long_behind_is_a_warning(ci: CiProject, hub: Hub) -> None:
    dispatch(ci)
    release(ci, 100)  # tagged in January, by the fixed clock of the tests
    ended = watch(ci)
    assert ended.code == 0, ended.out
    (issue,) = issues(hub)
    assert issue.title == "router: production is behind, it runs v1.0.0 and v1.0.1 is out"
    assert "<code>llmops-git promote router --to production</code>" in issue.body
    dispatch(ci)
    watch(ci)
    assert [each.state for each in issues(hub)] == ["closed"]


@pytest.mark.parametrize(("day", "code"), [("2099-01-01", 0), ("2020-01-01", 1)])
def test_a_model_that_is_retired_is_an_alert_where_something_runs_on_it(ci: CiProject, hub: Hub, day: str, code: int) -> None:
    hub.commit({"retirements.yaml": f"test/test-model-2026-01-01: {{date: {day}, successor: test-model-2027}}\n"})
    ended = watch(ci)
    assert ended.code == code, ended.out
    titles = [issue.title for issue in issues(hub)]
    assert titles == (["test/test-model-2026-01-01 is retired on 2020-01-01"] if code else [])


def test_a_pull_request_watches_nothing(ci: CiProject, hub: Hub) -> None:
    hub.commit({"prompts/router.yaml": config(90)}, branch="change")
    number = hub.open_pull_request(head="change").number
    ended = ci.run("pull_request", hub.event_payload("pull_request", number=number), job="monitor")
    assert ended.code == 2
    assert issues(hub) == []


def an_issue(number: int, *, author: str = "bot", body: str = "", is_open: bool = True, title: str = ALERT.title) -> Issue:
    return Issue(number=number, open=is_open, title=title, author=author, body=body or issue_body(ALERT), url="")


def planned(*known: Issue, alerts: tuple[Alert, ...] = (ALERT,), families: frozenset[str] = frozenset({"behind"})) -> list[str]:
    acts = plan_issues(known, alerts, me="bot", families=families)
    return [act.what + (f" {act.issue.number}" if act.issue else "") for act in acts]


def test_only_our_own_issues_with_the_whole_marker_in_the_first_line_count() -> None:
    marked = issue_body(ALERT)
    assert planned() == ["create"]
    assert planned(an_issue(1, author="mallory")) == ["create"]
    assert planned(an_issue(1, body=f"> {marked}")) == ["create"]
    assert planned(an_issue(1, body=f"text\n{marked}")) == ["create"]
    assert planned(an_issue(1)) == []
    assert planned(an_issue(1, body=marked.replace("\n", "\r\n") + "\r\n")) == []


def test_issues_are_updated_reopened_and_duplicates_closed() -> None:
    assert planned(an_issue(1, title="old")) == ["update 1"]
    assert planned(an_issue(1, is_open=False)) == ["update 1"]
    assert planned(an_issue(3), an_issue(2)) == ["close 3"]


def test_what_is_over_is_closed_by_whoever_looks_for_it() -> None:
    assert planned(an_issue(1), alerts=()) == ["close 1"]
    assert planned(an_issue(1), alerts=(), families=frozenset({"traces"})) == []
    assert planned(an_issue(1, is_open=False), alerts=()) == []


def test_a_key_may_hold_anything() -> None:
    alert = Alert(key="retirement/ö/a b-->\n%", title="t", body="b", severity="error")
    body = issue_body(alert)
    assert key_of(body) == alert.key
    assert body.split("\n")[0].count("-->") == 1
