"""`ci promote` and `ci rollback` on the fake hub: at once, and as pull requests that are merged in every way there is."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakehub.hub import Hub

from llmops_git.errors import EXIT_NOT_MEASURED
from tests.chat_server import ChatServer, chat_server
from tests.commands.ci_project import CiProject, Done, config
from tests.commands.release_project import Folder
from tests.commands.staged_project import dispatch, release, staged
from tests.commands.test_commands_eval import skill

PRODUCTION = "llmops/env/production"
BRANCH = "llmops/promote/production/router-1.0.0"


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


def propose(ci: CiProject, job: str = "promote", **inputs: str) -> Done:
    return dispatch(ci, job, **{"as_pull_request": "true", **inputs})


def clone(ci: CiProject, name: str = "clone") -> Folder:
    folder = Folder(ci.folder / name)
    url = ci.hub.clone_url(token=ci.hub.token())
    subprocess.run(["git", "clone", "-q", url, str(folder.path)], check=True)
    folder.ok("status", "--fetch")
    return folder


def history(folder: Folder, environment: str = "production") -> list[tuple[str, str, str]]:
    """Action, version and actor of each deployment, oldest first, as `log` says."""
    steps = folder.json("log", "--environment", environment)["deployments"]
    return [(step["action"], step["release"].rpartition("/v")[2], step["actor"]) for step in reversed(steps)]


def head_of(hub: Hub, number: int) -> str:
    pull = hub.repository().issues[number].pull
    assert pull is not None
    return pull.head_oid


def running(ci: CiProject, environment: str = "production") -> str:
    """The release that runs, as a deploy script reads it; "" where nothing does."""
    store = ci.hub.store("octo-org/prompts")
    branch = f"llmops/env/{environment}"
    if not store.branch(branch) or "router.conf" not in store.run("ls-tree", "--name-only", branch).split():
        return ""
    return store.run("config", "--blob", f"{branch}:router.conf", "running.release")


def test_a_dispatched_promotion_deploys_what_staging_runs(ci: CiProject, hub: Hub) -> None:
    ended = dispatch(ci, config="router", reason="signed off in #41")
    assert ended.code == 0, ended.out
    (deployed,) = json.loads(ended.outputs["deployed"])
    assert deployed["release"] == running(ci) == "llmops/router/v1.0.0"
    assert deployed["commit"] == hub.store("octo-org/prompts").branch(PRODUCTION)
    assert history(clone(ci)) == [("promote", "1.0.0", "mona")]
    assert "promoted to production" in ended.summary


def test_without_a_config_all_that_are_behind_are_promoted(ci: CiProject) -> None:
    assert len(json.loads(dispatch(ci).outputs["deployed"])) == 1
    again = dispatch(ci)
    assert (again.code, again.outputs["deployed"]) == (0, "[]")
    assert "production is up to date" in again.out


def test_what_was_rolled_back_is_promoted_only_by_name(ci: CiProject) -> None:
    dispatch(ci)
    release(ci, 100)
    dispatch(ci)
    assert dispatch(ci, "rollback", config="router").code == 0
    assert json.loads(dispatch(ci).outputs["deployed"]) == []
    assert len(json.loads(dispatch(ci, config="router").outputs["deployed"])) == 1
    actions = [action for action, _, _ in history(clone(ci))]
    assert actions == ["promote", "promote", "rollback", "promote"]


def test_inputs_of_the_dispatch_are_used_where_the_job_gives_none(ci: CiProject, hub: Hub) -> None:
    inputs = {"config": "router", "environment": "production", "reason": "why not"}
    ended = ci.run("workflow_dispatch", hub.event_payload("workflow_dispatch", inputs=inputs), job="promote")
    assert (ended.code, running(ci)) == (0, "llmops/router/v1.0.0")
    assert hub.store("octo-org/prompts").run("log", "-1", "--format=%b", PRODUCTION).startswith("why not\n")


@pytest.mark.parametrize(
    ("job", "inputs", "code", "expected"),
    [
        ("promote", {"environment": ""}, 2, "which environment?"),
        ("promote", {"environment": "prod"}, 2, "the environments are: staging, production"),
        ("promote", {"config": "nothing"}, 2, "`nothing` has no release"),
        ("promote", {"version": "1.0.0"}, 2, "a version belongs to one config"),
        ("rollback", {}, 2, "which config is to be rolled back?"),
        ("rollback", {"config": "router"}, 2, "`router` does not run in production"),
        ("promote", {"ref": "refs/heads/feature"}, 2, "this is done from `main`"),
        ("promote", {"as_pull_request": "true", "token": ""}, 2, "a pull request needs a token"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_deployed(
    ci: CiProject, hub: Hub, job: str, inputs: dict[str, str], code: int, expected: str
) -> None:
    refs = hub.store("octo-org/prompts").refs("refs/heads")
    if inputs.get("token") == "":
        hub.repository().private = False
    ended = dispatch(ci, job, **inputs)
    assert (ended.code, expected in ended.out) == (code, True), ended.out
    assert hub.store("octo-org/prompts").refs("refs/heads") == refs


def test_the_first_promotion_as_a_pull_request_makes_a_branch_for_it_to_go_into(ci: CiProject, hub: Hub) -> None:
    ended = propose(ci, config="router", reason="signed off")
    assert ended.code == 0, ended.out
    assert (running(ci), ended.outputs["deployed"]) == ("", "[]")
    store = hub.store("octo-org/prompts")
    head = store.branch(BRANCH)
    assert hub.status(head, "llmops-git/promotion") == "success"
    assert store.oid(f"{head}^") == store.branch(PRODUCTION)
    assert store.run("ls-tree", PRODUCTION) == ""
    issue = hub.repository().issues[1]
    assert issue.title == "promote router v1.0.0 to production"
    assert ended.outputs["pull-request-url"].endswith("/pull/1")
    folder = clone(ci)
    assert folder.run("verify")[0] == 0
    assert folder.json("log")["deployments"] == folder.json("log", "--environment", "staging")["deployments"]
    code, _, err = folder.run("rollback", "router", "--in", "production")
    assert (code, "`router` does not run in production" in err) == (2, True)


def test_the_pull_request_shows_release_evidence_and_what_changes(ci: CiProject, hub: Hub) -> None:
    dispatch(ci)
    release(ci, 100)
    propose(ci, reason="see <b>INC-7</b> @everyone")
    body = hub.repository().issues[1].body
    assert "Merging this makes <code>router</code> **v1.0.1** run in <code>production</code>." in body
    assert "| release | <code>llmops/router/v1.0.0</code> | <code>llmops/router/v1.0.1</code> |" in body
    assert "Verdict when it was released: **improved**" in body
    assert "skill 60" in body
    assert "skill 100" in body
    assert [text for text in ("<b>", "@everyone") if text in body] == []
    assert "evidence/router/" in body


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_merged_pull_request_is_the_deployment_however_it_was_merged(ci: CiProject, hub: Hub, method: str) -> None:
    propose(ci, reason="first")
    hub.merge(1, method, login="hubot")
    release(ci, 100)
    propose(ci, reason="second")
    hub.merge(2, method, login="hubot")
    assert running(ci) == "llmops/router/v1.0.1"
    folder = clone(ci)
    assert folder.run("verify")[0] == 0, folder.run("verify")
    actor = "mona" if method == "rebase" else "Hub"  # a merge is by who merged; a rebase keeps the message
    assert history(folder) == [("promote", "1.0.0", actor), ("promote", "1.0.1", actor)]
    status = folder.json("status")
    assert status["configs"][0]["running"]["production"]["release"] == "llmops/router/v1.0.1"
    assert folder.ok("rollback", "router", "--in", "production").startswith("rolled back router to v1.0.0 in production")
    assert folder.run("verify")[0] == 0


def test_a_merge_commit_gives_the_reason_of_what_it_merged(ci: CiProject, hub: Hub) -> None:
    propose(ci, reason="signed off in #41")
    hub.merge(1)
    (step,) = clone(ci).json("log", "--environment", "production")["deployments"]
    assert step["reason"] == "signed off in #41"


def test_a_squash_that_keeps_the_message_keeps_the_actor_above_the_co_authors(ci: CiProject, hub: Hub) -> None:
    propose(ci, reason="signed off")
    store = hub.store("octo-org/prompts")
    message = store.run("log", "-1", "--format=%B", BRANCH)
    hub.merge(1, "squash", title=f"{message.strip()}\n\nCo-authored-by: Mallory <mallory@example.com>\n")
    folder = clone(ci)
    assert history(folder) == [("promote", "1.0.0", "mona")]
    assert folder.json("log", "--environment", "production")["deployments"][0]["reason"] == "signed off"


def test_a_fast_forward_by_hand_counts_as_well(ci: CiProject, hub: Hub) -> None:
    propose(ci)
    store = hub.store("octo-org/prompts")
    store.update(f"refs/heads/{PRODUCTION}", store.branch(BRANCH))
    folder = clone(ci)
    assert (history(folder), folder.run("verify")[0]) == ([("promote", "1.0.0", "mona")], 0)


def test_proposing_again_is_the_same_commit_and_the_same_pull_request(ci: CiProject, hub: Hub) -> None:
    first = propose(ci)
    head = head_of(hub, 1)
    again = propose(ci)
    assert (head_of(hub, 1), list(hub.repository().issues)) == (head, [1])
    assert again.outputs["pull-request-url"] == first.outputs["pull-request-url"]


def test_a_deployment_of_another_config_leaves_the_pull_request_as_it_is(ci: CiProject, hub: Hub) -> None:
    hub.commit({"prompts/dates.yaml": config(60).replace("name: router", "name: dates")})
    release(ci)
    propose(ci, config="router")
    head = head_of(hub, 1)
    dispatch(ci, config="dates")
    propose(ci, config="router")
    assert head_of(hub, 1) == head
    hub.merge(1)
    assert sorted(clone(ci).json("status")["configs"][0]["running"]) == ["production", "staging"]
    assert running(ci) == "llmops/router/v1.0.0"


@pytest.mark.parametrize("method", ["merge", "squash"])
def test_a_pull_request_that_production_overtook_conflicts_until_it_is_proposed_again(
    ci: CiProject, hub: Hub, method: str
) -> None:
    dispatch(ci)
    release(ci, 80)
    release(ci, 100)
    propose(ci, config="router")  # from 1.0.0 to 1.0.2
    stale = head_of(hub, 1)
    dispatch(ci, environment="staging", config="router", version="1.0.1")
    dispatch(ci, config="router", version="1.0.1")
    dispatch(ci, environment="staging", config="router", version="1.0.2")
    with pytest.raises(ValueError, match="not mergeable"):
        hub.merge(1, method)
    ended = propose(ci, config="router")
    assert (ended.code, list(hub.repository().issues)) == (0, [1]), ended.out
    assert head_of(hub, 1) != stale
    assert hub.store("octo-org/prompts").is_ancestor(stale, head_of(hub, 1))
    assert hub.status(head_of(hub, 1), "llmops-git/promotion") == "success"
    hub.merge(1, method)
    folder = clone(ci)
    assert [version for _, version, _ in history(folder)] == ["1.0.0", "1.0.1", "1.0.2"]
    assert folder.run("verify")[0] == 0


def test_a_commit_that_somebody_adds_has_no_status_and_is_not_merged(ci: CiProject, hub: Hub) -> None:
    rule = {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "llmops-git/promotion"}]}}
    hub.add_ruleset(
        "octo-org/prompts",
        {"name": "promotions", "target": "branch", "enforcement": "active",
         "conditions": {"ref_name": {"include": ["refs/heads/llmops/env/*"], "exclude": []}}, "rules": [rule]},
    )  # fmt: skip
    propose(ci)
    hub.commit({"router.json": "{}"}, "harmless", branch=BRANCH)
    with pytest.raises(ValueError, match="llmops-git/promotion"):
        hub.merge(1)
    ended = propose(ci)  # takes the addition out again
    assert ended.code == 0, ended.out
    hub.merge(1)
    assert clone(ci).run("verify")[0] == 0


def test_a_deployment_that_was_edited_and_merged_is_an_alarm(ci: CiProject, hub: Hub) -> None:
    propose(ci)
    hub.commit({"router.json": "{}"}, "harmless", branch=BRANCH)
    hub.merge(1)
    code, out, _ = clone(ci).run("verify")
    assert (code, "router.json is not a bundle" in out) == (1, True)


def test_a_rollback_can_wait_for_a_merge_too(ci: CiProject, hub: Hub) -> None:
    dispatch(ci)
    release(ci, 100)
    dispatch(ci)
    ended = propose(ci, "rollback", config="router", reason="INC-7")
    assert (ended.code, running(ci)) == (0, "llmops/router/v1.0.1"), ended.out
    assert "Merging this takes <code>production</code> back to" in hub.repository().issues[1].body
    hub.merge(1, "squash")
    folder = clone(ci)
    assert running(ci) == "llmops/router/v1.0.0"
    assert folder.json("status")["configs"][0]["running"]["production"]["held"] is True


def test_a_proposal_killed_before_its_pull_request_is_finished_by_the_next(ci: CiProject, hub: Hub) -> None:
    """The forge takes the branch and then no pull request."""
    hub.fail("POST", "/pulls", status=403, body={"message": "GitHub Actions is not permitted to create pull requests"})
    assert propose(ci).code == EXIT_NOT_MEASURED
    head = hub.store("octo-org/prompts").branch(BRANCH)
    assert head
    ended = propose(ci)
    assert ended.code == 0, ended.out
    assert (head_of(hub, 1), list(hub.repository().issues)) == (head, [1])


def test_permissions_that_are_missing_are_named(ci: CiProject, hub: Hub) -> None:
    writing = {"contents": "write", "pull_requests": "write", "statuses": "read"}
    ended = propose(ci, token=hub.token(permissions=writing))
    assert ended.code == 0, ended.out
    assert "the status llmops-git/promotion could not be set" in ended.out
    assert "statuses: write" in ended.out
    reading = {"contents": "write", "pull_requests": "read", "statuses": "write"}
    ended = propose(ci, token=hub.token(permissions=reading))
    assert (ended.code, "pull-requests: write" in ended.out) == (EXIT_NOT_MEASURED, True), ended.out


def test_a_dry_run_writes_the_pull_request_to_a_file(ci: CiProject, hub: Hub) -> None:
    refs = hub.store("octo-org/prompts").refs("refs/")
    ended = propose(ci, dry_run="true")
    assert ended.code == 0, ended.out
    assert hub.store("octo-org/prompts").refs("refs/") == refs
    (file,) = ci.folder.glob("report*/dry-run/pull-request.json")
    assert json.loads(file.read_text())["base"] == PRODUCTION


def test_the_branches_of_pull_requests_disturb_nothing_when_they_go(ci: CiProject, hub: Hub) -> None:
    propose(ci)
    folder = clone(ci)
    folder.git("fetch", "-q")
    hub.merge(1, "squash")
    hub.store("octo-org/prompts").delete(f"refs/heads/{BRANCH}")
    folder.ok("status", "--fetch")
    assert folder.run("verify")[0] == 0
    assert folder.ok("promote", "router", "--to", "production").startswith("nothing to do")


def test_a_person_opens_the_pull_request_from_the_command_line(
    ci: CiProject, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = clone(ci)
    code, _, err = folder.run("promote", "router", "--to", "production", "--pull-request")
    assert (code, "a pull request needs a token" in err) == (2, True)
    monkeypatch.setenv("GITHUB_TOKEN", hub.token())
    monkeypatch.setenv("GITHUB_API_URL", hub.api_url)
    monkeypatch.setenv("GITHUB_REPOSITORY", "octo-org/prompts")
    monkeypatch.setenv("LLMOPS_LOGIN", "github-actions[bot]")
    out = folder.ok("promote", "router", "--to", "production", "--pull-request")
    assert out.startswith("proposed to promote router v1.0.0 to production: http")
    hub.merge(1)
    release(ci, 100)
    folder.ok("promote", "router", "--to", "production")
    assert "proposed to roll back router to v1.0.0 in production" in folder.ok(
        "rollback", "router", "--in", "production", "--pull-request"
    )
    assert list(hub.repository().issues) == [1, 2]
    assert os.environ["GITHUB_TOKEN"] not in folder.git("config", "--list")


def test_a_promotion_is_not_made_from_another_event(ci: CiProject, hub: Hub) -> None:
    commit = hub.store("octo-org/prompts").branch("main")
    ended = ci.run("push", hub.event_payload("push", after=commit), job="promote", environment="production")
    assert (ended.code, running(ci)) == (2, "")


def test_a_token_that_may_not_push_is_told_which_permission_is_missing(ci: CiProject, hub: Hub) -> None:
    ended = dispatch(ci, token=hub.token(permissions={"contents": "read"}))
    assert (ended.code, running(ci)) == (EXIT_NOT_MEASURED, "")
    assert "the remote `origin` refused the push, and nothing was published" in ended.out
    assert "a token needs `contents: write`" in ended.out


def test_rules_of_the_branch_that_refuse_a_push_are_shown(ci: CiProject, hub: Hub) -> None:
    dispatch(ci)
    release(ci, 100)
    hub.add_ruleset(
        "octo-org/prompts",
        {"name": "production", "target": "branch", "enforcement": "active",
         "conditions": {"ref_name": {"include": ["refs/heads/llmops/env/production"], "exclude": []}},
         "rules": [{"type": "pull_request"}]},
    )  # fmt: skip
    ended = dispatch(ci)
    assert (ended.code, running(ci)) == (EXIT_NOT_MEASURED, "llmops/router/v1.0.0")
    assert "Changes must be made through a pull request" in ended.out
    assert propose(ci).code == 0
    hub.merge(1)
    assert running(ci) == "llmops/router/v1.0.1"
