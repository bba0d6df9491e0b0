"""Write tests/contract anew: the part of GitHub's own API description that we use, and real webhook payloads.

    python scripts/update_contract.py [--openapi FOLDER] [--events FOLDER] [--examples FOLDER]

The sources are three npm packages of octokit, all under the MIT licence. A folder is an unpacked package (it holds
package.json) or a .tgz of one; without it the version below is fetched with `npm pack` into a temporary folder.
The same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OPENAPI = "@octokit/openapi@23.0.2"
EVENTS = "@octokit/openapi-webhooks@12.1.0"
EXAMPLES = "@octokit/webhooks-examples@7.6.1"
TARGET = Path(__file__).resolve().parent.parent / "tests" / "contract"
DESCRIPTIONS = {"github": "api.github.com", "github-enterprise": "ghes-3.19"}  # our name -> name in the package

_REPO = "/repos/{owner}/{repo}"
OPERATIONS = {
    "/user": "get",
    "/rate_limit": "get",
    _REPO: "get",
    f"{_REPO}/collaborators/{{username}}/permission": "get",
    f"{_REPO}/issues": "get post",
    f"{_REPO}/issues/{{issue_number}}": "get patch",
    f"{_REPO}/issues/{{issue_number}}/comments": "get post",
    f"{_REPO}/issues/comments/{{comment_id}}": "get patch delete",
    f"{_REPO}/issues/{{issue_number}}/labels": "get post",
    f"{_REPO}/labels": "get post",
    f"{_REPO}/labels/{{name}}": "get",
    f"{_REPO}/pulls": "get post",
    f"{_REPO}/pulls/{{pull_number}}": "get patch",
    f"{_REPO}/pulls/{{pull_number}}/merge": "put",
    f"{_REPO}/commits/{{commit_sha}}/pulls": "get",
    f"{_REPO}/commits/{{ref}}/status": "get",
    f"{_REPO}/commits/{{ref}}/statuses": "get",
    f"{_REPO}/statuses/{{sha}}": "post",
    f"{_REPO}/actions/runs/{{run_id}}": "get",
    f"{_REPO}/actions/runs/{{run_id}}/artifacts": "get",
    f"{_REPO}/actions/artifacts/{{artifact_id}}/{{archive_format}}": "get",
    f"{_REPO}/actions/workflows/{{workflow_id}}/dispatches": "post",
    f"{_REPO}/git/ref/{{ref}}": "get",
    f"{_REPO}/git/matching-refs/{{ref}}": "get",
    f"{_REPO}/git/tags/{{tag_sha}}": "get",
    f"{_REPO}/rulesets": "get post",
}
# file name -> (event, conditions that the example must meet)
PAYLOADS: dict[str, tuple[str, dict[str, Any]]] = {
    "pull_request.opened": ("pull_request", {"action": "opened"}),
    "pull_request.synchronize": ("pull_request", {"action": "synchronize"}),
    "push": ("push", {"ref": "refs/heads/master", "deleted": False}),
    "merge_group.checks_requested": ("merge_group", {"action": "checks_requested"}),
    "workflow_run.completed": ("workflow_run", {"action": "completed"}),
    "workflow_dispatch": ("workflow_dispatch", {}),
}
_PROSE = frozenset({"description", "summary", "externalDocs", "tags", "example", "examples", "x-github", "x-octokit", "title"})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--openapi", type=Path, help=f"unpacked or packed {OPENAPI}")
    parser.add_argument("--events", type=Path, help=f"unpacked or packed {EVENTS}")
    parser.add_argument("--examples", type=Path, help=f"unpacked or packed {EXAMPLES}")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        openapi = _package(given.openapi, OPENAPI, Path(scratch) / "openapi")
        events = _package(given.events, EVENTS, Path(scratch) / "events")
        examples = _package(given.examples, EXAMPLES, Path(scratch) / "examples")
        TARGET.mkdir(parents=True, exist_ok=True)
        for ours, theirs in DESCRIPTIONS.items():
            _write_slice(openapi / "generated" / f"{theirs}.json", TARGET / f"{ours}.json.gz")
        _write_events(events / "generated" / "api.github.com.json", TARGET / "events.json.gz")
        _write_payloads(examples / "api.github.com" / "index.json", TARGET / "payloads")
        shutil.copyfile(openapi / "LICENSE", TARGET / "LICENSE")
    return 0


def _package(given: Path | None, wanted: str, scratch: Path) -> Path:
    """The folder of an unpacked package."""
    if given is not None and given.is_dir():
        return given
    scratch.mkdir()
    if given is None:
        subprocess.run(["npm", "pack", "--silent", wanted], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
        given = next(scratch.glob("*.tgz"))
    with tarfile.open(given) as packed:
        packed.extractall(scratch, filter="data")
    return scratch / "package"


def _write_slice(source: Path, target: Path) -> None:
    whole = json.loads(source.read_bytes())
    paths = {path: _operations(whole, path, methods.split()) for path, methods in OPERATIONS.items()}
    components = _closure(whole, paths)
    _write(target, {"openapi": whole["openapi"], "info": whole["info"]["version"], "paths": paths, "components": components})


def _write_events(source: Path, target: Path) -> None:
    """The schemas of the payloads: `events` says which one each payload has."""
    whole = json.loads(source.read_bytes())
    names = {name: whole["webhooks"][name.replace(".", "-").replace("_", "-")] for name in PAYLOADS}
    events = {name: event["post"]["requestBody"]["content"]["application/json"]["schema"] for name, event in names.items()}
    _write(target, {"info": whole["info"]["version"], "events": events, "components": _closure(whole, events)})


def _write(target: Path, document: Any) -> None:
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    target.write_bytes(gzip.compress(text.encode(), mtime=0))


def _operations(whole: dict[str, Any], path: str, methods: list[str]) -> dict[str, Any]:
    try:
        return {method: _trim_operation(whole, whole["paths"][path][method]) for method in methods}
    except KeyError as missing:
        sys.exit(f"{path}: the description has no {missing} (hint: look for the operation's new name)")


def _trim_operation(whole: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    """Without prose; the first example of each success is kept beside its schema as `x-example`."""
    trimmed = _trim(operation)
    for status, response in operation["responses"].items():
        media = response.get("content", {}).get("application/json", {})
        example = next(iter(media.get("examples", {}).values()), None)
        if status.startswith("2") and example is not None:
            example = _follow(whole, example["$ref"]) if "$ref" in example else example
            trimmed["responses"][status]["content"]["application/json"]["x-example"] = example["value"]
    return {key: trimmed[key] for key in ("operationId", "parameters", "requestBody", "responses") if key in trimmed}


def _trim(node: Any, *, names: bool = False) -> Any:
    """A copy without prose. The keys of `properties` (and of the maps beside it) are names, whatever they look like."""
    if isinstance(node, list):
        return [_trim(item) for item in node]
    if not isinstance(node, dict):
        return node
    maps = ("properties", "schemas", "responses", "parameters", "headers")
    kept = {key: value for key, value in node.items() if names or key not in _PROSE}
    return {key: _trim(value, names=not names and key in maps) for key, value in kept.items()}


def _closure(whole: dict[str, Any], roots: Any) -> dict[str, dict[str, Any]]:
    """Every component that the roots refer to, directly or not."""
    components: dict[str, dict[str, Any]] = {}
    waiting = list(_references(roots))
    while waiting:
        _, _, kind, name = waiting.pop().split("/")
        if name in components.setdefault(kind, {}):
            continue
        components[kind][name] = _trim(whole["components"][kind][name])
        waiting.extend(_references(components[kind][name]))
    return components


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for key, value in node.items():
            if key != "x-example":
                yield from _references(value)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)


def _follow(whole: dict[str, Any], reference: str) -> Any:
    node: Any = whole
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def _write_payloads(source: Path, target: Path) -> None:
    events = {event["name"]: event["examples"] for event in json.loads(source.read_bytes())}
    target.mkdir(exist_ok=True)
    for name, (event, wanted) in PAYLOADS.items():
        matching = (example for example in events[event] if wanted.items() <= example.items())
        text = json.dumps(next(matching), ensure_ascii=False, indent=1, sort_keys=True)
        (target / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
