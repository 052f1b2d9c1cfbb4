from __future__ import annotations

from auth.visibility.people import identities_of
from dataloaders.core.declarations import many, one
from models import Identity

identity_by_id = one(Identity, key=Identity.id, select=identities_of)
identities_by_user_id = many(
    Identity,
    key=Identity.user_id,
    select=identities_of,
    order_by=[Identity.created_at, Identity.id],
    limit=20,
    typical=1,
)
