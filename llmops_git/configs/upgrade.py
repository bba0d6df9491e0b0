"""What an upgrade of pins is: which files, from what, to what; whether it may be; what its branch is called. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmops_git.configs.paths import suggestion
from llmops_git.configs.pin_edit import PinEdit, edit_pin
from llmops_git.configs.pins import floating_reason, pin_hint
from llmops_git.configs.policy import Policy
from llmops_git.configs.yaml import parse
from llmops_git.errors import InvalidInput, LlmopsError

BRANCHES = "llmops/upgrade"
_MAX_SLUG = 80
_MAX_NAME = 60  # characters of a name in a title
_NOT_IN_SLUG = re.compile(r"[^A-Za-z0-9._-]+")
_DOTS = re.compile(r"\.{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for: the configs (names or paths) to be upgraded, or all that are pinned to `old`."""

    model: str
    provider: str = ""  # "" keeps each config's own
    configs: tuple[str, ...] = ()
    old: str = ""  # MODEL or PROVIDER/MODEL


def edits_of(files: Mapping[str, bytes], policy: Policy, *, model: str, provider: str) -> tuple[PinEdit, ...]:
    """The edits of config files, without those that have the pin already. Raises InvalidInput or LlmopsError where one may
    not have it: a provider that is not known, an alias, a file that cannot be edited in place; and when none is left."""
    edits = [edit_pin(files[path], path, model=model, provider=provider) for path in sorted(files)]
    for edit in edits:
        _require_pin(edit, policy, floats=_may_float(files[edit.path], edit.path))
    changed = tuple(edit for edit in edits if edit.data != files[edit.path])
    if edits and not changed:
        pinned = ", ".join(edit.path for edit in edits[:5])
        raise LlmopsError(f"{pinned}: pinned to {edits[0].provider}/{model} already", hint="llmops-git check")
    return changed


def _require_pin(edit: PinEdit, policy: Policy, *, floats: bool) -> None:
    settings = policy.providers.get(edit.provider)
    if settings is None:
        known = sorted(policy.providers)
        hint = suggestion(edit.provider, known) or f"declare it in llmops.yaml; known are {', '.join(known)}"
        raise LlmopsError(f"there is no provider `{edit.provider}`", hint=hint)
    reason = floating_reason(settings.name, settings.api, edit.model)
    if reason and not floats:
        raise LlmopsError(reason, hint=pin_hint(edit.model))


def _may_float(data: bytes, path: str) -> bool:
    return parse(data, path).value["model"].get("allow_floating") is True


def pinned_to(files: Mapping[str, bytes], old: str) -> tuple[str, ...]:
    """The paths of the config files whose pin is `old`, a model or `provider/model`."""
    pins = pins_of(files)
    return tuple(path for (provider, model), paths in pins.items() if old in (model, f"{provider}/{model}") for path in paths)


def _pin(data: bytes, path: str) -> tuple[str, str] | None:
    try:
        value = parse(data, path).value
    except InvalidInput:
        return None
    model = value.get("model") if isinstance(value, dict) else None
    if not isinstance(model, dict):
        return None
    return str(model.get("provider")), str(model.get("id"))


def slug(text: str) -> str:
    """`text` as one part of a branch name (git-check-ref-format): letters, digits, dashes, underscores and single dots."""
    plain = _DOTS.sub(".", _NOT_IN_SLUG.sub("-", text))[:_MAX_SLUG].strip(".-")
    return f"{plain}-" if plain.endswith(".lock") else plain or "model"


def branch_name(wanted: Wanted, names: Sequence[str]) -> str:
    """`llmops/upgrade/<config>/<model>`, or `llmops/upgrade/from-<old>/<model>` for all configs with a pin."""
    subject = f"from-{wanted.old}" if wanted.old else "-".join(names)
    return f"{BRANCHES}/{slug(subject)}/{slug(wanted.model)}"


def title_of(edits: Sequence[PinEdit], names: Sequence[str]) -> str:
    """One line that names configs and models, for the commit and the pull request."""
    who = names[0] if len(names) == 1 else f"{len(names)} configs"
    before = sorted({edit.model_before for edit in edits})
    origin = _cut(before[0]) if len(before) == 1 else f"{len(before)} models"
    return f"Upgrade {_cut(who)} from {origin} to {_cut(edits[0].model)}"


def _cut(name: str) -> str:
    """A name for a title: GitHub takes 256 characters of one in all."""
    return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 1]}\u2026"


def pins_of(files: Mapping[str, bytes]) -> dict[tuple[str, str], list[str]]:
    """(provider, model) -> the config files that are pinned to it, sorted; what is no config is left out."""
    found: dict[tuple[str, str], list[str]] = {}
    for path in sorted(files):
        pin = _pin(files[path], path)
        if pin is not None:
            found.setdefault(pin, []).append(path)
    return found
