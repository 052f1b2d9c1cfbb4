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
from dataloaders.core.keyset_pages import Page
from schema.core.connection_types import Connection
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.node_interface import Node
from schema.core.relations import Gate, connected, reads, related, restricted

if TYPE_CHECKING:
    from schema.clubs.clubs import Club, MemberClubFilter
    from schema.people.interests import Interest

enum(
    models.Role,
    "Platform roles, from weakest to strongest.",
    GUEST="A caller who is not signed in.",
    USER="Anyone with an account.",
    VOLUNTEER="Registers visitors for events and books services for them.",
    MODERATOR="Decides what is published, and sees what is hidden.",
    ADMIN="May do everything.",
)

FOR_STAFF = "Visible to the person, volunteers and staff; null for everyone else."
FOR_ADMINISTRATORS = "Visible to the person and administrators; null for everyone else."


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


@strawberry.type(
    description="A person. Fields that the caller may not read are null or empty, just as if they were not set."
)
class User(Node, row=models.User, by_id=dataloaders.people.users.by_id):
    handle: str = strawberry.field(description="A unique short name, regardless of case.")
    display_name: str = strawberry.field(description="The name shown to others.")
    bio: str | None = restricted(
        chosen_audience("bio"),
        attribute="bio",
        description="A text about the person. Null if their privacy settings hide it from the caller.",
    )
    location: str | None = restricted(
        chosen_audience("location"),
        attribute="location",
        description="Where the person lives, in their own words. Null if their privacy settings hide it from the "
        "caller.",
    )
    interests: list[Annotated[Interest, strawberry.lazy("schema.people.interests")]] = related(
        dataloaders.people.interests.by_user_id,
        visible=chosen_audience("interests"),
        hidden=[],
        description="What the person likes, at most 50. Empty if their privacy settings hide it from the caller.",
    )
    clubs: Connection[Annotated[Club, strawberry.lazy("schema.clubs.clubs")]] = connected(
        dataloaders.clubs.clubs.by_user_id,
        filter=Annotated["MemberClubFilter", strawberry.lazy("schema.clubs.clubs")],
        visible=chosen_audience("clubs"),
        hidden=Page(),
        description="The clubs that the person is a member of and that the caller can see, sorted by name. Empty "
        "if their privacy settings hide it from the caller.",
    )
    is_trusted: bool | None = restricted(
        self_and_staff,
        attribute="is_trusted",
        description="Whether the person's events, and their changes of published events, take effect without a "
        f"moderator. {FOR_STAFF}",
    )
    roles: list[models.Role] | None = restricted(
        self_and_account_readers,
        attribute="roles",
        description=f"The platform roles of the person, currently exactly one. {FOR_ADMINISTRATORS}",
    )
    is_active: bool | None = restricted(
        self_and_account_readers,
        attribute="is_active",
        description="Whether the person can sign in. Only administrators find people who cannot. " + FOR_ADMINISTRATORS,
    )
    created_at: datetime = strawberry.field(description="When the account was created.")
    updated_at: datetime = strawberry.field(description="When the profile last changed.")
    email: str | None = restricted(
        self_and_administrators,
        attribute="email",
        description=f"The e-mail address that mail goes to. {FOR_ADMINISTRATORS}",
    )
    claimed_email: str | None = restricted(
        self_and_administrators,
        attribute="claimed_email",
        description=f"A new e-mail address that the person has asked for and not verified yet. {FOR_ADMINISTRATORS}",
    )
    is_email_verified: bool | None = restricted(
        self_and_administrators,
        attribute="is_email_verified",
        description=f"Whether `email` is verified. {FOR_ADMINISTRATORS}",
    )
    phone: str | None = restricted(
        self_and_staff, attribute="phone", description=f"The telephone number in E.164 format. {FOR_STAFF}"
    )
    first_name: str | None = restricted(
        self_and_staff, attribute="first_name", description=f"The given name. {FOR_STAFF}"
    )
    last_name: str | None = restricted(self_and_staff, attribute="last_name", description=f"The surname. {FOR_STAFF}")
    patronymic: str | None = restricted(
        self_and_staff, attribute="patronymic", description=f"The patronymic. {FOR_STAFF}"
    )
    full_name: str | None = restricted(
        self_and_staff,
        attribute="full_name",
        description=f"Surname, given name and patronymic in one text. {FOR_STAFF}",
    )
    birth_date: date | None = restricted(
        self_only,
        attribute="birth_date",
        description="The birth date. Visible to the person only; null for everyone else, including staff.",
    )
    comment: str | None = restricted(
        staff_only,
        attribute="comment",
        description="A remark of staff about the person. Visible to volunteers and staff; null for everyone "
        "else, including the person.",
    )
