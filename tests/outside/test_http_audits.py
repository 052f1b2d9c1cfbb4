"""The audits of the GraphQL over HTTP working group (npm `graphql-http`)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.outside.npm import install

AUDITS = Path(__file__).parent / "audits"


@pytest.mark.outside
def test_all_audits_pass(start_server):
    server = start_server()
    install(AUDITS)

    found = subprocess.run(
        ["node", "run.mjs", f"{server.url}/graphql"], cwd=AUDITS, check=True, capture_output=True, text=True
    )

    results = [json.loads(line) for line in found.stdout.splitlines()]
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == 61
