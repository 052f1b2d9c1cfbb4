from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import orjson
import pytest
from graphql import GraphQLObjectType, get_introspection_query

import dataloaders.core.compiled
import models
from auth.viewer import GUEST, Viewer
from database.rows import Values, attributes, folded_class, row_class
from dataloaders.core.compiled import Placeholder, compile_for
from dataloaders.core.declarations import Many, One, OneOf, PageRequest, Pages, Value
from dataloaders.core.keyset_pages import PageArgs
from dataloaders.core.selects import statement_for
from engine.declared import source_of
from engine.fetches import Resolved
from models import EventVisibility, Role, User
from schema.core.metadata import DECLARED, definition_of
from schema.core.relations import Derived
from tests.api.booking.test_registrations import an_event
from tests.clients import engine_of, gid, shared_schema
from tests.factories import make_interest

SCHEMA = shared_schema().graphql
FEED = "{ events { nodes { id title timing venue { name } interests { name } services { capacity } } } }"


def fields_of_types():
    for type_ in SCHEMA.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            yield from ((type_, name, field) for name, field in type_.fields.items())


def declarations():
    """Every declaration behind a field in each of its orders, with its coordinate."""
    for type_, name, field in fields_of_types():
        metadata = definition_of(field).metadata
        declared = metadata.get(DECLARED)
        found = [declared]
        if isinstance(declared, Derived):
            found = [need.declaration for need in declared.needs.values()]
        elif isinstance(declared, OneOf):
            found = list(declared.kinds.values())
        for number, one in enumerate(found):
            coordinate = f"{type_.name}.{name}.{number}"
            if isinstance(one, Pages):
                for sort in one.orders or (None,):
                    request = PageRequest(PageArgs(), metadata["paging"].unfiltered, sort)
                    yield f"{coordinate} {sort.name}" if sort else coordinate, one, request
            elif isinstance(one, One | Many | Value):
                yield coordinate, one, None


def test_only_root_fields_run_for_each_parent():
    roots = {"Query", "Mutation", "Subscription"}

    found = {
        f"{type_.name}.{name}"
        for type_, name, field in fields_of_types()
        if type_.name not in roots and isinstance(source_of(type_, field), Resolved)
    }

    assert found == set()


def build_for(declaration, request):
    if isinstance(declaration, Value):
        return Values, lambda viewer: statement_for(declaration, viewer)
    names = attributes(declaration.entity)
    return row_class(declaration.entity), lambda viewer: statement_for(declaration, viewer, request, names)


@pytest.mark.parametrize("role", Role)
def test_a_compiled_statement_holds_nothing_of_its_viewer_or_hour(role, monkeypatch):
    """What is compiled for one is run for all of the same role, at any time."""
    all_of_them = list(declarations())
    for coordinate, declaration, request_ in all_of_them:
        with monkeypatch.context() as patched:
            assert_it_holds_nothing(declaration, request_, role, patched, coordinate)

    assert len(all_of_them) > 100


def assert_it_holds_nothing(declaration, request_, role, monkeypatch, coordinate):
    if role is Role.GUEST:
        viewers = [GUEST, GUEST]
    else:
        viewers = [Viewer(User(id=uuid4(), role=role, handle=f"h{n}", locale=("ru", "en")[n])) for n in range(2)]
    rows, build = build_for(declaration, request_)
    first = compile_for(build, viewers[0], ["keys", "size"], rows)
    # Built for the second one as he is, and later: what differs must be a slot.
    monkeypatch.setattr(dataloaders.core.compiled, "anyone_like", lambda _viewer: viewers[1])
    second = compile_for(build, viewers[1], ["keys", "size"], rows)

    assert first.sql == second.sql, coordinate
    for one, other in zip(first.parameters, second.parameters, strict=True):
        if isinstance(one, Placeholder):
            is_viewer = one.name == "viewer" and other in (viewers[1].id, str(viewers[1].id))
            assert isinstance(other, Placeholder) or is_viewer, coordinate
        else:
            assert one == other, coordinate
            assert not isinstance(one, datetime) or abs(one - datetime.now(UTC)) > timedelta(days=1), coordinate


