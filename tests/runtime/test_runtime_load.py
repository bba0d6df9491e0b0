"""Loading: only what holds its digest runs, a promotion reaches a running application, and never half of one."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest

from llmops_git import runtime
from llmops_git.errors import LlmopsError
from llmops_git.releases.environments import BRANCH_PREFIX
from tests.commands.release_project import release_project
from tests.runtime.runtime_material import bundle_bytes, loaded, the, written


def test_a_bundle_is_loaded_without_git_or_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    router = loaded(tmp_path)
    assert ("router", "llmops/router/v1.0.0", "1.0.0") == (router.bundle.config, router.bundle.release, router.bundle.version)
    with router.request() as request:
        assert "hi" == request.messages(message="hi")[1]["content"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (bundle_bytes().replace(b"Route it.", b"Route not."), "does not hold what it says"),
        (bundle_bytes()[:-40], "is not a bundle"),
        (b"", "is not a bundle"),
        (b"[]", "is not a bundle"),
        (
            bundle_bytes().replace(b'"config": "router"', b'"config": "other"'),
            "a bundle of `other`, and `router` was asked for",
        ),
        (bundle_bytes().replace(b'"commit": "1', b'"commit": 1, "x": "1'), "is not a bundle"),
    ],
)
def test_what_is_not_as_it_was_released_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(LlmopsError, match=message):
        loaded(tmp_path, bundle=data)


def test_a_file_that_is_not_there_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(LlmopsError, match="cannot be read") as raised:
        runtime.load("router", bundle=tmp_path / "none.json")
    assert f"llmops-git export router -o {tmp_path}/none.json" == raised.value.hint


def test_a_release_has_to_be_named(tmp_path: Path) -> None:
    with pytest.raises(LlmopsError, match="say which release runs"):
        runtime.load("router")


@pytest.mark.parametrize("wrong", [{"sample": 2.0}, {"sample": float("nan")}, {"content": "some"}])
def test_settings_that_cannot_be_are_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(LlmopsError):
        loaded(tmp_path, **wrong)


def test_git_gives_the_bytes_that_were_deployed(tmp_path: Path) -> None:
    with release_project(tmp_path) as (_, alice):
        alice.ok("release", "router")
        alice.ok("promote", "router", "--to", "staging")
        router = runtime.load("router", environment="staging", repository=alice.path)
        exported = json.loads(alice.ok("export", "router", "--environment", "staging"))
        branch = alice.git("show", f"origin/{BRANCH_PREFIX}staging:router.json")
        assert json.loads(branch) == exported
        assert (exported["digest"], exported["release"]) == (router.bundle.digest, router.bundle.release)
        assert exported["resolved"] == router.bundle.resolved

        alice.change(router=90)
        alice.ok("release", "router")
        alice.ok("promote", "router", "--to", "staging")
        assert "1.0.0" == router.bundle.version
        assert "1.0.1" == router.reload().version
        assert "1.0.1" == router.bundle.version
        with pytest.raises(LlmopsError, match="does not run in production"):
            runtime.load("router", environment="production", repository=alice.path)


def test_the_work_tree_runs_as_it_is_while_it_is_developed(tmp_path: Path) -> None:
    with release_project(tmp_path) as (_, alice):
        sinks = [runtime.FileSink(tmp_path / "raw")]
        router = runtime.load("router", worktree=True, repository=alice.path, sinks=sinks)
        assert "router: skill 60" == router.bundle.resolved["messages"][0]["template"]
        alice.write("router", 70)
        assert "router: skill 70" == router.reload().resolved["messages"][0]["template"]
        digest = alice.json("show", "router")["digest"]
        with router.request() as request:
            pass
        router.signal(request.id, "thumbs_up")
        spans = written(tmp_path, router)
        assert [digest] * 2 == [span.attributes["gen_ai.prompt.version"] for span in spans]
        assert f"{request.trace_id}-{request.span_id}" == request.id
        with pytest.raises(LlmopsError, match="no config `ruter`") as raised:
            runtime.load("ruter", worktree=True, repository=alice.path)
        assert "did you mean" in raised.value.hint


def test_a_promotion_reaches_a_running_application(tmp_path: Path) -> None:
    router = loaded(tmp_path, reload_seconds=0.0)
    with router.request():
        pass
    replace(tmp_path / "router.json", bundle_bytes("1.1.0", templates={"a": "b"}))
    with router.request() as request:
        assert "1.1.0" == request.bundle.version
        replace(tmp_path / "router.json", bundle_bytes("1.2.0"))
        assert "1.1.0" == request.bundle.version  # a request that began keeps what it began with
    versions = [span.attributes["gen_ai.prompt.version"] for span in written(tmp_path, router)]
    assert ["llmops/router/v1.0.0", "llmops/router/v1.1.0"] == versions
    assert 1 == router.stats()["reloads"]


def test_a_bundle_is_looked_for_only_now_and_then(tmp_path: Path) -> None:
    router = loaded(tmp_path, reload_seconds=3600.0)
    replace(tmp_path / "router.json", bundle_bytes("1.1.0"))
    assert "1.0.0" == router.bundle.version
    assert "1.1.0" == router.reload().version


@pytest.mark.parametrize("broken", [b"", b"{", bundle_bytes("1.1.0")[:300], bundle_bytes("1.1.0").replace(b"Route", b"Rout")])
def test_what_is_not_whole_does_not_run(tmp_path: Path, broken: bytes) -> None:
    router = loaded(tmp_path, reload_seconds=0.0)
    (tmp_path / "router.json").write_bytes(broken)
    assert "1.0.0" == router.bundle.version
    assert 1 <= router.stats()["reloads_failed"]
    with pytest.raises(LlmopsError):
        router.reload()
    (tmp_path / "router.json").unlink()
    assert "1.0.0" == router.bundle.version
    (tmp_path / "router.json").write_bytes(bundle_bytes("1.1.0"))
    assert "1.1.0" == router.bundle.version


def test_no_half_of_a_file_is_served_while_it_is_written(tmp_path: Path) -> None:
    """A writer that does not know of renames, ten bytes at a time; readers see one whole bundle or the other."""
    router = loaded(tmp_path, reload_seconds=0.0)
    old, new = bundle_bytes("1.0.0"), bundle_bytes("1.1.0", templates={"a": "b" * 200})
    digests = {json.loads(data)["digest"]: json.loads(data)["release"] for data in (old, new)}
    stop = threading.Event()

    def write() -> None:
        for data in [new, old, new]:
            with (tmp_path / "router.json").open("wb", buffering=0) as file:
                for start in range(0, len(data), 10):
                    file.write(data[start : start + 10])
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not stop.is_set():
        bundle = router.bundle
        assert digests[bundle.digest] == bundle.release
        seen.add(bundle.release)
    writer.join()
    assert "1.1.0" == router.bundle.version
    assert seen <= set(digests.values())


def test_a_mounted_folder_that_is_swapped_is_a_promotion(tmp_path: Path) -> None:
    """As Kubernetes mounts a config map: a link to a folder, which is replaced."""
    for name, version in (("one", "1.0.0"), ("two", "2.0.0")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "router.json").write_bytes(bundle_bytes(version))
        os.utime(tmp_path / name / "router.json", (1, 1))
    (tmp_path / "data").symlink_to("one")
    router = runtime.load("router", bundle=tmp_path / "data" / "router.json", reload_seconds=0.0)
    assert "1.0.0" == router.bundle.version
    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").rename(tmp_path / "data")
    assert "2.0.0" == router.bundle.version


def test_the_folder_of_the_application_may_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "router.json").write_bytes(bundle_bytes())
    monkeypatch.chdir(tmp_path)
    router = runtime.load("router", bundle="router.json", reload_seconds=0.0)
    monkeypatch.chdir("/")
    with router.request():
        pass
    assert router.flush(10)
    [file] = (tmp_path / ".llmops" / "traces" / "raw").iterdir()
    assert file.name.endswith(".jsonl")
    assert "reloads_failed" not in router.stats()


def test_routers_can_share_what_records(tmp_path: Path) -> None:
    router = loaded(tmp_path)
    other = runtime.load("router", bundle=tmp_path / "router.json", like=router)
    for each in (router, other):
        with each.request():
            pass
    assert 2 == len(written(tmp_path, other))
    assert 1 == len(list((tmp_path / "raw").iterdir()))


def test_the_traces_say_where_they_come_from(tmp_path: Path) -> None:
    router = loaded(tmp_path, service="shop")
    with router.request():
        pass
    assert "production" == the(written(tmp_path, router), "invoke_workflow").attributes["deployment.environment.name"]
    [file] = (tmp_path / "raw").iterdir()
    resource = json.loads(file.read_text())["resourceSpans"][0]["resource"]["attributes"]
    assert {"service.name": "shop", "deployment.environment.name": "production"} == {
        item["key"]: item["value"]["stringValue"] for item in resource
    }


def replace(path: Path, data: bytes) -> None:
    """As `llmops-git export -o` writes."""
    time.sleep(0.01)
    temporary = path.with_suffix(".new")
    temporary.write_bytes(data)
    temporary.replace(path)
