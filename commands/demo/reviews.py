"""Reviews of the demo data."""

from __future__ import annotations

from commands.demo.world import DemoWorld, Row

REVIEWS = [
    (5, "Лучший вечер за месяц, спасибо!"),
    (5, "Wonderful people, great sound."),
    (4, "Очень тепло, но тесновато."),
    (4, "Well organised, would come again."),
    (3, "Неплохо, начали поздно."),
    (2, "Too loud for a conversation."),
    (5, None),
    (4, None),
]


def review(world: DemoWorld, event: Row, guest: Row, *, is_past: bool) -> None:
    """Add what a guest thinks of an event, if anything.

    Drawn for every guest: the day decides only whether the review is there yet.
    """
    has_opinion, (rating, text), id = world.random.random() < 0.4, world.random.choice(REVIEWS), world.id()
    if is_past and has_opinion:
        world.add(
            "reviews",
            id=id,
            event_id=event["id"],
            author_id=guest["id"],
            rating=rating,
            text=text,
            status="PUBLISHED",
        )
