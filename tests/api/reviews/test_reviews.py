from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

import models
from models import Admission, Attendance, AuditEntry, EventStatus, Review, ReviewStatus, Role
from tests.api.booking.test_registrations import an_event, event_names, rows
from tests.clients import codes, gid
from tests.factories import (
    in_days,
    make_category,
    make_club,
    make_event,
    make_host,
    make_registration,
    make_review,
    make_user,
    make_venue,
)

CREATE = """
mutation ($input: CreateReviewInput!) {
  createReview(input: $input) { review { rating text author { id } event { id } } errors { code path } }
}
"""
UPDATE = """
mutation ($input: UpdateReviewInput!) { updateReview(input: $input) { review { rating text } errors { code path } } }
"""
DELETE = """
mutation ($input: DeleteReviewInput!) { deleteReview(input: $input) { deletedReviewId errors { code path } } }
"""
REVIEWS = """
query ($id: ID!, $filter: ReviewFilter) {
  event(id: $id) {
    ratingSummary { average count histogram }
    reviews(first: 10, filter: $filter) { totalCount nodes { rating } }
    viewerReview { rating }
  }
}
"""


async def a_past_event(save, **values):
    return await an_event(save, **{"starts_at": in_days(-2)} | values)


async def test_who_took_part_reviews_once(client, save, ports, count):
    ada, event = await a_past_event(save)
    await save(make_registration(event, ada, attendance=Attendance.ATTENDED))

    first = await client(ada).execute(CREATE, eventId=event, rating=5, text="  Отлично! ")
    second = await client(ada).execute(CREATE, eventId=event, rating=1)

    assert first.data["createReview"] == {
        "review": {"rating": 5, "text": "Отлично!", "author": {"id": gid(ada)}, "event": {"id": gid(event)}},
        "errors": [],
    }
    assert second.data["createReview"]["errors"] == [{"code": "ALREADY_REVIEWED", "path": ["eventId"]}]
    assert await count(Review) == 1
    assert await event_names(ports) == ["event.review.posted"]


@pytest.mark.parametrize(
    ("event_values", "registered", "allowed"),
    [
        ({}, {}, True),
        ({}, {"attendance": Attendance.EXPECTED}, True),
        ({"status": EventStatus.ARCHIVED}, {}, True),
        ({}, {"attendance": Attendance.NO_SHOW}, False),
        ({}, {"admission": Admission.CANCELLED}, False),
        ({}, {"admission": Admission.WAITLISTED}, False),
        ({}, None, False),
        ({"status": EventStatus.CANCELLED}, {}, False),
        ({"starts_at": timedelta(days=1)}, {}, False),
        ({"starts_at": timedelta(minutes=-30)}, {}, False),
    ],
)
async def test_when_a_review_is_allowed(client, save, count, event_values, registered, allowed):
    ada, event = await a_past_event(save, **event_values)
    if registered is not None:
        await save(make_registration(event, ada, **registered))

    answer = await client(ada).execute(CREATE, eventId=event, rating=4)

    assert codes(answer, "createReview") == ([] if allowed else ["REVIEW_NOT_ALLOWED"])
    assert await count(Review) == int(allowed)


@pytest.mark.parametrize("rating", [0, 6, -1])
async def test_a_rating_out_of_range_is_refused_by_the_input_and_by_the_database(client, save, count, rating):
    ada, event = await a_past_event(save)
    await save(make_registration(event, ada))

    answer = await client(ada).execute(CREATE, eventId=event, rating=rating, text="я" * 5001)
    with pytest.raises(IntegrityError, match="ck_reviews_rating_in_range"):
        await save(make_review(event, ada, rating=rating))

    assert answer.data["createReview"]["errors"] == [
        {"code": "INVALID", "path": ["rating"]},
        {"code": "TOO_LONG", "path": ["text"]},
    ]
    assert await count(Review) == 0


