"""`python -m llmops_git`."""

from __future__ import annotations

from llmops_git.cli import main

if __name__ == "__main__":
    main()
