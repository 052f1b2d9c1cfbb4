from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

import models
from models import Audience, AuditEntry, Role, User
from schema.core.metadata import RESTRICTED
from tests.clients import codes
from tests.factories import (
    make_category,
    make_club,
    make_event,
    make_interest,
    make_membership,
    make_registration,
    make_user,
    make_venue,
    now,
)
from tests.test_schema import FIELDS

PERSON = """
query ($id: ID, $handle: String) {
  user(id: $id, handle: $handle) {
    handle displayName bio location interests { name } clubs(first: 5) { totalCount nodes { name } }
    email claimedEmail isEmailVerified roles isActive phone firstName lastName patronymic fullName birthDate comment
  }
}
"""
UPDATE = """
mutation ($input: UpdateProfileInput!) {
  updateProfile(input: $input) {
    user { handle displayName bio phone lastName birthDate comment }
    errors { code message path }
  }
}
"""
PRIVACY = """
mutation ($input: UpdatePrivacySettingsInput!) {
  updatePrivacySettings(input: $input) {
    privacySettings { bio interests location clubs registrations }
    errors { code }
  }
}
"""
PRIVATE = {
    "email": "ada@example.org",
    "claimedEmail": "ada@new.example.org",
    "isEmailVerified": True,
    "roles": ["USER"],
    "isActive": True,
    "phone": "+74951234567",
    "firstName": "Ада",
    "lastName": "Лавлейс",
    "patronymic": "Джорджевна",
    "fullName": "Лавлейс Ада Джорджевна",
    "birthDate": "1990-12-10",
    "comment": "Prefers mornings",
}
ACCOUNT = {"email", "claimedEmail", "isEmailVerified", "roles", "isActive"}
"""For the person and administrators, not for other staff."""
OPEN = {"handle", "display_name", "created_at", "updated_at", "id"}


async def test_a_person_is_found_by_id_and_by_handle_in_any_case(client, save):
    ada = await an_ada(save)

    by_id = await client().run(PERSON, id=ada)
    by_handle = await client().run(PERSON, handle="ADA")
    missing = await client().run(PERSON, handle="nobody")

    assert by_id.data["user"]["displayName"] == "Ada"
    assert by_handle.data == by_id.data
    assert missing.data == {"user": None}


async def test_either_an_id_or_a_handle_is_wanted(client, save):
    ada = await an_ada(save)

    both = await client().run(PERSON, id=ada, handle="ada")
    neither = await client().run(PERSON)

    assert (both.error_codes, neither.error_codes) == (["BAD_USER_INPUT"], ["BAD_USER_INPUT"])


@pytest.mark.parametrize("role", [None, Role.USER, Role.VOLUNTEER, Role.MODERATOR, Role.ADMIN])
async def test_who_is_not_active_is_found_by_administrators_alone(client, save, role):
    gone, erased = make_user(is_active=False), make_user(is_active=False, deleted_at=now(), display_name="", email=None)
    reader = role and make_user(role=role)
    await save(gone, erased, *([reader] if reader else []))
    document = """
    query ($id: ID!, $ids: [ID!]!, $handle: String!) {
      user(id: $id) { isActive } named: user(handle: $handle) { isActive }
      nodes(ids: $ids) { ... on User { isActive roles } }
    }
    """

    answer = await client(reader).run(document, id=gone, handle=gone.handle, ids=[gone, erased])

    shown = {"isActive": False} if role is Role.ADMIN else None
    assert answer.data == {"user": shown, "named": shown, "nodes": [shown and shown | {"roles": ["USER"]}, None]}


@pytest.mark.parametrize(
    ("reader", "seen"),
    [
        ("signed-out", set()),
        ("stranger", set()),
        ("self", set(PRIVATE) - {"comment"}),
        ("volunteer", set(PRIVATE) - {"birthDate", *ACCOUNT}),
        ("moderator", set(PRIVATE) - {"birthDate", *ACCOUNT}),
        ("admin", set(PRIVATE) - {"birthDate"}),
    ],
)
async def test_private_data_is_for_the_person_and_staff(client, save, reader, seen):
    ada = await an_ada(save)
    readers = await everyone(save, ada)

    answer = await client(readers[reader]).run(PERSON, id=ada)

    found = {name: answer.data["user"][name] for name in PRIVATE}
    assert found == {name: PRIVATE[name] if name in seen else None for name in PRIVATE}


