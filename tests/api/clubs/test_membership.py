from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from models import (
    AuditEntry,
    ChatKind,
    ChatMember,
    ClubMembership,
    ClubRole,
    ClubVisibility,
    JoinPolicy,
    MembershipState,
    Notification,
    NotificationType,
    OutboxEvent,
    Role,
)
from realtime.streams import access_stream
from tests.api.clubs.test_clubs import a_club
from tests.clients import codes
from tests.factories import make_chat, make_member, make_membership, make_user

MUTATION = """
mutation ($input: %sInput!) {
  answer: %s(input: $input) { membership { state role user { handle } } errors { code path } }
}
"""


def mutation(name):
    return MUTATION % (name[0].upper() + name[1:], name)


JOIN = mutation("joinClub")
LEAVE = mutation("leaveClub")
INVITE = mutation("inviteToClub")
APPROVE = mutation("approveClubMember")
REJECT = mutation("rejectClubMember")
REMOVE = mutation("removeClubMember")
LIFT = mutation("liftClubBan")
CHANGE_ROLE = mutation("changeClubMemberRole")
TRANSFER = mutation("transferClubOwnership")

ACTIVE, PENDING, INVITED, LEFT, REJECTED = (
    MembershipState[name] for name in ("ACTIVE", "PENDING", "INVITED", "LEFT", "REJECTED")
)


async def test_an_open_club_is_joined_at_once_with_its_chat(client, save, count, happened):
    _, club, people = await a_club_with_chat(save)
    stranger = people["stranger"]

    answer = await client(stranger).execute(JOIN, clubId=club)

    assert answer.data["answer"]["membership"] == {
        "state": "ACTIVE",
        "role": "MEMBER",
        "user": {"handle": stranger.handle},
    }
    assert await in_chat(count, stranger) is True
    assert [one["state"] for one in await happened("club.membership.changed")] == ["ACTIVE"]


async def test_joining_twice_leaves_one_membership(client, save, count):
    _, club, people = await a_club_with_chat(save)
    stranger = people["stranger"]
    await client(stranger).execute(JOIN, clubId=club)

    answer = await client(stranger).execute(JOIN, clubId=club)

    assert codes(answer, "answer") == ["ALREADY_MEMBER"]
    assert await count(ClubMembership, ClubMembership.user_id == stranger.id) == 1


async def test_joining_many_times_at_once_leaves_one_membership(client, save, count):
    _, club, people = await a_club_with_chat(save)
    stranger = people["stranger"]

    answers = await asyncio.gather(*(client(stranger).execute(JOIN, clubId=club) for _ in range(8)))

    assert sorted(codes(answer, "answer") for answer in answers) == [[], *[["ALREADY_MEMBER"]] * 7]
    assert await count(ClubMembership, ClubMembership.user_id == stranger.id) == 1


async def test_a_request_tells_those_who_may_answer_and_nobody_twice(client, save, told):
    _, club, people = await a_club_with_chat(save, join_policy=JoinPolicy.APPROVAL)
    stranger = people["stranger"]

    first = await client(stranger).execute(JOIN, clubId=club)
    second = await client(stranger).execute(JOIN, clubId=club)

    assert first.data["answer"]["membership"]["state"] == second.data["answer"]["membership"]["state"] == "PENDING"
    hosts = {people[name].id for name in ("club moderator", "club admin", "owner")}
    assert await told(NotificationType.CLUB_JOIN_REQUESTED) == sorted(hosts)


async def test_an_approved_request_makes_a_member_who_is_told(client, save, count, told):
    owner, club, people = await a_club_with_chat(save, join_policy=JoinPolicy.APPROVAL)
    asked = await a_membership(save, club, people["stranger"], PENDING)

    answer = await client(owner).execute(APPROVE, membershipId=asked)

    assert answer.data["answer"]["membership"]["state"] == "ACTIVE"
    assert await in_chat(count, people["stranger"]) is True
    assert await told(NotificationType.CLUB_JOIN_APPROVED) == [people["stranger"].id]


async def test_a_rejected_request_is_told_and_may_be_made_again(client, save, count, told):
    owner, club, people = await a_club_with_chat(save, join_policy=JoinPolicy.APPROVAL)
    asked = await a_membership(save, club, people["stranger"], PENDING)

    rejected = await client(owner).execute(REJECT, membershipId=asked)
    again = await client(people["stranger"]).execute(JOIN, clubId=club)

    assert rejected.data["answer"]["membership"]["state"] == "REJECTED"
    assert again.data["answer"]["membership"]["state"] == "PENDING"
    assert await in_chat(count, people["stranger"]) is False
    assert await told(NotificationType.CLUB_JOIN_REJECTED) == [people["stranger"].id]


