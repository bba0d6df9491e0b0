"""Secrets: formats, what follows a word that announces one, and what is no secret."""

from __future__ import annotations

import pytest
from guard_material import found

from llmops_git.guardrails.entropy import bits_per_character
from llmops_git.guardrails.secret_formats import FORMATS

LONG = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA" * 12
TOKENS = [
    ("AWS_ACCESS_KEY", "AKIAIOSFODNN7EXAMPLE"),
    ("GITHUB_TOKEN", "ghp_" + LONG[:36]),
    ("GITHUB_TOKEN", "github_pat_" + LONG[:40]),
    ("GITLAB_TOKEN", "glpat-" + LONG[:20]),
    ("OPENAI_KEY", "sk-proj-" + LONG[:48]),
    ("ANTHROPIC_KEY", "sk-ant-api03-" + LONG[:60]),
    ("GOOGLE_KEY", "AIza" + LONG[:35]),
    ("GOOGLE_OAUTH", "GOCSPX-" + LONG[:28]),
    ("SLACK_TOKEN", "xoxb-" + "123456789012-" + LONG[:24]),
    ("SLACK_WEBHOOK", "https://hooks.slack.com/services/T0000/B0000/" + LONG[:24]),
    ("STRIPE_KEY", "sk_live_" + LONG[:24]),
    ("TWILIO_KEY", "SK" + "0123456789abcdef" * 2),
    ("SENDGRID_KEY", f"SG.{LONG[:22]}.{LONG[:43]}"),
    ("MAILGUN_KEY", "key-" + "0123456789abcdef" * 2),
    ("NPM_TOKEN", "npm_" + LONG[:36]),
    ("PYPI_TOKEN", "pypi-AgE" + LONG[:60]),
    ("HUGGING_FACE_TOKEN", "hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH"),
    ("DIGITALOCEAN_TOKEN", "dop_v1_" + "0123456789abcdef" * 4),
    ("SHOPIFY_TOKEN", "shpat_" + "0123456789abcdef" * 2),
    ("TELEGRAM_TOKEN", "123456789:AA" + LONG[:33]),
    ("DISCORD_TOKEN", f"M{LONG[:23]}.{LONG[:6]}.{LONG[:27]}"),
    ("AZURE_STORAGE_KEY", f"AccountKey={LONG[:86]}=="),
    ("JSON_WEB_TOKEN", f"eyJ{LONG[:20]}.eyJ{LONG[:30]}.{LONG[:43]}"),
    ("PRIVATE_KEY", f"-----BEGIN RSA PRIVATE KEY-----\n{LONG[:64]}\n{LONG[:64]}=\n-----END RSA PRIVATE KEY-----"),
    ("PRIVATE_KEY", "-----BEGIN OPENSSH PRIVATE KEY-----\n" + LONG[:64]),
    ("URL_PASSWORD", "bob:s3cret-word"),
]


@pytest.mark.parametrize(("label", "token"), TOKENS)
def test_a_token_is_found_by_its_format(label: str, token: str) -> None:
    text = f"Use https://{token}@host.example for it" if label == "URL_PASSWORD" else f"Use {token}"
    assert (label, token) in found(text, "secrets", entropy=False)


def test_every_format_has_a_sample() -> None:
    assert set(FORMATS) == {label for label, _ in TOKENS}


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("password: Tr0ub4dor&3xyz", "Tr0ub4dor&3xyz"),
        ('"api_key": "f3Kd82nLq01zPw7"', "f3Kd82nLq01zPw7"),
        ("Authorization: Bearer 9fK2mQ7xZ1pL", "9fK2mQ7xZ1pL"),
        ("my passphrase is h0rse-B4ttery", "h0rse-B4ttery"),
        ("SECRET_TOKEN=q8W7e6R5t4Y3", "q8W7e6R5t4Y3"),
    ],
)
def test_what_looks_random_after_a_word_that_announces_it_is_found(text: str, secret: str) -> None:
    assert [("SECRET", secret)] == found(text, "secrets")
    assert [] == found(text, "secrets", entropy=False)


@pytest.mark.parametrize(
    "text",
    [
        "I forgot my password, please help",
        "password: ********",
        "token: aaaaaaaaaaaa1",
        "The secret is patience and practice",
        "sk-learn and sk-image are packages",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "eyJ is how they begin",
        "https://example.com:8080/path@here",
    ],
)
def test_what_only_sounds_like_it_is_not_found(text: str) -> None:
    assert [] == found(text, "secrets")


def test_entropy_is_that_of_shannon() -> None:
    assert (0.0, 1.0, 2.0, 0.0) == tuple(bits_per_character(text) for text in ("aaaa", "abab", "abcd", ""))
