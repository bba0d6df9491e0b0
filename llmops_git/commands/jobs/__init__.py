"""What `llmops-git ci` does for each kind of event, one file per job."""

from __future__ import annotations
