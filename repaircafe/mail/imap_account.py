"""The IMAP account in `.env`."""

import hashlib
from dataclasses import dataclass

from repaircafe.environment import Environment, ImapSecurity

MICROSOFT = (
    "outlook.office365.com",
    "outlook.office.com",
    "outlook.com",
    "imap-mail.outlook.com",
    "imap.outlook.com",
    "imap.hotmail.com",
    "imap.live.com",
)
"""Microsoft's mail servers. None of them accepts a password (Microsoft Learn, 'Deprecation of Basic authentication in
Exchange Online'), and the token that they want instead changes with each use, which `.env` cannot hold."""


@dataclass(frozen=True, repr=False)
class ImapAccount:
    """The values of `.env`. The repr shows none of them."""

    host: str
    port: int
    security: ImapSecurity
    user: str
    password: str
    ca_file: str = ""
    drafts: str = ""
    """The name of the drafts folder, as people write it; empty if the server's own marks are to decide."""

    @classmethod
    def of(cls, environment: Environment) -> "ImapAccount | None":
        """The account, or None if there is none."""
        if environment.imap_password is None:
            return None
        return cls(
            environment.imap_host,
            environment.imap_port,
            environment.imap_security,
            environment.imap_user,
            environment.imap_password.get_secret_value(),
            environment.imap_ca_file,
            environment.imap_drafts,
        )

    @property
    def digest(self) -> str:
        """Identifies the account: 16 hexadecimal digits of SHA-256, without the password, which could be guessed."""
        joined = "\0".join((self.host, str(self.port), self.security.value, self.user))
        return hashlib.sha256(joined.encode()).hexdigest()[:16]

    @property
    def is_microsoft(self) -> bool:
        """Whether the server is one of Microsoft's."""
        return self.host.lower().rstrip(".") in MICROSOFT
