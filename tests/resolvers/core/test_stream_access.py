from __future__ import annotations

import models
from auth.viewer import GUEST, Viewer
from auth.visibility.events import events_visible_to
from models import ClubRole, ClubVisibility, EventStatus, EventVisibility, Role
from resolvers.booking.availability import AvailabilityStream
from tests.factories import (
    in_days,
    make_category,
    make_club,
    make_event,
    make_host,
    make_membership,
    make_registration,
    make_user,
    make_venue,
)


async def test_many_are_looked_at_by_one_statement_which_says_what_each_may_see(save, ports, monkeypatch):
    author, category, venue = make_user(), make_category(), make_venue()
    club, private = make_club(), make_club(visibility=ClubVisibility.PRIVATE)
    draft = {"status": EventStatus.DRAFT, "published_at": None}
    deleted = {"status": EventStatus.ARCHIVED, "deleted_at": models.utcnow()}
    events = [
        make_event(author, category, venue, **values)
        for values in (
            {},
            {"visibility": EventVisibility.UNLISTED},
            {"visibility": EventVisibility.CLUB, "club_id": club.id},
            {"club_id": private.id},
            draft,
            draft | {"club_id": club.id},
            deleted,
        )
    ]
    people = {role.name: make_user(role=role) for role in Role if role is not Role.GUEST}
    people |= {name: make_user() for name in ("member", "ruler", "host", "participant", "signed out", "inactive")}
    people["inactive"].is_active = False
    await save(author, category, venue, club, private, *people.values())
    await save(*events)
    await save(
        *(make_membership(one, people["member"]) for one in (club, private)),
        make_membership(club, people["ruler"], role=ClubRole.ADMIN),
        *(make_host(event, people["host"]) for event in events),
        *(make_registration(event, people["participant"]) for event in events),
    )
    sessions = {name: models.Session(user_id=user.id, expires_at=in_days(1)) for name, user in people.items()}
    sessions["signed out"].ended_at = models.utcnow()
    await save(*sessions.values())
    viewers = {name: Viewer(user, sessions[name].id, in_days(1)) for name, user in people.items()}
    viewers |= {"a job": Viewer(people["MODERATOR"]), "guest": GUEST}
    statements = []
    fetch = ports.database.fetch

    async def counted(sql, *arguments):
        statements.append(sql)
        return await fetch(sql, *arguments)

    monkeypatch.setattr(ports.database, "fetch", counted)

    found, expected = {}, {}
    for number, event in enumerate(events):
        streams = [
            AvailabilityStream(ports.database, ports.stream_access, viewer, event_id=event.id, after=None)
            for viewer in viewers.values()
        ]
        found[number] = dict(zip(viewers, await streams[0].which_allowed(streams), strict=True))
        async with ports.database.reading() as session:
            expected[number] = {
                name: name not in ("signed out", "inactive")
                and await session.scalar(events_visible_to(viewer).where(models.Event.id == event.id)) is not None
                for name, viewer in viewers.items()
            }

    assert found == expected
    assert len(statements) == len(events)
    # The world tells readers apart.
    assert len({tuple(one.values()) for one in expected.values()}) >= 5
