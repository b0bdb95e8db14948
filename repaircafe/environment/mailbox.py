"""The variables of `.env` for the café's mailbox: Gmail or IMAP, or none of them."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from repaircafe.environment.values import absolute_path, host_name, lower_case, safe_token_uri

GOOGLE_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105  a public address  # nosec B105
"""Google's token endpoint: 'Using OAuth 2.0 for Web Server Applications', Google Identity documentation."""
GMAIL_API_URI = "https://gmail.googleapis.com/"
"""Where Gmail's operations are: `rootUrl` of Google's discovery document for Gmail."""

GMAIL = ("gmail_client_id", "gmail_client_secret", "gmail_refresh_token")
IMAP = ("imap_host", "imap_user", "imap_password")
"""The variables that set a mailbox of each kind up; all of them belong together."""


class ImapSecurity(StrEnum):
    """How the connection becomes secure. There is no word for one that does not."""

    TLS = "tls"
    STARTTLS = "starttls"


class MailboxVariables(BaseSettings):
    """The variables for a mailbox. A field's description says which form its value must have."""

    gmail_client_id: SecretStr | None = Field(
        default=None, description="the OAuth client id; all three GMAIL_ values or none"
    )
    gmail_client_secret: SecretStr | None = Field(
        default=None, description="the OAuth client secret; all three GMAIL_ values or none"
    )
    gmail_refresh_token: SecretStr | None = Field(
        default=None, description="what repaircafe mail-authorize prints; all three GMAIL_ values or none"
    )
    gmail_token_uri: Annotated[str, AfterValidator(safe_token_uri)] = Field(
        default=GOOGLE_TOKEN_URI, description="an https:// address, or http:// on this machine"
    )
    gmail_api_uri: Annotated[str, AfterValidator(safe_token_uri)] = Field(
        default=GMAIL_API_URI, description="an https:// address, or http:// on this machine"
    )
    imap_host: Annotated[str, AfterValidator(host_name)] = Field(
        default="", description="the name of the mail server alone, such as imap.example.org"
    )
    imap_port: int = Field(default=993, ge=1, le=65535, description="a whole number from 1 to 65535")
    imap_security: Annotated[ImapSecurity, BeforeValidator(lower_case)] = Field(
        default=ImapSecurity.TLS, description="tls or starttls; a connection without either is never used"
    )
    imap_user: str = Field(default="", description="the name to sign in with, usually the whole mail address")
    imap_password: SecretStr | None = Field(
        default=None, description="8 characters or more; IMAP_HOST and IMAP_USER too"
    )
    imap_ca_file: Annotated[str, AfterValidator(absolute_path)] = Field(
        default="", description="the absolute path of a certificate in PEM that the app may read"
    )
    imap_drafts: str = Field(default="", description="the name of the drafts folder as the mail program shows it")
    mail_retention_days: int = Field(default=30, ge=1, le=365, description="days, a whole number from 1 to 365")

    @field_validator("gmail_refresh_token", "imap_password")
    @classmethod
    def _all_or_none(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        kind, fields = ("GMAIL_", GMAIL) if info.field_name == GMAIL[-1] else ("IMAP_", IMAP)
        found = {**info.data, str(info.field_name): value}
        if any(field not in found for field in fields):
            return value  # that field has a fault of its own, which is reported
        missing = sorted(field.upper() for field in fields if not found[field])
        if missing and len(missing) < len(fields):
            names = " and ".join(missing)
            raise ValueError(f"the three {kind} values belong together, and {names} is not set")
        return value

    @field_validator("imap_password")
    @classmethod
    def _one_kind(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if any(info.data.get(field) for field in GMAIL) and (value or any(info.data.get(field) for field in IMAP)):
            raise ValueError(
                "the GMAIL_ values are set as well, and there is one mailbox: keep one kind, remove the other"
            )
        return value
