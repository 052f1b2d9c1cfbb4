"""How tests of all mutations call those of this area (`tests/api/core/examples.py`)."""

from __future__ import annotations

from tests.api.core.examples import ACCOUNT, OWN, Deed, Example

MUTATIONS = {
    "signUp": Example("guest", {"handle": "novice", "email": "n@example.org", "displayName": "N"}, ACCOUNT),
    "completeSignUp": Example("guest", {"token": "unknown", "password": "wing-ding-1"}, ACCOUNT, is_refused=True),
    "verifyEmail": Example("anna", {"token": "unknown"}, ACCOUNT, is_refused=True),
    "resendVerification": Example("anna", {}, ACCOUNT),
    "requestPasswordReset": Example("guest", {"login": "anna"}, ACCOUNT),
    "resetPassword": Example("guest", {"token": "unknown", "newPassword": "wing-ding-1"}, ACCOUNT, is_refused=True),
    "assignRole": Example(
        "ada",
        {"userId": "@User.handle=shy", "role": "VOLUNTEER"},
        [Deed("user.role.assign", lambda of: {"userId": of.bob, "role": "VOLUNTEER"}, "admin", "bob")],
    ),
    "signIn": Example("guest", {"login": "anna", "password": "wingding-demo"}, ACCOUNT),
    "refreshSession": Example("guest", {"refreshToken": "unknown"}, ACCOUNT, is_refused=True),
    "signOut": Example("anna", {}, ACCOUNT),
    "signOutEverywhere": Example("anna", {}, ACCOUNT),
    "revokeSession": Example("anna", {"sessionId": "@Session.user_id=anna"}, ACCOUNT),
    "startProviderSignIn": Example("guest", {"redirectUri": "https://example.org/"}, ACCOUNT, is_refused=True),
    "signInWithProvider": Example("guest", {"state": "unknown", "code": "unknown"}, ACCOUNT, is_refused=True),
    "changePassword": Example(
        "anna", {"currentPassword": "wrong password", "newPassword": "wing-ding-2"}, ACCOUNT, is_refused=True
    ),
    "changeEmail": Example(
        "anna", {"currentPassword": "wrong password", "email": "new@example.org"}, ACCOUNT, is_refused=True
    ),
    "unlinkIdentity": Example("anna", {"identityId": "@Identity.user_id=anna"}, ACCOUNT),
    "setUserTrusted": Example(
        "max",
        {"userId": "@User.handle=anna", "isTrusted": True},
        [Deed("user.trust", lambda of: {"userId": of.ada, "isTrusted": True}, subject="ada")],
    ),
    "setInterests": Example("anna", {"interestIds": ["@Interest.slug=jazz"]}, OWN),
    "addInterests": Example("anna", {"interestIds": ["@Interest"]}, OWN),
    "removeInterests": Example("anna", {"interestIds": ["@Interest"]}, OWN),
    "updateProfile": Example(
        "anna",
        {"bio": None, "displayName": "Аня"},
        [Deed("user.edit", lambda of: {"userId": of.bob, "displayName": "Robert"}, "admin", "bob")],
    ),
    "updatePrivacySettings": Example("anna", {"bio": "NOBODY"}, OWN),
}