@pytest.mark.parametrize(
    ("who", "create", "update", "delete"),
    [
        ("guest", "UNAUTHENTICATED", "UNAUTHENTICATED", "UNAUTHENTICATED"),
        ("stranger", ["REVIEW_NOT_ALLOWED"], ["FORBIDDEN"], ["FORBIDDEN"]),
        ("member", [], ["FORBIDDEN"], ["FORBIDDEN"]),
        ("author", ["ALREADY_REVIEWED"], [], []),
        ("organizer", ["REVIEW_NOT_ALLOWED"], ["FORBIDDEN"], ["FORBIDDEN"]),
        (Role.MODERATOR, ["REVIEW_NOT_ALLOWED"], ["FORBIDDEN"], []),
        (Role.ADMIN, ["REVIEW_NOT_ALLOWED"], ["FORBIDDEN"], []),
    ],
    ids=str,
)
async def test_who_may_do_what(client, save, ports, count, who, create, update, delete):
    ada, event = await a_past_event(save)
    person = make_user(role=who if isinstance(who, Role) else Role.USER)
    review = make_review(event, ada, rating=3)
    await save(person, review, make_registration(event, ada))
    if who == "member":
        await save(make_registration(event, person))
    if who == "organizer":
        await save(make_host(event, person))
    caller = client({"guest": None, "author": ada}.get(who, person))

    def outcome(answer, field):
        return answer.error_codes[0] if answer.errors else codes(answer, field)

    created = outcome(await caller.execute(CREATE, eventId=event, rating=1), "createReview")
    updated = outcome(await caller.execute(UPDATE, reviewId=review, rating=1), "updateReview")
    [now_rated] = [row.rating for row in await rows(ports, Review, Review.author_id == ada.id)]
    deleted = outcome(await caller.execute(DELETE, reviewId=review), "deleteReview")

    assert (created, updated, deleted) == (create, update, delete)
    assert now_rated == (1 if update == [] else 3)
    assert await count(Review, Review.author_id == ada.id) == (0 if delete == [] else 1)
    assert await count(Review, Review.author_id == person.id) == (1 if create == [] else 0)
    assert [entry.action for entry in await rows(ports, AuditEntry)] == (
        ["review.delete"] if isinstance(who, Role) else []
    )


async def test_omitted_and_null_differ(client, save):
    ada, event = await a_past_event(save)
    review = make_review(event, ada, rating=3, text="So so")
    await save(review)

    omitted = await client(ada).execute(UPDATE, reviewId=review, rating=4)
    null = await client(ada).execute(UPDATE, reviewId=review, text=None)

    assert omitted.data["updateReview"] == {"review": {"rating": 4, "text": "So so"}, "errors": []}
    assert null.data["updateReview"] == {"review": {"rating": 4, "text": None}, "errors": []}


async def test_hidden_reviews_leave_list_and_rating(client, save):
    _, event = await a_past_event(save)
    authors = [make_user() for _ in range(4)]
    moderator = make_user(role=Role.MODERATOR)
    await save(*authors, moderator)
    ratings = [(5, "PUBLISHED"), (4, "PUBLISHED"), (4, "PUBLISHED"), (1, "HIDDEN")]
    for author, (rating, status) in zip(authors, ratings, strict=True):
        await save(make_review(event, author, rating=rating, status=ReviewStatus[status]))

    everyone = (await client().run(REVIEWS, id=event)).data["event"]
    author = (await client(authors[3]).run(REVIEWS, id=event)).data["event"]
    staff = (await client(moderator).run(REVIEWS, id=event)).data["event"]

    summary = {"average": pytest.approx(13 / 3), "count": 3, "histogram": [0, 0, 0, 2, 1]}
    assert everyone["ratingSummary"] == author["ratingSummary"] == staff["ratingSummary"] == summary
    assert everyone["reviews"] == {"totalCount": 3, "nodes": [{"rating": 4}, {"rating": 4}, {"rating": 5}]}
    assert [node["rating"] for node in author["reviews"]["nodes"]] == [1, 4, 4, 5]
    assert author["viewerReview"] == {"rating": 1}
    assert staff["reviews"]["totalCount"] == 3


