"""Clubs of the demo data and their members."""

from __future__ import annotations

from datetime import timedelta

from commands.demo import chat
from commands.demo.world import DemoWorld

CLUBS = [
    # name, description, visibility, join policy, kind, interests
    ("Джаз по четвергам", "Слушаем и играем джаз дома у друзей.", "PUBLIC", "OPEN", "CLUB", ["jazz", "classical"]),
    ("Киноклуб «Диафильм»", "Смотрим кино и спорим о нём.", "PUBLIC", "OPEN", "CLUB", ["cinema", "documentaries"]),
    ("Moscow Board Gamers", "Board games in English, every level.", "PUBLIC", "OPEN", "CLUB", ["board-games", "chess"]),
    ("Театральные люди", "Ходим в театр вместе.", "PUBLIC", "APPROVAL", "CLUB", ["theatre", "poetry"]),
    ("Глина и люди", "Керамика для тех, кто начинает.", "PUBLIC", "APPROVAL", "CLUB", ["ceramics", "painting"]),
    ("Supper Society", "We cook for each other once a month.", "UNLISTED", "APPROVAL", "CLUB", ["cooking", "wine"]),
    ("Свои", "Небольшая компания для выходных.", "PRIVATE", "INVITE_ONLY", "GROUP", ["hiking", "cycling"]),
    ("Волонтёры Цветного", "Те, кто помогает на Цветном.", "PRIVATE", "INVITE_ONLY", "CLUB", ["volunteering"]),
]


def fill(world: DemoWorld) -> None:
    """Add clubs with members and chats."""
    for number in range(len(CLUBS) * world.scale):
        name, description, visibility, policy, kind, interests = CLUBS[number % len(CLUBS)]
        round_ = number // len(CLUBS)
        club = world.add(
            "clubs",
            id=world.id(),
            name=name if round_ == 0 else f"{name} {round_ + 1}",
            description=description,
            kind=kind,
            visibility=visibility,
            join_policy=policy,
            version=1,
        )
        for slug in interests:
            world.add("club_interests", club_id=club["id"], interest_id=world.interests[slug])
        owner = world.users[3 + number % 2] if round_ == 0 else world.random.choice(world.users)
        others = world.random.sample(world.users, 12)
        members = [owner, *(user for user in others if user is not owner)]
        for user in members:
            world.add(
                "club_memberships",
                id=world.id(),
                club_id=club["id"],
                user_id=user["id"],
                role="OWNER" if user is owner else "MEMBER",
                state="ACTIVE",
                joined_at=world.now - timedelta(days=90),
                ban_reason=None,
            )
        world.clubs.append((club, members))
        chat.open_chat(world, "CLUB", members, world.random.randint(0, 8), club_id=club["id"])
