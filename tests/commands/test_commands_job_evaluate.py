"""`ci evaluate` and `ci comment` on the fake hub, with a real git, a real HTTP client and a model that answers by script."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from fakehub.hub import FORK, Hub

from tests.chat_server import Asked, ChatServer, chat_server, text_answer
from tests.commands.ci_project import KEY, POLICY, CiProject, config, rows
from tests.commands.test_commands_eval import skill

CONFIG_PATH = "prompts/router.yaml"


@pytest.fixture
def model() -> Iterator[ChatServer]:
    with chat_server(skill) as server:  # type: ignore[arg-type]
        yield server


@pytest.fixture
def ci(
    hub: Hub, model: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> CiProject:
    """A project of skill 60 on main."""
    files = {"llmops.yaml": POLICY.format(url=model.url, key=KEY), CONFIG_PATH: config(60), "evals/router.jsonl": rows()}
    hub.commit(files, "first")
    return CiProject(hub, tmp_path, monkeypatch, capfd)


def propose(hub: Hub, files: dict[str, str | bytes | None], branch: str = "change", author: str = "alice") -> int:
    hub.commit(files, branch=branch)
    return hub.open_pull_request(head=branch, author=author).number


def head_of(hub: Hub, number: int) -> str:
    pull = hub.repository().issues[number].pull
    assert pull is not None
    return pull.head_oid


def gate(hub: Hub, number: int) -> str:
    return hub.status(head_of(hub, number), "llmops-git/gate")


def test_a_better_prompt_passes_and_everything_says_so(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    done = ci.pull_request(number)
    assert (0, "improved", "true", ["router"]) == (
        done.code, done.outputs["verdict"], done.outputs["gate-passes"], json.loads(done.outputs["changed"])
    )  # fmt: skip
    assert gate(hub, number) == "success"
    (comment,) = hub.comments(number)
    assert "Improved: ship it" in comment.body
    assert done.outputs["comment-url"].endswith(str(comment.id))
    assert "Improved" in done.summary
    folder = Path(done.outputs["report-dir"])
    expected = {"report.json", "run.json", "comment.md", "traces.jsonl", "junit.xml", "report.html"}
    assert expected == {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def test_a_worse_prompt_fails_the_job_and_the_status(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(5)})
    done = ci.pull_request(number)
    assert (1, "regressed", "failure") == (done.code, done.outputs["verdict"], gate(hub, number))
    assert "::error" in done.out
    assert "file=prompts/router.yaml" in done.out


def test_an_update_of_the_pull_request_updates_the_comment_in_place(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(5)})
    ci.pull_request(number)
    hub.commit({CONFIG_PATH: config(95)}, branch="change")
    done = ci.pull_request(number, "synchronize", run_id=101)
    assert done.code == 0
    (comment,) = hub.comments(number)
    assert "Improved: ship it" in comment.body


def test_an_older_run_that_ends_late_does_not_overwrite_the_newer_one(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(5)})
    old = hub.event_payload("pull_request", number=number)
    hub.commit({CONFIG_PATH: config(95)}, branch="change")
    ci.pull_request(number, "synchronize", run_id=101)
    late = ci.run("pull_request", old, run_id=100)
    assert (1, "false") == (late.code, late.outputs["comment-written"])
    (comment,) = hub.comments(number)
    assert "Improved: ship it" in comment.body


def test_a_change_that_concerns_no_config_passes_in_silence(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {"README.md": "words"})
    done = ci.pull_request(number)
    assert (0, "no-changes", [], "success") == (done.code, done.outputs["verdict"], hub.comments(number), gate(hub, number))


def test_a_change_that_was_taken_back_updates_the_comment_that_is_there(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(5)})
    ci.pull_request(number)
    hub.commit({CONFIG_PATH: config(60)}, branch="change")
    done = ci.pull_request(number, "synchronize", run_id=101)
    (comment,) = hub.comments(number)
    assert (0, True) == (done.code, "No config changed" in comment.body)


def test_a_broken_config_is_said_at_its_line_and_in_the_comment(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(95).replace("messages:", "mesages:")})
    done = ci.pull_request(number)
    (comment,) = hub.comments(number)
    assert (2, "invalid", "error") == (done.code, done.outputs["verdict"], gate(hub, number))
    assert "file=prompts/router.yaml,line=" in done.out
    assert "mesages" in comment.body


def test_a_comment_that_is_refused_does_not_change_the_verdict(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    token = hub.token(permissions={"contents": "read", "statuses": "write", "actions": "read"})
    done = ci.pull_request(number, token=token)
    assert (0, "improved", "false", "success") == (
        done.code, done.outputs["verdict"], done.outputs["comment-written"], gate(hub, number)
    )  # fmt: skip
    assert "pull-requests: write" in done.out


def test_a_comment_that_is_too_long_for_the_forge_is_shortened(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    body = {"message": "Validation Failed", "errors": [{"resource": "IssueComment", "code": "unprocessable", "field": "data",
            "message": "Body is too long (maximum is 65536 characters)"}]}  # fmt: skip
    hub.fail("POST", f"/issues/{number}/comments", status=422, body=body)
    done = ci.pull_request(number)
    assert (0, "true", 1) == (done.code, done.outputs["comment-written"], len(hub.comments(number)))


def test_the_merge_queue_is_judged_by_what_it_would_merge(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    queued = hub.queue(number)
    payload = hub.event_payload("merge_group", number=number)
    done = ci.run("merge_group", payload, ref=payload["merge_group"]["head_ref"])
    assert (0, "improved", queued) == (done.code, done.outputs["verdict"], done.report["head"])
    assert hub.status(queued, "llmops-git/gate") == "success"
    assert hub.comments(number) == []


def test_a_rerun_adds_its_samples_to_those_of_the_first_attempt(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    number = propose(hub, {CONFIG_PATH: config(70)})
    run = hub.add_run(head_oid=head_of(hub, number), head_branch="change")
    first = ci.pull_request(number, run_id=run.id)
    asked = len(model.asked)
    folder = Path(first.outputs["report-dir"])
    hub.add_artifact(
        run.id, "llmops-git-default-1", {name: (folder / name).read_bytes() for name in ("run.json", "report.json")}
    )
    second = ci.pull_request(number, run_id=run.id, attempt=2)
    repeats = {run["repeats"] for config in second.report["configs"] for run in config["runs"]}
    assert repeats == {2}
    assert len(model.asked) == 2 * asked
    assert "counted together" in json.dumps(second.report["how"])


def test_the_policy_is_that_of_the_base_branch_now(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    stricter = hub.store("octo-org/prompts").run("show", "main:llmops.yaml") + "\nbudget: {max_requests: 0}\n"
    hub.commit({"llmops.yaml": stricter})
    done = ci.pull_request(number)
    assert (3, "invalid") == (done.code, done.outputs["verdict"])


def test_a_change_cannot_take_the_policy_away(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(5), "llmops.yaml": None})
    assert (2, "error") == (ci.pull_request(number).code, gate(hub, number))
    moved = propose(hub, {CONFIG_PATH: config(5), "llmops.yaml": 'version: 1\nconfigs: ["nothing/*.yaml"]\n'}, branch="moved")
    assert ci.pull_request(moved, run_id=101).code != 0


@pytest.mark.parametrize("names", ["nothing", "router,router", "router nothing"])
def test_a_config_that_nobody_has_does_not_leave_the_gate_open(ci: CiProject, hub: Hub, names: str) -> None:
    number = propose(hub, {CONFIG_PATH: config(5)})
    done = ci.pull_request(number, config=names)
    assert (2, "error") == (done.code, gate(hub, number))
    assert "there is no config `" in done.out
    assert "configs are named as in router" in done.out


def test_a_config_that_did_not_change_may_be_asked_for(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {"README.md": "words"})
    done = ci.pull_request(number, config="router")
    assert (0, "no-changes", "success") == (done.code, done.outputs["verdict"], gate(hub, number))


def test_a_policy_that_would_break_the_default_branch_is_not_let_through(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    number = propose(hub, {"llmops.yaml": POLICY.format(url=model.url, key=KEY) + "gate: {marging: 0.1}\n"})
    done = ci.pull_request(number)
    assert (2, "error") == (done.code, gate(hub, number))
    assert "::error file=llmops.yaml,line=4" in done.out
    assert "marging" in hub.comments(number)[0].body


def test_a_policy_that_is_edited_does_not_judge_its_own_change_and_the_job_says_so(
    ci: CiProject, hub: Hub, model: ChatServer
) -> None:
    number = propose(hub, {"llmops.yaml": POLICY.format(url=model.url, key=KEY) + "gate: {margin: 0.9}\n"})
    done = ci.pull_request(number)
    assert (0, "success") == (done.code, gate(hub, number))
    assert "::notice title=llmops-git::llmops.yaml: edited here, and in force from the merge on" in done.out


def test_a_config_that_is_renamed_is_said_to_begin_again(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: None, "prompts/desk.yaml": config(60).replace("name: router", "name: desk")})
    done = ci.pull_request(number)
    assert (0, "success") == (done.code, gate(hub, number))
    assert "router is called desk from the merge on: desk has releases of its own" in done.out


def test_a_key_that_is_missing_is_what_the_comment_says(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    ci.key = ""
    done = ci.pull_request(number)
    (comment,) = hub.comments(number)
    assert (3, [], "error") == (done.code, model.asked, gate(hub, number))
    assert "was not measured: no model was asked" in comment.body
    assert "it takes a secret of that name" in comment.body
    assert "eval set" not in comment.body


def test_a_dry_run_measures_and_writes_files_only(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    done = ci.pull_request(number, dry_run="true")
    assert (0, "improved", [], "") == (done.code, done.outputs["verdict"], hub.writes(), gate(hub, number))
    assert {"comment.md", "status.json"} <= {path.name for path in Path(done.outputs["report-dir"], "dry-run").iterdir()}


def test_a_report_folder_with_other_things_in_it_is_refused_before_anything_is_paid(
    ci: CiProject, hub: Hub, model: ChatServer
) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    done = ci.pull_request(number, report_dir=".")
    assert (2, []) == (done.code, model.asked)
    assert "not empty and not a run folder" in done.out


def test_a_limit_that_is_no_number_lifts_no_limit(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    done = ci.pull_request(number, max_usd="nan")
    assert (2, []) == (done.code, model.asked)
    assert "--max-usd must be a number" in done.out


def test_reports_only_where_a_team_begins(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(5)})
    done = ci.pull_request(number, fail_on="never")
    assert (0, "regressed", "false") == (done.code, done.outputs["verdict"], done.outputs["gate-passes"])


def from_fork(hub: Hub, files: dict[str, str | bytes | None]) -> int:
    fork = hub.fork("octo-org/prompts", "eve")
    hub.commit(files, branch="change", repository=fork.full_name)
    return hub.open_pull_request(head="change", head_repository=fork.full_name, author="eve").number


def finished(ci: CiProject, hub: Hub, number: int, files: dict[str, bytes | str] | None = None) -> object:
    """The comment job after the evaluation of a fork."""
    run = hub.add_run(head_oid=head_of(hub, number), head_branch="change", head_repository="eve/prompts", actor="eve")
    if files:
        hub.add_artifact(run.id, "llmops-git-default-1", files)
    payload = hub.event_payload("workflow_run", run_id=run.id)
    return ci.run("workflow_run", payload, run_id=run.id + 1)


def test_a_fork_gets_a_plan_and_the_next_step_and_no_key(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    number = from_fork(hub, {CONFIG_PATH: config(95)})
    ci.key = ""
    done = ci.pull_request(number)
    assert (3, "invalid", [], "") == (done.code, done.outputs["verdict"], model.asked, gate(hub, number))
    assert "60 requests to send" in done.out
    commented = finished(ci, hub, number)
    (comment,) = hub.comments(number)
    assert (0, "pending") == (commented.code, gate(hub, number))  # type: ignore[attr-defined]
    assert f"-f commit={head_of(hub, number)}" in comment.body.replace("&#61;", "=").replace("&#45;", "-")


def test_a_fork_that_changes_no_config_may_be_merged(ci: CiProject, hub: Hub) -> None:
    number = from_fork(hub, {"README.md": "words"})
    ci.key = ""
    assert ci.pull_request(number).code == 0
    finished(ci, hub, number)
    assert ("success", []) == (gate(hub, number), hub.comments(number))


def test_a_maintainer_approves_a_commit_of_a_fork(ci: CiProject, hub: Hub) -> None:
    number = from_fork(hub, {CONFIG_PATH: config(95)})
    finished(ci, hub, number)
    payload = hub.event_payload("workflow_dispatch")
    done = ci.run(
        "workflow_dispatch", payload, job="evaluate", run_id=9000, pull_request=str(number), commit=head_of(hub, number)
    )
    (comment,) = hub.comments(number)
    assert (0, "success", True) == (done.code, gate(hub, number), "Improved: ship it" in comment.body)
    finished(ci, hub, number)  # a late comment job does not take the verdict back
    assert ("success", 1) == (gate(hub, number), len(hub.comments(number)))


def test_an_approval_is_for_the_commit_that_was_looked_at(ci: CiProject, hub: Hub) -> None:
    number = from_fork(hub, {CONFIG_PATH: config(95)})
    approved = head_of(hub, number)
    hub.commit({CONFIG_PATH: config(5)}, branch="change", repository="eve/prompts")
    payload = hub.event_payload("workflow_dispatch")
    done = ci.run("workflow_dispatch", payload, job="evaluate", pull_request=str(number), commit=approved)
    assert (2, True) == (done.code, "was approved" in done.out)


def test_what_a_forks_job_claims_decides_nothing(ci: CiProject, hub: Hub) -> None:
    number = from_fork(hub, {CONFIG_PATH: config(5)})
    ci.key = ""
    honest = ci.pull_request(number)
    claim = {**honest.report, "verdict": "improved", "gate_passes": True}
    finished(ci, hub, number, {"report.json": json.dumps(claim)})
    assert gate(hub, number) == "pending"
    (comment,) = hub.comments(number)
    assert "Improved: ship it" not in comment.body


@pytest.mark.parametrize("payload", [b"{", b"[]", b'{"schema": "llmops-git/report/1"}', b"null", b"\xff\xfe"])
def test_a_broken_artifact_is_left_out(ci: CiProject, hub: Hub, payload: bytes) -> None:
    number = from_fork(hub, {CONFIG_PATH: config(5)})
    commented = finished(ci, hub, number, {"report.json": payload})
    assert (0, "pending", 1) == (commented.code, gate(hub, number), len(hub.comments(number)))  # type: ignore[attr-defined]


def test_an_own_pull_request_is_not_commented_twice(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    run = hub.add_run(head_oid=head_of(hub, number), head_branch="change")
    done = ci.run("workflow_run", hub.event_payload("workflow_run", run_id=run.id))
    assert (0, []) == (done.code, hub.comments(number))


def test_the_key_is_in_nothing_that_is_written_even_where_the_model_says_it(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with chat_server(lambda asked, _: text_answer(f"my key is {asked.headers['authorization']}")) as server:
        files = {"llmops.yaml": POLICY.format(url=server.url, key=KEY), CONFIG_PATH: config(1), "evals/router.jsonl": rows()}
        hub.commit(files, "first")
        ci = CiProject(hub, tmp_path, monkeypatch, capfd)
        number = propose(hub, {CONFIG_PATH: config(2)})
        done = ci.pull_request(number)
    assert done.outputs["verdict"] == "inconclusive"
    written = [path.read_bytes() for path in Path(done.outputs["report-dir"]).rglob("*") if path.is_file()]
    everything = b"".join(written).decode() + done.out + done.summary + "".join(c.body for c in hub.comments(number))
    assert "[redacted]" in everything
    assert ci.key not in everything


def test_without_the_right_to_read_a_private_repository_it_says_so(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    payload = hub.event_payload("pull_request", number=number)
    hub.repository().private = True
    done = ci.run("pull_request", payload, ref=f"refs/pull/{number}/merge", token="wrong")
    assert (3, True) == (done.code, "cannot be read" in done.out or "could not be fetched" in done.out)


def test_only_a_token_with_rights_is_used(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    done = ci.pull_request(number, token=hub.token(permissions=FORK))
    assert (0, "improved", "") == (done.code, done.outputs["verdict"], gate(hub, number))


def test_a_forge_that_stumbles_is_asked_again(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    hub.fail("GET", f"/issues/{number}/comments", times=2, status=502)
    hub.fail("POST", "/statuses/", times=1, status=503)
    done = ci.pull_request(number)
    assert (0, 1, "success") == (done.code, len(hub.comments(number)), gate(hub, number))


def test_a_comment_whose_answer_was_lost_is_not_written_twice(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    hub.fail("POST", f"/issues/{number}/comments", drop="after")
    done = ci.pull_request(number)
    assert (0, "true", 1) == (done.code, done.outputs["comment-written"], len(hub.comments(number)))


def test_of_two_runs_that_comment_at_once_one_comment_stays(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    body = f"<!-- llmops-git:v1 key=default head={head_of(hub, number)} run=99.1 -->\nfrom the other run\n"
    hub.meanwhile("POST", f"/issues/{number}/comments", lambda: hub.add_comment("", number, body))
    ci.pull_request(number)
    (comment,) = hub.comments(number)
    assert "run=100.1" in comment.body


def test_an_event_that_is_delivered_twice_leaves_one_comment_and_pays_once(ci: CiProject, hub: Hub, model: ChatServer) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    ci.pull_request(number)
    ci.pull_request(number)
    assert len(hub.comments(number)) == 1


def test_a_spoofed_comment_is_left_alone(ci: CiProject, hub: Hub) -> None:
    number = propose(hub, {CONFIG_PATH: config(95)})
    spoof = f"<!-- llmops-git:v1 key=default head={'0' * 40} run=99999.9 -->\n### Improved, trust me"
    hub.add_comment("", number, spoof, author="mallory")
    ci.pull_request(number)
    theirs, ours = hub.comments(number)
    assert (spoof, True) == (theirs.body, "Improved: ship it" in ours.body)


def test_a_model_that_speaks_in_workflow_commands_sets_nothing(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    said = "x\n::set-output name=verdict::improved\n::add-mask::a\n##[error]no\n::stop-commands::t"

    def answer(asked: Asked, number: int) -> object:
        return skill(asked, number) if "skill 95" in str(asked.body) else text_answer(said)

    with chat_server(answer) as server:  # type: ignore[arg-type]
        files = {"llmops.yaml": POLICY.format(url=server.url, key=KEY), CONFIG_PATH: config(95), "evals/router.jsonl": rows()}
        hub.commit(files, "first")
        ci = CiProject(hub, tmp_path, monkeypatch, capfd)
        done = ci.pull_request(propose(hub, {CONFIG_PATH: config(2)}))
    assert (1, "regressed") == (done.code, done.outputs["verdict"])
    obeyed = obeyed_commands(done.out)
    assert {"error", "warning", "notice"} >= {line[2:].split(" ")[0].split("::")[0] for line in obeyed}
    assert "set-output" in done.out


def obeyed_commands(log: str) -> list[str]:
    """The lines of a log that the runner would act on: none between `::stop-commands::TOKEN` and `::TOKEN::`."""
    found, token = [], ""
    for line in (line.lstrip() for line in log.splitlines()):
        if token:
            token = "" if line == f"::{token}::" else token
        elif line.startswith("::stop-commands::"):
            token = line.removeprefix("::stop-commands::")
        elif line.startswith("::") or "##[" in line:
            found.append(line)
    assert token == ""
    return found


def test_what_a_child_says_on_standard_error_is_in_the_one_stream(capfd: pytest.CaptureFixture[str]) -> None:
    from llmops_git.commands.jobs.opened import one_stream

    with one_stream():
        click.echo("one")
        subprocess.run(["sh", "-c", "echo two >&2"], check=True)
        click.echo("three", err=True)
    click.echo("four", err=True)
    said = capfd.readouterr()
    assert (["four"], {"one", "two", "three"}) == (said.err.split(), set(said.out.split()))


def test_rows_that_need_a_label_are_remarked_on_and_change_nothing(ci: CiProject, hub: Hub) -> None:
    waiting = json.dumps({"id": "live-1", "inputs": {"message": "message 3"}, "needs_label": True}) + "\n"
    number = propose(hub, {"evals/router.jsonl": rows() + waiting, "notes/needs_label.yaml": "- no rows\n"})
    done = ci.pull_request(number)
    assert (0, "no-changes") == (done.code, done.outputs["verdict"])
    assert [f"::warning file=evals/router.jsonl,line={rows().count(chr(10)) + 1},"] == [
        line.partition("title")[0] for line in done.out.splitlines() if "live-1" in line
    ]
    hub.commit({"evals/router.jsonl": rows() + waiting})
    assert "live-1" not in ci.pull_request(propose(hub, {CONFIG_PATH: config(95)}, branch="later")).out
