"""What an answer depends on is read off the declarations."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from auth.viewer import GUEST, Viewer
from auth.visibility.clubs import clubs_visible_to
from dataloaders.core.declarations import one
from engine import sharing
from engine.live import LiveOperations
from engine.sharing import Dependence, dependence_of
from models import Club, Role, User, uuid7
from schema.core.context import Caller, Context

MESSAGE = """
subscription ($id: ID!, $after: String) {{
  messageSent(chatId: $id, after: $after) {{ ... on MessageSent {{ message {{ {} }} }} }}
}}
"""


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("id sequence body sentAt cursor", Dependence.NOTHING),
        ("author { id handle displayName createdAt }", Dependence.ROLE),
        ("... on Node { id } __typename", Dependence.NOTHING),
        ("isOwn", Dependence.VIEWER),
        ("clientMessageId", Dependence.VIEWER),
        ("readByOther", Dependence.VIEWER),
        ("viewerCan { markRead }", Dependence.VIEWER),
        ("chat { id }", Dependence.VIEWER),
        ("author { bio }", Dependence.VIEWER),
        ("author { email }", Dependence.VIEWER),
        ("author { interests { id } }", Dependence.VIEWER),
        ("author { ...Clubs } } } } } fragment Clubs on User { ... on User { clubs { nodes { id", Dependence.VIEWER),
    ],
)
async def test_of_messages(schema, selection, expected):
    prepared = schema.prepare(MESSAGE.format(selection))

    assert prepared.errors == ()
    assert dependence_of(schema.graphql, prepared, prepared.operation(None)) is expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('{ availabilityChanged(eventId: "x") { ... on AvailabilityChange { free services { free } } } }', 0),
        ("{ notificationReceived { ... on Notification { id createdAt actor { handle } } } }", 1),
        ("{ notificationReceived { ... on Notification { title } } }", 2),
        ("{ notificationReceived { ... on Notification { subject { ... on Club { id } } } } }", 2),
    ],
)
async def test_of_other_streams(schema, document, expected):
    prepared = schema.prepare(f"subscription {document}")

    assert prepared.errors == ()
    assert dependence_of(schema.graphql, prepared, prepared.operation(None)) == expected


def test_of_a_relation_that_only_roles_tell_apart():
    def for_staff(viewer: Viewer):
        return select(Club) if viewer.is_staff else select(Club).where(Club.name != "")

    assert sharing._of_declaration(one(Club, key=Club.id, select=for_staff)) is Dependence.ROLE
    assert sharing._of_declaration(one(Club, key=Club.id, select=clubs_visible_to)) is Dependence.VIEWER
    assert sharing._of_declaration(one(Club, key=Club.id, select=lambda _: select(Club))) is Dependence.NOTHING


@pytest.fixture
def opened(schema, ports):
    operations = LiveOperations(schema)

    def make(text, *, language="en", viewer=GUEST, **variables):
        caller = Caller(address="127.0.0.1", user_agent="", accept_language=language)
        found = operations.open(text, variables, None, Context(ports, caller, viewer, is_socket=True))
        assert found is not None
        return found

    return make


def a_viewer(role=Role.USER):
    return Viewer(User(id=uuid7(), role=role, locale="en"))


PLAIN, OWN = MESSAGE.format("body"), MESSAGE.format("isOwn")


async def test_the_cursor_parts_nobody_and_everything_else_does(opened):
    keys = [
        opened(PLAIN, id="a").key,
        opened(PLAIN, id="a", after="1", viewer=a_viewer()).key,
        opened(PLAIN, id="a", after="2", viewer=a_viewer(Role.ADMIN)).key,
        opened(PLAIN, id="b").key,
        opened(PLAIN, id="a", language="ru").key,
        opened(PLAIN + " ", id="a").key,
    ]

    assert keys[0] == keys[1] == keys[2]
    assert len(set(keys)) == 4


async def test_a_cursor_that_is_used_for_more_than_the_cursor_parts(opened):
    text = PLAIN.replace("chatId: $id", "chatId: $after").replace("($id: ID!, $after: String)", "($after: ID!)")
    text = text.replace("after: $after", 'after: "x"').replace("{ body }", "{ body @include(if: true) }")

    assert opened(text, after="a").key != opened(text, after="b").key


async def test_who_depends_on_the_viewer_is_alone(opened):
    viewer = a_viewer()

    assert opened(OWN, id="a", viewer=viewer).key != opened(OWN, id="a", viewer=viewer).key


async def test_entries_of_all_streams_with_one_selection_are_answered_together_in_a_guests_context(opened, schema):
    operations = LiveOperations(schema)
    first, second = (opened(PLAIN, id=id, viewer=a_viewer(Role.ADMIN)) for id in ("a", "b"))
    answering = operations.answering(first)

    assert operations.answering(second) is answering
    assert answering._context.viewer is GUEST
    assert operations.answering(opened(OWN, id="a")) is not answering
