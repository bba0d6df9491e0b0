"""The formats of keys and tokens that their issuers publish, as patterns. Each begins with letters that nothing else begins
with, and is bounded, so that a text costs as much as it is long."""

from __future__ import annotations

# not joined to other letters, digits or dashes on either side
_BEFORE, _AFTER = r"(?<![A-Za-z0-9_-])", r"(?![A-Za-z0-9_-])"


def _token(body: str) -> str:
    return f"{_BEFORE}(?:{body}){_AFTER}"


# label -> (what is in every value, pattern): a text without the first is not looked through
FORMATS: dict[str, tuple[str, str]] = {
    "AWS_ACCESS_KEY": (r"A[KS]IA|ABIA|ACCA", _token(r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}")),
    "GITHUB_TOKEN": (r"gh[pousr]_|github_pat_", _token(r"gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}")),
    "GITLAB_TOKEN": (r"gl[a-z]{2,6}-", _token(r"gl(?:pat|ptt|dt|rt|cbt|agent|soat|ft|imt|oas)-[A-Za-z0-9_-]{20,300}")),
    "OPENAI_KEY": (
        r"sk-",
        _token(r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,300}|sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
    ),
    "ANTHROPIC_KEY": (r"sk-ant-", _token(r"sk-ant-[a-z]{3,8}\d{2}-[A-Za-z0-9_-]{20,300}")),
    "GOOGLE_KEY": (r"AIza", _token(r"AIza[A-Za-z0-9_-]{35}")),
    "GOOGLE_OAUTH": (r"ya29\.|GOCSPX-", _token(r"ya29\.[A-Za-z0-9_-]{20,300}|GOCSPX-[A-Za-z0-9_-]{28}")),
    "SLACK_TOKEN": (r"xox|xapp-", _token(r"xox[abposre]-[A-Za-z0-9-]{10,250}|xapp-\d-[A-Za-z0-9-]{10,250}")),
    "SLACK_WEBHOOK": (
        r"hooks\.slack\.com",
        r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/+_-]{20,200}",
    ),
    "STRIPE_KEY": (r"[rs]k_|whsec_", _token(r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,250}|whsec_[A-Za-z0-9+/=]{24,100}")),
    "TWILIO_KEY": (r"SK[0-9a-f]", _token(r"SK[0-9a-f]{32}")),
    "SENDGRID_KEY": (r"SG\.", _token(r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}")),
    "MAILGUN_KEY": (r"key-[0-9a-f]", _token(r"key-[0-9a-f]{32}")),
    "NPM_TOKEN": (r"npm_", _token(r"npm_[A-Za-z0-9]{36}")),
    "PYPI_TOKEN": (r"pypi-", _token(r"pypi-AgE[A-Za-z0-9_-]{50,500}")),
    "HUGGING_FACE_TOKEN": (r"hf_|api_org_", _token(r"hf_[A-Za-z]{34}|api_org_[A-Za-z]{34}")),
    "DIGITALOCEAN_TOKEN": (r"do[opr]_v1_", _token(r"do[opr]_v1_[0-9a-f]{64}")),
    "SHOPIFY_TOKEN": (r"shp(?:at|ca|pa|ss)_", _token(r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}")),
    "TELEGRAM_TOKEN": (r"\d:AA", _token(r"\d{8,10}:AA[A-Za-z0-9_-]{33}")),
    "DISCORD_TOKEN": (r"[MNO][A-Za-z\d_-]{23}", _token(r"[MNO][A-Za-z\d_-]{23,25}\.[A-Za-z\d_-]{6}\.[A-Za-z\d_-]{27,38}")),
    "AZURE_STORAGE_KEY": (r"AccountKey=", r"AccountKey=[A-Za-z0-9+/]{86}=="),
    "JSON_WEB_TOKEN": (r"eyJ", _token(r"eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,1000}")),
    "PRIVATE_KEY": (
        r"-----BEGIN",
        (
            r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
            r"[A-Za-z0-9+/=\s:,.-]{0,20000}?(?:-----END [A-Z0-9 ]{0,30}-----|\Z|(?=\n\n))"
        ),
    ),
    "URL_PASSWORD": (r"://", r"(?<=://)[^\s/:@\"'<>]{1,100}:[^\s/:@\"'<>]{3,200}(?=@[A-Za-z0-9.\[-])"),
}
# a word that announces a secret, then the secret; it counts if it looks random
ANNOUNCED = (
    r"(?i)(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|auth(?:orization)?|credential|bearer)"
    r"[\w-]{0,20}[\"']?\s{0,3}(?:[:=]{1,2}>?|\bis\b"
    r"|\s)\s{0,3}(?:bearer\s{1,3})?[\"'`]?(?P<value>[A-Za-z0-9+/_.~=!@#$%^&*-]{8,200})"
)
ANNOUNCING = r"(?i)pass|pwd|secret|token|key|auth|credential|bearer"
