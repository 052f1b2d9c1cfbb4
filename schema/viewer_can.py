"""`viewerCan`: which mutations the caller may call on an object now. One Boolean for each mutation that acts on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import strawberry

from schema.context import Info
from schema.relations import Need, derived, reads

MUTATION = "mutation"
"""Key of a field's metadata under which the name of the mutation stands that it is about."""
WHAT_COUNTS = (
    "Each is true where the mutation, called now with otherwise valid input, would do something, and false where it "
    "would be refused for rights, for the state that things are in, or for where the caller stands (bans too). Quotas, "
    "other limits and the input itself are not looked at. All false for guests."
)


Given = Callable[[Info], Any]
"""What a rule is given of the operation, such as a setting."""


def can(mutation: str, description: str) -> Any:
    return strawberry.field(description=f"{description} By `{mutation}`.", metadata={MUTATION: mutation})


def allowed(graphql_type: Any, rule: Callable[..., Any], *columns: str, **needs: Need | Given) -> Any:
    """The field `viewerCan`: `rule(row, viewer, …)` is given what the needs have loaded, and reads these columns."""
    given = {name: need for name, need in needs.items() if not isinstance(need, Need)}

    @derived(
        description="What the caller may do with it now, for showing the right buttons.",
        graphql_type=graphql_type,
        **{name: need for name, need in needs.items() if isinstance(need, Need)},
    )
    @reads(*columns)
    def resolve(root: Any, info: Info, **loaded: Any) -> Any:
        viewer = info.context.viewer
        # Without a row of what the viewer is to it, the thing itself is gone, or none of theirs.
        if viewer.user is None or loaded.get("known", root) is None:
            return nothing(graphql_type)
        return rule(root, viewer, **loaded, **{name: of(info) for name, of in given.items()})

    return resolve


@cache
def nothing(graphql_type: Any) -> Any:
    """What guests may do."""
    names = [field.python_name for field in graphql_type.__strawberry_definition__.fields]
    return graphql_type(**dict.fromkeys(names, False))


@strawberry.type(description=f"What the caller may do with an event now. {WHAT_COUNTS}")
class EventViewerCan:
    update: bool = can("updateEvent", "Change it, be it at once or by a revision that waits for a moderator.")
    publish: bool = can("publishEvent", "Put it out, or before a moderator.")
    cancel: bool = can("cancelEvent", "Call it off.")
    archive: bool = can("archiveEvent", "Put it away.")
    reactivate: bool = can("reactivateEvent", "Bring it back, with a new date where it is over.")
    delete: bool = can("deleteEvent", "Remove it.")
    withdraw_revision: bool = can("withdrawEventRevision", "Take `pendingRevision` back.")
    add_host: bool = can("addEventHost", "Give someone the role CO_ORGANIZER or STAFF.")
    add_organizer: bool = can(
        "addEventHost", "Give someone the role ORGANIZER, and take that role or change it where there is another."
    )
    change_host_role: bool = can(
        "changeEventHostRole", "Give a co-organizer or one of the staff the other role. False where there is neither."
    )
    remove_host: bool = can(
        "removeEventHost", "Take the role of a co-organizer or one of the staff away. False where there is neither."
    )
    give_up_role: bool = can("removeEventHost", "Give one's own role up.")
    add_service: bool = can("addService", "Offer a service more.")
    register: bool = can("registerForEvent", "Take a place: `viewerRegistrationState` is OPEN.")
    cancel_registration: bool = can("cancelRegistration", "Give one's place back.")
    review: bool = can("createReview", "Review it.")


@strawberry.type(description=f"What the caller may do with a service now. {WHAT_COUNTS}")
class ServiceViewerCan:
    update: bool = can("updateService", "Change it.")
    cancel: bool = can("cancelService", "Call it off.")
    delete: bool = can("deleteService", "Remove it.")
    book: bool = can("bookServices", "Take a place: `viewerBookingState` is OPEN.")
    book_for_others: bool = can("bookServices", "Take a place for a visitor against whom nothing stands.")


@strawberry.type(description=f"What the caller may do with a registration now. {WHAT_COUNTS}")
class RegistrationViewerCan:
    cancel: bool = can("cancelRegistration", "Give the place back, one's own or this person's.")
    remove: bool = can("removeRegistration", "Put the person out of the event.")
    lift_ban: bool = can("liftRegistrationBan", "Let the person register again.")
    write_staff_note: bool = can("setRegistrationStaffNote", "Write its `staffNote`.")


@strawberry.type(description=f"What the caller may do with a booking now. {WHAT_COUNTS}")
class BookingViewerCan:
    cancel: bool = can("cancelBooking", "Give the place back, one's own or this person's.")
    write_staff_note: bool = can("setBookingStaffNote", "Write its `staffNote`.")


@strawberry.type(description=f"What the caller may do with a club now. {WHAT_COUNTS}")
class ClubViewerCan:
    update: bool = can("updateClub", "Change it.")
    join: bool = can("joinClub", "Become a member, ask to, or accept an invitation. False while a request waits.")
    leave: bool = can("leaveClub", "Leave, take a request back, or decline an invitation.")
    invite: bool = can("inviteToClub", "Invite people.")
    create_event: bool = can("createEvent", "Make an event of this club.")


@strawberry.type(description=f"What the caller may do with a membership now. {WHAT_COUNTS}")
class ClubMembershipViewerCan:
    approve: bool = can("approveClubMember", "Let the person in who has asked.")
    reject: bool = can("rejectClubMember", "Refuse the person who has asked.")
    remove: bool = can("removeClubMember", "Put the person out, or take an invitation back.")
    lift_ban: bool = can("liftClubBan", "Let the person come back.")
    change_role: bool = can("changeClubMemberRole", "Give the person another role.")
    transfer_ownership: bool = can("transferClubOwnership", "Hand one's ownership over to the person.")


@strawberry.type(description=f"What the caller may do with a chat now. {WHAT_COUNTS}")
class ChatViewerCan:
    send_message: bool = can("sendMessage", "Write to it.")
    mark_read: bool = can("markChatRead", "Move one's read marker. False where all is read.")
    add_members: bool = can("addChatMembers", "Invite people.")
    leave: bool = can("leaveChat", "Leave it.")
    rejoin: bool = can("rejoinChat", "Come back to it. False for who is there.")


@strawberry.type(description=f"What the caller may do with a message now. {WHAT_COUNTS}")
class MessageViewerCan:
    mark_read: bool = can("markChatRead", "Move one's read marker to it. False where it is read.")


@strawberry.type(description=f"What the caller may do with a review now. {WHAT_COUNTS}")
class ReviewViewerCan:
    update: bool = can("updateReview", "Change it.")
    delete: bool = can("deleteReview", "Take it away.")
