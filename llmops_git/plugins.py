"""Code of other packages: found by entry points of packages that are installed, and never in the repository.

What a pull request brings is data; an entry point among its files would be code.
"""

from __future__ import annotations

import site
import sysconfig
from collections.abc import Collection
from importlib import metadata, util
from pathlib import Path

from llmops_git.errors import LlmopsError


def find_plugin(group: str, name: str, kind: str) -> metadata.EntryPoint:
    """The one entry point `name` of a group, not loaded yet; `kind` says what it is (`scorer`, `provider`).

    Raises LlmopsError where no installed package has it, several do, or it would be loaded out of the checkout.
    """
    found = [entry for entry in metadata.entry_points(group=group, name=name) if _is_installed(entry)]
    if not found:
        hint = f"install the package that has it; it names it under the entry points `{group}`"
        raise LlmopsError(f"no installed package has a {kind} `{name}`", hint=hint)
    if len(found) > 1:
        packages = ", ".join(sorted(package_of(entry) for entry in found))
        raise LlmopsError(f"several packages have a {kind} `{name}`: {packages}", hint="uninstall all but one")
    if is_in_checkout(found[0].module):
        message = f"`{name}` would come from the repository that is being looked at (`{found[0].module}`)"
        raise LlmopsError(message, hint="install the package from elsewhere")
    return found[0]


def build_allowed(
    group: str, kind: str, name: str, settings: object, *, allowed: Collection[str], key: str
) -> tuple[object, metadata.EntryPoint]:
    """What the function that a package registers under `name` makes of `settings`, and its entry point. `key` is where the
    policy allows names of this kind. Raises LlmopsError where it is not allowed, not found, or makes nothing."""
    if name not in allowed:
        hint = f"{key}: {{allow: [{name}]}} in llmops.yaml, as a change of its own: it counts from the base commit on"
        raise LlmopsError(f"`{name}` is code of another package, and the policy does not allow it", hint=hint)
    entry = find_plugin(group, name, kind)
    try:
        return entry.load()(settings), entry
    except LlmopsError:
        raise
    except Exception as error:
        raise LlmopsError(f"{package_of(entry)} cannot make `{name}`: {type(error).__name__}: {error}") from error


def package_of(entry: metadata.EntryPoint) -> str:
    """Name and version of the package that registers it."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown package"


def is_in_checkout(module: str) -> bool:
    """Whether a module would be loaded out of the repository around the current folder."""
    here = _repository(Path.cwd())
    spec = util.find_spec(module.partition(".")[0])
    if here is None or spec is None:
        return False
    places = [Path(place).resolve() for place in (spec.origin, *(spec.submodule_search_locations or ())) if place]
    installed = _site_folders()
    return any(place.is_relative_to(here) and not any(place.is_relative_to(folder) for folder in installed) for place in places)


def _is_installed(entry: metadata.EntryPoint) -> bool:
    """Whether the package's record lies where an installer puts it. The folder that Python was started in, which may be a
    stranger's checkout, is looked through as well."""
    return entry.dist is not None and Path(str(entry.dist.locate_file(""))).resolve() in _site_folders()


def _site_folders() -> set[Path]:
    schemes = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    return {Path(folder).resolve() for folder in (*schemes, *site.getsitepackages(), site.getusersitepackages())}


def _repository(path: Path) -> Path | None:
    return next((folder for folder in (path.resolve(), *path.resolve().parents) if (folder / ".git").exists()), None)
