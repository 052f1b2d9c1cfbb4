"""How tests of all mutations call those of this area (`tests/api/core/examples.py`)."""

from __future__ import annotations

from tests.api.core.examples import ACCOUNT, Example

MUTATIONS = {
    "deleteAccount": Example("anna", {"currentPassword": "wrong password"}, ACCOUNT, is_refused=True),
    "cancelAccountDeletion": Example("shy", {}, ACCOUNT),
    "requestDataExport": Example("boris", {}, ACCOUNT),
}