@pytest.mark.parametrize("field", ["bio", "location", "interests", "clubs"])
@pytest.mark.parametrize(
    ("audience", "readers"),
    [
        ("EVERYONE", {"signed-out", "stranger", "self", "volunteer", "moderator", "admin"}),
        ("MEMBERS", {"stranger", "self", "volunteer", "moderator", "admin"}),
        ("NOBODY", {"self", "volunteer", "moderator", "admin"}),
    ],
)
async def test_each_audience_is_kept_field_by_field(client, save, field, audience, readers):
    ada = await an_ada(save, privacy={field: audience})
    shown = {
        "bio": "Mathematician",
        "location": "London",
        "interests": [{"name": "Chess"}],
        "clubs": {"totalCount": 1, "nodes": [{"name": "Engines"}]},
    }[field]
    hidden = {"interests": [], "clubs": {"totalCount": 0, "nodes": []}}.get(field)

    for name, reader in (await everyone(save, ada)).items():
        answer = await client(reader).run(PERSON, id=ada)

        assert answer.data["user"][field] == (shown if name in readers else hidden), name


async def test_a_private_club_is_not_among_the_clubs_of_a_profile(client, save):
    ada = await an_ada(save)
    stranger, fellow = make_user(), make_user()
    secret = make_club(name="Secret", visibility=models.ClubVisibility.PRIVATE)
    await save(stranger, fellow, secret)
    await save(make_membership(secret, ada), make_membership(secret, fellow))

    seen = {}
    for reader in (stranger, fellow, ada):
        answer = await client(reader).run(PERSON, id=ada)
        seen[reader.handle] = [club["name"] for club in answer.data["user"]["clubs"]["nodes"]]

    assert seen == {stranger.handle: ["Engines"], fellow.handle: ["Engines", "Secret"], "ada": ["Engines", "Secret"]}


def test_every_field_of_a_person_is_either_open_or_gated():
    gated = {field.python_name for name, field in FIELDS if name == "User" and field.metadata.get(RESTRICTED)}

    assert gated == {
        "bio",
        "birth_date",
        "claimed_email",
        "clubs",
        "comment",
        "email",
        "first_name",
        "full_name",
        "interests",
        "is_active",
        "is_email_verified",
        "is_trusted",
        "last_name",
        "location",
        "patronymic",
        "phone",
        "roles",
    }
    assert {field.python_name for name, field in FIELDS if name == "User"} - gated == OPEN


async def test_only_what_is_sent_changes(client, save, row):
    ada = await an_ada(save)

    answer = await client(ada).execute(UPDATE, displayName="Countess", bio=None)

    assert answer.data["updateProfile"]["user"]["displayName"] == "Countess"
    assert answer.data["updateProfile"]["user"]["bio"] is None
    kept = await row(User, ada.id)
    assert (kept.display_name, kept.bio, kept.location, kept.phone) == ("Countess", None, "London", "+74951234567")


async def test_a_change_is_recorded_once_by_names_without_values(client, save, happened):
    ada = await an_ada(save)

    await client(ada).execute(UPDATE, displayName="Countess", phone="8 (495) 765-43-21", bio="Mathematician")

    assert await happened("user.profile.updated") == [{"changed": ["displayName", "phone"]}]


async def test_nothing_is_recorded_when_nothing_changes(client, save, happened):
    ada = await an_ada(save)

    answer = await client(ada).execute(UPDATE, displayName=" Ada ", phone="8 495 123-45-67", bio="Mathematician")

    assert codes(answer, "updateProfile") == []
    assert await happened("user.profile.updated") == []


@pytest.mark.parametrize("written", ["+7 495 765-43-21", "8 (495) 765-43-21", "84957654321", "tel:+7-495-765-43-21"])
async def test_a_phone_is_kept_in_e164(client, save, written):
    ada = await an_ada(save)

    answer = await client(ada).execute(UPDATE, phone=written)

    assert answer.data["updateProfile"]["user"]["phone"] == "+74957654321"


