"""`llmops-git verify` as a whole; the single levels are in tests/releases/test_releases_verify.py."""

from __future__ import annotations

from pathlib import Path

from llmops_git.commands.verify import exit_code, verify_lines
from llmops_git.releases.levels import Level
from tests.commands.release_project import release_project

LEVELS = ["tags", "chain", "digests", "evidence", "deployments", "history", "remote", "signatures"]


def states(document: dict) -> dict[str, str]:  # type: ignore[type-arg]
    return {level["level"]: level["state"] for level in document["levels"]}


def test_an_honest_project_verifies_at_every_level_but_signatures(tmp_path: Path) -> None:
    with release_project(tmp_path) as (_, alice):
        alice.ok("release", "--promote")
        alice.change(router=100)
        alice.ok("release", "--promote")
        alice.ok("rollback", "router", "--in", "staging")
        document = alice.json("verify")
        assert states(document) == {**dict.fromkeys(LEVELS, "held"), "signatures": "not checked"}
        assert document["result"] == "verified"
        assert [level["checked"] for level in document["levels"][:5]] == [2, 2, 2, 2, 3]
        assert alice.json("verify", "router")["what"] == "router"
        assert alice.json("verify", "llmops/router/v1.0.1")["levels"][0]["checked"] == 1
        assert states(alice.json("verify", "--no-remote"))["remote"] == "not checked"


def test_a_tag_moved_to_another_commit_fails_in_the_clone_that_knew_it_and_in_one_that_did_not(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release")
        text = alice.git("cat-file", "tag", "llmops/router/v1.0.0")
        commit = alice.change(router=0)
        (tmp_path / "tag").write_text(text.replace(text.split("\n")[0], f"object {commit}") + "\n")
        oid = place.bare.git("hash-object", "-w", "-t", "tag", str(tmp_path / "tag"))
        place.bare.git("update-ref", "refs/tags/llmops/router/v1.0.0", oid)
        known = alice.json("verify", code=1)
        assert states(known)["remote"] == "failed"
        bob = place.clone("bob")
        fooled = bob.json("verify", code=1)
        assert {name for name, state in states(fooled).items() if state == "failed"} == {"digests"}


def test_a_remote_that_is_away_leaves_the_answer_incomplete(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release")
        place.bare.path.rename(place.bare.path.with_name("gone.git"))
        document = alice.json("verify", code=3)
        assert (document["result"], states(document)["remote"]) == ("incomplete", "incomplete")
        assert alice.json("verify", "--no-remote")["result"] == "verified"


def test_a_rewritten_environment_is_remembered_between_runs(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release", "--promote")
        alice.change(router=100)
        alice.ok("release", "--promote")
        bob = place.clone("bob")
        assert bob.run("verify")[0] == 0
        place.bare.git("update-ref", "refs/heads/llmops/env/staging", "llmops/env/staging~1")
        bob.git("fetch", "-q")
        assert states(bob.json("verify", code=1))["history"] == "failed"
        assert states(bob.json("verify", code=1))["history"] == "failed"  # looking does not accept it


def test_a_clone_does_not_vouch_for_releases_it_does_not_know(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        runner = place.clone("runner", "--depth=1")
        alice.ok("release", "--promote")
        document = runner.json("verify", code=3)
        assert document["levels"][6]["findings"] == [
            "the remote has releases that this clone does not know: llmops/router/v1.0.0 (use --fetch)"
        ]
        fetched = runner.json("verify", "--fetch")
        assert (fetched["result"], fetched["levels"][0]["checked"]) == ("verified", 1)


def test_a_fetch_that_finds_a_moved_tag_leaves_it_to_the_levels(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release")
        place.bare.git("update-ref", "refs/tags/llmops/router/v1.0.0", place.bare.git("rev-parse", "main"))
        assert states(alice.json("verify", "--fetch", code=1))["remote"] == "failed"


def test_what_is_not_released_cannot_be_verified(tmp_path: Path) -> None:
    with release_project(tmp_path) as (_, alice):
        alice.ok("release")
        for what in ("nothing", "llmops/router/v9.0.0", "llmops/dates/v1.0.0"):
            assert alice.run("verify", what)[0] == 2


def test_each_level_has_a_line_and_its_findings_below_it() -> None:
    levels = [
        Level(name="tags", state="held", checked=2),
        Level(name="chain", state="failed", checked=2, findings=("gap\x1b[31m\nhere",)),
        Level(name="signatures", state="not checked"),
    ]
    assert verify_lines(levels) == [
        "tags        held         2 release tags are annotated, named as they say, and written by llmops-git",
        "chain       failed       2 releases follow each other without a gap",
        "  gap\\x1b[31m here",
        "signatures  not checked  tags, deployments and evidence are signed by those whom the default branch names",
    ]


def test_wrong_beats_unknown() -> None:
    held, failed, unknown = (Level(name="tags", state=state) for state in ("held", "failed", "incomplete"))
    assert [exit_code(levels) for levels in ([held], [held, unknown], [unknown, failed])] == [0, 3, 1]
