"""`llmops-git rollback` as a process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.commands.release_project import Folder, Place, release_project, shadow


@contextmanager
def three_in_staging(folder: Path) -> Iterator[tuple[Place, Folder]]:
    """Three releases, all of which ran in staging."""
    with release_project(folder) as (place, alice):
        alice.ok("release", "--promote")
        for level in (80, 100):
            alice.change(router=level)
            alice.ok("release", "--promote")
        yield place, alice


def versions(folder: Folder) -> list[str]:
    """What ran in staging, oldest first; `<` marks rollbacks."""
    steps = folder.json("log", "--environment", "staging")["deployments"]
    return [("<" if step["action"] == "rollback" else "") + step["release"].rpartition("/v")[2] for step in reversed(steps)]


def test_rolling_back_twice_goes_two_releases_back(tmp_path: Path) -> None:
    with three_in_staging(tmp_path) as (_, alice):
        out = alice.ok("rollback", "router", "--in", "staging", "--reason", "wrong queue")
        assert out.startswith("rolled back router to v1.0.1 in staging (before: v1.0.2) commit ")
        alice.ok("rollback", "router", "--in", "staging")
        assert versions(alice) == ["1.0.0", "1.0.1", "1.0.2", "<1.0.1", "<1.0.0"]
        code, _, err = alice.run("rollback", "router", "--in", "staging")
        assert (code, "nothing else of `router` ran in staging before" in err) == (2, True)
        assert "hint: llmops-git rollback router --in staging --to 1.0.2" in err  # a version that can be pasted


def test_the_bundle_that_ran_comes_back_byte_for_byte(tmp_path: Path) -> None:
    with three_in_staging(tmp_path) as (place, alice):
        before = place.bare.git("rev-parse", "llmops/env/staging~1:router.json")
        alice.ok("rollback", "router", "--in", "staging")
        assert place.bare.git("rev-parse", "llmops/env/staging:router.json") == before


def test_a_release_can_be_named(tmp_path: Path) -> None:
    with three_in_staging(tmp_path) as (_, alice):
        assert "to v1.0.0 in staging" in alice.ok("rollback", "router", "--in", "staging", "--to", "v1.0.0")
        assert alice.ok("rollback", "router", "--in", "staging", "--to", "1.0.0").startswith("nothing to do")


def test_a_dry_run_moves_nothing(tmp_path: Path) -> None:
    with three_in_staging(tmp_path) as (_, alice):
        out = alice.ok("rollback", "router", "--in", "staging", "--dry-run")
        assert out == "would roll back router to v1.0.1 in staging (before: v1.0.2)\n"
        assert versions(alice) == ["1.0.0", "1.0.1", "1.0.2"]


def test_what_does_not_run_cannot_be_rolled_back(tmp_path: Path) -> None:
    with release_project(tmp_path) as (_, alice):
        code, _, err = alice.run("rollback", "router", "--in", "staging")
        assert (code, "`router` does not run in staging" in err) == (2, True)


def test_a_tag_moved_since_it_ran_is_not_gone_back_to(tmp_path: Path) -> None:
    with three_in_staging(tmp_path) as (place, alice):
        commit = alice.git("rev-parse", "llmops/router/v1.0.1^{commit}")
        message = alice.git("for-each-ref", "--format=%(contents)", "refs/tags/llmops/router/v1.0.1")
        bob = place.clone("bob")  # a clone that never saw the tag as it was
        bob.git("tag", "--delete", "llmops/router/v1.0.1")
        bob.git("tag", "-a", "--cleanup=verbatim", "-m", f"{message}\n", "llmops/router/v1.0.1", f"{commit}~1")
        bob.git("push", "-q", "--force", "origin", "refs/tags/llmops/router/v1.0.1")
        code, _, err = bob.run("rollback", "router", "--in", "staging")
        assert (code, "tag `llmops/router/v1.0.1` was moved" in err) == (1, True)


def test_two_people_who_roll_back_the_same_release_go_back_once(tmp_path: Path) -> None:
    with three_in_staging(tmp_path) as (place, alice):
        bob = place.clone("bob")
        racing = [
            folder.start("rollback", "router", "--in", "staging", environment={"GITHUB_ACTOR": name})
            for name, folder in (("alice", alice), ("bob", bob))
        ]
        ended = [(*process.communicate(), process.returncode) for process in racing]
        assert [code for _, _, code in ended] == [0, 0], ended
        alice.ok("status", "--fetch")
        assert versions(alice) in (
            ["1.0.0", "1.0.1", "1.0.2", "<1.0.1"],
            ["1.0.0", "1.0.1", "1.0.2", "<1.0.1", "<1.0.0"],  # one had ended before the other began to look
        )


@pytest.mark.slow
def test_a_rollback_that_lost_a_race_is_not_made_from_something_else(tmp_path: Path) -> None:
    """Between looking and pushing, somebody else deploys: a script in front of git plays that part."""
    for other, code, expected in (
        (
            ["promote", "router", "1.0.0", "--to", "staging"],
            1,
            "nothing was rolled back: llmops/router/v1.0.2 ran when you asked",
        ),
        (["rollback", "router", "--in", "staging"], 0, "llmops/router/v1.0.1 runs already: somebody else went back to it"),
        (["promote", "dates", "--to", "staging"], 0, "rolled back router to v1.0.1"),
    ):
        folder = tmp_path / other[0] / other[1]
        folder.mkdir(parents=True)
        with three_in_staging(folder) as (place, alice):
            bob = place.clone("bob")
            if other[1] == "dates":
                bob.change(dates=60)
                bob.ok("release", "dates")
            competing = " ".join(other)
            script = (
                f'case " $* " in *" push "*) [ -e {folder}/done ] || {{ : > {folder}/done; (cd {bob.path} && env -u GIT_INDEX_FILE '
                f'PATH="$REAL_PATH" GITHUB_ACTOR=bob {sys.executable} -c "from llmops_git.cli import main; main()" {competing}) '
                f">/dev/null 2>&1; }};; esac"
            )
            found, out, err = alice.run("rollback", "router", "--in", "staging", environment=shadow(folder, script))
            assert (found, expected in out + err) == (code, True), out + err
