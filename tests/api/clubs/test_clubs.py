from __future__ import annotations

from datetime import timedelta

import pytest

import models
from models import (
    AuditEntry,
    Chat,
    ChatMember,
    Club,
    ClubInterest,
    ClubRole,
    ClubVisibility,
    EventStatus,
    EventVisibility,
    MembershipState,
    Role,
)
from tests.clients import codes
from tests.factories import (
    in_days,
    make_category,
    make_club,
    make_event,
    make_interest,
    make_membership,
    make_user,
    make_venue,
    now,
)

CREATE = """
mutation ($input: CreateClubInput!) {
  createClub(input: $input) {
    club {
      name description kind visibility joinPolicy version memberCount
      interests { name } owner { handle } owners { handle } viewerMembership { role state }
    }
    errors { code path }
  }
}
"""
UPDATE = """
mutation ($input: UpdateClubInput!) {
  updateClub(input: $input) {
    club { name description visibility joinPolicy version interests { name } }
    errors { code message path }
  }
}
"""
CLUB = "query ($id: ID!) { club(id: $id) { name memberCount } }"
CLUBS = """
query ($filter: ClubFilter, $sort: ClubSort! = NAME, $first: Int, $after: String) {
  clubs(filter: $filter, sort: $sort, first: $first, after: $after) {
    totalCount nodes { name } pageInfo { hasNextPage endCursor }
  }
}
"""


async def test_the_creator_of_a_club_is_its_owner(client, save, happened):
    ada, chess = make_user(handle="ada"), make_interest(name_en="Chess")
    await save(ada, chess)

    answer = await client(ada).execute(CREATE, name="  Checkmate ", description="Weekly", interestIds=[chess])

    assert answer.data["createClub"] == {
        "club": {
            "name": "Checkmate",
            "description": "Weekly",
            "kind": "CLUB",
            "visibility": "PUBLIC",
            "joinPolicy": "OPEN",
            "version": 1,
            "memberCount": 1,
            "interests": [{"name": "Chess"}],
            "owner": {"handle": "ada"},
            "owners": [{"handle": "ada"}],
            "viewerMembership": {"role": "OWNER", "state": "ACTIVE"},
        },
        "errors": [],
    }
    assert await happened("club.created") == [{}]


async def test_a_club_comes_with_a_chat_of_which_the_owner_is_a_member(client, save, count):
    ada = make_user()
    await save(ada)

    await client(ada).execute(CREATE, name="Checkmate")

    assert await count(Chat, Chat.kind == models.ChatKind.CLUB) == 1
    assert await count(ChatMember, ChatMember.user_id == ada.id) == 1


async def test_a_group_is_private_and_by_invitation_unless_said_otherwise(client, save):
    ada = make_user()
    await save(ada)

    answer = await client(ada).execute(CREATE, name="Friends", kind="GROUP")

    club = answer.data["createClub"]["club"]
    assert (club["visibility"], club["joinPolicy"]) == ("PRIVATE", "INVITE_ONLY")


async def test_all_that_is_wrong_with_a_club_is_said_at_once(client, save, count):
    ada = make_user()
    await save(ada)

    answer = await client(ada).execute(CREATE, name=" ", description="a" * 5001, interestIds=[make_interest()])

    assert answer.data["createClub"]["errors"] == [
        {"code": "REQUIRED", "path": ["name"]},
        {"code": "TOO_LONG", "path": ["description"]},
        {"code": "NOT_FOUND", "path": ["interestIds", "0"]},
    ]
    assert await count(Club) == 0


async def test_a_guest_makes_no_club(client, count):
    answer = await client().execute(CREATE, name="Checkmate")

    assert answer.error_codes == ["UNAUTHENTICATED"]
    assert await count(Club) == 0


