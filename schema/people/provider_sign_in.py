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
from schema.core.node_interface import Node
from schema.core.relations import computed
from schema.core.roots import MutationInput, Payload, mutation, query
from schema.people.sessions import DEVICE_TOKEN, SignInPayload, device_of


@strawberry.input(description="Input of `startProviderSignIn`.")
class StartProviderSignInInput(MutationInput):
    redirect_uri: str = strawberry.field(
        description="Where the provider sends the person back to. Has to be one of the addresses that the operator "
        "has allowed."
    )
    provider_id: str | None = strawberry.field(
        default=None,
        description="The `id` of one of `signInMethods.providers`. May be omitted if there is only one.",
    )
    device_token: str | None = strawberry.field(default=None, description=DEVICE_TOKEN)


@strawberry.type(description="The result of `startProviderSignIn`.")
class StartProviderSignInPayload(Payload):
    authorization_url: str | None = strawberry.field(
        default=None,
        description="The page of the provider to send the person to. It includes state, nonce and PKCE challenge "
        "and is valid for 10 minutes. Null if the mutation was refused.",
    )
    state: str | None = strawberry.field(
        default=None,
        description="A random value to keep in the browser and compare with the `state` that comes back. If they "
        "differ, the link belongs to someone else's sign-in and must be ignored.",
    )


@strawberry.input(description="Input of `signInWithProvider`: what the provider added to the link back.")
class SignInWithProviderInput(MutationInput):
    state: str = strawberry.field(description="The `state` of the link. It can be used once.")
    code: str = strawberry.field(description="The `code` of the link.")
    device_token: str | None = strawberry.field(default=None, description=DEVICE_TOKEN)


@strawberry.type(description="An outside OpenID provider through which people can sign in.")
class SignInProvider:
    id: str = strawberry.field(description="A stable name. Pass it as `providerId` to `startProviderSignIn`.")
    name: str = strawberry.field(description="The text for its button.")


@strawberry.type(description="The ways to sign in and to create an account on this server.")
class SignInMethods:
    provider: strawberry.Private[OpenIdProvider]
    has_password: bool = strawberry.field(
        description="Whether `signIn` with a password is possible. Currently always true."
    )
    is_sign_up_open: bool = strawberry.field(
        description="Whether new accounts can be created, by `signUp` or through a provider. If false, both are "
        "refused with SIGN_UP_CLOSED."
    )

    @computed(description="The providers for `startProviderSignIn`. Empty unless the operator has set one up.")
    def providers(root: strawberry.Parent[Any]) -> list[SignInProvider]:
        known = root.provider
        return [SignInProvider(id=known.id, name=known.name)] if known.is_configured else []


@strawberry.type(
    description="An account at an outside OpenID provider with which the caller signs in. Only the caller can see it."
)
class Identity(Node, row=models.Identity, by_id=dataloaders.people.provider_sign_in.identity_by_id):
    issuer: str = strawberry.field(description="The address (issuer URL) of the provider.")
    created_at: datetime = strawberry.field(description="When the account was linked.")


@strawberry.type
class ProviderSignInMutations:
    @mutation(
        description="Begin to sign in through an outside OpenID provider.",
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
        description="Finish signing in through an outside provider. The first time, this creates an account, or "
        "links to the account with the same e-mail address if the address is verified both here and "
        "at the provider.",
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
    @query(description="The ways to sign in and to create an account on this server.", access=PUBLIC)
    async def sign_in_methods(self, info: Info) -> SignInMethods:
        ports = info.context.ports
        return SignInMethods(provider=ports.provider, has_password=True, is_sign_up_open=ports.settings.is_sign_up_open)
