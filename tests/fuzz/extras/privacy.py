"""Exports of somebody's data."""

from __future__ import annotations

import models
from tests.factories import in_days, now
from tests.fuzz.extras.given import Given, Rows


def rows(given: Given) -> Rows:
    anna = given.people["anna"].id
    return [
        models.DataExport(
            user_id=anna, state=models.DataExportState.READY, size=9, finished_at=now(), expires_at=in_days(7)
        ),
        models.DataExport(user_id=anna, state=models.DataExportState.FAILED, finished_at=now()),
    ]
