"""Operations that together ask for every declared field: one for each object type, by the shortest way to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
)
from sqlalchemy import select

from schema.core import ids
from schema.core.node import NODES
from tests.fuzz.operations import SECRETS, SIGNING_IN, Case
from tests.fuzz.values import kind_of, written
from tests.fuzz.world import World

SUBSCRIBED = ("Subscription", "AvailabilityChange", "MessageSent", "NotificationsRead", "ResyncRequired")
"""Types that only a live stream brings."""
REFUSALS = ("UserError", "UserErrorDetails")
"""Types that only the payload of a mutation brings that was refused."""

INPUTS: dict[str, tuple[str, dict[str, Any]]] = {
    "signUp": ("guest", {"handle": "novice", "email": "n@example.org", "displayName": "N"}),
    "completeSignUp": ("guest", {"token": "unknown", "password": "wing-ding-1"}),
    "verifyEmail": ("anna", {"token": "unknown"}),
    "resendVerification": ("anna", {}),
    "requestPasswordReset": ("guest", {"login": "anna"}),
    "resetPassword": ("guest", {"token": "unknown", "newPassword": "wing-ding-1"}),
    "assignRole": ("ada", {"userId": "@User.handle=shy", "role": "VOLUNTEER"}),
    "signIn": ("guest", {"login": "anna", "password": "wingding-demo"}),
    "refreshSession": ("guest", {"refreshToken": "unknown"}),
    "signOut": ("anna", {}),
    "signOutEverywhere": ("anna", {}),
    "revokeSession": ("anna", {"sessionId": "@Session.user_id=anna"}),
    "startProviderSignIn": ("guest", {"redirectUri": "https://example.org/"}),
    "signInWithProvider": ("guest", {"state": "unknown", "code": "unknown"}),
    "createEvent": (
        "anna",
        {
            "title": "Новое", "categoryId": "@EventCategory.slug=bar", "venueId": "@Venue",
            "startsAt": "2126-06-27T18:00:00+03:00", "endsAt": "2126-06-27T20:00:00+03:00",
        },
    ),
    "updateEvent": ("anna", {"eventId": "@Event.title=Offering", "expectedVersion": 1, "title": "Иначе"}),
    "publishEvent": ("boris", {"eventId": "@Event.title=Draft"}),
    "cancelEvent": ("anna", {"eventId": "@Event.title=Full", "reason": "Дождь"}),
    "archiveEvent": ("anna", {"eventId": "@Event.title=Cancelled"}),
    "reactivateEvent": ("anna", {"eventId": "@Event.title=Cancelled", "startsAt": "2126-06-27T18:00:00+03:00"}),
    "deleteEvent": ("boris", {"eventId": "@Event.title=Draft"}),
    "changePassword": ("anna", {"currentPassword": "wrong password", "newPassword": "wing-ding-2"}),
    "changeEmail": ("anna", {"currentPassword": "wrong password", "email": "new@example.org"}),
    "deleteAccount": ("anna", {"currentPassword": "wrong password"}),
    "cancelAccountDeletion": ("shy", {}),
    "requestDataExport": ("boris", {}),
    "unlinkIdentity": ("anna", {"identityId": "@Identity.user_id=anna"}),
    "addEventHost": ("anna", {"eventId": "@Event.title=Offering", "userId": "@User.handle=shy", "role": "STAFF"}),
    "changeEventHostRole": (
        "ada", {"eventId": "@Event.title=Full", "userId": "@User.handle=boris", "role": "CO_ORGANIZER"},
    ),
    "removeEventHost": ("ada", {"eventId": "@Event.title=Full", "userId": "@User.handle=boris"}),
    "setRegistrationStaffNote": ("ada", {"registrationId": "@Registration.user_id=boris", "note": "Опоздает"}),
    "setBookingStaffNote": ("ada", {"bookingId": "@Booking.note=Без сахара", "note": None}),
    "addService": (
        "ada",
        {
            "eventId": "@Event.title=Inside", "serviceTypeId": "@ServiceType", "startsAt": "2126-05-27T13:00:00Z",
            "endsAt": "2126-05-27T14:00:00Z",
        },
    ),
    "updateService": ("ada", {"serviceId": "@Service.window_days=3", "expectedVersion": 1, "capacity": 12}),
    "cancelService": ("ada", {"serviceId": "@Service.window_days=30"}),
    "deleteService": ("ada", {"serviceId": "@Service.window_days=0"}),
    "createVenue": ("anna", {"name": "Новый двор", "latitude": 55.75, "longitude": 37.6}),
    "decideModerationItem": ("max", {"itemId": "@ModerationItem.state=PENDING", "decision": "APPROVE"}),
    "withdrawEventRevision": ("anna", {"revisionId": "@EventRevision.title=Иначе"}),
    "setUserTrusted": ("max", {"userId": "@User.handle=anna", "isTrusted": True}),
    "registerForEvent": ("vera", {"eventId": "@Event.title=Unlisted", "note": "Скоро буду"}),
    "cancelRegistration": ("boris", {"eventId": "@Event.title=Unlisted"}),
    "removeRegistration": ("anna", {"registrationId": "@Registration.admission=WAITLISTED", "reason": "Спор"}),
    "liftRegistrationBan": ("anna", {"registrationId": "@Registration.admission=REJECTED"}),
    "bookServices": ("vera", {"serviceIds": ["@Service.window_days=30"]}),
    "cancelBooking": ("boris", {"bookingId": "@Booking.note=Без сахара"}),
    "createReview": ("vera", {"eventId": "@Event.title=Archived", "rating": 5}),
    "updateReview": ("boris", {"reviewId": "@Review.author_id=boris", "text": "Хорошо"}),
    "deleteReview": ("shy", {"reviewId": "@Review.text=Ужас"}),
    "setInterests": ("anna", {"interestIds": ["@Interest.slug=jazz"]}),
    "addInterests": ("anna", {"interestIds": ["@Interest"]}),
    "removeInterests": ("anna", {"interestIds": ["@Interest"]}),
    "updateProfile": ("anna", {"bio": None, "displayName": "Аня"}),
    "updatePrivacySettings": ("anna", {"bio": "NOBODY"}),
    "createClub": ("anna", {"name": "Новый клуб"}),
    "updateClub": ("anna", {"clubId": "@Club.name=Закрытый клуб", "expectedVersion": 1, "description": None}),
    "joinClub": ("boris", {"clubId": "@Club.name=Закрытый клуб"}),
    "leaveClub": ("anna", {"clubId": "@Club.name=Unlisted club"}),
    "inviteToClub": ("anna", {"clubId": "@Club.name=Закрытый клуб", "userId": "@User.handle=max"}),
    "approveClubMember": ("anna", {"membershipId": "@ClubMembership.state=PENDING"}),
    "rejectClubMember": ("anna", {"membershipId": "@ClubMembership.state=PENDING"}),
    "removeClubMember": ("anna", {"membershipId": "@ClubMembership.role=ADMIN", "reason": "Реклама"}),
    "liftClubBan": ("anna", {"membershipId": "@ClubMembership.ban_reason=Реклама"}),
    "changeClubMemberRole": ("anna", {"membershipId": "@ClubMembership.role=ADMIN", "role": "MEMBER"}),
    "transferClubOwnership": ("anna", {"membershipId": "@ClubMembership.role=ADMIN"}),
    "createChat": ("anna", {"kind": "DIRECT", "memberIds": ["@User.handle=shy"]}),
    "addChatMembers": ("anna", {"chatId": "@Chat.title=Empty", "memberIds": ["@User.handle=boris"]}),
    "rejoinChat": ("vera", {"chatId": "@Chat.title=Поход"}),
    "leaveChat": ("boris", {"chatId": "@Chat.title=Поход"}),
    "markChatRead": ("anna", {"chatId": "@Chat.title=Поход"}),
    "sendMessage": ("anna", {"chatId": "@Chat.title=Поход", "body": "Привет", "clientMessageId": "oracle"}),
    "markNotificationsRead": ("anna", {"ids": ["@Notification.user_id=anna"]}),
    "markAllNotificationsRead": ("anna", {}),
    "updateNotificationPreferences": (
        "anna",
        {"preferences": [{"type": "NEW_MESSAGE", "channel": "EMAIL", "isEnabled": True}]},
    ),
}  # fmt: skip
"""For each mutation who calls it with what. `@Type.column=value` stands for the id of the newest such row."""
REFUSED = {
    "changeEmail",
    "changePassword",
    "completeSignUp",
    "deleteAccount",
    "verifyEmail",
    "resetPassword",
    "refreshSession",
    "startProviderSignIn",
    "signInWithProvider",
    "withDetails",
}
"""Those which need a secret that is not kept anywhere, or a provider; and one that shows the numbers of a refusal."""


def queries(schema: GraphQLSchema, world: World, person: str) -> Iterator[tuple[str, Case]]:
    """For every type that a query leads to its name, and all of it as this person sees it."""
    for type_, (opening, depth) in _ways(schema, world).items():
        text = f"{{ {opening} {{ {_everything(type_, world)} }}{' }' * depth}"
        if type_ is schema.query_type:
            text = f"{{ {_everything(type_, world)} }}"
        yield type_.name, Case(text, {}, None, person, "")


async def mutations(schema: GraphQLSchema, world: World) -> list[Case]:
    """Each mutation once, with an input that it takes where that needs no secret."""
    assert schema.mutation_type is not None
    cases = []
    for name, (person, input) in INPUTS.items():
        definition = schema.mutation_type.fields[name]
        argument = definition.args["input"].type
        selection = _everything(get_named_type(definition.type), world)
        text = f"mutation($input: {argument}) {{ {name}(input: $input) {{ {selection} }} }}"
        cases.append(Case(text, {"input": await _found(world, input)}, None, person, "en", is_mutation=True))
    refused = 'mutation { withDetails: signUp(input: {handle: "x", email: "x", displayName: "x"}) {'
    selection = _everything(get_named_type(schema.mutation_type.fields["signUp"].type), world)
    return [*cases, Case(f"{refused} {selection} }} }}", {}, None, "guest", "en", is_mutation=True)]


def _ways(schema: GraphQLSchema, world: World) -> dict[Any, tuple[str, int]]:
    """Text that leads to each type, up to its selection set, and how many braces that leaves open."""
    root = schema.query_type
    ways: dict[Any, tuple[str, int]] = {root: ("", 0)}
    waiting: deque[Any] = deque([root])
    for name in NODES:
        type_ = schema.get_type(name)
        ways[type_] = (f"nodes(ids: {written(world.ids[name])}) {{ ... on {name}", 2)
        waiting.append(type_)
    while waiting:
        parent = waiting.popleft()
        opening, depth = ways[parent]
        for name, definition in parent.fields.items():
            inner = get_named_type(definition.type)
            if not is_composite_type(inner):
                continue
            possible = [inner] if isinstance(inner, GraphQLObjectType) else schema.get_possible_types(inner)
            for type_ in possible:
                if type_ in ways:
                    continue
                before = f"{opening} {{ " if opening else ""
                on = "" if type_ is inner else f" {{ ... on {type_.name}"
                text = f"{before}{name}{_arguments(parent, name, definition, world)}{on}"
                ways[type_] = (text, depth + 1 + bool(on))
                waiting.append(type_)
    return ways


def has_lists(type_: Any) -> bool:
    """Whether fields of a type are pages of a list."""
    return any("after" in definition.args for definition in type_.fields.values())


def _everything(type_: Any, world: World) -> str:
    """Every field of a type, and of the objects below just what they are."""
    parts = []
    for name, definition in type_.fields.items():
        if name in SECRETS and type_.name in SIGNING_IN:
            continue
        below = get_named_type(definition.type)
        shown = _identity(below) if is_composite_type(below) else ""
        parts.append(f"{name}{_arguments(type_, name, definition, world)}{shown}")
    return " ".join(parts)


def _identity(type_: Any) -> str:
    if type_.name == "UserError":
        details = get_named_type(type_.fields["details"].type)
        return f" {{ code message path details {{ {' '.join(details.fields)} }} }}"
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        for name in ("id", "cursor", "code"):
            if name in type_.fields:
                return f" {{ __typename {name} }}"
        if "edges" in type_.fields:
            return " { edges { cursor } }"
    return " { __typename }"


def _arguments(parent: Any, name: str, definition: GraphQLField, world: World) -> str:
    given = []
    for key, one in definition.args.items():
        if key == "ids":
            given.append(f"ids: {written([id for pool in world.ids.values() for id in pool[:2]])}")
        elif isinstance(one.type, GraphQLNonNull) and get_named_type(one.type).name == "ID":
            given.append(f"{key}: {written(world.ids[kind_of(key, f'{parent.name}.{name}') or 'Event'][0])}")
        elif key == "handle":
            given.append('handle: "anna"')
        elif key == "first":
            given.append("first: 4")
    return f"({', '.join(given)})" if given else ""


async def _found(world: World, value: Any) -> Any:
    """The value with ids in the place of what describes their rows."""
    if isinstance(value, dict):
        return {key: await _found(world, item) for key, item in value.items()}
    if isinstance(value, list):
        return [await _found(world, item) for item in value]
    if not isinstance(value, str) or not value.startswith("@"):
        return value
    kind, _, condition = value[1:].partition(".")
    entity = NODES[kind].entity
    statement = select(entity.id).order_by(entity.id.desc()).limit(1)  # type: ignore[attr-defined]  # every model has an id
    if condition:
        name, _, wanted = condition.partition("=")
        column = getattr(entity, name)
        statement = statement.where(
            column == (world.people[wanted].id if name in ("user_id", "author_id") else column.type.python_type(wanted))
        )
    async with world.ports.database.reading() as session:
        key = await session.scalar(statement)
    assert key is not None, value
    return ids.encode(kind, key)