@pytest.mark.parametrize("document", [APPROVE, REJECT], ids=["approve", "reject"])
async def test_a_request_is_answered_once(client, save, document):
    owner, club, people = await a_club_with_chat(save)
    member = await a_membership(save, club, people["stranger"], ACTIVE)

    answer = await client(owner).execute(document, membershipId=member)

    assert codes(answer, "answer") == ["INVALID_STATUS"]


async def test_a_closed_club_is_joined_by_invitation_only(client, save, count, told):
    owner, club, people = await a_club_with_chat(
        save, visibility=ClubVisibility.PRIVATE, join_policy=JoinPolicy.INVITE_ONLY
    )
    stranger = people["stranger"]
    hidden = await client(stranger).execute(JOIN, clubId=club)

    invited = await client(owner).execute(INVITE, clubId=club, userId=stranger)
    again = await client(owner).execute(INVITE, clubId=club, userId=stranger)
    joined = await client(stranger).execute(JOIN, clubId=club)

    assert codes(hidden, "answer") == ["NOT_FOUND"]
    assert invited.data["answer"]["membership"]["state"] == again.data["answer"]["membership"]["state"] == "INVITED"
    assert joined.data["answer"]["membership"]["state"] == "ACTIVE"
    assert await told(NotificationType.CLUB_INVITATION) == [stranger.id]
    assert await in_chat(count, stranger) is True


async def test_a_public_club_by_invitation_says_so(client, save, count):
    _, club, people = await a_club_with_chat(save, join_policy=JoinPolicy.INVITE_ONLY)

    answer = await client(people["stranger"]).execute(JOIN, clubId=club)

    assert codes(answer, "answer") == ["INVITATION_NEEDED"]
    assert await count(ClubMembership, ClubMembership.user_id == people["stranger"].id) == 0


async def test_inviting_whoever_has_asked_lets_them_in(client, save, told):
    owner, club, people = await a_club_with_chat(save, join_policy=JoinPolicy.APPROVAL)
    await a_membership(save, club, people["stranger"], PENDING)

    answer = await client(owner).execute(INVITE, clubId=club, userId=people["stranger"])

    assert answer.data["answer"]["membership"]["state"] == "ACTIVE"
    assert await told(NotificationType.CLUB_JOIN_APPROVED) == [people["stranger"].id]


async def test_members_are_not_invited_nor_people_who_are_not_there(client, save):
    owner, club, people = await a_club_with_chat(save)

    member = await client(owner).execute(INVITE, clubId=club, userId=people["member"])
    nobody = await client(owner).execute(INVITE, clubId=club, userId=make_user())

    assert codes(member, "answer") == ["ALREADY_MEMBER"]
    assert nobody.data["answer"]["errors"] == [{"code": "NOT_FOUND", "path": ["userId"]}]


async def test_leaving_ends_membership_and_chat_and_tells_open_streams(client, save, count, ports):
    _, club, people = await a_club_with_chat(save)
    member = people["member"]

    answer = await client(member).execute(LEAVE, clubId=club)

    assert answer.data["answer"]["membership"]["state"] == "LEFT"
    assert await in_chat(count, member) is False
    async with ports.database.reading() as session:
        streams = select(OutboxEvent.name).where(OutboxEvent.stream == access_stream(member.id))
        assert set(await session.scalars(streams)) == {"access.changed"}


@pytest.mark.parametrize("state", [PENDING, INVITED])
async def test_a_request_is_taken_back_and_an_invitation_declined(client, save, state):
    _, club, people = await a_club_with_chat(save)
    await a_membership(save, club, people["stranger"], state)

    answer = await client(people["stranger"]).execute(LEAVE, clubId=club)

    assert answer.data["answer"]["membership"]["state"] == "LEFT"


async def test_whoever_is_no_member_cannot_leave(client, save):
    _, club, people = await a_club_with_chat(save)

    answer = await client(people["stranger"]).execute(LEAVE, clubId=club)

    assert codes(answer, "answer") == ["NOT_MEMBER"]


async def test_coming_back_is_the_same_membership_without_its_old_role(client, save, count):
    _, club, people = await a_club_with_chat(save)
    admin = people["club admin"]
    await client(admin).execute(LEAVE, clubId=club)

    answer = await client(admin).execute(JOIN, clubId=club)

    assert answer.data["answer"]["membership"] == {
        "state": "ACTIVE",
        "role": "MEMBER",
        "user": {"handle": admin.handle},
    }
    assert await count(ClubMembership, ClubMembership.user_id == admin.id) == 1
    assert await in_chat(count, admin) is True


