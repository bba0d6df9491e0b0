"""What an application imports: a released config that runs, and a trace of every request that names its release."""

from __future__ import annotations
