"""Ids of users as spans have them where an application hashes them: only who has the salt can find a user's requests."""

from __future__ import annotations

DIGITS = 16  # hex digits of a hashed id


def hashed_user(user: str, salt: str) -> str:
    """The id of a user under a salt."""
    import hashlib
    import hmac

    return hmac.new(salt.encode(), user.encode(), hashlib.sha256).hexdigest()[:DIGITS]
