"""The pre-receive hook of every repository of the hub: it plays GitHub's rulesets. Runs alone, in its own process.

Reads HUB_RULES, a JSON object: `rulesets` (objects as in POST /repos/{owner}/{repo}/rulesets), `default_branch`, and `actor`, who
pushes (login, role, integration). As on GitHub, one bad ref declines the whole push.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

ZEROS = "0" * 40
ROLES = {"admin": 5, "maintain": 2, "write": 4}  # ids of the base roles in `bypass_actors`
REASONS = {
    "creation": "Cannot create ref due to creations being restricted.",
    "update": "Cannot update this protected ref.",
    "deletion": "Cannot delete this protected ref.",
    "non_fast_forward": "Cannot force-push to this protected ref.",
    "pull_request": "Changes must be made through a pull request.",
}


def broken(rulesets, actor, default_branch, ref, old, new, fast_forward, state_of=None):
    """The reasons why a ref may not be moved. `fast_forward()` and `state_of(context)` are only called when needed."""
    return [
        reason
        for ruleset in rulesets
        if ruleset.get("enforcement") == "active" and applies(ruleset, ref, default_branch) and not bypasses(ruleset, actor)
        for rule in ruleset.get("rules", [])
        for reason in judge(rule, old, new, fast_forward, state_of)
    ]


def judge(rule, old, new, fast_forward, state_of):
    kind = rule["type"]
    created, deleted = old == ZEROS, new == ZEROS
    moved = not created and not deleted
    hit = {
        "creation": created,
        "deletion": deleted,
        "update": moved,
        "pull_request": moved and state_of is None,  # a merge of a pull request is how state_of gets here
        "non_fast_forward": moved and kind == "non_fast_forward" and not fast_forward(),
    }
    if hit.get(kind):
        return [REASONS[kind]]
    if kind == "required_status_checks" and moved:
        wanted = [check["context"] for check in rule["parameters"]["required_status_checks"]]
        return [
            f'Required status check "{context}" is expected.'
            for context in wanted
            if state_of is None or state_of(context) != "success"
        ]
    return []


def applies(ruleset, ref, default_branch):
    prefix = {"tag": "refs/tags/", "branch": "refs/heads/"}.get(ruleset.get("target", "branch"), "refs/none/")
    names = (ruleset.get("conditions") or {}).get("ref_name") or {}
    hit = lambda patterns: any(matches(pattern, ref, prefix, default_branch) for pattern in patterns)  # noqa: E731
    return ref.startswith(prefix) and hit(names.get("include", [])) and not hit(names.get("exclude", []))


def matches(pattern, ref, prefix, default_branch):
    """Ruby's File.fnmatch with FNM_PATHNAME, which is how GitHub describes the patterns: `*` stops at a slash, `**/` does not."""
    if pattern == "~ALL":
        return True
    if pattern == "~DEFAULT_BRANCH":
        return ref == "refs/heads/" + default_branch
    pattern = pattern if pattern.startswith("refs/") else prefix + pattern
    translated = (
        re.escape(pattern)
        .replace(r"\*\*/", "(?:[^/]+/)*")
        .replace(r"\*\*", "[^/]*")
        .replace(r"\*", "[^/]*")
        .replace(r"\?", "[^/]")
    )
    return re.fullmatch(translated, ref) is not None


def bypasses(ruleset, actor):
    ids = {
        "RepositoryRole": ROLES.get(actor.get("role")),
        "Integration": actor.get("integration"),
        "DeployKey": actor.get("deploy_key"),
    }
    return any(
        entry.get("bypass_mode", "always") == "always"
        and (
            (
                entry["actor_type"] in ids
                and ids[entry["actor_type"]] is not None
                and entry.get("actor_id") == ids[entry["actor_type"]]
            )
            or (entry["actor_type"] == "OrganizationAdmin" and actor.get("role") == "admin")
        )
        for entry in ruleset.get("bypass_actors") or []
    )


def main():
    known = json.loads(os.environ["HUB_RULES"])
    declined = False
    for line in sys.stdin:
        old, new, ref = line.split()
        ancestor = ["git", "merge-base", "--is-ancestor", old, new]
        reasons = broken(
            known["rulesets"], known["actor"], known["default_branch"], ref, old, new,
            lambda command=ancestor: subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0,
        )  # fmt: skip
        if reasons:
            declined = True
            lines = [f"error: GH013: Repository rule violations found for {ref}.", *(f"- {why}" for why in reasons)]
            sys.stderr.write("\n".join([*lines, ""]))
    return declined


if __name__ == "__main__":
    sys.exit(main())