async def test_an_update_changes_what_is_sent_and_counts_the_version(client, save, happened):
    ada, club, _ = await a_club(save, description="Weekly")

    answer = await client(ada).execute(UPDATE, clubId=club, expectedVersion=1, name="Mate", joinPolicy="APPROVAL")

    assert answer.data["updateClub"]["club"] == {
        "name": "Mate",
        "description": "Weekly",
        "visibility": "PUBLIC",
        "joinPolicy": "APPROVAL",
        "version": 2,
        "interests": [],
    }
    assert await happened("club.updated") == [{"changed": ["joinPolicy", "name"]}]


async def test_null_empties_a_description_and_a_name_cannot_be_emptied(client, save, row):
    ada, club, _ = await a_club(save, description="Weekly")

    emptied = await client(ada).execute(UPDATE, clubId=club, expectedVersion=1, description=None)
    refused = await client(ada).execute(UPDATE, clubId=club, expectedVersion=2, name=None)

    assert emptied.data["updateClub"]["club"]["description"] is None
    assert codes(refused, "updateClub") == ["REQUIRED"]
    assert (await row(Club, club.id)).name == club.name


async def test_interests_of_a_club_are_replaced(client, save, count):
    ada, club, _ = await a_club(save)
    chess, go = make_interest(name_en="Chess"), make_interest(name_en="Go")
    await save(chess, go)
    await save(ClubInterest(club_id=club.id, interest_id=chess.id))

    answer = await client(ada).execute(UPDATE, clubId=club, expectedVersion=1, interestIds=[go])

    assert answer.data["updateClub"]["club"]["interests"] == [{"name": "Go"}]
    assert await count(ClubInterest) == 1


async def test_nothing_happens_when_nothing_differs(client, save, happened):
    ada, club, _ = await a_club(save)

    answer = await client(ada).execute(UPDATE, clubId=club, expectedVersion=1, name=club.name)

    assert answer.data["updateClub"]["club"]["version"] == 1
    assert await happened("club.updated") == []


async def test_a_change_of_an_older_version_is_refused(client, save, row):
    ada, club, _ = await a_club(save)
    await client(ada).execute(UPDATE, clubId=club, expectedVersion=1, name="First")

    answer = await client(ada).execute(UPDATE, clubId=club, expectedVersion=1, name="Second")

    assert codes(answer, "updateClub") == ["VERSION_CONFLICT"]
    assert "Current version: 2" in answer.data["updateClub"]["errors"][0]["message"]
    assert (await row(Club, club.id)).name == "First"


@pytest.mark.parametrize(
    ("caller", "public", "private"),
    [
        ("signed-out", "UNAUTHENTICATED", "UNAUTHENTICATED"),
        ("stranger", "FORBIDDEN", "NOT_FOUND"),
        ("member", "FORBIDDEN", "FORBIDDEN"),
        ("club moderator", "FORBIDDEN", "FORBIDDEN"),
        ("club admin", None, None),
        ("owner", None, None),
        ("moderator", None, None),
        ("admin", None, None),
    ],
)
@pytest.mark.parametrize("visibility", [ClubVisibility.PUBLIC, ClubVisibility.PRIVATE])
async def test_a_club_is_changed_by_those_who_run_it_and_staff(
    client, save, row, count, caller, public, private, visibility
):
    _, club, people = await a_club(save, visibility=visibility)
    outcome = public if visibility is ClubVisibility.PUBLIC else private

    answer = await client(people[caller]).execute(UPDATE, clubId=club, expectedVersion=1, name="Changed")

    assert (answer.error_codes or codes(answer, "updateClub")) == ([outcome] if outcome else [])
    assert (await row(Club, club.id)).name == (club.name if outcome else "Changed")
    assert await count(AuditEntry) == (1 if caller in ("moderator", "admin") else 0)


EVERYONE = {"signed-out", "stranger", "member", "moderator"}


