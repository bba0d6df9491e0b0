"""`llmops-git export`: bundles of releases and environments."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmops_git.commands.export import write_atomically
from llmops_git.configs.digest import digest_of
from llmops_git.configs.schema import validator
from llmops_git.errors import LlmopsError
from llmops_git.releases.bundle import bundle_document, format_bundle, parse_bundle
from llmops_git.releases.tags import TagName
from llmops_git.releases.values import Release
from llmops_git.releases.versions import Version
from tests.commands.release_project import release_project
from tests.releases.release_helpers import make_config


def test_a_release_and_the_environment_that_runs_it_have_the_same_bundle(tmp_path: Path) -> None:
    with release_project(tmp_path) as (place, alice):
        alice.ok("release", "--promote")
        text = alice.ok("export", "router")
        assert text == alice.ok("export", "router", "--environment", "staging")
        assert text == alice.ok("export", "router", "--version", "1.0.0", "--fetch")
        assert text == place.bare.git("show", "llmops/env/staging:router.json") + "\n"
    document = json.loads(text)
    assert [error.message for error in validator("bundle").iter_errors(document)] == []
    assert digest_of(document["resolved"]) == document["digest"]
    assert document["release"] == "llmops/router/v1.0.0"
    assert [message["role"] for message in document["resolved"]["messages"]] == ["system", "user"]


def test_a_bundle_goes_to_a_file_whole(tmp_path: Path) -> None:
    with release_project(tmp_path) as (_, alice):
        alice.ok("release")
        code, out, err = alice.run("export", "router", "-o", str(tmp_path / "router.json"))
        assert (code, out, err) == (0, "", f"wrote {tmp_path / 'router.json'}\n")
        assert (tmp_path / "router.json").read_text() == alice.ok("export", "router")
        assert alice.run("export", "router", "-o", str(tmp_path / "no" / "router.json"))[0] == 2


def test_what_does_not_run_is_not_exported(tmp_path: Path) -> None:
    with release_project(tmp_path) as (_, alice):
        alice.ok("release")
        assert alice.run("export", "router", "--environment", "production")[0] == 2
        assert alice.run("export", "nothing")[0] == 2
        assert alice.run("export", "router", "--latest", "--version", "1.0.0")[0] == 2


def test_equal_bundles_have_equal_bytes_and_a_line_for_each_field() -> None:
    config = make_config(text="Grüße, \u2028 \x07")
    release = Release(
        tag=TagName("router", Version(1, 0, 0)), tag_object="a" * 40, commit="c" * 40, header="", time=0,
        contents=f"s\n\nConfig-Digest: {config.digest}\n",
    )  # fmt: skip
    data = format_bundle(bundle_document(release, config))
    assert parse_bundle(data) == bundle_document(release, config)
    assert format_bundle(json.loads(data)) == data
    assert '        "template": "Grüße, ' in data.decode()


def test_a_tag_that_does_not_describe_its_commit_gives_no_bundle() -> None:
    release = Release(
        tag=TagName("router", Version(1, 0, 0)),
        tag_object="a",
        commit="c",
        header="",
        time=0,
        contents="s\n\nConfig-Digest: sha256:0\n",
    )
    with pytest.raises(LlmopsError, match=r"llmops/router/v1\.0\.0 says sha256:0, but its commit holds sha256:"):
        bundle_document(release, make_config())


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"[]", b'{"schema": "llmops-git/bundle/1"}', b"[" * 100_000])
def test_what_is_no_bundle_is_none(data: bytes) -> None:
    assert parse_bundle(data) is None


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(LlmopsError, match="taken cannot be written"):
        write_atomically(tmp_path / "taken", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
