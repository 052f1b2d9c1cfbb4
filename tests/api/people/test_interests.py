from __future__ import annotations

import asyncio

import pytest

import models
from models import UserInterest
from tests.clients import codes, gid
from tests.factories import make_interest, make_user

CATALOGUE = """
query ($filter: InterestFilter, $first: Int, $after: String) {
  interests(filter: $filter, first: $first, after: $after) {
    totalCount nodes { slug name } pageInfo { hasNextPage endCursor }
  }
}
"""
CHANGE = """
mutation ($input: %sInput!) {
  answer: %s(input: $input) { user { interests { name } } errors { code path } }
}
"""
SET = CHANGE % ("SetInterests", "setInterests")
ADD = CHANGE % ("AddInterests", "addInterests")
REMOVE = CHANGE % ("RemoveInterests", "removeInterests")


async def test_the_catalogue_is_in_order_of_the_readers_language(client, save):
    await save(
        make_interest(slug="a", name_ru="Ёлки", name_en="Spruces"),
        make_interest(slug="b", name_ru="Дача", name_en="Cottages"),
        make_interest(slug="c", name_ru="жонглирование", name_en="juggling"),
    )

    russian = await client(language="ru").run(CATALOGUE)
    english = await client(language="en").run(CATALOGUE)

    assert [one["name"] for one in russian.data["interests"]["nodes"]] == ["Дача", "Ёлки", "жонглирование"]
    assert [one["name"] for one in english.data["interests"]["nodes"]] == ["Cottages", "juggling", "Spruces"]


@pytest.mark.parametrize("text", ["елк", "ЁЛК", "ёлок", "spru", "SPRUCE"])
async def test_an_interest_is_found_by_words_of_its_name_in_any_language(client, save, text):
    await save(make_interest(slug="spruces", name_ru="Ёлки", name_en="Spruces"), make_interest())

    answer = await client().run(CATALOGUE, filter={"text": text})

    assert [one["slug"] for one in answer.data["interests"]["nodes"]] == ["spruces"]


async def test_signs_that_mean_anything_in_a_pattern_are_taken_as_they_are(client, save):
    await save(make_interest(name_en="Chess"))

    answer = await client().run(CATALOGUE, filter={"text": "%ess"})

    assert answer.data["interests"]["nodes"] == []


async def test_the_catalogue_is_read_page_by_page(client, save):
    await save(*(make_interest(slug=letter, name_en=letter) for letter in "abc"))

    first = await client().run(CATALOGUE, first=2)
    after = first.data["interests"]["pageInfo"]["endCursor"]
    second = await client().run(CATALOGUE, first=2, after=after)

    assert [one["slug"] for one in first.data["interests"]["nodes"]] == ["a", "b"]
    assert first.data["interests"]["totalCount"] == 3
    assert [one["slug"] for one in second.data["interests"]["nodes"]] == ["c"]


async def test_setting_replaces_all_interests(client, save, happened):
    ada, _, go, tea = await an_ada(save)

    answer = await client(ada).execute(SET, interestIds=[go, tea, go])

    assert names(answer) == ["Go", "Tea"]
    assert await happened("user.interests.updated") == [{"added": 2, "removed": 1}]


async def test_an_interest_set_is_seen_in_the_profile(client, save):
    ada, _, go, _ = await an_ada(save)
    await client(ada).execute(SET, interestIds=[go])

    answer = await client(ada).run("{ viewer { profile { interests { name } } } }")

    assert answer.data["viewer"]["profile"]["interests"] == [{"name": "Go"}]


async def test_setting_the_same_interests_is_no_change(client, save, happened):
    ada, chess, _, _ = await an_ada(save)

    answer = await client(ada).execute(SET, interestIds=[chess])

    assert names(answer) == ["Chess"]
    assert await happened("user.interests.updated") == []


async def test_interests_are_added_and_taken_away_one_by_one(client, save, happened):
    ada, chess, go, tea = await an_ada(save)

    added = await client(ada).execute(ADD, interestIds=[chess, go])
    removed = await client(ada).execute(REMOVE, interestIds=[chess, tea])

    assert names(added) == ["Chess", "Go"]
    assert names(removed) == ["Go"]
    assert await happened("user.interests.updated") == [{"added": 1, "removed": 0}, {"added": 0, "removed": 1}]


