from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

import dataloaders.clubs.clubs
import dataloaders.people.interests
import dataloaders.people.users
import models
from auth.permissions import Permission
from auth.visibility.people import account_is_visible, email_is_visible, field_is_visible, private_data_is_visible
from dataloaders.core.pages import Page
from schema.core.connections import Connection
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.node import Node
from schema.core.relations import Gate, connected, reads, related, restricted

if TYPE_CHECKING:
    from schema.clubs.clubs import Club, MemberClubFilter
    from schema.people.interests import Interest

enum(
    models.Role,
    "Platform roles, weakest first.",
    GUEST="A caller who has not signed in.",
    USER="Whoever has an account.",
    VOLUNTEER="Registers visitors and books for them.",
    MODERATOR="Decides what goes out, and sees what is hidden.",
    ADMIN="May do everything.",
)

FOR_STAFF = "For the person and staff; null for others."
FOR_ADMINISTRATORS = "For the person and administrators; null for others."


def chosen_audience(field: str) -> Gate:
    """Whoever the person lets read this field of their profile (`updatePrivacySettings`)."""

    @reads("id", "privacy")
    def visible(user: Any, info: Info) -> bool:
        return field_is_visible(info.context.viewer, user, field)

    return visible


@reads("id")
def self_and_staff(user: Any, info: Info) -> bool:
    return private_data_is_visible(info.context.viewer, user)


@reads("id")
def self_and_administrators(user: Any, info: Info) -> bool:
    return email_is_visible(info.context.viewer, user)


@reads("id")
def self_and_account_readers(user: Any, info: Info) -> bool:
    return account_is_visible(info.context.viewer, user)


@reads("id")
def self_only(user: Any, info: Info) -> bool:
    return bool(info.context.viewer.id == user.id)


@reads()
def staff_only(_user: Any, info: Info) -> bool:
    return info.context.viewer.can(Permission.USER_READ_PRIVATE)


@strawberry.type(description="A person, as the reader may see them. What is hidden looks like what is missing.")
class User(Node, row=models.User, by_id=dataloaders.people.users.by_id):
    handle: str = strawberry.field(description="Unique short name, case-insensitive.")
    display_name: str = strawberry.field(description="The name shown to others.")
    bio: str | None = restricted(
        chosen_audience("bio"), attribute="bio", description="About oneself. Its audience is the person's choice."
    )
    location: str | None = restricted(
        chosen_audience("location"),
        attribute="location",
        description="Where the person lives, in their words. Its audience is the person's choice.",
    )
    interests: list[Annotated[Interest, strawberry.lazy("schema.people.interests")]] = related(
        dataloaders.people.interests.by_user_id,
        visible=chosen_audience("interests"),
        hidden=[],
        description="What the person likes, at most 50. Its audience is the person's choice.",
    )
    clubs: Connection[Annotated[Club, strawberry.lazy("schema.clubs.clubs")]] = connected(
        dataloaders.clubs.clubs.by_user_id,
        filter=Annotated["MemberClubFilter", strawberry.lazy("schema.clubs.clubs")],
        visible=chosen_audience("clubs"),
        hidden=Page(),
        description="Clubs of which the person is a member, by name, as far as the reader may see them. "
        "Its audience is the person's choice.",
    )
    is_trusted: bool | None = restricted(
        self_and_staff,
        attribute="is_trusted",
        description="Whether the person's events, and changes of them, go out without a moderator. " + FOR_STAFF,
    )
    roles: list[models.Role] | None = restricted(
        self_and_account_readers, attribute="roles", description=f"Platform roles, at present one. {FOR_ADMINISTRATORS}"
    )
    is_active: bool | None = restricted(
        self_and_account_readers,
        attribute="is_active",
        description="Whether the person may sign in. People who may not are found by administrators alone. "
        + FOR_ADMINISTRATORS,
    )
    created_at: datetime = strawberry.field(description="When the person came.")
    updated_at: datetime = strawberry.field(description="When the profile was changed last.")
    email: str | None = restricted(
        self_and_administrators, attribute="email", description=f"Address for mail. {FOR_ADMINISTRATORS}"
    )
    claimed_email: str | None = restricted(
        self_and_administrators,
        attribute="claimed_email",
        description=f"An address that the person has asked for and not proven yet. {FOR_ADMINISTRATORS}",
    )
    is_email_verified: bool | None = restricted(
        self_and_administrators,
        attribute="is_email_verified",
        description=f"Whether the address for mail is proven. {FOR_ADMINISTRATORS}",
    )
    phone: str | None = restricted(self_and_staff, attribute="phone", description=f"In E.164. {FOR_STAFF}")
    first_name: str | None = restricted(self_and_staff, attribute="first_name", description=f"Given name. {FOR_STAFF}")
    last_name: str | None = restricted(self_and_staff, attribute="last_name", description=f"Surname. {FOR_STAFF}")
    patronymic: str | None = restricted(self_and_staff, attribute="patronymic", description=f"Patronymic. {FOR_STAFF}")
    full_name: str | None = restricted(
        self_and_staff, attribute="full_name", description=f"Surname, given name, patronymic. {FOR_STAFF}"
    )
    birth_date: date | None = restricted(
        self_only, attribute="birth_date", description="For the person alone; null for everyone else, staff included."
    )
    comment: str | None = restricted(
        staff_only, attribute="comment", description="A remark of staff. For staff; null for others, the person too."
    )
