"""The judge itself: routes, the conversion of schemas, and that the files are what the script writes."""

from __future__ import annotations

import gzip
import json

import pytest
from fakehub.contract import FOLDER, NOTHING, _routes, contract, convert
from jsonschema import Draft202012Validator

REPO = "/repos/o/r"


@pytest.mark.parametrize(
    ("method", "path", "operation", "parameters"),
    [
        ("GET", f"{REPO}/commits/a/b/status", "repos/get-combined-status-for-ref", {"ref": "a/b"}),
        ("GET", f"{REPO}/commits/a%2Fb/statuses", "repos/list-commit-statuses-for-ref", {"ref": "a/b"}),
        ("GET", f"{REPO}/commits/abc/pulls", "repos/list-pull-requests-associated-with-commit", {"commit_sha": "abc"}),
        ("GET", f"{REPO}/issues/comments/7", "issues/get-comment", {"comment_id": "7"}),
        ("GET", f"{REPO}/issues/7/comments", "issues/list-comments", {"issue_number": "7"}),
        ("GET", f"{REPO}/git/ref/tags/llmops/a/v1", "git/get-ref", {"ref": "tags/llmops/a/v1"}),
        ("GET", "/user", "users/get-authenticated", {}),
    ],
)
def test_a_path_is_the_most_literal_operation(method: str, path: str, operation: str, parameters: dict[str, str]) -> None:
    match = contract().match(method, path)
    assert match is not None
    assert (match.id, {key: value for key, value in match.parameters.items() if key not in {"owner", "repo"}}) == (
        operation,
        parameters,
    )


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/user"), ("GET", "/users"), ("GET", f"{REPO}/statuses/a"), ("GET", f"{REPO}/labels/a/b")]
)
def test_what_is_not_described_is_no_operation(method: str, path: str) -> None:
    assert contract().match(method, path) is None


def test_both_descriptions_have_the_same_operations() -> None:
    operations = [
        {(path, method) for path, methods in contract(name).document["paths"].items() for method in methods}
        for name in ("github", "github-enterprise")
    ]
    assert operations[0] == operations[1]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("name", ["github", "github-enterprise", "events"])
def test_every_converted_schema_is_a_schema(name: str, strict: bool) -> None:
    document = json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))
    for schema in convert(document["components"], strict=strict)["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_the_files_are_packed_the_same_way_every_time() -> None:
    for path in FOLDER.glob("*.json.gz"):
        text = gzip.decompress(path.read_bytes())
        assert path.read_bytes()[4:8] == b"\0\0\0\0", "the time in the header would make every run different"
        assert text == json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


# GitHub's own examples that its own description refuses, and over what
KNOWN = {
    **dict.fromkeys(
        ["pulls/create", "pulls/get", "pulls/list", "pulls/update"], "requested_teams[0]: 'type' is a required property"
    ),
    "repos/list-pull-requests-associated-with-commit": "requested_teams[0]: 'type' is a required property",
    "repos/get": "'language' is a required property",
    "repos/get-collaborator-permission-level": "'role_name' is a required property",
    "repos/get-repo-rulesets": "'enabled' is not one of",
    "issues/get": "is a required property",
}


def test_github_s_own_examples_fit_its_own_description() -> None:
    judge = contract()
    faults = {}
    for path, methods in judge.document["paths"].items():
        for method, operation in methods.items():
            match = judge.match(method, path.replace("{", "").replace("}", ""))
            assert match is not None
            for status, response in operation["responses"].items():
                example = response.get("content", {}).get("application/json", {}).get("x-example", NOTHING)
                if example is not NOTHING:
                    faults[operation["operationId"]] = judge.reply_violations(match, int(status), example)
    assert {
        name: [fault for fault in found if KNOWN.get(name, "\n") not in fault] for name, found in faults.items() if found
    } == {name: [] for name in KNOWN}


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "string", "nullable": True}, [None, "x"], [1]),
        ({"type": "string", "nullable": True, "enum": ["a"]}, [None, "a"], ["b"]),
        ({"allOf": [{"type": "string"}], "nullable": True}, [None, "x"], [1]),
        ({"type": "object", "properties": {"nullable": {"type": "string"}}}, [{"nullable": "x"}], [{"nullable": None}]),
        (
            {"type": "object", "properties": {"properties": {"type": "string", "nullable": True}}},
            [{"properties": None}],
            [{"properties": 1}],
        ),
    ],
)
def test_nullable_becomes_a_type(schema: dict[str, object], good: list[object], bad: list[object]) -> None:
    validator = Draft202012Validator(convert(schema))
    assert [validator.is_valid(value) for value in good + bad] == [True] * len(good) + [False] * len(bad)


def test_a_reply_with_an_undescribed_status_or_body_is_noticed() -> None:
    judge = contract()
    match = judge.match("DELETE", f"{REPO}/issues/comments/7")
    assert match is not None
    assert judge.reply_violations(match, 204) == []
    assert judge.reply_violations(match, 200, {}) == ["issues/delete-comment: status 200 is not one of ['204']"]
    assert judge.reply_violations(match, 204, {}) == ["issues/delete-comment: 204 has no body"]
    assert judge.reply_violations(match, 502) == []


@pytest.mark.parametrize(
    ("kind", "value", "good"),
    [
        ("uri", "http://127.0.0.1:80/users/a%5Bbot%5D", True),
        ("uri", "http://127.0.0.1:80/users/a[bot]", False),
        ("uri", "no address", False),
        ("date-time", "2026-01-02T03:04:05Z", True),
        ("date-time", "2026-01-02 03:04:05", False),
    ],
)
def test_addresses_and_times_are_judged_too(kind: str, value: str, good: bool) -> None:
    faults = contract()._faults("x", {"type": "string", "format": kind}, value, strict=False)
    assert (faults == []) == good


def test_of_two_routes_the_one_with_more_literal_text_is_asked_first() -> None:
    patterns = [pattern for pattern, _ in _routes({"/commits/{ref}": {}, "/commits/{ref}/status": {}})]
    assert [bool(pattern.fullmatch("/commits/a/status")) for pattern in patterns] == [True, True]
    assert patterns[0].fullmatch("/commits/a/b/status")["ref"] == "a/b"  # type: ignore[index]
