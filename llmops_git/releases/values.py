"""The values of the release slice: releases, what runs where, evidence. Frozen, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from llmops_git.releases.messages import Message, parse_message, parse_trailers, signature_start
from llmops_git.releases.tags import ReleaseNote, TagName, TagRef, note_from

Action = Literal["promote", "rollback"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release tag as git has it. `time` (seconds since 1970) is shown, never compared."""

    tag: TagName
    tag_object: str
    commit: str
    header: str  # the name inside the tag object; another name means a replayed tag
    time: int
    contents: str

    @property
    def name(self) -> str:
        return str(self.tag)

    @property
    def ref(self) -> TagRef:
        return TagRef(self.name, self.tag_object)

    @property
    def message(self) -> Message:
        return parse_message(self.contents)

    @property
    def trailers(self) -> Mapping[str, str]:
        """The trailers of the message, without taking the rest apart."""
        return parse_trailers(self.contents)

    @property
    def note(self) -> ReleaseNote | None:
        """What the message says; None when llmops-git did not write it."""
        return note_from(self.tag, self.message)

    @property
    def signed(self) -> bool:
        """Whether the tag carries a signature, good or bad."""
        return signature_start(self.contents) < len(self.contents)

    @property
    def digest(self) -> str:
        """The config digest that the tag claims, or ""."""
        return self.trailers.get("Config-Digest", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What an environment runs of one config, as its branch says."""

    config: str
    release: str  # tag name
    tag_object: str
    commit: str
    digest: str
    bundle: str  # blob id of <config>.json
    action: Action

    @property
    def held(self) -> bool:
        """After a rollback, automatic promotion is off until someone promotes."""
        return self.action == "rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentState:
    """One environment: the tip of its branch and what it runs. `problems` are files on it that cannot be read."""

    name: str
    tip: str
    running: Mapping[str, Running] = field(default_factory=dict)
    blobs: Mapping[str, str] = field(default_factory=dict)  # file name -> blob id at the tip
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Everything that git knows about releases: by config in ascending order of number, environments, evidence."""

    releases: Mapping[str, tuple[Release, ...]] = field(default_factory=dict)
    environments: Mapping[str, EnvironmentState] = field(default_factory=dict)
    evidence: str = ""  # tip of the evidence branch; "" when there is none
    strays: tuple[str, ...] = ()  # refs that have a release's name but are no annotated tag

    def newest(self, config: str) -> Release | None:
        return self.releases[config][-1] if self.releases.get(config) else None

    def find(self, name: str) -> Release | None:
        """The release with this tag name."""
        return next((release for releases in self.releases.values() for release in releases if release.name == name), None)

    def running(self, environment: str, config: str) -> Running | None:
        state = self.environments.get(environment)
        return state.running.get(config) if state else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One step in an environment's history. `time` is the commit's, in seconds since 1970, for display only."""

    commit: str
    time: int
    actor: str
    running: Running
    reason: str = ""
    previous: str = ""  # tag name that ran before, or ""
