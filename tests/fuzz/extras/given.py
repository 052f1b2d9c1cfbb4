"""What the further rows of the oracle's world are made from, and what one area has made for others."""

from __future__ import annotations

from dataclasses import dataclass, field

import models

Rows = list[models.Base]


@dataclass(eq=False)
class Given:
    """Rows of the demo data, and further ones by a name."""

    people: dict[str, models.User]
    category: models.EventCategory
    venue: models.Venue
    service_type: models.ServiceType
    demo_clubs: list[models.Club]
    clubs: dict[str, models.Club] = field(default_factory=dict)
    events: dict[str, models.Event] = field(default_factory=dict)
    services: list[models.Service] = field(default_factory=list)
