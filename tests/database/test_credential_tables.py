"""What proves who someone is, and what is told of them, lie in different tables."""

from __future__ import annotations

from typing import Any

import pytest

from models import (
    AttemptCount,
    Base,
    IdempotencyKey,
    Identity,
    KnownDevice,
    OneTimeToken,
    Password,
    ProviderSignIn,
    RefreshToken,
    Session,
    User,
)

ACCOUNT = {
    "id", "email", "email_verified_at", "claimed_email", "role", "is_active", "is_trusted", "comment", "created_at",
    "updated_at", "deletion_at", "deleted_at",
}  # fmt: skip
"""Columns of a user that are no part of the profile: who the account is, and what it may do."""

CREDENTIALS: dict[type[Any], set[str]] = {
    Password: {"user_id", "hash", "changed_at"},
    Identity: {"id", "user_id", "issuer", "subject", "created_at"},
    Session: {
        "id", "user_id", "user_agent", "address", "created_at", "last_used_at", "expires_at", "ended_at",
    },
    RefreshToken: {"token_hash", "session_id", "issued_at", "used_at"},
    OneTimeToken: {
        "token_hash", "user_id", "sign_up_id", "purpose", "email", "created_at", "expires_at", "used_at",
    },
    ProviderSignIn: {"state_hash", "nonce", "code_verifier", "redirect_uri", "created_at", "expires_at"},
    KnownDevice: {"id", "user_id", "token_hash", "network", "created_at", "last_used_at"},
    AttemptCount: {"key", "count", "window_ends_at"},
}  # fmt: skip
"""Every column of theirs. Whoever adds one decides here that it is needed to prove who someone is."""

SECRET = ("hash", "token", "secret", "password", "nonce", "verifier", "subject")
"""Words in names of columns that prove something."""


def columns(model: type[Base]) -> set[str]:
    return set(model.__table__.c.keys())


@pytest.mark.parametrize("model", CREDENTIALS, ids=lambda model: model.__name__)
def test_a_credential_table_holds_nothing_of_the_profile(model):
    profile = columns(User) - ACCOUNT
    assert {"display_name", "bio", "birth_date", "phone", "privacy", "location", "handle"} <= profile

    assert columns(model) & profile == set()
    assert columns(model) == CREDENTIALS[model]


def test_the_table_of_users_holds_no_credential():
    assert [name for name in columns(User) if any(word in name for word in SECRET)] == []


def test_every_table_with_a_secret_is_a_credential_table():
    tables = [mapper.class_ for mapper in Base.registry.mappers]
    secret = {
        one for one in tables if any(word in name for name in columns(one) for word in ("token", "secret", "hash"))
    }

    # `input_hash` tells whether two requests with one idempotency key say the same.
    assert secret - CREDENTIALS.keys() == {IdempotencyKey}
