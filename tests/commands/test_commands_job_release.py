"""`llmops-git ci release` in checkouts as CI services make them, against a real bare remote and a model behind HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands.job_runs import checkout, dispatch, push, schedule, subjects
from tests.commands.release_project import CASES, Folder, Place, release_project, shadow


def head(folder: Folder) -> str:
    return folder.git("rev-parse", "HEAD")


def move(place: Place, tag: str) -> None:
    """Put another object at a tag: the same message, by somebody else."""
    content = place.bare.git("cat-file", "tag", tag).replace("tagger Test ", "tagger Mallory ")
    (place.folder / "forged").write_text(f"{content}\n")
    forged = place.bare.git("hash-object", "-w", "-t", "tag", str(place.folder / "forged"))
    place.bare.git("update-ref", f"refs/tags/{tag}", forged)


def test_a_push_to_the_default_branch_is_released_and_promoted_from_a_depth_1_checkout(tmp_path: Path) -> None:
    with release_project(tmp_path, "dates", "router") as (place, alice):
        runner = checkout(place, "runner", head(alice))
        ended = push(runner, head(alice)).run("release")
        assert ended.code == 0, ended.log
    tags = ["llmops/dates/v1.0.0", "llmops/router/v1.0.0"]
    assert (place.bare.tags(), ended.json("tags")) == (tags, tags)
    assert ended.json("changed") == ["dates", "router"]
    assert (ended.outputs["verdict"], ended.outputs["gate-passes"]) == ("unchanged", "true")
    assert subjects(place, "staging") == ["promote router v1.0.0 to staging", "promote dates v1.0.0 to staging"]
    assert ended.outputs["cost-usd"] == ""  # a model without a price
    assert ended.json("deployed")[1] == {
        "environment": "staging",
        "config": "router",
        "action": "promote",
        "release": "llmops/router/v1.0.0",
        "previous": "",
        "commit": place.bare.git("rev-parse", "llmops/env/staging"),
    }
    assert json.loads(Path(ended.outputs["report"]).read_text())["head"] == head(alice)
    assert runner.git("status", "--porcelain") == ""


def test_the_page_of_the_run_links_the_releases(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        ended = push(checkout(place, "runner", head(alice)), head(alice)).run("release")
    link = "https://github.example/octo/app/releases/tag/llmops%2Frouter%2Fv1.0.0"
    assert f'| released | <a href="{link}"><code>llmops/router/v1.0.0</code></a> |' in ended.summary
    assert "| promoted to staging |" in ended.summary


def test_who_acted_is_the_actor_and_git_needs_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with release_project(tmp_path) as (place, alice):
        runner = checkout(place, "runner", head(alice))
        for role in ("AUTHOR", "COMMITTER"):
            for part in ("NAME", "EMAIL"):
                monkeypatch.delenv(f"GIT_{role}_{part}")
        assert push(runner, head(alice)).run("release").code == 0
    tagger = place.bare.git("for-each-ref", "--format=%(taggername) %(taggeremail)", "refs/tags")
    assert tagger == "llmops-git <mona@users.noreply.github.example>"
    deployed = place.bare.git(
        "log", "-1", "--format=%an <%ae>, %cn <%ce>, %(trailers:key=Actor,valueonly)", "llmops/env/staging"
    )
    name = "llmops-git <mona@users.noreply.github.example>"
    assert deployed.strip() == f"{name}, {name}, mona"


def test_an_identity_that_is_configured_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with release_project(tmp_path) as (place, alice):
        runner = checkout(place, "runner", head(alice))
        for role in ("AUTHOR", "COMMITTER"):
            for part in ("NAME", "EMAIL"):
                monkeypatch.delenv(f"GIT_{role}_{part}")
        runner.git("config", "user.name", "Release Bot")
        assert push(runner, head(alice)).run("release").code == 0
    tagger = place.bare.git("for-each-ref", "--format=%(taggername) %(taggeremail)", "refs/tags")
    assert tagger == "Release Bot <mona@users.noreply.github.example>"


def test_the_same_event_delivered_twice_releases_once(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        assert push(checkout(place, "one", head(alice)), head(alice)).run("release").code == 0
        refs = place.bare.git("for-each-ref")
        again = push(checkout(place, "two", head(alice)), head(alice)).run("release")
        assert (again.code, place.bare.git("for-each-ref")) == (0, refs)
        assert len(place.server.asked) == CASES
    nothing = {"tags": "[]", "deployed": "[]", "changed": "[]", "verdict": "unchanged", "gate-passes": "true"}
    assert again.outputs == nothing
    assert "nothing to release: 1 config is unchanged" in again.summary


def test_the_event_of_an_older_commit_releases_the_newest(tmp_path: Path) -> None:
    """Of a burst of pushes a service may run only some jobs, in any order."""
    with release_project(tmp_path) as (place, alice):
        older = head(alice)
        newest = alice.change(router=100)
        ended = push(checkout(place, "runner", older), older).run("release")
        assert ended.code == 0, ended.log
        assert place.bare.git("rev-parse", "llmops/router/v1.0.0^{commit}") == newest
        assert push(checkout(place, "late", newest), newest).run("release").json("tags") == []


def test_the_policy_is_that_of_the_newest_commit(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        older = head(alice)
        policy = alice.path / "llmops.yaml"
        policy.write_text(policy.read_text().replace("staging: {promote: automatic}", "staging: {promote: manual}"))
        alice.commit()
        ended = push(checkout(place, "runner", older), older).run("release")
        assert (ended.json("tags"), ended.json("deployed")) == (["llmops/router/v1.0.0"], [])


@pytest.mark.slow
def test_two_jobs_at_the_same_time_release_once(tmp_path: Path) -> None:
    with release_project(tmp_path, "dates", "router") as (place, alice):
        jobs = [push(checkout(place, name, head(alice)), head(alice)) for name in ("one", "two")]
        ended = [job.end(process) for job, process in [(job, job.start("release")) for job in jobs]]
        assert [each.code for each in ended] == [0, 0], ended
        assert place.bare.tags() == ["llmops/dates/v1.0.0", "llmops/router/v1.0.0"]
        assert sorted(tag for each in ended for tag in each.json("tags")) == place.bare.tags()
        assert sorted(subjects(place, "staging")) == ["promote dates v1.0.0 to staging", "promote router v1.0.0 to staging"]
        alice.ok("status", "--fetch")
        assert alice.run("verify")[0] == 0


# the pushes of a job with two configs and one automatic environment: two of tag and evidence, two of deployments
@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("push_number", [1, 2, 3, 4])
def test_a_job_killed_at_any_push_is_finished_by_the_next(tmp_path: Path, moment: str, push_number: int) -> None:
    done = '"$GIT" "$@"; ' if moment == "after" else ""
    script = (
        f'case " $* " in *" push "*) echo x >> {tmp_path}/pushes; '
        f'[ "$(wc -l < {tmp_path}/pushes)" -eq {push_number} ] && {{ {done}kill -9 $PPID; exit 1; }};; esac'
    )
    with release_project(tmp_path, "dates", "router") as (place, alice):
        job = push(checkout(place, "one", head(alice)), head(alice))
        killed = job.end(job.start("release", shadow(tmp_path, script)))
        assert killed.code == -9, killed.log
        ended = push(checkout(place, "two", head(alice)), head(alice)).run("release")
        assert ended.code == 0, ended.log
        assert place.bare.tags() == ["llmops/dates/v1.0.0", "llmops/router/v1.0.0"]
        assert sorted(subjects(place, "staging")) == ["promote dates v1.0.0 to staging", "promote router v1.0.0 to staging"]
        alice.ok("status", "--fetch")
        assert alice.run("verify")[0] == 0


def test_a_refusal_is_annotated_and_does_not_keep_the_others_back(tmp_path: Path) -> None:
    with release_project(tmp_path, "dates", "router") as (place, alice):
        alice.ok("release")
        commit = alice.change(router=10, dates=100)
        ended = push(checkout(place, "runner", commit), commit).run("release")
    assert (ended.code, ended.json("tags"), ended.json("changed")) == (1, ["llmops/dates/v1.0.1"], ["dates", "router"])
    assert (ended.outputs["verdict"], ended.outputs["gate-passes"]) == ("regressed", "false")
    (error,) = [line for line in ended.annotations if line.startswith("::error")]
    assert error.startswith("::error file=prompts/router.yaml,title=the gate refuses router::queue: regressed")
    assert "**Not released**" in ended.summary
    assert [deployed["config"] for deployed in ended.json("deployed")] == ["dates", "router"]


def test_a_job_that_only_reports_passes_where_the_gate_refuses(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release")
        commit = alice.change(router=10)
        ended = push(checkout(place, "runner", commit), commit, fail_on="never").run("release")
    assert (ended.code, ended.json("tags"), ended.outputs["gate-passes"]) == (0, [], "false")


def test_a_broken_config_is_annotated_at_its_line(tmp_path: Path) -> None:
    with release_project(tmp_path, "dates", "router") as (place, alice):
        (alice.path / "prompts" / "dates.yaml").write_text("name: dates\nmodel: 3\n")
        commit = alice.commit()
        ended = push(checkout(place, "runner", commit), commit).run("release")
    assert (ended.code, ended.json("tags")) == (2, ["llmops/router/v1.0.0"])
    assert [line for line in ended.annotations if line.startswith("::error file=prompts/dates.yaml,line=2,")]


def test_what_was_released_before_a_failure_is_told(tmp_path: Path) -> None:
    """The server takes the first release and then no more."""
    with release_project(tmp_path, "dates", "router") as (place, alice):
        hook = place.bare.path / "hooks" / "pre-receive"
        hook.write_text("#!/bin/sh\ngrep -q refs/tags/llmops/router && { echo 'declined by a ruleset' >&2; exit 1; }\nexit 0\n")
        hook.chmod(0o755)
        ended = push(checkout(place, "runner", head(alice)), head(alice)).run("release")
    assert (ended.code, ended.json("tags")) == (3, ["llmops/dates/v1.0.0"])
    assert place.bare.tags() == ["llmops/dates/v1.0.0"]
    said = ended.annotations[-1]
    assert "declined by a ruleset" in said
    assert "a token needs `contents: write`" in said
    assert ended.json("deployed") == []


def test_a_tag_that_was_moved_on_the_remote_is_an_alarm(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        commit = head(alice)
        push(checkout(place, "runner", commit), commit).run("release")
        move(place, "llmops/router/v1.0.0")
        ended = push(Folder(tmp_path / "runner"), commit).run("release")
    assert ended.code == 1
    assert "tag `llmops/router/v1.0.0` was moved" in ended.annotations[-1]


def test_a_moved_tag_is_seen_by_a_fresh_checkout_that_promotes(tmp_path: Path) -> None:
    """A runner remembers nothing; the environment that names the tag does."""
    with release_project(tmp_path) as (place, alice):
        commit = head(alice)
        push(checkout(place, "one", commit), commit).run("release")
        move(place, "llmops/router/v1.0.0")
        ended = push(checkout(place, "two", commit), commit).run("release")
        assert (ended.code, subjects(place, "staging")) == (1, ["promote router v1.0.0 to staging"]), ended.log


def test_a_push_to_another_branch_releases_nothing(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        runner = checkout(place, "runner", head(alice))
        ended = push(runner, head(alice), ref="refs/heads/feature").run("release")
        assert (ended.code, ended.outputs["tags"], place.bare.tags()) == (0, "[]", [])
        assert "this is done from `main`, and the event is about refs/heads/feature" in ended.log
        assert dispatch(runner, ref="refs/heads/feature").run("release").code == 2
        assert place.bare.tags() == []


def test_a_dispatch_and_a_schedule_release_what_is_pending(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        assert schedule(checkout(place, "one", head(alice))).run("release").json("tags") == ["llmops/router/v1.0.0"]
        commit = alice.change(router=100)
        assert dispatch(checkout(place, "two", commit)).run("release").json("tags") == ["llmops/router/v1.0.1"]


def test_nothing_is_asked_in_mode_plan_and_nothing_released_from_replies(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        runner = checkout(place, "runner", head(alice))
        planned = push(runner, head(alice), mode="plan").run("release")
        assert (planned.code, place.server.asked, place.bare.tags()) == (0, [], [])
        assert "| would evaluate |" in planned.summary
        assert push(runner, head(alice), mode="replay").run("release").code == 2
        assert place.bare.git("for-each-ref", "refs/tags", "refs/heads/llmops") == ""
