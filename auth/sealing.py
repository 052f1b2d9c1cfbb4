"""Encryption of stored answers that may hold tokens, and keyed hashes of inputs, with SECRET_KEY."""

from __future__ import annotations

import hmac
import os
from base64 import urlsafe_b64encode
from contextlib import suppress
from hashlib import sha256

from cryptography.fernet import Fernet

from auth.tokens import new_secret
from settings import Settings


class Sealer:
    def __init__(self, secret: str) -> None:
        self._fernet = Fernet(urlsafe_b64encode(sha256(b"wingding sealed answers:" + secret.encode()).digest()))
        self._marking = sha256(b"wingding marked inputs:" + secret.encode()).digest()

    @classmethod
    def load(cls, settings: Settings) -> Sealer:
        """With SECRET_KEY, or with a secret kept in WINGDING_HOME where none is set."""
        if str(settings.secret_key):
            return cls(str(settings.secret_key))
        file = settings.wingding_home / "secret-key"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            made = file.with_name(f".{file.name}.{os.getpid()}")
            made.touch(mode=0o600)
            made.write_text(new_secret())
            with suppress(FileExistsError):
                os.link(made, file)
            made.unlink()
        return cls(file.read_text())

    def mark(self, data: bytes) -> str:
        """A hash that only we can make, so that nobody else can try out what it was made from."""
        return hmac.digest(self._marking, data, "sha256").hex()

    def seal(self, data: bytes) -> str:
        return self._fernet.encrypt(data).decode()

    def open(self, sealed: str) -> bytes:
        return self._fernet.decrypt(sealed.encode())
