"""Providers of other packages: found by entry points of installed packages, named by the policy, and never from the repository.

A package registers `NAME = "module:open"` in the group `llmops_git.providers`; `open(settings, environ)` returns a `Provider`.
The policy that counts is that of the base commit, so what a pull request brings is not run.
"""

from __future__ import annotations

import site
import sysconfig
from collections.abc import Mapping
from importlib import metadata, util
from pathlib import Path
from typing import cast

from llmops_git.configs.policy import ProviderSettings
from llmops_git.errors import LlmopsError
from llmops_git.providers.base import Provider

GROUP = "llmops_git.providers"
_PARTS = ("fingerprint", "generate", "close")


def open_plugin(settings: ProviderSettings, *, environ: Mapping[str, str]) -> Provider:
    """The provider that a package registers under `settings.plugin`.

    Raises LlmopsError where it is not installed, registered twice, would come from the checkout, fails, or is no provider.
    """
    entry = _entry(settings)
    try:
        provider = entry.load()(settings, environ=environ)
    except LlmopsError:
        raise
    except Exception as error:
        raise LlmopsError(f"provider `{settings.name}`: {_package(entry)} failed: {type(error).__name__}: {error}") from error
    concurrency = getattr(provider, "concurrency", None)
    complete = all(callable(getattr(provider, part, None)) for part in _PARTS)
    if not complete or not isinstance(concurrency, int) or isinstance(concurrency, bool) or concurrency < 1:
        raise LlmopsError(
            f"provider `{settings.name}`: what {_package(entry)} opens has no {', '.join(_PARTS)} and concurrency of 1 or more",
            hint="see `Provider` in llmops_git/providers/base.py",
        )
    return cast("Provider", provider)


def _entry(settings: ProviderSettings) -> metadata.EntryPoint:
    where = f"provider `{settings.name}`"
    found = [entry for entry in metadata.entry_points(group=GROUP, name=settings.plugin) if _is_installed(entry)]
    if not found:
        hint = f"install the package that has it; it names it under the entry points `{GROUP}`"
        raise LlmopsError(f"{where}: no installed package has a provider `{settings.plugin}`", hint=hint)
    if len(found) > 1:
        packages = ", ".join(sorted(_package(entry) for entry in found))
        raise LlmopsError(
            f"{where}: several packages have a provider `{settings.plugin}`: {packages}", hint="uninstall all but one"
        )
    if is_in_checkout(found[0].module):
        message = f"{where}: `{found[0].module}` would come from the repository that is being looked at"
        raise LlmopsError(message, hint="install the package from elsewhere")
    return found[0]


def _package(entry: metadata.EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown package"


def _is_installed(entry: metadata.EntryPoint) -> bool:
    """Whether the package's record lies where an installer puts it. The folder that Python was started in, which may be a
    stranger's checkout, is looked through as well."""
    return entry.dist is not None and Path(str(entry.dist.locate_file(""))).resolve() in _site_folders()


def _site_folders() -> set[Path]:
    schemes = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    return {Path(folder).resolve() for folder in (*schemes, *site.getsitepackages(), site.getusersitepackages())}


def is_in_checkout(module: str) -> bool:
    """Whether a module would be loaded out of the repository around the current folder."""
    here = _repository(Path.cwd())
    spec = util.find_spec(module.partition(".")[0])
    if here is None or spec is None:
        return False
    places = [Path(place).resolve() for place in (spec.origin, *(spec.submodule_search_locations or ())) if place]
    installed = _site_folders()
    return any(place.is_relative_to(here) and not any(place.is_relative_to(folder) for folder in installed) for place in places)


def _repository(path: Path) -> Path | None:
    return next((folder for folder in (path.resolve(), *path.resolve().parents) if (folder / ".git").exists()), None)
