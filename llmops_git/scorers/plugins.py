"""Scorers of other packages: found by entry points of installed packages, allowed by name, held to what scorers promise.

Never from the repository: what a pull request brings is data, and an entry point in its files would be code.
"""

from __future__ import annotations

import math
import site
import sysconfig
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from importlib import metadata, util
from pathlib import Path
from typing import cast

from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Scorer, Session
from llmops_git.scorers.results import not_measured

GROUP = "llmops_git.scorers"
Build = Callable[[ScorerSettings], Scorer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A scorer of another package, whose values are held to the range that all of them have."""

    scorer: Scorer
    direction: Direction
    scale: Scale
    step: float
    ratio: bool

    def score(self, sample: Sample, session: Session | None) -> Score:
        score: object = self.scorer.score(sample, session)
        if not isinstance(score, Score):
            return not_measured("scorer", f"the scorer gave a {type(score).__name__} and no Score")
        if score.state != "measured":
            return replace(score, value=None)
        value: object = score.value
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            return not_measured("scorer", f"the scorer gave {value!r}")
        if value < 0 or (value > 1 and not self.ratio):
            return not_measured("scorer", f"the scorer gave {value:g}, which is not from 0 to 1")
        return replace(score, value=float(value))


def build_plugin(settings: ScorerSettings, allowed: Collection[str]) -> Guarded:
    """The scorer that a package registers under `settings.use`. Raises LlmopsError where it is not allowed, not installed,
    registered twice, or not what a scorer has to be."""
    if settings.use not in allowed:
        hint = f"scorers: {{allow: [{settings.use}]}} in llmops.yaml, as a change of its own: it counts from the base commit on"
        raise LlmopsError(f"`{settings.use}` is code of another package, and the policy does not allow it", hint=hint)
    entry = _entry(settings.use)
    try:
        build = cast("Build", entry.load())
        scorer = build(replace(settings, options=settings.options.get("options", {})))
    except LlmopsError:
        raise
    except Exception as error:
        raise LlmopsError(f"{_package(entry)} cannot make `{settings.use}`: {type(error).__name__}: {error}") from error
    return _guarded(scorer, entry)


def _entry(use: str) -> metadata.EntryPoint:
    found = [entry for entry in metadata.entry_points(group=GROUP, name=use) if _is_installed(entry)]
    if not found:
        hint = f"install the package that has it; it names it under the entry points `{GROUP}`"
        raise LlmopsError(f"no installed package has a scorer `{use}`", hint=hint)
    if len(found) > 1:
        packages = ", ".join(sorted(_package(entry) for entry in found))
        raise LlmopsError(f"several packages have a scorer `{use}`: {packages}", hint="uninstall all but one")
    if (folder := _checkout_of(found[0].module)) is not None:
        message = f"`{use}` would come from {folder}, the repository that is being looked at"
        raise LlmopsError(message, hint="install the package from elsewhere")
    return found[0]


def _package(entry: metadata.EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown package"


def _is_installed(entry: metadata.EntryPoint) -> bool:
    """Whether the package's own record lies where an installer puts it. The folder that Python was started in is looked
    through as well, and is no such place."""
    if entry.dist is None:
        return False
    record = Path(str(entry.dist.locate_file(""))).resolve()
    return record in _site_folders()


def _site_folders() -> set[Path]:
    folders = {
        sysconfig.get_path("purelib"),
        sysconfig.get_path("platlib"),
        *site.getsitepackages(),
        site.getusersitepackages(),
    }
    return {Path(folder).resolve() for folder in folders}


def _checkout_of(module: str) -> Path | None:
    """The repository around the current folder, if the module would be loaded out of it."""
    top = module.partition(".")[0]
    spec = util.find_spec(top)
    places = [spec.origin, *(spec.submodule_search_locations or ())] if spec else []
    here = _repository(Path.cwd())
    for place in places:
        path = Path(place).resolve() if place else None
        outside = path is None or here is None or any(path.is_relative_to(folder) for folder in _site_folders())
        if path is not None and not outside and _repository(path) == here:
            return here
    return None


def _repository(path: Path) -> Path | None:
    resolved = path.resolve()
    return next((folder for folder in (resolved, *resolved.parents) if (folder / ".git").exists()), None)


def _guarded(scorer: object, entry: metadata.EntryPoint) -> Guarded:
    direction, scale = getattr(scorer, "direction", None), getattr(scorer, "scale", None)
    step, ratio = getattr(scorer, "step", None), getattr(scorer, "ratio", False)
    numeric = isinstance(step, int | float) and not isinstance(step, bool) and 0 < step <= 1
    declared = direction in {"higher", "lower"} and scale in {"binary", "ordinal", "continuous"} and isinstance(ratio, bool)
    if not (numeric and declared and callable(getattr(scorer, "score", None))):
        raise LlmopsError(
            f"{_package(entry)}: the scorer `{entry.name}` does not declare direction, scale, step and ratio",
            hint="see `Scorer` in llmops_git/scorers/base.py",
        )
    kept = cast("Scorer", scorer)
    return Guarded(scorer=kept, direction=kept.direction, scale=kept.scale, step=float(kept.step), ratio=ratio)