async def test_what_fails_for_one_row_is_told_with_its_path(client, save, monkeypatch):
    events = [(await an_event(save, title=f"Event {number}"))[1] for number in range(3)]
    right = models.Event.timing_at

    def failing(self, moment):
        if self.title == "Event 1":
            raise RuntimeError("no")
        return right(self, moment)

    monkeypatch.setattr(row_class(models.Event), "timing_at", failing)
    answer = await client().run(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Event { title timing } } }", ids=events
    )

    assert [node and node["title"] for node in answer.data["nodes"]] == ["Event 0", None, "Event 2"]
    assert [(error["path"], error["extensions"]["code"]) for error in answer.errors] == [
        (["nodes", 1, "timing"], "INTERNAL")
    ]


async def test_a_row_that_several_lead_to_is_built_once_and_its_errors_are_told_for_each(client, save, monkeypatch):
    ada, event = await an_event(save)
    monkeypatch.setattr("schema.events.events.two_places", lambda _amount: 1 / 0)
    document = """
    query ($id: ID!) { a: event(id: $id) { priceFrom { amount } } b: event(id: $id) { priceFrom { amount } } }
    """

    answer = await client(ada).run(document, id=event)

    assert answer.data == {"a": None, "b": None}
    assert sorted(error["path"][0] for error in answer.errors) == ["a", "b"]


async def test_rows_and_short_lists_come_in_the_statement_of_their_parents(client, save):
    interests = [make_interest(slug=f"s{number}", name_en=f"Interest {number}") for number in range(3)]
    await save(*interests)
    _, event = await an_event(save)
    _, bare = await an_event(save)
    await save(*(models.EventInterest(event_id=event.id, interest_id=one.id) for one in reversed(interests)))

    lists = await client().run(
        """
        query ($a: ID!, $b: ID!) {
          a: event(id: $a) { ...lists }
          b: event(id: $b) { ...lists }
        }
        fragment lists on Event { interests { slug name __typename } organizers { handle } venue { name } }
        """,
        a=event,
        b=bare,
    )

    assert lists.errors == []
    assert lists.data["a"]["interests"] == [
        {"slug": f"s{number}", "name": f"Interest {number}", "__typename": "Interest"} for number in range(3)
    ]
    assert lists.data["b"]["interests"] == []
    assert lists.data["a"]["organizers"] == []
    assert len(lists.statements) == 2


@pytest.mark.usefixtures("sound_builders")
async def test_an_item_of_a_list_that_fails_is_told_with_its_path(client, save, monkeypatch):
    interests = [make_interest(slug=f"s{number}") for number in range(2)]
    await save(*interests)
    _, event = await an_event(save)
    await save(*(models.EventInterest(event_id=event.id, interest_id=one.id) for one in interests))
    document = "query ($id: ID!) { event(id: $id) { title interests { slug name } } }"
    right = await client().run(document, id=event)
    names = tuple(name for name in attributes(models.Interest) if name in ("slug", "name_ru", "name_en"))
    monkeypatch.setattr(folded_class(models.Interest, names), "name_en", property(lambda _row: 1 / 0))

    wrong = await client().run(document, id=event)

    assert [one["slug"] for one in right.data["event"]["interests"]] == ["s0", "s1"]
    assert wrong.data == {"event": None}
    assert [error["path"] for error in wrong.errors] == [["event", "interests", at, "name"] for at in (0, 1)]


async def test_the_schema_describes_itself_once(client, schema):
    engine, before = engine_of(schema), dict(engine_of(schema).fallbacks)
    document = '{ __schema { queryType { name } } __type(name: "Event") { name } }'

    first = await client().run(document)
    second = await client().run(document)

    assert first.data == second.data == {"__schema": {"queryType": {"name": "Query"}}, "__type": {"name": "Event"}}
    assert engine.fallbacks == before