@pytest.mark.parametrize(
    ("visibility", "seen", "listed", "listed_if_named"),
    [
        ("PUBLIC", EVERYONE, EVERYONE, EVERYONE),
        ("UNLISTED", EVERYONE, {"member"}, {"member", "moderator"}),
        ("PRIVATE", {"member", "moderator"}, {"member"}, {"member", "moderator"}),
    ],
)
async def test_visibility_decides_who_opens_and_who_finds_a_club(
    client, save, visibility, seen, listed, listed_if_named
):
    _, club, people = await a_club(save, visibility=ClubVisibility[visibility])

    for name in EVERYONE:
        opened = await client(people[name]).run(CLUB, id=club)
        found = await client(people[name]).run(CLUBS, filter={"text": club.name})
        named = await client(people[name]).run(CLUBS, filter={"visibilities": [visibility]})
        node = await client(people[name]).run("query ($id: ID!) { node(id: $id) { id } }", id=club)

        assert (opened.data["club"] is not None, opened.errors) == (name in seen, []), name
        assert (node.data["node"] is not None) == (name in seen), name
        assert (found.data["clubs"]["nodes"] != []) == (name in listed), name
        assert (named.data["clubs"]["nodes"] != []) == (name in listed_if_named), name


async def test_an_invited_person_sees_a_private_club(client, save):
    _, club, people = await a_club(save, visibility=ClubVisibility.PRIVATE)
    await save(make_membership(club, people["stranger"], state=MembershipState.INVITED, joined_at=None))

    answer = await client(people["stranger"]).run(CLUB, id=club)

    assert answer.data["club"]["name"] == club.name


@pytest.mark.parametrize("text", ["шахмат", "ШАХМАТЫ", "елк", "Ёлками", "weekly games", "game", "week"])
async def test_a_club_is_found_by_words_of_its_name_and_description(client, save, text):
    await save(make_club(name="Шахматы под ёлкой", description="Weekly games"), make_club(name="Other"))

    answer = await client().run(CLUBS, filter={"text": text})

    assert [club["name"] for club in answer.data["clubs"]["nodes"]] == ["Шахматы под ёлкой"]


@pytest.mark.parametrize(
    ("text", "found"),
    [("'", True), ("& | !", True), ("tea:*", False), ("()", True), ("чай <-> кофе", False), ("\\", True), ("№", True)],
)
async def test_signs_of_the_search_language_are_harmless_and_narrow_nothing(client, save, text, found):
    await save(make_club(name="Chess"))

    answer = await client().run(CLUBS, filter={"text": text})

    assert answer.errors == []
    assert [club["name"] for club in answer.data["clubs"]["nodes"]] == (["Chess"] if found else [])


async def test_filters_narrow_together(client, save):
    ada, bob, chess, go = make_user(), make_user(), make_interest(), make_interest()
    one = make_club(name="One")
    two = make_club(name="Two", kind=models.ClubKind.GROUP)
    three = make_club(name="Three", visibility=ClubVisibility.UNLISTED)
    await save(ada, bob, chess, go, one, two, three)
    await save(make_membership(one, ada), make_membership(three, ada), make_membership(two, bob))
    await save(*(ClubInterest(club_id=club.id, interest_id=chess.id) for club in (one, two)))

    async def found(**filter):
        answer = await client(ada).run(CLUBS, filter=filter)
        return [club["name"] for club in answer.data["clubs"]["nodes"]]

    assert await found() == ["One", "Three", "Two"]
    assert await found(interestIds=[chess, go]) == ["One", "Two"]
    assert await found(interestIds=[go]) == []
    assert await found(kinds=["GROUP"]) == ["Two"]
    assert await found(visibilities=["UNLISTED"]) == ["Three"]
    assert await found(viewerIsMember=True) == ["One", "Three"]
    assert await found(viewerIsMember=False, interestIds=[chess]) == ["Two"]


async def test_a_guest_is_a_member_of_nothing(client, save):
    await save(make_club(name="One"))

    answer = await client().run(CLUBS, filter={"viewerIsMember": True})

    assert answer.data["clubs"]["nodes"] == []