@pytest.mark.parametrize(
    ("input", "refusals"),
    [
        ({"phone": "12"}, [("INVALID_PHONE", ["phone"])]),
        ({"phone": "+7 000 000-00-00"}, [("INVALID_PHONE", ["phone"])]),
        ({"phone": "call me"}, [("INVALID_PHONE", ["phone"])]),
        ({"displayName": "  "}, [("REQUIRED", ["displayName"])]),
        ({"displayName": None}, [("REQUIRED", ["displayName"])]),
        ({"displayName": "a" * 101}, [("TOO_LONG", ["displayName"])]),
        ({"bio": "a" * 2001}, [("TOO_LONG", ["bio"])]),
        ({"timeZone": "Mars/Olympus"}, [("INVALID_TIME_ZONE", ["timeZone"])]),
        ({"timeZone": "../etc/passwd"}, [("INVALID_TIME_ZONE", ["timeZone"])]),
        ({"locale": "de"}, [("INVALID", ["locale"])]),
        ({"birthDate": "1899-12-31"}, [("INVALID", ["birthDate"])]),
        ({"birthDate": "2126-01-01"}, [("INVALID", ["birthDate"])]),
        ({"handle": "no spaces"}, [("INVALID_HANDLE", ["handle"])]),
        ({"handle": "TAKEN"}, [("HANDLE_TAKEN", ["handle"])]),
        ({"comment": "I am fine"}, [("FORBIDDEN", ["comment"])]),
        ({"phone": "12", "locale": "de"}, [("INVALID", ["locale"]), ("INVALID_PHONE", ["phone"])]),
    ],
)
async def test_a_wrong_value_is_named_and_nothing_changes(client, save, row, happened, input, refusals):
    ada = await an_ada(save)
    await save(make_user(handle="taken"))

    answer = await client(ada).execute(UPDATE, location="Paris", **input)

    found = answer.data["updateProfile"]["errors"]
    assert sorted((error["code"], error["path"]) for error in found) == refusals
    assert (await row(User, ada.id)).location == "London"
    assert await happened("user.profile.updated") == []


async def test_a_handle_may_be_changed_and_then_rests(client, save, row):
    ada = await an_ada(save)
    first = await client(ada).execute(UPDATE, handle="countess")

    second = await client(ada).execute(UPDATE, handle="lovelace")

    assert first.data["updateProfile"]["user"]["handle"] == "countess"
    assert codes(second, "updateProfile") == ["HANDLE_CHANGED_RECENTLY"]
    assert (await row(User, ada.id)).handle == "countess"


async def test_a_handle_may_be_changed_again_after_its_rest(client, save):
    ada = await an_ada(save, handle_changed_at=now() - timedelta(days=31))

    answer = await client(ada).execute(UPDATE, handle="countess")

    assert codes(answer, "updateProfile") == []


@pytest.mark.parametrize(
    ("caller", "outcome"),
    [
        ("signed-out", "UNAUTHENTICATED"),
        ("stranger", "FORBIDDEN"),
        ("volunteer", "FORBIDDEN"),
        ("moderator", "FORBIDDEN"),
        ("admin", None),
        ("self", None),
    ],
)
async def test_a_profile_is_changed_by_its_owner_or_an_administrator(client, save, row, count, caller, outcome):
    ada = await an_ada(save)
    callers = await everyone(save, ada)

    answer = await client(callers[caller]).execute(UPDATE, userId=ada, displayName="Countess")

    refused = answer.error_codes or codes(answer, "updateProfile")
    assert refused == ([outcome] if outcome else [])
    assert (await row(User, ada.id)).display_name == ("Ada" if outcome else "Countess")
    assert await count(AuditEntry) == (1 if caller == "admin" else 0)


async def test_what_an_administrator_changes_is_audited_with_before_and_after(client, save, ports):
    ada = await an_ada(save)
    admin = make_user(role=Role.ADMIN)
    await save(admin)

    await client(admin).execute(UPDATE, userId=ada, comment="Allergic to nuts")

    async with ports.database.reading() as session:
        entry = (await session.scalars(select(AuditEntry))).one()
    assert (entry.action, entry.actor_id, entry.subject_id) == ("user.edit", admin.id, ada.id)
    assert (entry.before, entry.after) == ({"comment": "Prefers mornings"}, {"comment": "Allergic to nuts"})


async def test_a_birth_date_is_not_even_an_administrators_to_write(client, save):
    ada = await an_ada(save)
    admin = make_user(role=Role.ADMIN)
    await save(admin)

    answer = await client(admin).execute(UPDATE, userId=ada, birthDate="2000-01-01")

    assert codes(answer, "updateProfile") == ["FORBIDDEN"]


