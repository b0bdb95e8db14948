"""A real IMAP server: Debian's dovecot-imapd on loopback, as root, with its own folder, user and certificate."""

import contextlib
import imaplib
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from repaircafe.environment import ImapSecurity
from repaircafe.mail.imap_account import ImapAccount
from tests.harness.certificates import Certificate, make_certificate
from tests.harness.conditions import free_port, until

USER = "cafe%d@example.org"
MAX_USERS = 1_000
PASSWORD = "geheim-geheim"

CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/lib
instance_name = repaircafe-test
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
first_valid_uid = 1
first_valid_gid = 1
mail_uid = nobody
mail_gid = nogroup
mail_location = maildir:{folder}/mail/%u
mail_max_userip_connections = 100
auth_failure_delay = 0
disable_plaintext_auth = yes
auth_mechanisms = plain
ssl = required
ssl_cert = <{certificate}
ssl_key = <{key}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/passwd
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox "{drafts}" {{
    auto = create
{drafts_mark}  }}
  mailbox "{sent}" {{
    auto = create
{sent_mark}  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


@dataclass(frozen=True)
class Message:
    """A message to put into a folder. Without a subject of its own, `number` makes it recognisable."""

    content: bytes
    at: datetime
    flags: str = ""


def message(number: int, at: datetime, flags: str = "", size: int = 0) -> Message:
    """A small mail that names its number; `size` makes it longer."""
    head = f"From: Ann <ann@example.net>\r\nTo: cafe@example.org\r\nSubject: number {number}"
    head += f"\r\nMessage-ID: <{number}@example.net>"
    body = f"Dear café, this is number {number}.\r\n" + "All work and no play. \r\n" * (size // 24)
    return Message(f"{head}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}".encode(), at, flags)


class Dovecot:
    """Dovecot while in its context. Without `marks`, no folder has a special use."""

    def __init__(
        self,
        *,
        marks: bool = True,
        sent: str = "Sent",
        drafts: str = "Concepten",
        password: str = PASSWORD,
        certificate: Certificate | None = None,
    ) -> None:
        # Not in pytest's folder: each run of pytest closes that for other users, and Dovecot's is nobody.
        self.folder = folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
        folder.chmod(0o755)
        self.password = password
        self._number = 0
        self.port, self.tls_port = free_port(), free_port()
        self.certificate = certificate or make_certificate(folder)
        self._text = CONFIGURATION.format(
            folder=folder,
            certificate=self.certificate.path,
            key=self.certificate.key,
            port=self.port,
            tls_port=self.tls_port,
            sent=sent,
            drafts=drafts,
            sent_mark="    special_use = \\Sent\n" if marks else "",
            drafts_mark="    special_use = \\Drafts\n" if marks else "",
        )

    def __enter__(self) -> Self:
        for part in ("run", "lib", "mail"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        shutil.chown(self.folder / "mail", "nobody", "nogroup")
        users = "".join(f"{USER % number}:{self.password}\n" for number in range(MAX_USERS))
        (self.folder / "passwd").write_text(users)
        configuration = self.folder / "dovecot.conf"
        configuration.write_text(self._text)
        self._process = subprocess.Popen(["dovecot", "-F", "-c", str(configuration)])
        assert until(self._listens), self.log()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(15)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def user(self) -> str:
        """Who has the mailbox."""
        return USER % self._number

    def renew(self) -> None:
        """Another user, with an empty mailbox: that is faster than another server."""
        self._number += 1

    def account(self, port: int = 0, security: ImapSecurity = ImapSecurity.TLS, **values: str) -> ImapAccount:
        """The account, at this server or at a port in front of it."""
        if not port:
            port = self.tls_port if security is ImapSecurity.TLS else self.port
        return ImapAccount(
            values.get("host", "localhost"),
            port,
            security,
            values.get("user", self.user),
            values.get("password", self.password),
            values.get("ca_file", str(self.certificate.path)),
            values.get("drafts", ""),
        )

    def log(self) -> str:
        """What the server has written about itself."""
        path = self.folder / "dovecot.log"
        return path.read_text() if path.exists() else ""

    @contextlib.contextmanager
    def client(self) -> Iterator[imaplib.IMAP4_SSL]:
        """A client that may do everything, as the organiser's mail program."""
        context = ssl.create_default_context(cafile=str(self.certificate.path))
        with imaplib.IMAP4_SSL("localhost", self.tls_port, ssl_context=context) as client:
            client.login(self.user, self.password)
            yield client

    def fill(self, folder: str, messages: Sequence[Message]) -> None:
        """Puts messages into a folder by APPEND."""
        with self.client() as client:
            for one in messages:
                at = one.at.astimezone(UTC).strftime('"%d-%b-%Y %H:%M:%S +0000"')
                kind, said = client.append(folder, one.flags, at, one.content)
                assert kind == "OK", (said, self.log()[-1_000:])

    def kick(self) -> None:
        """Ends all connections of the user, who is told BYE."""
        command = ["doveadm", "-c", str(self.folder / "dovecot.conf"), "kick", self.user]
        subprocess.run(command, check=True, capture_output=True)

    def _listens(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                return connection.recv(4) == b"* OK"
        except OSError:
            return False
