"""`llmops-git promote` as a process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.release_project import Folder, release_project


def running(folder: Folder, environment: str) -> str:
    """The version that runs, and whether it is held, as `status` says."""
    document = folder.json("status", "--fetch")
    found = document["configs"][0]["running"].get(environment)
    return "-" if found is None else found["release"].rpartition("/")[2] + (" held" if found["held"] else "")


def test_a_release_goes_to_staging_and_then_to_production(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release")
        assert alice.ok("promote", "router", "--to", "staging").startswith("promoted router v1.0.0 to staging commit ")
        alice.ok("promote", "router", "--to", "production", "--reason", "signed off")
        assert place.bare.git("log", "-1", "--format=%b", "llmops/env/production").split("\n")[0] == "signed off"
        assert [running(alice, name) for name in ("staging", "production")] == ["v1.0.0", "v1.0.0"]


def test_promoting_again_changes_nothing(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release", "--promote")
        tip = place.bare.git("rev-parse", "llmops/env/staging")
        assert (
            alice.ok("promote", "router", "--to", "staging") == "nothing to do: llmops/router/v1.0.0 already runs in staging\n"
        )
        assert place.bare.git("rev-parse", "llmops/env/staging") == tip


def test_production_takes_what_staging_runs_and_not_the_newest(tmp_path: Path) -> None:
    with release_project(tmp_path) as (_, alice):
        alice.ok("release", "--promote")
        alice.change(router=100)
        alice.ok("release")
        assert "promoted router v1.0.0 to production" in alice.ok("promote", "router", "--to", "production")
        code, _, err = alice.run("promote", "router", "1.0.1", "--to", "production")
        assert (code, "v1.0.1 does not run in staging" in err) == (1, True)
        assert "hint: llmops-git promote router 1.0.1 --to staging" in err


def test_nothing_reaches_production_before_staging(tmp_path: Path) -> None:
    with release_project(tmp_path) as (_, alice):
        alice.ok("release")
        code, _, err = alice.run("promote", "router", "--to", "production")
        assert (code, "`router` does not run in staging" in err) == (1, True)


def test_a_dry_run_moves_nothing(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release")
        assert alice.ok("promote", "router", "--to", "staging", "--dry-run") == "would promote router v1.0.0 to staging\n"
        assert place.bare.git("for-each-ref", "refs/heads/llmops/env") == ""


def test_automatic_promotion_stops_at_a_rollback_until_somebody_promotes(tmp_path: Path) -> None:
    with release_project(tmp_path) as (_, alice):
        alice.ok("release", "--promote")
        alice.change(router=100)
        alice.ok("release", "--promote")
        alice.ok("rollback", "router", "--in", "staging")
        code, out, err = alice.run("promote", "--automatic")
        assert (code, out) == (0, "nothing to promote\n")
        assert "automatic promotion to staging is held since the rollback to llmops/router/v1.0.0" in err
        assert running(alice, "staging") == "v1.0.0 held"
        alice.ok("promote", "router", "--to", "staging")
        assert running(alice, "staging") == "v1.0.1"


def test_promoting_what_was_rolled_back_to_lifts_the_hold(tmp_path: Path) -> None:
    with release_project(tmp_path) as (_, alice):
        alice.ok("release", "--promote")
        alice.change(router=100)
        alice.ok("release", "--promote")
        alice.ok("rollback", "router", "--in", "staging")
        alice.ok("promote", "router", "1.0.0", "--to", "staging")
        assert running(alice, "staging") == "v1.0.0"
        assert "promoted router v1.0.1 to staging" in alice.ok("promote", "--automatic")


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["router", "--to", "prodution"], 2, "the environments are: staging, production"),
        (["router", "9.9.9", "--to", "staging"], 2, "`router` has no release 9.9.9 (newest: v1.0.0)"),
        (["nothing", "--to", "staging"], 2, "`nothing` has no release"),
        (["router"], 2, "to which environment?"),
        (["--automatic", "--to", "staging"], 2, "decides environments and versions itself"),
    ],
)
def test_what_cannot_be_promoted_is_said(tmp_path: Path, arguments: list[str], code: int, expected: str) -> None:
    with release_project(tmp_path) as (_, alice):
        alice.ok("release")
        found, _, err = alice.run("promote", *arguments)
        assert (found, expected in err) == (code, True), err


def test_a_moved_tag_stops_a_promotion(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release")
        place.bare.git("update-ref", "refs/tags/llmops/router/v1.0.0", place.bare.git("rev-parse", "main"))
        code, _, err = alice.run("promote", "router", "--to", "staging")
        assert (code, "tag `llmops/router/v1.0.0` was moved" in err) == (1, True)


def test_a_tag_that_only_this_clone_has_is_not_promoted(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release")
        place.bare.git("tag", "--delete", "llmops/router/v1.0.0")
        code, _, err = alice.run("promote", "router", "--to", "staging")
        assert (code, "is not on the remote `origin`" in err) == (2, True)


def test_a_rewritten_environment_stops_a_promotion(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release", "--promote")
        alice.change(router=100)
        alice.ok("release", "--promote")
        alice.git("fetch", "-q")
        place.bare.git("update-ref", "refs/heads/llmops/env/staging", "llmops/env/staging~1")
        code, _, err = alice.run("promote", "router", "--to", "staging")
        assert (code, "branch `llmops/env/staging` was rewritten" in err) == (1, True)


def test_the_person_named_by_the_ci_service_is_the_actor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release")
        alice.ok("promote", "router", "--to", "staging")
        monkeypatch.setenv("GITHUB_ACTOR", "octo-cat")
        alice.ok("promote", "router", "--to", "production")
        actors = [
            place.bare.git("log", "-1", "--format=%(trailers:key=Actor,valueonly)", f"llmops/env/{name}")
            for name in ("staging", "production")
        ]
        assert actors == ["Test <test@example.com>", "octo-cat"]