async def test_privacy_takes_effect_at_once_and_leaves_other_fields_alone(client, save, happened):
    ada = await an_ada(save, privacy={"location": "EVERYONE"})
    before = await client().run(PERSON, id=ada)

    answer = await client(ada).execute(PRIVACY, bio="NOBODY", clubs="EVERYONE")
    after = await client().run(PERSON, id=ada)

    assert answer.data["updatePrivacySettings"]["privacySettings"] == {
        "bio": "NOBODY",
        "interests": "EVERYONE",
        "location": "EVERYONE",
        "clubs": "EVERYONE",
        "registrations": "NOBODY",
    }
    assert (before.data["user"]["bio"], before.data["user"]["clubs"]["totalCount"]) == ("Mathematician", 0)
    assert (after.data["user"]["bio"], after.data["user"]["clubs"]["totalCount"]) == (None, 1)
    assert await happened("user.profile.updated") == [{"changed": ["privacy"]}]


async def test_choosing_the_same_privacy_again_is_no_change(client, save, happened):
    ada = await an_ada(save)

    await client(ada).execute(PRIVACY, bio="EVERYONE")

    assert await happened("user.profile.updated") == []


async def test_a_guest_has_no_privacy_to_choose(client, save, row):
    ada = await an_ada(save)

    answer = await client().execute(PRIVACY, bio="NOBODY")

    assert answer.error_codes == ["UNAUTHENTICATED"]
    assert (await row(User, ada.id)).privacy == {}


async def test_one_request_gives_account_person_and_profile(client, save):
    ada = await an_ada(save)

    answer = await client(ada).run(
        """
        { viewer {
            email locale
            profile { handle interests { name } clubs { nodes { name } } }
            person { fullName birthDate phone timeZone }
            privacySettings { bio location }
        } }
        """
    )

    assert answer.data["viewer"] == {
        "email": "ada@example.org",
        "locale": "en",
        "profile": {"handle": "ada", "interests": [{"name": "Chess"}], "clubs": {"nodes": [{"name": "Engines"}]}},
        "person": {
            "fullName": "Лавлейс Ада Джорджевна",
            "birthDate": "1990-12-10",
            "phone": "+74951234567",
            "timeZone": "Europe/Moscow",
        },
        "privacySettings": {"bio": Audience.EVERYONE.value, "location": Audience.MEMBERS.value},
    }


@pytest.mark.parametrize(
    ("audience", "readers"),
    [
        ("EVERYONE", {"signed-out", "stranger", "self", "volunteer", "moderator", "admin"}),
        ("MEMBERS", {"stranger", "self", "volunteer", "moderator", "admin"}),
        ("NOBODY", {"self", "volunteer", "moderator", "admin"}),
    ],
)
async def test_participants_of_an_event_are_those_who_consent(client, save, audience, readers):
    ada, gone = (
        await an_ada(save, privacy={"registrations": audience}),
        make_user(privacy={"registrations": "EVERYONE"}),
    )
    organizer, category, venue = make_user(), make_category(), make_venue()
    event = make_event(organizer, category, venue)
    await save(gone, organizer, category, venue)
    await save(event)
    await save(make_registration(event, ada), make_registration(event, gone, admission=models.Admission.CANCELLED))

    for name, reader in (await everyone(save, ada)).items():
        answer = await client(reader).run(
            "query ($id: ID!) { event(id: $id) { participants(first: 5) { totalCount nodes { displayName } } } }",
            id=event,
        )

        shown = [{"displayName": "Ada"}] if name in readers else []
        assert answer.data["event"]["participants"] == {"totalCount": len(shown), "nodes": shown}, name


async def an_ada(save, **values):
    """Someone with every field filled, an interest and a public club."""
    defaults = {
        "handle": "ada",
        "display_name": "Ada",
        "email": "ada@example.org",
        "claimed_email": "ada@new.example.org",
        "email_verified_at": now(),
        "bio": "Mathematician",
        "location": "London",
        "first_name": "Ада",
        "last_name": "Лавлейс",
        "patronymic": "Джорджевна",
        "phone": "+74951234567",
        "birth_date": date(1990, 12, 10),
        "comment": "Prefers mornings",
    }
    ada, chess, club = make_user(**defaults | values), make_interest(name_en="Chess"), make_club(name="Engines")
    await save(ada, chess, club)
    await save(models.UserInterest(user_id=ada.id, interest_id=chess.id), make_membership(club, ada))
    return ada


async def everyone(save, ada):
    people = {
        "stranger": make_user(),
        "volunteer": make_user(role=Role.VOLUNTEER),
        "moderator": make_user(role=Role.MODERATOR),
        "admin": make_user(role=Role.ADMIN),
    }
    await save(*people.values())
    return people | {"signed-out": None, "self": ada}
