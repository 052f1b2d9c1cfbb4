"""Somebody who hides all, somebody whose account is gone, and how people sign in."""

from __future__ import annotations

from datetime import date
from typing import Any

import models
from tests.factories import in_days, make_user, new_id, now
from tests.fuzz.extras.given import Given, Rows

FULL_NAME = {"first_name": "Анна", "last_name": "Смирнова", "patronymic": "Игоревна", "phone": "+79161234567"}
ANNA: dict[str, Any] = FULL_NAME | {
    "birth_date": date(1990, 2, 28),
    "location": "Москва",
    "comment": "Помогает с 2020 года.",
    "privacy": {"location": "EVERYONE", "clubs": "EVERYONE"},
}
HIDING = dict.fromkeys(("bio", "interests", "location", "clubs", "registrations"), "NOBODY")


def rows(given: Given) -> Rows:
    hidden = make_user(
        handle="shy", display_name="Ё", bio="Secret", location="Nowhere", privacy=HIDING, comment="",
        deletion_at=in_days(9), **FULL_NAME,
    )  # fmt: skip
    gone = make_user(handle="gone", is_active=False)
    given.people |= {"shy": hidden, "gone": gone}
    session = {"user_agent": "oracle", "last_used_at": now()}
    return [
        hidden,
        gone,
        *(_identity(given.people[name]) for name in ("anna", "boris", "shy")),
        *(
            models.Session(id=new_id(), user_id=person.id, expires_at=in_days(30), address=None, **session)
            for handle, person in given.people.items()
            if handle != "gone"
        ),
    ]


def _identity(person: models.User) -> models.Identity:
    return models.Identity(id=new_id(), user_id=person.id, issuer="https://id.example.org", subject=person.handle)
