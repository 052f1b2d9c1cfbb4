"""What fields do: rules, writes and lists. Importing any of it first brings what the areas declare.

So every process knows all invariants and all wordings, whatever else it imports. `tests/test_layout.py` fails when an
area has such a file and it is not imported here.
"""

from __future__ import annotations

import resolvers.booking.invariants
import resolvers.booking.news
import resolvers.chat.invariants
import resolvers.chat.news
import resolvers.clubs.invariants
import resolvers.clubs.news
import resolvers.events.invariants
import resolvers.events.news
import resolvers.moderation.invariants
import resolvers.moderation.news
import resolvers.notifications.invariants
import resolvers.privacy.invariants
import resolvers.reviews.invariants
