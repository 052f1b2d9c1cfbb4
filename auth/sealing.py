"""Encryption of stored answers that may hold tokens, and hashes that only we can make, with SECRET_KEY."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from functools import cache
from hashlib import sha256

from cryptography.fernet import Fernet, MultiFernet

from auth.tokens import make_once, new_secret
from settings import Settings, SettingsError, secrets_in


class Sealer:
    """The first secret seals and marks. What was made with another one is still opened and known (`docs/accounts.md`
    says how to replace a secret).
    """

    def __init__(self, *secrets: str) -> None:
        self._secrets = secrets
        self._fernet = MultiFernet([Fernet(urlsafe_b64encode(_key("sealed answers", secret))) for secret in secrets])

    @classmethod
    def load(cls, settings: Settings) -> Sealer:
        """With SECRET_KEY, or with a secret kept in WINGDING_HOME where none is set.

        Raises `SettingsError` where that cannot be read.
        """
        given = secrets_in(str(settings.secret_key))
        if given:
            return cls(*given)
        file = settings.wingding_home / "secret-key"
        make_once(file, new_secret)
        try:
            kept = secrets_in(file.read_text())
        except (OSError, ValueError) as error:
            raise SettingsError(f"{file} cannot be read") from error
        if not kept:
            raise SettingsError(f"{file} holds no secret")
        return cls(*kept)

    def seal(self, data: bytes) -> str:
        return self._fernet.encrypt(data).decode()

    def open(self, sealed: str) -> bytes:
        return self._fernet.decrypt(sealed.encode())

    def marks(self, purpose: str, data: bytes) -> list[str]:
        """Hashes of the data that nobody else can make or try out: by each secret, that of the first one first. Those
        of one purpose say nothing about those of another.
        """
        return [hmac.digest(_key(purpose, secret), data, "sha256").hex() for secret in self._secrets]


@cache
def _key(purpose: str, secret: str) -> bytes:
    return sha256(f"wingding {purpose}:{secret}".encode()).digest()
