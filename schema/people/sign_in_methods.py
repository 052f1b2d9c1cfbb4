"""Which ways of signing in there are, for whoever draws the form."""

from __future__ import annotations

from typing import Any

import strawberry

from integrations.oidc import OpenIdProvider
from schema.core.access import PUBLIC
from schema.core.context import Info
from schema.core.relations import computed
from schema.core.roots import query


@strawberry.type(description="An outside OpenID Provider through which people sign in.")
class SignInProvider:
    id: str = strawberry.field(description="Stable name; give it to `startProviderSignIn` as `providerId`.")
    name: str = strawberry.field(description="What to show on its button.")


@strawberry.type(description="Ways of signing in and of making an account.")
class SignInMethods:
    provider: strawberry.Private[OpenIdProvider]
    has_password: bool = strawberry.field(description="Whether `signIn` by password is possible. At present always.")
    is_sign_up_open: bool = strawberry.field(
        description="Whether strangers may make accounts, by `signUp` or through a provider; else SIGN_UP_CLOSED."
    )

    @computed(description="For `startProviderSignIn`; none unless the operator has set one up.")
    def providers(root: strawberry.Parent[Any]) -> list[SignInProvider]:
        known = root.provider
        return [SignInProvider(id=known.id, name=known.name)] if known.is_configured else []


@strawberry.type
class SignInMethodQueries:
    @query(description="Which ways of signing in there are.", access=PUBLIC)
    async def sign_in_methods(self, info: Info) -> SignInMethods:
        ports = info.context.ports
        return SignInMethods(provider=ports.provider, has_password=True, is_sign_up_open=ports.settings.is_sign_up_open)
