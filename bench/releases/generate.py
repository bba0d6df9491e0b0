"""Makes a repository with release tags and environments, as llmops-git would have written them, through fast-import."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from llmops_git.releases.records import format_record
from llmops_git.releases.tags import ReleaseNote, TagName, TagRef, format_tag_message
from llmops_git.releases.values import Running
from llmops_git.releases.versions import Version

WHO = "Release Bot <bot@example.com>"
ENVIRONMENTS = ("development", "testing", "staging", "canary", "production")
START = 1_767_323_045


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    return subprocess.run(["git", *arguments], cwd=folder, input=stdin, capture_output=True, check=True).stdout.decode()


def message(config: str, version: Version) -> str:
    """A tag message of about 1.3 kB, with three scores."""
    score = {"base": 0.8125, "delta": 0.0375, "head": 0.85, "high": 0.0761, "low": -0.0011, "n": 120, "verdict": "unchanged"}
    before = Version(version.major, version.minor - 1, 0) if version.minor else None
    note = ReleaseNote(
        tag=TagName(config, version),
        summary="Answer questions of customers.\n\nunchanged against the release before\nqueue 0.8125 -> 0.85",
        config_digest=f"sha256:{sha(f'{config} {version}')}",
        closure_digest=f"sha256:{sha(f'closure {config} {version}')}",
        model="openai/gpt-4.1-mini-2025-04-14",
        bump="minor" if before else "first",
        baseline=TagRef(str(TagName(config, before)), sha("b")[:40]) if before else None,
        verdict="unchanged",
        scores={"against": "previous release", "n": 120, "scores": {"queue": score, "helpful": score, "faithful": score}},
        eval_digest=f"sha256:{sha(f'eval {config}')}",
        evidence=TagRef(f"evidence/{config}/{sha(config)}/{sha('e')}/{sha(str(version))}.json", sha("e")[:40]),
        previous=TagRef(str(TagName(config, before)), sha("p")[:40]) if before else None,
    )
    return format_tag_message(note)


def data(text: str) -> bytes:
    raw = text.encode()
    return b"data %d\n%b\n" % (len(raw), raw)


def generate(folder: Path, *, configs: int = 50, versions: int = 50, deployments: int = 4) -> None:
    """A bare repository: `configs` x `versions` release tags on as many commits, five environments that run every config."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
    stream = bytearray()
    mark = 0
    for minor in range(versions):
        for number in range(configs):
            mark += 1
            name, version = f"config-{number:03}", Version(1, minor, 0)
            stream += b"commit refs/heads/main\nmark :%d\ncommitter %b %d +0000\n" % (mark, WHO.encode(), START + mark)
            stream += data(f"change {name}") + f"M 100644 inline prompts/{name}.yaml\n".encode() + data(f"# {version}")
            tag = TagName(name, version)
            stream += f"tag {tag}\nfrom :{mark}\ntagger {WHO} {START + mark} +0000\n".encode() + data(message(name, version))
    git(folder, "fast-import", "--quiet", stdin=bytes(stream))
    deploy(folder, configs, versions, deployments)


def deploy(folder: Path, configs: int, versions: int, deployments: int) -> None:
    """Environment branches: the last `deployments` versions of every config, one commit each."""
    lines = git(folder, "for-each-ref", "--format=%(refname:strip=2) %(objectname) %(*objectname)", "refs/tags/llmops").split(
        "\n"
    )
    known = {name: (tag, commit) for name, tag, commit in (line.split() for line in lines if line)}
    stream = bytearray()
    for place, environment in enumerate(ENVIRONMENTS):
        for minor in range(versions - deployments, versions):
            for number in range(configs):
                name = f"config-{number:03}"
                release = str(TagName(name, Version(1, minor, 0)))
                tag, commit = known[release]
                bundle = json.dumps({"schema": "llmops-git/bundle/1", "release": release, "resolved": {"text": "x" * 3000}})
                blob = hashlib.sha1(b"blob %d\0" % len(bundle) + bundle.encode()).hexdigest()
                running = Running(
                    config=name, release=release, tag_object=tag, commit=commit, digest=f"sha256:{sha(release)}", bundle=blob,
                    action="promote",
                )  # fmt: skip
                stream += f"commit refs/heads/llmops/env/{environment}\ncommitter {WHO} {START + place} +0000\n".encode()
                stream += data(
                    f"promote {name} to {environment}\n\nAction: promote\nConfig: {name}\nRelease: {release} {tag}\n"
                )
                stream += f"M 100644 inline {name}.json\n".encode() + data(bundle)
                stream += f"M 100644 inline {name}.conf\n".encode() + data(format_record(running).decode())
    git(folder, "fast-import", "--quiet", stdin=bytes(stream))


if __name__ == "__main__":
    generate(Path(sys.argv[1]))