async def test_the_last_owner_cannot_leave_nor_be_removed_nor_lose_the_role(client, save, row):
    owner, club, people = await a_club_with_chat(save)
    own = people["memberships"]["owner"]

    left = await client(owner).execute(LEAVE, clubId=club)
    removed = await client(people["admin"]).execute(REMOVE, membershipId=own)
    demoted = await client(owner).execute(CHANGE_ROLE, membershipId=own, role="ADMIN")

    assert [codes(answer, "answer") for answer in (left, removed, demoted)] == [["LAST_OWNER"]] * 3
    kept = await row(ClubMembership, own.id)
    assert (kept.state, kept.role) == (ACTIVE, ClubRole.OWNER)


async def test_of_two_owners_who_leave_at_once_one_stays(client, save, count):
    owner, club, people = await a_club_with_chat(save)
    await a_membership(save, club, people["stranger"], ACTIVE, role=ClubRole.OWNER)

    answers = await asyncio.gather(
        client(owner).execute(LEAVE, clubId=club), client(people["stranger"]).execute(LEAVE, clubId=club)
    )

    assert sorted(codes(answer, "answer") for answer in answers) == [[], ["LAST_OWNER"]]
    owners = (ClubMembership.role == ClubRole.OWNER, ClubMembership.state == ACTIVE)
    assert await count(ClubMembership, *owners) == 1


async def test_ownership_is_handed_over_in_one_step(client, save, count, row):
    owner, _, people = await a_club_with_chat(save)

    answer = await client(owner).execute(TRANSFER, membershipId=people["memberships"]["member"])

    assert answer.data["answer"]["membership"]["role"] == "OWNER"
    assert (await row(ClubMembership, people["memberships"]["owner"].id)).role is ClubRole.ADMIN
    assert await count(ClubMembership, ClubMembership.role == ClubRole.OWNER) == 1


async def test_whoever_was_put_out_does_not_come_back_by_themself(client, save, count):
    owner, club, people = await a_club_with_chat(save)

    removed = await client(owner).execute(REMOVE, membershipId=people["memberships"]["member"])
    back = await client(people["member"]).execute(JOIN, clubId=club)

    assert removed.data["answer"]["membership"]["state"] == "BANNED"
    assert codes(back, "answer") == ["RESTRICTED"]
    assert await in_chat(count, people["member"]) is False


async def test_an_invitation_is_taken_back_without_shutting_the_door(client, save):
    owner, club, people = await a_club_with_chat(save)
    invited = await a_membership(save, club, people["stranger"], INVITED)

    taken_back = await client(owner).execute(REMOVE, membershipId=invited)
    joined = await client(people["stranger"]).execute(JOIN, clubId=club)

    assert taken_back.data["answer"]["membership"]["state"] == "LEFT"
    assert joined.data["answer"]["membership"]["state"] == "ACTIVE"


@pytest.mark.parametrize("actor", ["club moderator", "club admin"])
async def test_nobody_puts_out_or_raises_above_their_own_rank(client, save, row, actor):
    _, _, people = await a_club_with_chat(save)
    equal = people["memberships"][actor]

    removed = await client(people[actor]).execute(REMOVE, membershipId=equal)
    raised = await client(people[actor]).execute(
        CHANGE_ROLE, membershipId=people["memberships"]["member"], role="ADMIN"
    )
    owner = await client(people[actor]).execute(REMOVE, membershipId=people["memberships"]["owner"])

    assert [codes(answer, "answer") for answer in (removed, raised, owner)] == [["FORBIDDEN"]] * 3
    assert (await row(ClubMembership, people["memberships"]["member"].id)).role is ClubRole.MEMBER


