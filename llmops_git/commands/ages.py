"""Ages and durations as people write them (`90d`, `24h`, `2s`, `350ms`): callbacks of options."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

_AGE = re.compile(r"(\d{1,6})([mhdw])", re.ASCII)
_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}


def age(_context: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    """How long ago, in seconds."""
    if value is None:
        return None
    found = _AGE.fullmatch(value)
    if not found:
        raise click.BadParameter(f"{value!r}: a number of minutes, hours, days or weeks, as 30m, 24h, 90d or 2w")
    return float(int(found[1]) * _UNITS[found[2]])


def duration(_context: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    """How long something took, in seconds."""
    if value is None:
        return None
    found = _DURATION.fullmatch(value)
    if not found:
        raise click.BadParameter(f"{value!r}: a duration, as 350ms, 2s or 1.5m")
    return float(found[1]) * _SECONDS[found[2]]


def moment(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    """A moment in UTC, without a zone: an age before now, a day, or a time of the ISO form."""
    if value is None:
        return None
    try:
        if found := _AGE.fullmatch(value):
            ago = timedelta(seconds=int(found[1]) * _UNITS[found[2]])
            return (datetime.now(UTC) - ago).replace(tzinfo=None)
        read = datetime.fromisoformat(value)
        return read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read
    except (ValueError, OverflowError):
        said = f"{value!r}: how long ago, as 24h or 7d, or a time, as 2026-11-20 or 2026-11-20T12:00Z"
        raise click.BadParameter(said) from None
