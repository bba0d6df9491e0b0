"""The dashboard as values: what live traffic looked like, by config, release, feature and user, and traces to look at."""

from __future__ import annotations
