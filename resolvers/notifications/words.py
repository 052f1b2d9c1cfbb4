"""What a notification says: facts as data; title and body in words when it is read, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from errors import _
from models import EventRole, Notification
from resolvers.core.money import Price
from resolvers.notifications.broadcasts import FORMER
from resolvers.notifications.news import WITHDRAWN_WORDINGS, WORDINGS
from resolvers.notifications.notification_writing import WITHDRAWN
from translations import Reader, one_line, placeholders

LONGEST_NAME = 100
"""Characters of a name within a title. Titles are one line, whatever an event is called."""


@dataclass(frozen=True)
class Words:
    title: str
    body: str


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
    """Return what differs among some values, by the names that clients know, to be kept with a notification."""
    return [
        Change(ChangedField(name), before[name], after[name]).kept() for name in names if before[name] != after[name]
    ]


def changes_of(params: Mapping[str, Any]) -> list[Change]:
    """Return the changes that a notification tells of, without those that were changed again while others are still
    so.
    """
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
    """Return what is known, in words; what is unknown or empty is left out."""
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
    """Return the name in a language. One in several is kept as `{"ru": …, "en": …}`."""
    return str((value.get(locale) if isinstance(value, dict) else value) or "")


def _when(params: Mapping[str, Any], reader: Reader) -> str | None:
    if not params.get("starts_at") or not params.get("time_zone"):
        return None
    starts_at = datetime.fromisoformat(params["starts_at"])
    return reader.time(starts_at, zone=params["time_zone"], pattern="EEEE, d MMMM y, HH:mm")


def _services(params: Mapping[str, Any], reader: Reader) -> str:
    """Return what was booked, each with its own time."""
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
