"""The catalogue of interests, and choosing from it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from auth.viewer import Viewer
from database import UnitOfWork
from dataloaders.core.keyset_pages import Key, Listing
from dataloaders.people.interests import MOST
from errors import NotFound, TooMany, UserError, check_count, refuse
from models import DomainEvent, Interest, User, UserInterest, name_key
from resolvers.core import word_search

check_most = partial(check_count, maximum=MOST)


@dataclass(frozen=True, kw_only=True)
class InterestsUpdated(DomainEvent):
    """Once for each committed change; which interests they are is read from the person, not from here."""

    name: ClassVar[str] = "user.interests.updated"
    subject_type: ClassVar[str] = "User"
    added: int
    removed: int


def listing(*, text: str | None, locale: str) -> Listing:
    """Return the catalogue by name in the reader's language. `text` is looked for in the names of every language."""
    statement = word_search.narrow(select(Interest), Interest.search, text)
    name = Interest.name_ru if locale == "ru" else Interest.name_en
    return Listing(statement, (Key(name_key(name)), Key(Interest.id)))


async def check_known(
    uow: UnitOfWork, problems: list[UserError], interest_ids: Sequence[UUID], *path: str
) -> list[UUID]:
    """Return the ids, each once. Too many of them, and each that is not in the catalogue, go to `problems`."""
    wanted = list(dict.fromkeys(interest_ids))
    if not check_most(problems, wanted, *path):
        return wanted
    known = set(await uow.session.scalars(select(Interest.id).where(Interest.id.in_(wanted))))
    problems += [NotFound(path=(*path, str(position))) for position, id in enumerate(interest_ids) if id not in known]
    return wanted


async def set_all(uow: UnitOfWork, viewer: Viewer, *, interest_ids: Sequence[UUID]) -> User:
    """Make the viewer's interests exactly these."""
    user = await _locked_owner(uow, viewer)
    wanted = await _checked(uow, interest_ids)
    return await _change(uow, user, set(wanted))


async def add(uow: UnitOfWork, viewer: Viewer, *, interest_ids: Sequence[UUID]) -> User:
    user = await _locked_owner(uow, viewer)
    wanted = await _checked(uow, interest_ids)
    chosen = await _chosen(uow, user) | set(wanted)
    if len(chosen) > MOST:
        raise TooMany(path=("interestIds",), maximum=MOST)
    return await _change(uow, user, chosen)


async def remove(uow: UnitOfWork, viewer: Viewer, *, interest_ids: Sequence[UUID]) -> User:
    """Remove interests from a profile. Those that were not chosen change nothing."""
    user = await _locked_owner(uow, viewer)
    return await _change(uow, user, await _chosen(uow, user) - set(await _checked(uow, interest_ids)))


async def _checked(uow: UnitOfWork, interest_ids: Sequence[UUID]) -> list[UUID]:
    problems: list[UserError] = []
    wanted = await check_known(uow, problems, interest_ids, "interestIds")
    refuse(problems)
    return wanted


async def _locked_owner(uow: UnitOfWork, viewer: Viewer) -> User:
    """Lock the viewer's row, so that two changes at once do not pass the limit together."""
    return await uow.session.get_one(
        User, viewer.require_user(), populate_existing=True, with_for_update={"key_share": True}
    )


async def _chosen(uow: UnitOfWork, user: User) -> set[UUID]:
    return set(await uow.session.scalars(select(UserInterest.interest_id).where(UserInterest.user_id == user.id)))


async def _change(uow: UnitOfWork, user: User, wanted: Collection[UUID]) -> User:
    added, removed = await replace(uow, UserInterest, "user_id", user.id, wanted)
    if added or removed:
        uow.record(InterestsUpdated(subject_id=user.id, added=added, removed=removed))
    return user


async def replace(
    uow: UnitOfWork, link: Any, owner: str, owner_id: UUID, interest_ids: Collection[UUID]
) -> tuple[int, int]:
    """Make the interests of a person, club or event exactly these; how many came and went.

    `link` is the association table, `owner` its other column. Whoever calls this has checked the ids.
    """
    of_owner = getattr(link, owner) == owner_id
    known = set(await uow.session.scalars(select(link.interest_id).where(of_owner)))
    gone, new = known - set(interest_ids), set(interest_ids) - known
    if gone:
        await uow.session.execute(delete(link).where(of_owner, link.interest_id.in_(gone)))
    if new:
        rows = [{owner: owner_id, "interest_id": interest_id} for interest_id in sorted(new)]
        await uow.session.execute(insert(link).values(rows).on_conflict_do_nothing())
    return len(new), len(gone)
