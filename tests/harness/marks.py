"""Secrets that can be recognised wherever they turn up."""

import base64
from urllib.parse import quote

MARK = "M4rk/er@{}:ü"
NAMES = (
    "SECRET_KEY",
    "POSTGRES_PASSWORD",
    "SETUP_CODE",
    "OPERATOR_PASSWORD",
    "GMAIL_CLIENT_ID",
    "GMAIL_CLIENT_SECRET",
    "GMAIL_REFRESH_TOKEN",
)
SECRETS = {name: MARK.format(name.lower()).ljust(32, "x") for name in NAMES}
SECRETS["LLM_API_KEY"] = "M4rk/er@{}:llm_api_key"  # ASCII: it is sent in a header


def traces(text: str) -> list[str]:
    """Every secret that turns up in the text, in whatever form."""
    found = []
    for secret in SECRETS.values():
        basic = base64.b64encode(b"operator:" + secret.encode()).decode()
        forms = {secret, quote(secret), quote(secret, safe=""), repr(secret)[1:-1], ascii(secret)[1:-1], basic}
        found += [form for form in forms if form in text]
    return found
