"""Signing in by an OpenID Provider, and which ways of signing in there are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

import dataloaders.people.provider_sign_in
import models
from errors import RateLimited
from integrations.oidc import OpenIdProvider, ProviderNotConfigured, ProviderRefused, ProviderUnavailable
from resolvers.people import provider_sign_in
from resolvers.people.signing_up import SignUpClosed
from schema.core.access import PUBLIC
from schema.core.context import Info
from schema.core.node import Node
from schema.core.relations import computed
from schema.core.roots import MutationInput, Payload, mutation, query
from schema.people.sessions import DEVICE_TOKEN, SignInPayload, device_of


@strawberry.input(description="Where the provider sends the person back to.")
class StartProviderSignInInput(MutationInput):
    redirect_uri: str = strawberry.field(description="One of those that the server's settings allow.")
    provider_id: str | None = strawberry.field(
        default=None,
        description="The `id` of one of `signInMethods.providers`; not needed for the only one.",
    )
    device_token: str | None = strawberry.field(default=None, description=DEVICE_TOKEN)


@strawberry.type(description="Where to send the person.")
class StartProviderSignInPayload(Payload):
    authorization_url: str | None = strawberry.field(
        default=None, description="The provider's page, with state, nonce and PKCE challenge. Good for 10 minutes."
    )
    state: str | None = strawberry.field(
        default=None,
        description="Keep it in the browser and compare it with the one that comes back: a link with another state "
        "is someone else's sign-in.",
    )


@strawberry.input(description="What the provider sent the person back with.")
class SignInWithProviderInput(MutationInput):
    state: str = strawberry.field(description="The `state` of the link. It is good once.")
    code: str = strawberry.field(description="The `code` of the link.")
    device_token: str | None = strawberry.field(default=None, description=DEVICE_TOKEN)


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


@strawberry.type(description="An account at an outside OpenID Provider by which the caller signs in. Only they see it.")
class Identity(Node, row=models.Identity, by_id=dataloaders.people.provider_sign_in.identity_by_id):
    issuer: str = strawberry.field(description="The provider's address.")
    created_at: datetime = strawberry.field(description="When it was linked.")


@strawberry.type
class ProviderSignInMutations:
    @mutation(
        description="Begin to sign in through the outside OpenID Provider.",
        access=PUBLIC,
        raises=[ProviderNotConfigured, provider_sign_in.UnknownRedirect, ProviderUnavailable, RateLimited],
    )
    async def start_provider_sign_in(self, info: Info, input: StartProviderSignInInput) -> StartProviderSignInPayload:
        ports = info.context.ports
        begun = await provider_sign_in.start(
            info.context.database,
            ports.provider,
            provider_id=input.provider_id,
            redirect_uri=input.redirect_uri,
            device=device_of(info.context, input.device_token),
            most_per_address=ports.settings.sign_in_attempts_per_address,
        )
        return StartProviderSignInPayload(authorization_url=begun.url, state=begun.state)

    @mutation(
        description="Sign in with what the provider sent the person back with. The first time it makes an account, or "
        "finds the one with the same e-mail address if the address is proven here and at the provider.",
        access=PUBLIC,
        raises=[ProviderNotConfigured, ProviderRefused, ProviderUnavailable, SignUpClosed],
    )
    async def sign_in_with_provider(self, info: Info, input: SignInWithProviderInput) -> SignInPayload:
        context, ports = info.context, info.context.ports
        device = device_of(context, input.device_token)
        person = await provider_sign_in.bring_back(context.database, ports.provider, state=input.state, code=input.code)
        async with context.writing() as uow:
            done = await provider_sign_in.sign_in(
                uow, ports.signing, person, device, locale=context.locale, is_open=ports.settings.is_sign_up_open
            )
        return SignInPayload.of(done)


@strawberry.type
class SignInMethodQueries:
    @query(description="Which ways of signing in there are.", access=PUBLIC)
    async def sign_in_methods(self, info: Info) -> SignInMethods:
        ports = info.context.ports
        return SignInMethods(provider=ports.provider, has_password=True, is_sign_up_open=ports.settings.is_sign_up_open)
