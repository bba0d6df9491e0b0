"""`llmops-git release` as a process, in real clones of a real bare remote, with a model behind HTTP."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from llmops_git.releases.messages import parse_message
from tests.chat_server import error_answer
from tests.commands.release_project import CASES, Folder, release_project, shadow


def message(folder: Folder, tag: str) -> Any:
    return parse_message(folder.git("for-each-ref", "--format=%(contents)", f"refs/tags/{tag}"))


def what(document: Any) -> dict[str, str]:
    return {config["config"]: config["what"] for config in document["configs"]}


def test_the_first_release_is_measured_and_tagged_with_its_evidence(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        document = alice.json("release")
        assert len(place.server.asked) == CASES
    assert what(document) == {"router": "released"}
    assert place.bare.tags() == alice.tags() == ["llmops/router/v1.0.0"]
    trailers = message(place.bare, "llmops/router/v1.0.0").trailers
    assert list(trailers) == [
        "Config-Digest", "Closure-Digest", "Model", "Bump", "Baseline", "Verdict", "Eval", "Eval-Digest", "Evidence", "Statement",
        "Previous",
    ]  # fmt: skip
    assert (trailers["Model"], trailers["Bump"], trailers["Previous"]) == ("test/test-model-2026-01-01", "first", "none")
    assert json.loads(trailers["Eval"])["scores"]["queue"]["head"] == 0.6
    path, blob = trailers["Evidence"].split()
    assert place.bare.git("rev-parse", f"llmops/evidence:{path}") == blob
    record = json.loads(place.bare.git("show", f"llmops/evidence:{path}"))
    assert len(record["run"]["samples"]) == CASES


def test_releasing_twice_does_nothing_the_second_time(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release")
        refs = place.bare.git("for-each-ref")
        assert alice.ok("release") == "unchanged: 1 config\n"
        assert place.bare.git("for-each-ref") == refs
        assert len(place.server.asked) == CASES


def test_comments_and_formatting_release_nothing(tmp_path: Path) -> None:
    with release_project(tmp_path) as (_, alice):
        alice.ok("release")
        config = alice.path / "prompts" / "router.yaml"
        config.write_text(
            "# a comment\n" + config.read_text().replace("Route a message", "Now documented, it routes a message")
        )
        alice.commit("comment")
        assert alice.ok("release") == "unchanged: 1 config\n"


def test_a_better_prompt_is_the_next_version_against_the_one_before(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release")
        alice.change(router=100)
        alice.ok("release")
        assert len(place.server.asked) == 2 * CASES  # the base side was measured when it was released
    assert alice.tags() == ["llmops/router/v1.0.0", "llmops/router/v1.0.1"]
    trailers = message(alice, "llmops/router/v1.0.1").trailers
    before = f"llmops/router/v1.0.0 {alice.git('rev-parse', 'llmops/router/v1.0.0')}"
    assert (trailers["Bump"], trailers["Verdict"]) == ("patch", "improved")
    assert (trailers["Baseline"], trailers["Previous"]) == (before, before)


def test_a_worse_prompt_is_refused_and_the_others_are_released(tmp_path: Path) -> None:
    with release_project(tmp_path, "dates", "router") as (place, alice):
        alice.ok("release")
        alice.change(router=10, dates=100)
        document = alice.json("release", code=1)
        assert what(document) == {"dates": "released", "router": "refused"}
        asked = len(place.server.asked)
        again = alice.json("release", code=1)
        assert what(again) == {"dates": "unchanged", "router": "refused"}
        assert len(place.server.asked) == asked  # the failing run is kept: nothing is measured until it passes
    assert alice.tags() == ["llmops/dates/v1.0.0", "llmops/dates/v1.0.1", "llmops/router/v1.0.0"]
    refused = again["configs"][1]
    assert refused["verdict"] == "regressed"
    assert place.bare.git("cat-file", "-t", f"llmops/evidence:{refused['evidence']}") == "blob"


def test_a_revert_needs_no_new_evidence(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release")
        alice.change(router=100)
        alice.ok("release")
        asked = len(place.server.asked)
        alice.git("revert", "--no-edit", "HEAD")
        alice.git("push", "-q", "origin", "main")
        alice.ok("release")
        assert len(place.server.asked) == asked
    assert alice.tags()[-1] == "llmops/router/v1.0.2"


def test_evidence_from_a_run_folder_needs_no_second_measurement(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release")
        alice.git("switch", "-q", "-c", "better")
        alice.write("router", 100)
        alice.ok("eval", "--output", str(tmp_path / "run"))
        asked = len(place.server.asked)
        alice.git("switch", "-q", "main")
        alice.commit("merged")
        alice.ok("release", "--evidence", str(tmp_path / "run"))
        assert len(place.server.asked) == asked
    assert message(alice, "llmops/router/v1.0.1").trailers["Verdict"] == "improved"


def test_evidence_about_something_else_does_not_count(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release")
        alice.git("switch", "-q", "-c", "better")
        alice.write("router", 100)
        alice.ok("eval", "--output", str(tmp_path / "run"))
        alice.git("checkout", "-q", ".")
        alice.git("switch", "-q", "main")
        alice.change(router=90)
        asked = len(place.server.asked)
        alice.ok("release", "--evidence", str(tmp_path / "run"))
        assert len(place.server.asked) > asked


def test_a_dry_run_says_what_would_be_done_and_does_nothing(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        refs = place.bare.git("for-each-ref")
        document = alice.json("release", "--dry-run")
        assert what(document) == {"router": "would evaluate"}
        assert document["configs"][0]["tag"] == "llmops/router/v1.0.0"
        assert (place.bare.git("for-each-ref"), place.server.asked) == (refs, [])


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        ("dirty", "there are uncommitted changes"),
        ("branch", "releases are made from `main`, and this is branch `feature`"),
        ("unpushed", "is not on `main` of the remote `origin` yet"),
        ("tag", "llmops/router/v7.0.0 is only in this clone"),
    ],
)
def test_what_is_not_the_pushed_default_branch_is_not_released(tmp_path: Path, prepare: str, expected: str) -> None:
    with release_project(tmp_path) as (place, alice):
        if prepare == "dirty":
            alice.write("router", 61)
        elif prepare == "branch":
            alice.git("switch", "-q", "-c", "feature")
            alice.write("router", 61)
            alice.commit(push=False)
        elif prepare == "unpushed":
            alice.write("router", 61)
            alice.commit(push=False)
        else:
            alice.git("tag", "-a", "-m", "mine", "llmops/router/v7.0.0")
        code, _, err = alice.run("release")
        assert (code, expected in err) == (2, True), err
        assert "hint:" in err
        assert place.bare.tags() == []
        assert alice.run("release", "--dry-run")[0] == 0


def test_an_older_commit_is_left_to_the_newer_one(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        bob = place.clone("bob")
        alice.change(router=100)
        code, out, err = bob.run("release")
        assert (code, out) == (0, "")
        assert "is not the newest commit of `main`" in err
        assert place.bare.tags() == []


def test_a_detached_head_on_the_newest_commit_releases(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.git("checkout", "-q", "--detach")
        alice.ok("release")
        assert place.bare.tags() == ["llmops/router/v1.0.0"]


def test_a_broken_config_does_not_keep_the_others_back(tmp_path: Path) -> None:
    with release_project(tmp_path, "dates", "router") as (place, alice):
        (alice.path / "prompts" / "dates.yaml").write_text("name: dates\nmodel: 3\n")
        alice.commit()
        document = alice.json("release", code=2)
        assert what(document) == {"dates": "invalid", "router": "released"}
        assert "prompts/dates.yaml" in document["configs"][0]["reason"]
        assert place.bare.tags() == ["llmops/router/v1.0.0"]


def test_a_provider_that_fails_is_not_measured_and_leaves_no_evidence(tmp_path: Path) -> None:
    with release_project(tmp_path, script=lambda _asked, _number: error_answer(401)) as (place, alice):
        document = alice.json("release", code=3)
        assert what(document) == {"router": "not measured"}
        assert place.bare.git("for-each-ref", "refs/heads/llmops", "refs/tags") == ""


def test_a_config_without_an_evaluation_is_refused(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.write("router", 60, evaluated=False)
        alice.commit()
        code, out, err = alice.run("release")
        assert (code, "no `evaluation:` section" in out) == (1, True)
        assert (True, False) == ("add an `evaluation:` section" in err, "a run that failed" in err)
        assert place.bare.tags() == []


def test_only_the_configs_named_are_released(tmp_path: Path) -> None:
    with release_project(tmp_path, "dates", "router") as (place, alice):
        alice.ok("release", "dates")
        assert place.bare.tags() == ["llmops/dates/v1.0.0"]
        assert alice.run("release", "nothing")[0] == 2


def test_without_a_remote_everything_stays_here(tmp_path: Path) -> None:
    with release_project(tmp_path) as (_, alice):
        alice.git("remote", "remove", "origin")
        alice.ok("release")
        alice.ok("promote", "router", "--to", "staging")
        assert alice.git("for-each-ref", "--format=%(refname:short)", "refs/heads/llmops", "refs/tags").split() == [
            "llmops/env/staging", "llmops/evidence", "llmops/router/v1.0.0",
        ]  # fmt: skip
        assert json.loads(alice.ok("resolve", "router", "--environment", "staging", "--format", "json"))["version"] == "1.0.0"
        assert alice.run("verify")[0] == 0


def test_release_and_promote_in_one_go(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        out = alice.ok("release", "--promote")
        assert "promoted router v1.0.0 to staging" in out
        assert place.bare.git("for-each-ref", "--format=%(refname)", "refs/heads/llmops/env").split() == [
            "refs/heads/llmops/env/staging"
        ]


def test_a_depth_1_clone_releases_and_rolls_back(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release", "--promote")
        alice.change(router=100)
        shallow = place.clone("runner", "--depth=1")
        shallow.ok("release", "--promote")
        assert shallow.git("rev-parse", "--is-shallow-repository") == "true"
        assert message(place.bare, "llmops/router/v1.0.1").trailers["Previous"].startswith("llmops/router/v1.0.0 ")
        fresh = place.clone("other", "--depth=1")
        assert "rolled back router to v1.0.0 in staging (before: v1.0.1)" in fresh.ok("rollback", "router", "--in", "staging")
        alice.ok("status", "--fetch")
        assert alice.run("verify")[0] == 0


def test_a_summary_keeps_lines_that_look_like_comments_and_injects_nothing(tmp_path: Path) -> None:
    with release_project(tmp_path) as (_, alice):
        config = alice.path / "prompts" / "router.yaml"
        text = "# not a comment\\n\\nVerdict: improved\\nPrevious: none"
        config.write_text(config.read_text().replace("description: Route a message (router).", f'description: "{text}"'))
        alice.commit()
        alice.ok("release")
        found = message(alice, "llmops/router/v1.0.0")
        assert "# not a comment\n\nVerdict: improved\nPrevious: none" in found.summary
        assert found.trailers["Verdict"] != "improved"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_killed_around_the_push_is_repaired_by_the_next(tmp_path: Path, moment: str) -> None:
    push = '"$GIT" "$@"; ' if moment == "after" else ""
    killing = shadow(tmp_path, f'case " $* " in *" push "*) {push}kill -9 $PPID; exit 1;; esac')
    with release_project(tmp_path) as (place, alice):
        code, _, _ = alice.run("release", environment=killing)
        assert code == -9
        assert place.bare.tags() == ([] if moment == "before" else ["llmops/router/v1.0.0"])
        alice.ok("release")
        assert alice.tags() == place.bare.tags() == ["llmops/router/v1.0.0"]
        assert alice.run("verify")[0] == 0


@pytest.mark.slow
def test_two_clones_release_and_promote_at_the_same_time_and_nothing_is_lost(tmp_path: Path) -> None:
    names = ("dates", "router", "triage")
    with release_project(tmp_path, *names) as (place, alice):
        bob = place.clone("bob")
        for level in (60, 100):
            if level > 60:
                alice.change(**dict.fromkeys(names, level))
                bob.git("pull", "-q")
            racing = [clone.start("release") for clone in (alice, bob)]
            ended = [(*process.communicate(), process.returncode) for process in racing]
            assert [code for _, _, code in ended] == [0, 0], ended
            racing = [clone.start("promote", name, "--to", "staging") for name in names for clone in (alice, bob)]
            ended = [(*process.communicate(), process.returncode) for process in racing]
            assert {code for _, _, code in ended} == {0}, ended
    assert place.bare.tags() == [f"llmops/{name}/v1.0.{n}" for name in names for n in range(2)]
    staging = place.bare.git("log", "--first-parent", "--format=%s", "llmops/env/staging").split("\n")
    assert sorted(staging) == sorted(f"promote {name} v1.0.{n} to staging" for name in names for n in range(2))
    assert place.bare.git("rev-list", "--merges", "--all") == ""
    files = place.bare.git("ls-tree", "-r", "--name-only", "llmops/evidence").split()
    assert len([file for file in files if not file.endswith(".intoto.json")]) == len(files) / 2 == 6
    for clone in (alice, bob):
        clone.ok("status", "--fetch")
        assert clone.run("verify")[0] == 0


def test_a_hook_that_refuses_is_named(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        hook = place.bare.path / "hooks" / "pre-receive"
        hook.write_text("#!/bin/sh\necho 'only the release app may tag' >&2\nexit 1\n")
        hook.chmod(0o755)
        code, _, err = alice.run("release")
        assert code == 3
        assert "only the release app may tag" in err
        assert alice.tags() == []


def test_a_repository_without_commits_says_so(repository: Path) -> None:
    done = Folder(repository).run("release")
    assert done[0] == 2
    assert "HEAD" in done[2]


def test_the_work_tree_is_never_touched(tmp_path: Path) -> None:
    with release_project(tmp_path) as (_, alice):
        (alice.path / "untracked.txt").write_text("mine")
        before = subprocess.run(
            ["git", "status", "--porcelain=v2", "--branch"], cwd=alice.path, capture_output=True, check=True
        ).stdout
        alice.ok("release", "--promote")
        after = subprocess.run(
            ["git", "status", "--porcelain=v2", "--branch"], cwd=alice.path, capture_output=True, check=True
        ).stdout
        assert after == before


def test_a_linked_worktree_a_subfolder_and_git_dir_are_the_same_repository(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.git("worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
        tree = Folder(tmp_path / "tree")
        tree.ok("release")
        assert alice.tags() == place.bare.tags() == ["llmops/router/v1.0.0"]
        Folder(tree.path / "prompts").ok("promote", "router", "--to", "staging")
        outside = Folder(tmp_path)
        git_dir = {
            "GIT_DIR": str(alice.path / ".git"),
            "GIT_WORK_TREE": str(alice.path),
            "GIT_INDEX_FILE": str(tmp_path / "index"),
        }
        code, _, err = outside.run("promote", "router", "--to", "production", environment=git_dir)
        assert code == 0, err
        assert not (tmp_path / "index").exists()
        assert [len(alice.json("verify")["levels"]), alice.json("verify")["result"]] == [8, "verified"]


def test_a_bare_repository_releases_what_its_head_holds(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, _):
        place.bare.ok("release", "--promote")
        assert place.bare.tags() == ["llmops/router/v1.0.0"]
        assert place.bare.json("resolve", "router", "--environment", "staging")["version"] == "1.0.0"