@pytest.mark.parametrize(
    ("who", "filter", "expected"),
    [
        ("guest", {"ratings": [5, 1]}, [5]),
        ("guest", {"statuses": ["HIDDEN"]}, []),
        ("author of the hidden one", {"statuses": ["HIDDEN", "PUBLISHED"], "ratings": [4, 1]}, [1, 4, 4]),
        ("moderator", {}, [4, 4, 5]),
        ("moderator", {"statuses": ["HIDDEN"]}, [1]),
        ("moderator", {"statuses": ["HIDDEN", "PUBLISHED"]}, [1, 4, 4, 5]),
    ],
)
async def test_reviews_by_rating_and_status(client, save, who, filter, expected):
    _, event = await a_past_event(save)
    authors, moderator = [make_user() for _ in range(4)], make_user(role=Role.MODERATOR)
    await save(*authors, moderator)
    ratings = [(5, "PUBLISHED"), (4, "PUBLISHED"), (4, "PUBLISHED"), (1, "HIDDEN")]
    for author, (rating, status) in zip(authors, ratings, strict=True):
        await save(make_review(event, author, rating=rating, status=ReviewStatus[status]))
    reader = {"guest": None, "moderator": moderator}.get(who, authors[3])

    found = await client(reader).run(REVIEWS, id=event, filter=filter)

    page = found.data["event"]["reviews"]
    assert ([node["rating"] for node in page["nodes"]], page["totalCount"]) == (expected, len(expected))


async def test_no_review_has_another_rating(client, save):
    _, event = await a_past_event(save)

    answer = await client().run(REVIEWS, id=event, filter={"ratings": [0, 5, 6]})

    [error] = answer.errors
    assert [(one["code"], one["path"]) for one in error["extensions"]["errors"]] == [
        ("INVALID", ["filter", "ratings", "0"]),
        ("INVALID", ["filter", "ratings", "2"]),
    ]


async def test_own_reviews(client, save):
    ada, event = await a_past_event(save)
    _, other = await a_past_event(save)
    bob = make_user()
    await save(bob)
    await save(
        make_review(event, ada, rating=5),
        make_review(other, ada, rating=2, status=ReviewStatus.HIDDEN),
        make_review(event, bob, rating=1),
    )
    document = "query ($filter: ReviewFilter) { viewer { reviews(filter: $filter) { nodes { rating } totalCount } } }"

    every = await client(ada).run(document)
    hidden = await client(ada).run(document, filter={"statuses": ["HIDDEN"]})

    assert every.data["viewer"]["reviews"] == {"nodes": [{"rating": 2}, {"rating": 5}], "totalCount": 2}
    assert hidden.data["viewer"]["reviews"] == {"nodes": [{"rating": 2}], "totalCount": 1}


async def test_an_event_without_reviews_has_an_empty_summary(client, save):
    _, event = await a_past_event(save)

    answer = await client().run(REVIEWS, id=event)

    assert answer.data["event"] == {
        "ratingSummary": {"average": None, "count": 0, "histogram": [0, 0, 0, 0, 0]},
        "reviews": {"totalCount": 0, "nodes": []},
        "viewerReview": None,
    }


async def test_reviews_of_a_hidden_event_are_hidden(client, save):
    club = make_club()
    await save(club)
    ada, event = await a_past_event(save, visibility=models.EventVisibility.CLUB, club_id=club.id)
    stranger = make_user()
    review = make_review(event, ada)
    await save(stranger, review)

    read = await client(stranger).run("query ($id: ID!) { node(id: $id) { id } }", id=review)
    deleted = await client(stranger).execute(DELETE, reviewId=review)

    assert read.data == {"node": None}
    assert codes(deleted, "deleteReview") == ["NOT_FOUND"]


async def test_lists_cost_the_same_for_ten_rows_and_for_a_hundred(client, save):
    ada, category, venue = make_user(), make_category(), make_venue()
    await save(ada, category, venue)
    document = """
    query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Event {
      ratingSummary { average count histogram }
      reviews(first: 5) { totalCount nodes { rating author { id } event { id } } }
    } } }
    """

    async def some(number):
        events = [make_event(ada, category, venue, starts_at=in_days(-2)) for _ in range(number)]
        await save(*events)
        await save(*(make_review(event, ada) for event in events))
        return await client(ada).run(document, ids=events)

    ten = await some(10)
    hundred = await some(100)

    assert len(hundred.data["nodes"]) == 100
    assert len(hundred.statements) == len(ten.statements)