@pytest.mark.parametrize(
    ("sort", "names"), [("NAME", ["apples", "Ёлки", "Жуки"]), ("NEWEST", ["Жуки", "apples", "Ёлки"])]
)
async def test_clubs_are_read_page_by_page_in_either_order(client, save, sort, names):
    await save(
        make_club(name="Жуки", created_at=now()),
        make_club(name="Ёлки", created_at=now() - timedelta(days=2)),
        make_club(name="apples", created_at=now() - timedelta(days=1)),
    )

    first = await client().run(CLUBS, sort=sort, first=2)
    rest = await client().run(CLUBS, sort=sort, first=2, after=first.data["clubs"]["pageInfo"]["endCursor"])

    nodes = first.data["clubs"]["nodes"] + rest.data["clubs"]["nodes"]
    assert [club["name"] for club in nodes] == names
    assert first.data["clubs"]["totalCount"] == 3
    assert rest.data["clubs"]["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize(
    "filter", [{"text": "a" * 201}, {"interestIds": [models.Interest(id=models.uuid7()) for _ in range(101)]}]
)
async def test_a_filter_has_limits(client, ports, filter):
    answer = await client().run(CLUBS, filter=filter)

    assert answer.error_codes == ["BAD_USER_INPUT"]


MEMBERS = """
query ($id: ID!, $filter: ClubMembershipFilter) {
  club(id: $id) { memberCount members(filter: $filter, first: 50) { totalCount nodes { role state user { handle } } } }
}
"""


@pytest.mark.parametrize(
    ("reader", "pending"),
    [
        ("signed-out", []),
        ("stranger", []),
        ("member", []),
        ("club moderator", ["hopeful"]),
        ("club admin", ["hopeful"]),
        ("owner", ["hopeful"]),
        ("moderator", ["hopeful"]),
        ("hopeful", ["hopeful"]),
    ],
)
async def test_requests_are_shown_to_those_who_answer_them(client, save, reader, pending):
    _, club, people = await a_club(save)
    hopeful = make_user(handle="hopeful")
    await save(hopeful)
    await save(make_membership(club, hopeful, state=MembershipState.PENDING, joined_at=None))

    answer = await client((people | {"hopeful": hopeful})[reader]).run(MEMBERS, id=club, filter={"states": ["PENDING"]})

    assert [one["user"]["handle"] for one in answer.data["club"]["members"]["nodes"]] == pending


async def test_members_are_the_active_ones_unless_filtered(client, save):
    owner, club, people = await a_club(save)
    gone = make_user()
    await save(gone)
    await save(make_membership(club, gone, state=MembershipState.LEFT))

    everyone = await client(owner).run(MEMBERS, id=club)
    admins = await client(owner).run(MEMBERS, id=club, filter={"roles": ["ADMIN"]})
    left = await client(owner).run(MEMBERS, id=club, filter={"states": ["LEFT"]})

    assert everyone.data["club"]["memberCount"] == everyone.data["club"]["members"]["totalCount"] == 4
    assert [one["user"]["handle"] for one in admins.data["club"]["members"]["nodes"]] == [people["club admin"].handle]
    assert [one["user"]["handle"] for one in left.data["club"]["members"]["nodes"]] == [gone.handle]


@pytest.mark.parametrize(
    ("clubs", "readers"),
    [
        ("EVERYONE", {"signed-out", "stranger", "member", "moderator"}),
        ("MEMBERS", {"stranger", "member", "moderator"}),
        ("NOBODY", {"member", "moderator"}),
    ],
)
async def test_who_hides_their_clubs_is_shown_to_fellow_members_only(client, save, clubs, readers):
    _, club, people = await a_club(save)
    shy = make_user(handle="shy", privacy={"clubs": clubs})
    await save(shy)
    await save(make_membership(club, shy))

    for name in ("signed-out", "stranger", "member", "moderator"):
        answer = await client(people[name]).run(MEMBERS, id=club)

        handles = {one["user"]["handle"] for one in answer.data["club"]["members"]["nodes"]}
        assert ("shy" in handles) == (name in readers), name


async def test_those_who_run_a_club_are_always_shown_with_it(client, save):
    owner, club, people = await a_club(save)

    answer = await client().run(MEMBERS, id=club)

    handles = {one["user"]["handle"] for one in answer.data["club"]["members"]["nodes"]}
    assert handles == {owner.handle, people["club admin"].handle, people["club moderator"].handle}