async def test_what_the_schema_says_is_kept_as_bytes_and_paid_for_each_time(http):
    body = {"query": get_introspection_query(), "extensions": {"cost": True}}

    first, second = [(await http.post("/graphql", json=body)).json() for _ in range(2)]

    assert first["data"] == second["data"]
    paid, again = first["extensions"]["cost"], second["extensions"]["cost"]
    assert 0.5 < paid["requested"] / paid["actual"] < 2
    assert again["actual"] == len(orjson.dumps(first["data"])) // 100


async def test_the_schema_does_not_describe_itself_without_end(http):
    many = " ".join(f"a{n}: __schema {{ types {{ ...T }} }}" for n in range(20))
    query = f"query {{ {many} }} fragment T on __Type {{ name fields {{ name type {{ name kind }} args {{ name }} }} }}"

    answer = (await http.post("/graphql", json={"query": query})).json()

    assert answer["errors"][0]["extensions"]["code"] == "QUERY_TOO_COSTLY"


async def test_what_cannot_be_planned_is_left_to_graphql_core_and_counted(http, save):
    _, event = await an_event(save, title="Chess")
    document = 'query ($id: ID!) { event(id: $id) { title venue { id } } __type(name: "Event") { name } }'

    answer = (await http.post("/graphql", json={"query": document, "variables": {"id": gid(event)}})).json()
    metrics = (await http.get("/metrics")).text

    assert answer["data"]["event"]["title"] == "Chess"
    assert answer["data"]["event"]["venue"]["id"]
    assert 'wingding_engine_fallbacks_total{reason="introspection among rows"} 1.0' in metrics


async def test_code_that_runs_for_each_parent_is_counted(http, save, monkeypatch):
    await an_event(save, title="Chess")

    def resolved(type_, definition):
        is_timing = definition is type_.fields.get("timing")
        return Resolved() if is_timing else source_of(type_, definition)

    monkeypatch.setattr("engine.planner.source_of", resolved)
    answer = (await http.post("/graphql", json={"query": "{ events { nodes { once: timing title } } }"})).json()
    metrics = (await http.get("/metrics")).text

    assert answer["data"]["events"]["nodes"] == [{"once": "UPCOMING", "title": "Chess"}]
    assert 'wingding_engine_per_parent_fields_total{field="Event.timing"} 1.0' in metrics


async def test_a_developer_is_shown_levels_statements_and_rows(http, save):
    await an_event(save, title="Chess")

    answer = (await http.post("/graphql", json={"query": FEED, "extensions": {"plan": True}})).json()

    levels = answer["extensions"]["plan"]["levels"]
    assert [level["field"] for level in levels] == ["Query.events", "Event.services"]
    assert [level["parents"] for level in levels] == [1, 1]
    assert levels[0]["statements"][0]["rows"] == 1
    assert "SELECT" in levels[0]["statements"][0]["sql"]


async def test_only_columns_that_are_asked_for_are_fetched(client, save):
    await an_event(save, visibility=EventVisibility.PUBLIC)

    answer = await client().run("{ events { nodes { title } } }")

    selected = answer.statements[0].split("FROM")[0]
    assert "events.title" in selected
    assert "events.description" not in selected


async def test_a_repeat_over_http_gets_the_answer_that_was_kept_with_the_caller_in_it(http, sign_in):
    """The caller of a request is a read-only row, unlike in tests that bring their own."""
    headers = {"authorization": f"Bearer {await sign_in()}"}
    document = """
    mutation { markAllNotificationsRead(input: {idempotencyKey: "12345678"}) { count viewer { user { handle } } } }
    """

    answers = [(await http.post("/graphql", json={"query": document}, headers=headers)).json() for _ in range(2)]

    assert "errors" not in answers[0]
    assert answers[0] == answers[1]


async def test_what_is_wrong_with_arguments_comes_before_who_may_ask(client):
    document = "query ($states: [ModerationState!]) { moderationQueue(filter: {states: $states}) { totalCount } }"

    answer = await client().run(document, states=None)

    assert answer.data == {"moderationQueue": None}
    assert answer.error_codes == ["BAD_USER_INPUT"]
