"""The types of `viewerCan` for this area."""

from __future__ import annotations

import strawberry

from schema.core.viewer_can import WHAT_COUNTS, can


@strawberry.type(description=f"What the caller can do with an event now. {WHAT_COUNTS}")
class EventViewerCan:
    update: bool = can(
        "updateEvent",
        "Whether the caller can edit the event, at once or through a revision that a moderator has to approve.",
    )
    publish: bool = can("publishEvent", "Whether the caller can publish the event or submit it to a moderator.")
    cancel: bool = can("cancelEvent", "Whether the caller can cancel the event.")
    archive: bool = can("archiveEvent", "Whether the caller can archive the event.")
    reactivate: bool = can(
        "reactivateEvent", "Whether the caller can bring the event back, with a new date if it has ended."
    )
    delete: bool = can("deleteEvent", "Whether the caller can delete the event.")
    withdraw_revision: bool = can("withdrawEventRevision", "Whether the caller can withdraw `pendingRevision`.")
    add_host: bool = can("addEventHost", "Whether the caller can give someone the role CO_ORGANIZER or STAFF.")
    add_organizer: bool = can(
        "addEventHost",
        "Whether the caller can give someone the role ORGANIZER, and take or change that role if "
        "there is another organizer.",
    )
    change_host_role: bool = can(
        "changeEventHostRole",
        "Whether the caller can change the role of a co-organizer or a staff member. False if there is none.",
    )
    remove_host: bool = can(
        "removeEventHost",
        "Whether the caller can take the role of a co-organizer or a staff member away. False if there is none.",
    )
    give_up_role: bool = can("removeEventHost", "Whether the caller can give up their own role.")
    add_service: bool = can("addService", "Whether the caller can add a service.")
    register: bool = can(
        "registerForEvent", "Whether the caller can take a place, that is, whether `viewerRegistrationState` is OPEN."
    )
    cancel_registration: bool = can("cancelRegistration", "Whether the caller can cancel their own registration.")
    review: bool = can("createReview", "Whether the caller can review the event.")


@strawberry.type(description=f"What the caller can do with a service now. {WHAT_COUNTS}")
class ServiceViewerCan:
    update: bool = can("updateService", "Whether the caller can edit the service.")
    cancel: bool = can("cancelService", "Whether the caller can cancel the service.")
    delete: bool = can("deleteService", "Whether the caller can delete the service.")
    book: bool = can(
        "bookServices", "Whether the caller can take a place, that is, whether `viewerBookingState` is OPEN."
    )
    book_for_others: bool = can(
        "bookServices", "Whether the caller can book the service for another person who may take part."
    )
