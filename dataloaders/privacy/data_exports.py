from __future__ import annotations

from auth.visibility.privacy import data_exports_of
from dataloaders.core.declarations import one, pages
from dataloaders.core.keyset_pages import Key
from models import DataExport

data_export_by_id = one(DataExport, key=DataExport.id, select=data_exports_of)
data_exports_by_user_id = pages(
    DataExport,
    key=DataExport.user_id,
    select=data_exports_of,
    order_by=[Key(DataExport.created_at, descending=True), Key(DataExport.id, descending=True)],
    typical=1,
)
