"""Title and body of a notification, put into words when it is read, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from errors import _
from models import Notification, NotificationType
from translations import Reader, placeholders


@dataclass(frozen=True)
class Words:
    title: str
    body: str


@dataclass(frozen=True)
class Wording:
    """Of one type. The first title whose placeholders are all known is taken; so is every such sentence.

    Placeholders: `name` of the subject, `when` it is, `price` to pay, `person` who caused it, `service`, `changes`,
    `reason`, `text`.
    """

    titles: tuple[str, ...]
    sentences: tuple[str, ...]


_WHEN = _("When: {when}.")
_CANCELLED_BY = _("Cancelled by {person}.")
_REASON = _("Reason: {reason}")
_PRICE = _("To pay at the door: {price}.")

WORDINGS = {
    NotificationType.REGISTRATION_CONFIRMED: Wording(
        (_("You are registered: {name}"), _("You are registered")), (_WHEN, _PRICE, _("See you there!"))
    ),
    NotificationType.REGISTRATION_CANCELLED: Wording(
        (_("Registration cancelled: {name}"), _("Registration cancelled")),
        (_("You no longer have a place at this event."), _CANCELLED_BY, _REASON),
    ),
    NotificationType.BOOKING_CANCELLED: Wording(
        (_("Booking cancelled: {service}"), _("Booking cancelled: {name}"), _("Booking cancelled")),
        (_("You no longer have this place at “{name}”."), _CANCELLED_BY, _REASON),
    ),
    NotificationType.PARTICIPANT_JOINED: Wording(
        (_("New participant: {name}"), _("New participant")), (_("{person} is coming to your event."),)
    ),
    NotificationType.EVENT_CHANGED: Wording(
        (_("Event changed: {name}"), _("Event changed")), (_("What is new: {changes}."), _WHEN)
    ),
    NotificationType.EVENT_CANCELLED: Wording(
        (_("Event cancelled: {name}"), _("Event cancelled")),
        (_("It will not take place."), _CANCELLED_BY, _WHEN, _REASON),
    ),
    NotificationType.EVENT_REACTIVATED: Wording(
        (_("Takes place after all: {name}"), _("An event takes place after all")), (_("You keep your place."), _WHEN)
    ),
    NotificationType.EVENT_REPEATED: Wording(
        (_("Once more: {name}"), _("An event is held once more")),
        (_("An event that you were at is held again."), _WHEN),
    ),
    NotificationType.SERVICE_CHANGED: Wording(
        (_("Service changed: {service}"), _("Service changed: {name}"), _("Service changed")),
        (_("A service that you booked at “{name}” has changed."), _("What is new: {changes}.")),
    ),
    NotificationType.SERVICE_CANCELLED: Wording(
        (_("Service cancelled: {service}"), _("Service cancelled: {name}"), _("Service cancelled")),
        (_("A service that you booked at “{name}” will not take place."), _CANCELLED_BY, _REASON),
    ),
    NotificationType.EVENT_APPROVED: Wording(
        (_("Your event is out: {name}"), _("Your event is out")), (_("A moderator has approved it."),)
    ),
    NotificationType.EVENT_REJECTED: Wording(
        (_("Your event was not approved: {name}"), _("Your event was not approved")),
        (_("A moderator has sent it back to you."), _REASON),
    ),
    NotificationType.CLUB_JOIN_REQUESTED: Wording(
        (_("Request to join: {name}"), _("Request to join")),
        (_("{person} would like to join your club."), _("Decide in the list of requests.")),
    ),
    NotificationType.CLUB_JOIN_APPROVED: Wording(
        (_("Welcome to {name}!"), _("Welcome to the club!")), (_("Your request to join was approved."),)
    ),
    NotificationType.CLUB_JOIN_REJECTED: Wording(
        (_("Request declined: {name}"), _("Request declined")), (_("Your request to join was not approved."), _REASON)
    ),
    NotificationType.CLUB_INVITATION: Wording(
        (_("Invitation to {name}"), _("Invitation to a club")),
        (_("{person} invites you to join."), _("You can accept or ignore it.")),
    ),
    NotificationType.NEW_MESSAGE: Wording(
        (_("New message: {name}"), _("New message from {person}"), _("New message")), (_("{person}: {text}"),)
    ),
}

CHANGES = {
    "title": _("title"),
    "description": _("description"),
    "startsAt": _("time"),
    "endsAt": _("time"),
    "venue": _("place"),
    "price": _("price"),
    "capacity": _("number of places"),
    "staff": _("who provides it"),
}
"""Changed fields, in GraphQL's spelling, in words."""


def words_of(notification: Notification, reader: Reader) -> Words:
    wording, facts = WORDINGS[notification.type], _facts(notification.params, reader)
    titles = [title for title in wording.titles if set(placeholders(title)) <= facts.keys()]
    sentences = [sentence for sentence in wording.sentences if set(placeholders(sentence)) <= facts.keys()]
    return Words(
        title=reader.say(titles[0], facts),
        body=" ".join(reader.say(sentence, facts) for sentence in sentences),
    )


def _facts(params: Mapping[str, Any], reader: Reader) -> dict[str, str]:
    """What is known, in words; what is unknown or empty is left out."""
    found = {
        "name": params.get("name") or params.get("title"),
        "when": _when(params, reader),
        "price": _price(params.get("price"), reader),
        "person": params.get("person"),
        "service": params.get("service"),
        "changes": _changes(params.get("changes") or (), reader),
        "reason": params.get("reason"),
        "text": params.get("text"),
    }
    return {key: text for key, value in found.items() if (text := _in_language(value, reader.locale))}


def _in_language(value: Any, locale: str) -> str:
    """A name in several languages is kept as `{"ru": …, "en": …}`."""
    return str((value.get(locale) if isinstance(value, dict) else value) or "")


def _when(params: Mapping[str, Any], reader: Reader) -> str | None:
    if not params.get("starts_at") or not params.get("time_zone"):
        return None
    starts_at = datetime.fromisoformat(params["starts_at"])
    return reader.time(starts_at, zone=params["time_zone"], pattern="EEEE, d MMMM y, HH:mm")


def _price(price: Mapping[str, str] | None, reader: Reader) -> str | None:
    return reader.money(Decimal(price["amount"]), price["currency"]) if price else None


def _changes(names: Any, reader: Reader) -> str:
    named = dict.fromkeys(reader.say(CHANGES[name]) for name in names if name in CHANGES)
    return reader.word(list(named)) if named else ""
