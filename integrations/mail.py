"""Sending mail: over SMTP, or into a folder that `/dev/mailbox` shows."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address, HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import formatdate, parseaddr
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from integrations.mail_addresses import NotMailable, ascii_domain, canonical
from settings import Settings, SettingsError

TIMEOUT = 20.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
KEY = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True)
class Mail:
    """`key` names it: its Message-ID and, in the folder, its file are made from the key."""

    key: str
    to: str
    subject: str
    text: str
    html: str


class Subject(UniqueUnstructuredHeader):
    """Keeps the spaces of other letters than Latin ones where it is folded, which Python 3.11 loses (gh-92081)."""

    def fold(self, *, policy: Policy) -> str:
        charset = None if str(self).isascii() else "utf-8"
        written = Header(str(self), charset, header_name="Subject").encode(linesep=policy.linesep)
        return f"Subject: {written}{policy.linesep}"


_headers = HeaderRegistry()
_headers.map_to_type("subject", Subject)  # type: ignore[arg-type]  # the registry adds BaseHeader
POLICY = SMTP.clone(header_factory=_headers)


class MailRefused(Exception):
    """It will never be taken: the address is none, or its server says so for good."""


class Mailer(Protocol):
    async def send(self, mail: Mail) -> None:
        """Send the mail, and return once it is safe elsewhere. A repeat under the same key is the same mail."""

    async def check(self) -> str:
        """Whether mail could be sent now, in words. Raises where it could not."""


def sender_of(mail_from: str) -> Address:
    """Return the sender of our mails. Raises `SettingsError`."""
    name, address = parseaddr(mail_from)
    local, _, domain = address.rpartition("@")
    try:
        return Address(display_name=name, addr_spec=f"{local}@{ascii_domain(domain)}")
    except (ValueError, MessageError) as error:
        raise SettingsError("MAIL_FROM is not understood: Name <address>, the part before the @ in ASCII") from error


def message_of(mail: Mail, sender: Address) -> EmailMessage:
    """Return the mail in its Internet form (RFC 5322). Raises `MailRefused` for what is not one address."""
    if not KEY.fullmatch(mail.key):
        raise ValueError("a mail's key is a word")
    message = EmailMessage(policy=POLICY)
    message["From"] = sender
    message["To"] = _recipient(mail.to)
    message["Subject"] = mail.subject
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = f"<{mail.key}@{sender.domain}>"
    # Nobody's out-of-office answers to it (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def _recipient(address: str) -> Address:
    """One address, never a list of them."""
    try:
        return Address(addr_spec=canonical(address))
    except NotMailable as error:
        raise MailRefused("not an address that mail can go to") from error


class SmtpMailer:
    """`smtp://` uses STARTTLS where offered, and insists on it before it sends a password; `smtps://` is TLS."""

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise SettingsError("SMTP_URL is not understood: smtp://user:password@host:port or smtps://…")
        self._sender = sender_of(sender)
        self._host = _host(parts.hostname)
        self._is_tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._is_tls else 587)
        self._username = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None

    async def send(self, mail: Mail) -> None:
        message = message_of(mail, self._sender)
        needs_tls = self._username is not None and self._host not in LOOPBACK
        try:
            async with asyncio.timeout(TIMEOUT):
                await aiosmtplib.send(
                    message,
                    hostname=self._host,
                    port=self._port,
                    username=self._username,
                    password=self._password,
                    use_tls=self._is_tls,
                    start_tls=False if self._is_tls else needs_tls or None,
                    timeout=TIMEOUT,
                )
        except aiosmtplib.SMTPRecipientsRefused as error:
            if all(refused.code >= 500 for refused in error.recipients):
                raise MailRefused("the recipient is refused") from error
            raise

    async def check(self) -> str:
        needs_tls = self._username is not None and self._host not in LOOPBACK
        server = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password,
            use_tls=self._is_tls,
            start_tls=False if self._is_tls else needs_tls or None,
            timeout=TIMEOUT,
        )
        async with server:
            await server.noop()
        return f"{self._host}:{self._port} answers"


def _host(name: str) -> str:
    try:
        return ascii_domain(name)
    except NotMailable as error:
        raise SettingsError("SMTP_URL names a host that cannot be") from error


class FolderMailer:
    """One `.eml` file for each mail. A repeat overwrites its file."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender_of(sender)

    async def send(self, mail: Mail) -> None:
        await asyncio.to_thread(self._write, mail.key, message_of(mail, self._sender).as_bytes())

    async def check(self) -> str:
        return f"SMTP_URL is not set, mail goes to {self._folder}"

    def _write(self, key: str, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self._folder / f".{key}.{os.getpid()}"
        unfinished.write_bytes(content)
        unfinished.replace(self._folder / f"{key}.eml")


def mailbox_folder(settings: Settings) -> Path:
    return settings.wingding_home / "mailbox"


def make_mailer(settings: Settings) -> Mailer:
    if settings.smtp_url:
        return SmtpMailer(settings.smtp_url, settings.mail_from)
    return FolderMailer(mailbox_folder(settings), settings.mail_from)