async def test_an_unknown_interest_is_named_by_its_place(client, save, count):
    ada, chess, go, _ = await an_ada(save)
    missing = make_interest()

    answer = await client(ada).execute(SET, interestIds=[go, missing])

    assert answer.data["answer"]["errors"] == [{"code": "NOT_FOUND", "path": ["interestIds", "1"]}]
    assert await count(UserInterest, UserInterest.interest_id == chess.id) == 1


async def test_an_id_of_another_kind_is_refused(client, save):
    ada, *_ = await an_ada(save)

    answer = await client(ada).execute(SET, interestIds=[gid(ada)])

    assert answer.data["answer"]["errors"] == [{"code": "INVALID_ID", "path": ["interestIds", "0"]}]


async def test_nobody_has_more_than_fifty_interests(client, save, count):
    ada, chess, *_ = await an_ada(save)
    many = [make_interest() for _ in range(51)]
    await save(*many)

    at_once = await client(ada).execute(SET, interestIds=many)
    fifty = await client(ada).execute(SET, interestIds=many[:50])
    one_more = await client(ada).execute(ADD, interestIds=[chess])

    assert codes(at_once, "answer") == ["INVALID"]
    assert len(fifty.data["answer"]["user"]["interests"]) == 50
    assert codes(one_more, "answer") == ["INVALID"]
    assert await count(UserInterest) == 50


async def test_two_additions_at_once_do_not_pass_the_limit_together(client, save, count):
    ada, _, go, tea = await an_ada(save)
    many = [make_interest() for _ in range(48)]
    await save(*many)
    await client(ada).execute(ADD, interestIds=many)

    answers = await asyncio.gather(
        client(ada).execute(ADD, interestIds=[go]), client(ada).execute(ADD, interestIds=[tea])
    )

    assert sorted(codes(answer, "answer") for answer in answers) == [[], ["INVALID"]]
    assert await count(UserInterest) == 50


@pytest.mark.parametrize("document", [SET, ADD, REMOVE], ids=["set", "add", "remove"])
async def test_a_guest_has_no_interests_to_change(client, save, count, document):
    _, chess, _, _ = await an_ada(save)

    answer = await client().execute(document, interestIds=[chess])

    assert answer.error_codes == ["UNAUTHENTICATED"]
    assert await count(UserInterest) == 1


async def test_interests_of_many_people_take_one_statement(client, save):
    async def statements_for(people):
        club, chess = models.Club(name="Everyone"), make_interest()
        await save(club, chess, *people)
        await save(*(UserInterest(user_id=one.id, interest_id=chess.id) for one in people))
        await save(
            *(
                models.ClubMembership(club_id=club.id, user_id=one.id, state=models.MembershipState.ACTIVE)
                for one in people
            )
        )
        answer = await client(people[0]).run(
            """
            query ($id: ID!) { club(id: $id) { members(first: 100) { nodes { user {
              bio interests { name } clubs(first: 3) { nodes { name memberCount } }
            } } } } }
            """,
            id=club,
        )
        assert [one["user"]["interests"] for one in answer.data["club"]["members"]["nodes"]] == [
            [{"name": chess.name_en}]
        ] * len(people)
        return len(answer.statements)

    few = await statements_for([make_user() for _ in range(10)])
    many = await statements_for([make_user() for _ in range(100)])

    assert few == many <= 6


def names(answer):
    return [one["name"] for one in answer.data["answer"]["user"]["interests"]]


async def an_ada(save):
    """Someone who likes chess, in a world that also knows go and tea."""
    ada = make_user()
    chess, go, tea = (make_interest(slug=name.lower(), name_en=name) for name in ("Chess", "Go", "Tea"))
    await save(ada, chess, go, tea)
    await save(UserInterest(user_id=ada.id, interest_id=chess.id))
    return ada, chess, go, tea
