"""Lists of services find their rows by an index, whatever they are narrowed by."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert, text

from auth.viewer import GUEST, Viewer
from database.rows import Values
from dataloaders.core.compiled import compile_for
from dataloaders.core.keyset_pages import PageArgs
from models import Booking, Event, EventStatus, EventTiming, EventVisibility, Registration, Role, Service, uuid7
from resolvers.events.service_search import ServiceFilter, ServiceSort, listing
from tests.factories import in_days, make_category, make_service_type, make_user, make_venue

EVENTS, SERVICES_EACH = 1500, 3
PUT_AWAY = EVENTS // 2 - 20
"""All but the events of the last two days."""


async def plan_of(ports, viewer, wanted, sort):
    def build(anyone):
        found = listing(anyone, wanted, sort)
        page = found.page(PageArgs(), is_open=True).statement
        return page.with_only_columns(Service.id, maintain_column_froms=True)

    page = compile_for(build, viewer, [], Values)
    rows = await ports.database.fetch(f"EXPLAIN {page.sql}", page.arguments(viewer, {}), Values, plans_anew=True)
    return "\n".join(row[0] for row in rows)


async def test_a_page_of_services_is_found_by_an_index(ports, save):
    async with ports.database.engine.begin() as connection:
        # Rows that other tests deleted stay in the indexes.
        await connection.execute(text("TRUNCATE events, services, venues, clubs, registrations, bookings CASCADE"))
    ada, admin, category = make_user(), make_user(role=Role.ADMIN), make_category()
    venues, types = [make_venue() for _ in range(100)], [make_service_type() for _ in range(50)]
    await save(ada, admin, category, *venues, *types)
    events = [
        {
            "id": uuid7(),
            "title": f"Event number{at}",
            "status": EventStatus.ARCHIVED if at < PUT_AWAY else EventStatus.PUBLISHED,
            "visibility": EventVisibility.PUBLIC,
            "category_id": category.id,
            "venue_id": venues[at % 100].id,
            "created_by_id": ada.id,
            "time_zone": venues[0].time_zone,
            "starts_at": in_days((at - EVENTS / 2) / 10),
            "ends_at": in_days((at - EVENTS / 2) / 10),
            "capacity": 100,
            "published_at": in_days(-900),
        }
        for at in range(EVENTS)
    ]
    services = [
        {
            "id": uuid7(),
            "event_id": event["id"],
            "service_type_id": types[(at + part) % 50].id,
            "staff_person_id": ada.id if at % 300 == 0 else None,
            "starts_at": event["starts_at"],
            "ends_at": event["starts_at"],
            "capacity": 10,
        }
        for at, event in enumerate(events)
        for part in range(SERVICES_EACH)
    ]
    ids = {"user_id": ada.id, "recorded_by_id": ada.id, "admission": "CONFIRMED"}
    async with ports.database.writing() as uow:
        await uow.session.execute(insert(Event), events)
        await uow.session.execute(insert(Service), services)
        await uow.session.execute(insert(Registration), [ids | {"event_id": one["id"]} for one in events[::100]])
        booked = services[:: 100 * SERVICES_EACH]
        await uow.session.execute(
            insert(Booking), [ids | {"event_id": one["event_id"], "service_id": one["id"]} for one in booked]
        )
    async with ports.database.reading() as session:
        await session.execute(text("SELECT gin_clean_pending_list('ix_event_words_words')"))
        await session.execute(text("ANALYZE"))
    day = {"date_from": in_days(3).date(), "date_to": in_days(3).date() + timedelta(days=1)}
    past_day = {"date_from": in_days(-30).date(), "date_to": in_days(-29).date(), "timings": list(EventTiming)}

    cases = [
        (GUEST, {}, None, "ix_services_open"),
        (GUEST, {}, ServiceSort.STARTS_AT_DESC, "ix_services_open"),
        (GUEST, {"timings": [EventTiming.UPCOMING]}, None, "ix_services_open"),
        # The few events that have begun and are not put away come first.
        (GUEST, {"timings": [EventTiming.PAST]}, None, "ix_services_event_id_starts_at_id"),
        (GUEST, day, None, "ix_services_open"),
        (GUEST, {"venue_ids": [venues[7].id], **day}, None, "ix_services_open"),
        (GUEST, {"service_type_ids": [types[7].id]}, None, "ix_services_service_type_id_starts_at_id"),
        (GUEST, {"event_ids": [uuid7(), uuid7()]}, None, "ix_services_event_id_starts_at_id"),
        (GUEST, {"staff_person_ids": [ada.id]}, None, "ix_services_staff_person_id_starts_at"),
        (GUEST, {"text": "number777"}, None, "ix_event_words_words"),
        (GUEST, {"text": "event"}, None, "ix_services_event_id_starts_at_id"),
        (Viewer(ada), day, None, "ix_services_open"),
        (Viewer(admin), past_day, None, "ix_services_starts_at_id"),
        (Viewer(admin), {"archived": True}, ServiceSort.STARTS_AT_DESC, "ix_services_archived"),
        (Viewer(admin), {"venue_ids": [venues[7].id], **past_day}, None, "ix_services_starts_at_id"),
        (Viewer(admin), {"venue_ids": [venues[7].id]}, None, "ix_events_venue_id_starts_at"),
        (Viewer(admin), {"participant_id": ada.id, "archived": True}, None, "pk_services"),
    ]
    wrong = []  # That the few events are read as a whole is fine.
    for viewer, wanted, sort, index in cases:
        plan = await plan_of(ports, viewer, ServiceFilter(**wanted), sort)
        if index not in plan or "Seq Scan on services" in plan:
            wrong.append((wanted, sort, index, plan))

    assert wrong == []