async def test_upcoming_events_of_a_club_are_shown_as_far_as_lists_show_them(client, save):
    owner, club, people = await a_club(save)
    category, venue = make_category(), make_venue()
    await save(category, venue)

    def event(title, **values):
        return make_event(owner, category, venue, club=club, title=title, **values)

    await save(
        event("later", starts_at=in_days(9)),
        event("soon"),
        event("over", starts_at=in_days(-3)),
        event("draft", status=EventStatus.DRAFT),
        event("members only", visibility=EventVisibility.CLUB, starts_at=in_days(8)),
        event("unlisted", visibility=EventVisibility.UNLISTED, starts_at=in_days(10)),
    )

    async def titles(reader):
        answer = await client(reader).run(
            "query ($id: ID!) { club(id: $id) { events(first: 10) { nodes { title } } } }", id=club
        )
        return [one["title"] for one in answer.data["club"]["events"]["nodes"]]

    assert await titles(None) == await titles(people["stranger"]) == ["soon", "later"]
    assert await titles(people["member"]) == ["soon", "members only", "later", "unlisted"]


async def test_one_sees_ones_clubs_memberships_and_invitations(client, save):
    _, club, people = await a_club(save)
    other = make_club(name="Other", visibility=ClubVisibility.PRIVATE)
    await save(other)
    member = people["member"]
    await save(make_membership(other, member, state=MembershipState.INVITED, joined_at=None, created_at=in_days(1)))

    answer = await client(member).run(
        """
        { viewer {
            clubs { nodes { name } }
            clubMemberships { nodes { state club { name } } }
            invitations: clubMemberships(filter: {states: [INVITED]}) { totalCount nodes { club { name } } }
        } }
        """
    )

    assert answer.data["viewer"] == {
        "clubs": {"nodes": [{"name": club.name}]},
        "clubMemberships": {
            "nodes": [
                {"state": "INVITED", "club": {"name": "Other"}},
                {"state": "ACTIVE", "club": {"name": club.name}},
            ]
        },
        "invitations": {"totalCount": 1, "nodes": [{"club": {"name": "Other"}}]},
    }


async def test_a_list_of_clubs_takes_the_same_statements_for_ten_and_a_hundred(client, save):
    ada = make_user()
    await save(ada)

    async def read(number):
        clubs = [make_club() for _ in range(number)]
        await save(*clubs)
        await save(*(make_membership(club, ada, role=ClubRole.OWNER) for club in clubs))
        return await client(ada).run(
            """
            { clubs(first: 100) { totalCount nodes {
                name memberCount interests { name } owner { handle } owners { handle }
                viewerMembership { role } events(first: 2) { nodes { title } }
                members(first: 3) { totalCount nodes { user { handle } } }
            } } }
            """
        )

    few, many = await read(10), await read(90)

    assert (len(few.data["clubs"]["nodes"]), len(many.data["clubs"]["nodes"])) == (10, 100)
    assert many.data["clubs"]["nodes"][0]["members"]["totalCount"] == 1
    assert len(few.statements) == len(many.statements) <= 11


async def a_club(save, **values):
    """The owner, a club, and people who stand in each relation to it; `memberships` are theirs by the same names."""
    club = make_club(**values)
    people = {name: make_user() for name in ("stranger", "member", "club moderator", "club admin", "owner")}
    staff = {"moderator": make_user(role=Role.MODERATOR), "admin": make_user(role=Role.ADMIN)}
    await save(club, *people.values(), *staff.values())
    roles = {
        "member": ClubRole.MEMBER,
        "club moderator": ClubRole.MODERATOR,
        "club admin": ClubRole.ADMIN,
        "owner": ClubRole.OWNER,
    }
    memberships = {name: make_membership(club, people[name], role=role) for name, role in roles.items()}
    await save(*memberships.values())
    return people["owner"], club, people | staff | {"signed-out": None, "memberships": memberships}