CALLERS = ("signed-out", "stranger", "member", "club moderator", "club admin", "owner", "moderator", "admin")
ANYONE_ELSE = {"signed-out": "UNAUTHENTICATED"}
HOSTS_ONLY = ANYONE_ELSE | {"stranger": "FORBIDDEN", "member": "FORBIDDEN"}
HIDDEN_REQUEST = ANYONE_ELSE | {"stranger": "NOT_FOUND", "member": "NOT_FOUND"}
RULES = {
    "invite": (INVITE, HOSTS_ONLY),
    "approve": (APPROVE, HIDDEN_REQUEST),
    "reject": (REJECT, HIDDEN_REQUEST),
    "remove": (REMOVE, HOSTS_ONLY),
    "change role": (CHANGE_ROLE, HOSTS_ONLY | {"club moderator": "FORBIDDEN"}),
    "transfer": (TRANSFER, HOSTS_ONLY | dict.fromkeys(set(CALLERS[2:]) - {"owner"}, "FORBIDDEN")),
}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("rule", RULES)
async def test_members_are_managed_by_those_who_run_the_club_and_staff(client, save, row, count, rule, caller):
    _, club, people = await a_club_with_chat(save, join_policy=JoinPolicy.APPROVAL)
    subject, hopeful, guest = make_user(privacy={"clubs": "EVERYONE"}), make_user(), make_user()
    await save(subject, hopeful, guest)
    member = await a_membership(save, club, subject, ACTIVE)
    request = await a_membership(save, club, hopeful, PENDING)
    target = request if rule in ("approve", "reject") else member
    input = {
        "invite": {"clubId": club, "userId": guest},
        "change role": {"membershipId": target, "role": "MODERATOR"},
    }.get(rule, {"membershipId": target})
    document, refusals = RULES[rule]
    refusal = refusals.get(caller)

    answer = await client(people[caller]).execute(document, **input)

    assert (answer.error_codes or codes(answer, "answer")) == ([refusal] if refusal else [])
    now = await row(ClubMembership, target.id)
    is_changed = (now.state, now.role) != (target.state, target.role)
    assert is_changed is (refusal is None and rule != "invite")
    invited = await count(ClubMembership, ClubMembership.user_id == guest.id)
    assert invited == (1 if refusal is None and rule == "invite" else 0)
    is_by_staff = caller in ("moderator", "admin") and refusal is None
    assert await count(AuditEntry) == (1 if is_by_staff else 0)


@pytest.mark.parametrize("rule", ["invite", "approve", "remove", "change role", "transfer"])
async def test_a_private_club_is_not_there_for_strangers(client, save, row, rule):
    _, club, people = await a_club_with_chat(save, visibility=ClubVisibility.PRIVATE)
    target = people["memberships"]["member"]
    input = {
        "invite": {"clubId": club, "userId": people["admin"]},
        "change role": {"membershipId": target, "role": "ADMIN"},
    }.get(rule, {"membershipId": target})

    answer = await client(people["stranger"]).execute(RULES[rule][0], **input)

    assert codes(answer, "answer") == ["NOT_FOUND"]
    assert (await row(ClubMembership, target.id)).state is ACTIVE


@pytest.mark.parametrize("document", [JOIN, LEAVE], ids=["join", "leave"])
async def test_a_guest_neither_joins_nor_leaves(client, save, count, document):
    _, club, _ = await a_club_with_chat(save)
    before = await count(ClubMembership)

    answer = await client().execute(document, clubId=club)

    assert answer.error_codes == ["UNAUTHENTICATED"]
    assert await count(ClubMembership) == before


@pytest.fixture
def told(ports):
    """Ids of those who got a notice of a type, in order."""

    async def read(type):
        async with ports.database.reading() as session:
            return sorted(await session.scalars(select(Notification.user_id).where(Notification.type == type)))

    return read


async def in_chat(count, user):
    return await count(ChatMember, ChatMember.user_id == user.id, ChatMember.left_at.is_(None)) == 1


async def a_membership(save, club, user, state, **values):
    membership = make_membership(club, user, state=state, **values)
    await save(membership)
    return membership


async def a_club_with_chat(save, **values):
    """As `a_club`, with a chat of which the members are members."""
    owner, club, people = await a_club(save, **values)
    chat = make_chat(kind=ChatKind.CLUB, club=club)
    await save(chat)
    await save(*(make_member(chat, people[name]) for name in ("member", "club moderator", "club admin", "owner")))
    return owner, club, people


async def test_staff_who_joined_a_club_leave_a_trail_when_they_raise_themselves(client, save, count, row):
    _, club, _ = await a_club_with_chat(save)
    moderator = make_user(role=Role.MODERATOR)
    await save(moderator)
    own = make_membership(club, moderator)
    await save(own)

    answer = await client(moderator).execute(CHANGE_ROLE, membershipId=own, role="OWNER")

    assert codes(answer, "answer") == []
    assert (await row(ClubMembership, own.id)).role is ClubRole.OWNER
    assert await count(AuditEntry, AuditEntry.actor_id == moderator.id, AuditEntry.subject_id == own.id) == 1
