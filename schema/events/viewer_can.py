"""The types of `viewerCan` for this area."""

from __future__ import annotations

import strawberry

from schema.core.viewer_can import WHAT_COUNTS, can


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
