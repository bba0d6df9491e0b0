"""Who answered in all parts of a run: the provider's fingerprint, then the engines that replies named. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

MOST_NAMED = 3  # engines named in a run, as `evals.run` names them
_MORE, _BETWEEN = "…", "; "


def merged_engine(parts: Sequence[str], fingerprints: Collection[str]) -> str:
    """The `engine` of a run whose parts say `parts`: what one run would say, where the parts have one of the `fingerprints` in
    common, and all of them side by side otherwise."""
    different = list(dict.fromkeys(parts))
    if len(different) == 1:
        return different[0]
    common = [each for each in fingerprints if all(part == each or part.startswith(each + _BETWEEN) for part in different)]
    if not common:
        return " | ".join(different)
    fingerprint = max(common, key=len)
    named = {name for part in different for name in part[len(fingerprint) :].split(_BETWEEN) if name}
    engines = sorted(named - {_MORE})  # the first ones of all are among the first ones of each
    more = _MORE in named or len(engines) > MOST_NAMED
    return _BETWEEN.join([fingerprint, *engines[:MOST_NAMED], *([_MORE] if more else [])])
