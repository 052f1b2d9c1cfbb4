"""Texts are stored as `errors.tidy` leaves them, whichever mutation brings them."""

from __future__ import annotations

import pytest

from tests.factories import in_days, make_category, make_user, make_venue

WRITTEN = " Йо\u00adга\r\nв \t\u200bпарке и\u0306 "
ONE_LINE = "Йога в парке й"
LINES = "Йога\r\nв \tпарке й"

CREATE_EVENT = """
mutation ($input: CreateEventInput!) {
  made: createEvent(input: $input) { object: event { line: title lines: description } errors { code } }
}
"""
CREATE_CLUB = """
mutation ($input: CreateClubInput!) {
  made: createClub(input: $input) { object: club { line: name lines: description } errors { code } }
}
"""
UPDATE_PROFILE = """
mutation ($input: UpdateProfileInput!) {
  made: updateProfile(input: $input) { object: user { line: displayName lines: bio } errors { code } }
}
"""
CREATE_VENUE = """
mutation ($input: CreateVenueInput!) {
  made: createVenue(input: $input) { object: venue { line: name other: address } errors { code } }
}
"""
CREATE_CHAT = """
mutation ($input: CreateChatInput!) {
  made: createChat(input: $input) { object: chat { line: title } errors { code } }
}
"""


@pytest.mark.parametrize(
    ("document", "input"),
    [
        (CREATE_EVENT, {"title": WRITTEN, "description": WRITTEN}),
        (CREATE_CLUB, {"name": WRITTEN, "description": WRITTEN}),
        (UPDATE_PROFILE, {"displayName": WRITTEN, "bio": WRITTEN}),
        (CREATE_VENUE, {"name": WRITTEN, "address": WRITTEN}),
        (CREATE_CHAT, {"kind": "GROUP", "memberIds": [], "title": WRITTEN}),
    ],
    ids=["event", "club", "profile", "venue", "chat"],
)
async def test_names_have_one_line_and_texts_keep_theirs(client, save, document, input):
    ada, category, venue = make_user(), make_category(), make_venue()
    await save(ada, category, venue)
    if document is CREATE_EVENT:
        times = {"startsAt": in_days(1).isoformat(), "endsAt": in_days(2).isoformat()}
        input = input | times | {"categoryId": category, "venueId": venue}

    answer = await client(ada).execute(document, **input)

    assert answer.errors == []
    stored = answer.data["made"]["object"]
    assert stored == {key: LINES if key == "lines" else ONE_LINE for key in stored}
