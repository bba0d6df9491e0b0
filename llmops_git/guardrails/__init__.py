"""What guards a model: one file per check, packs of rules, suites that measure them. Checks do no I/O."""

from __future__ import annotations
