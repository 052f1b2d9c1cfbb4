"""What a notification says: facts as data; title and body in words when it is read, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from errors import _
from models import EventRole, Notification, NotificationType
from resolvers.core.money import Price
from resolvers.notifications.notifications import FORMER, WITHDRAWN
from translations import Reader, one_line, placeholders

LONGEST_NAME = 100
"""Characters of a name within a title. Titles are one line, whatever an event is called."""


@dataclass(frozen=True)
class Words:
    title: str
    body: str


@dataclass(frozen=True)
class Wording:
    """Of one type. The first title whose placeholders are all known is taken; so is every such sentence.

    Placeholders: `name` of the subject, `when` it is, or the `services` that were booked there, `price` to pay,
    `person` who caused it, `service`, `changes`, `reason`, `text`, `role`; a role that nobody gave is `inherited`, and
    `own_role` one whose giver is not known any more.
    """

    titles: tuple[str, ...]
    sentences: tuple[str, ...]


_WHEN = _("When: {when}.")
_CANCELLED_BY = _("Cancelled by {person}.")
_REASON = _("Reason: {reason}")
_PRICE = _("To pay at the door: {price}.")
_BOOKED, _ITS_TIME = _("Booked: {services}."), _("It was: {services}.")
_CHANGED_AGAIN = _("It was changed again later, or cancelled.")

WORDINGS = {
    NotificationType.REGISTRATION_CONFIRMED: Wording(
        (_("You are registered: {name}"), _("You are registered")), (_WHEN, _BOOKED, _PRICE, _("See you there!"))
    ),
    NotificationType.REGISTRATION_CANCELLED: Wording(
        (_("Registration cancelled: {name}"), _("Registration cancelled")),
        (_("You no longer have a place at this event."), _CANCELLED_BY, _REASON),
    ),
    NotificationType.BOOKING_CANCELLED: Wording(
        (_("Booking cancelled: {service}"), _("Booking cancelled: {name}"), _("Booking cancelled")),
        (_("You no longer have this place at “{name}”."), _ITS_TIME, _CANCELLED_BY, _REASON),
    ),
    NotificationType.REGISTRATION_REMOVED: Wording(
        (_("You were removed: {name}"), _("You were removed from an event")),
        (_("The organizers removed your registration. You cannot register for this event again."), _REASON),
    ),
    NotificationType.REGISTRATION_BAN_LIFTED: Wording(
        (_("You can register again: {name}"), _("You can register again")),
        (_WHEN, _("The organizers let you take part again.")),
    ),
    NotificationType.PARTICIPANT_JOINED: Wording(
        (_("New participant: {name}"), _("New participant")), (_("{person} is coming to your event."),)
    ),
    NotificationType.EVENT_CHANGED: Wording((_("Event changed: {name}"), _("Event changed")), (_("{changes}"), _WHEN)),
    NotificationType.EVENT_CANCELLED: Wording(
        (_("Event cancelled: {name}"), _("Event cancelled")),
        (_("It will not take place."), _CANCELLED_BY, _WHEN, _REASON),
    ),
    NotificationType.EVENT_REACTIVATED: Wording(
        (_("Takes place after all: {name}"), _("An event takes place after all")), (_("You keep your place."), _WHEN)
    ),
    NotificationType.EVENT_REPEATED: Wording(
        (_("Held again: {name}"), _("An event is held again")),
        (_("An event that you took part in is held again."), _WHEN),
    ),
    NotificationType.SERVICE_CHANGED: Wording(
        (_("Service changed: {service}"), _("Service changed: {name}"), _("Service changed")),
        (_("A service that you booked at “{name}” has changed."), _("{changes}")),
    ),
    NotificationType.SERVICE_CANCELLED: Wording(
        (_("Service cancelled: {service}"), _("Service cancelled: {name}"), _("Service cancelled")),
        (_("A service that you booked at “{name}” will not take place."), _ITS_TIME, _CANCELLED_BY, _REASON),
    ),
    NotificationType.EVENT_APPROVED: Wording(
        (_("Your event is published: {name}"), _("Your event is published")), (_("A moderator has approved it."),)
    ),
    NotificationType.EVENT_REJECTED: Wording(
        (_("Your event was not approved: {name}"), _("Your event was not approved")),
        (_("A moderator has sent it back to you."), _REASON),
    ),
    NotificationType.EVENT_CHANGE_APPROVED: Wording(
        (_("Your change is published: {name}"), _("Your change is published")),
        (_("A moderator has approved it."), _WHEN),
    ),
    NotificationType.EVENT_CHANGE_REJECTED: Wording(
        (_("Your change was not approved: {name}"), _("Your change was not approved")),
        (_("The event stays as it is."), _REASON),
    ),
    NotificationType.EVENT_ROLE_GIVEN: Wording(
        (_("Your role at an event: {name}"), _("Your role at an event")),
        (
            _("{person} has given you the role: {role}."),
            _("The previous organizer has left, so you now have this role: {inherited}."),
            _("Your role: {own_role}."),
            _WHEN,
        ),
    ),
    NotificationType.EVENT_ROLE_TAKEN: Wording(
        (_("You no longer have a role: {name}"), _("You no longer have a role at an event")),
        (_("{person} has removed your role."),),
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
    NotificationType.CLUB_MEMBER_REMOVED: Wording(
        (_("You were removed from {name}"), _("You were removed from a club")),
        (_("You are no longer a member, and you have no place at its events."), _REASON),
    ),
    NotificationType.CLUB_BAN_LIFTED: Wording(
        (_("You can come back to {name}"), _("You can come back to a club")),
        (_("Your ban was lifted."),),
    ),
    NotificationType.NEW_MESSAGE: Wording(
        (_("New message: {name}"), _("New message from {person}"), _("New message")), (_("{person}: {text}"),)
    ),
}

WITHDRAWN_WORDINGS = {
    NotificationType.REGISTRATION_CONFIRMED: Wording(
        (_("You were registered: {name}"), _("You were registered")),
        (_("The event was cancelled, or you no longer have a place."),),
    ),
    NotificationType.REGISTRATION_CANCELLED: Wording(
        (_("Registration cancelled: {name}"), _("Registration cancelled")), (_("You have a place again."),)
    ),
    NotificationType.PARTICIPANT_JOINED: Wording(
        (_("No longer coming: {name}"), _("Someone is no longer coming")),
        (_("{person} is no longer coming to your event."),),
    ),
    NotificationType.BOOKING_CANCELLED: Wording(
        (_("Booking cancelled: {service}"), _("Booking cancelled: {name}"), _("Booking cancelled")),
        (_("You have a place again."),),
    ),
    NotificationType.REGISTRATION_REMOVED: Wording(
        (_("You had been removed: {name}"), _("You had been removed from an event")),
        (_("You can register again."),),
    ),
    NotificationType.REGISTRATION_BAN_LIFTED: Wording(
        (_("You could register again: {name}"), _("You could register again")), (_("You were removed later."),)
    ),
    NotificationType.EVENT_CHANGED: Wording(
        (_("Event had been changed: {name}"), _("Event had been changed")), (_("{changes}"), _CHANGED_AGAIN)
    ),
    NotificationType.SERVICE_CHANGED: Wording(
        (
            _("Service had been changed: {service}"),
            _("Service had been changed: {name}"),
            _("Service had been changed"),
        ),
        (_("{changes}"), _CHANGED_AGAIN),
    ),
    NotificationType.EVENT_REJECTED: Wording(
        (_("Your event was not approved at first: {name}"), _("Your event was not approved at first")),
        (_("It is published now."),),
    ),
    NotificationType.EVENT_CHANGE_REJECTED: Wording(
        (_("Your change was not approved at first: {name}"), _("Your change was not approved at first")),
        (_("The event was changed later."),),
    ),
    NotificationType.EVENT_CANCELLED: Wording(
        (_("Event had been cancelled: {name}"), _("Event had been cancelled")), (_("It takes place after all."),)
    ),
    NotificationType.EVENT_REACTIVATED: Wording(
        (_("Was to take place after all: {name}"), _("An event was to take place after all")),
        (_("The event was cancelled again, or you no longer have a place."),),
    ),
    NotificationType.EVENT_REPEATED: Wording(
        (_("Was to be held again: {name}"), _("An event was to be held again")), (_("It will not be held again."),)
    ),
    NotificationType.EVENT_ROLE_GIVEN: Wording(
        (_("Your former role at an event: {name}"), _("Your former role at an event")),
        (
            _("{person} had given you the role: {role}."),
            _("Your role was: {inherited}."),
            _("Your role was: {own_role}."),
        ),
    ),
    NotificationType.EVENT_ROLE_TAKEN: Wording(
        (_("For a while you had no role: {name}"), _("For a while you had no role at an event")),
        (_("You have a role again."),),
    ),
    NotificationType.CLUB_JOIN_APPROVED: Wording(
        (_("You were a member: {name}"), _("You were a member of a club")), (_("You are no longer a member."),)
    ),
    NotificationType.CLUB_JOIN_REJECTED: Wording(
        (_("Request declined: {name}"), _("Request declined")), (_("You became a member later."),)
    ),
    NotificationType.CLUB_MEMBER_REMOVED: Wording(
        (_("You had been removed from {name}"), _("You had been removed from a club")),
        (_("You are no longer banned."),),
    ),
    NotificationType.CLUB_BAN_LIFTED: Wording(
        (_("You could come back to {name}"), _("You could come back to a club")), (_("You were removed later."),)
    ),
    NotificationType.CLUB_JOIN_REQUESTED: Wording(
        (_("Request no longer open: {name}"), _("Request no longer open")), (_("{person} asked to join your club."),)
    ),
    NotificationType.CLUB_INVITATION: Wording(
        (_("Invitation no longer open: {name}"), _("Invitation no longer open")),
        (_("You were invited to join."),),
    ),
}
"""Of news that are no longer so, for each type of `PASSING`."""


class ChangedField(Enum):
    """What may be new about an event or a service."""

    TITLE = "title"
    STARTS_AT = "startsAt"
    ENDS_AT = "endsAt"
    VENUE = "venue"
    PRICE = "price"


FIELDS = {
    ChangedField.TITLE: _("Title"),
    ChangedField.STARTS_AT: _("Start"),
    ChangedField.ENDS_AT: _("End"),
    ChangedField.VENUE: _("Place"),
    ChangedField.PRICE: _("Price"),
}


FIELD_NAMES = {field.value: field for field in ChangedField}


@dataclass(frozen=True)
class Change:
    """One value that is new. Old notifications know no more than the field."""

    field: ChangedField
    before: Any = None
    after: Any = None

    def kept(self) -> dict[str, Any]:
        """As it is kept among the parameters of a notification."""
        return {"field": self.field.value, "before": _kept(self.before), "after": _kept(self.after)}


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any], *names: str) -> list[dict[str, Any]]:
    """What differs among some values, by the names that clients know, to be kept with a notification."""
    return [
        Change(ChangedField(name), before[name], after[name]).kept() for name in names if before[name] != after[name]
    ]


def changes_of(params: Mapping[str, Any]) -> list[Change]:
    """The changes that a notification tells of, without those that were changed again while others are still so."""
    found = []
    for one in params.get("changes") or ():
        if FORMER in one and not params.get(WITHDRAWN):
            continue
        known = one if isinstance(one, dict) else {"field": one}
        field = FIELD_NAMES.get(known["field"])
        if field is not None:
            found.append(Change(field, _read(field, known.get("before")), _read(field, known.get("after"))))
    return found


def has_former(params: Mapping[str, Any]) -> bool:
    """Whether some of the changes were changed again."""
    return any(FORMER in one for one in params.get("changes") or ())


def is_withdrawn(notification: Notification) -> bool:
    """Whether what it tells is no longer so."""
    return bool(notification.params.get(WITHDRAWN))


def words_of(notification: Notification, reader: Reader) -> Words:
    wording, facts = WORDINGS[notification.type], _facts(notification.params, reader)
    if is_withdrawn(notification):
        wording = WITHDRAWN_WORDINGS.get(notification.type, wording)
    titles = [title for title in wording.titles if set(placeholders(title)) <= facts.keys()]
    sentences = [sentence for sentence in wording.sentences if set(placeholders(sentence)) <= facts.keys()]
    short = {name: one_line(value, most=LONGEST_NAME) for name, value in facts.items()}
    facts |= {name: short[name] for name in ("name", "service", "person") if name in facts}
    return Words(
        title=reader.say(titles[0], short),
        body=" ".join(reader.say(sentence, facts) for sentence in sentences),
    )


def _facts(params: Mapping[str, Any], reader: Reader) -> dict[str, str]:
    """What is known, in words; what is unknown or empty is left out."""
    changes = changes_of(params)
    is_moved = any(one.field is ChangedField.STARTS_AT and one.after for one in changes) or has_former(params)
    role = reader.name(EventRole[params["role"]]) if params.get("role") in EventRole.__members__ else None
    is_given, is_inherited = bool(params.get("person")), bool(params.get("is_inherited"))
    found = {
        "name": params.get("name") or params.get("title"),
        "when": None if is_moved or params.get("services") else _when(params, reader),
        "services": _services(params, reader),
        "price": _price(params.get("price"), reader),
        "person": params.get("person"),
        "service": params.get("service"),
        "changes": " ".join(_said(one, params, reader) for one in changes),
        "reason": params.get("reason"),
        "text": params.get("text"),
        "role": role if is_given else None,
        "inherited": role if is_inherited else None,
        "own_role": None if is_given or is_inherited else role,
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


def _services(params: Mapping[str, Any], reader: Reader) -> str:
    """What was booked, each with its own time."""
    told = []
    for one in params.get("services", ()):
        name = one_line(_in_language(one["name"], reader.locale), most=LONGEST_NAME)
        told.append(f"{name} – {_when({**params, 'starts_at': one['starts_at']}, reader)}")
    return "; ".join(told)


def _price(kept: Mapping[str, str] | None, reader: Reader) -> str | None:
    if not kept:
        return None
    price = Price.read(kept)
    return reader.money(price.amount, price.currency)


def _said(change: Change, params: Mapping[str, Any], reader: Reader) -> str:
    field, zone = reader.say(FIELDS[change.field]), params.get("time_zone")
    former = params.get("former_time_zone") or zone
    if change.before is None or change.after is None:
        return reader.say(_("{field}: changed."), {"field": field})
    before, after = (_shown(one, reader) for one in (change.before, change.after))
    if former != zone and isinstance(before, datetime):
        # Of an event that went into another zone: each time as it was told and is told there.
        before, after = reader.time(before, zone=former), reader.time(after, zone=zone)
    told = {"field": field, "before": before, "after": after, "time_zone": zone}
    return reader.say(_("{field}: {before} → {after}."), told)


def _shown(value: Any, reader: Reader) -> Any:
    if isinstance(value, Price):
        return reader.money(value.amount, value.currency)
    return one_line(value, most=LONGEST_NAME) if isinstance(value, str) else value


def _kept(value: Any) -> Any:
    if isinstance(value, Price):
        return value.kept()
    return value.isoformat() if isinstance(value, datetime) else value


def _read(field: ChangedField, value: Any) -> Any:
    if field is ChangedField.PRICE and value is not None:
        return Price.read(value)
    is_time = field in (ChangedField.STARTS_AT, ChangedField.ENDS_AT)
    return datetime.fromisoformat(value) if is_time and value is not None else value
