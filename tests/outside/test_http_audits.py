"""The audits of the GraphQL over HTTP working group (npm `graphql-http`)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.outside.npm import install

AUDITS = Path(__file__).parent / "audits"


NEWER = {"86EE", "423L"}
"""Audits that still ask for 400 where edition September2026 has 422 (a SHOULD and a MAY)."""


@pytest.mark.outside
@pytest.mark.parametrize(("edition", "others"), [("older", set()), ("september2026", NEWER)])
def test_all_audits_pass(start_server, edition, others):
    server = start_server(GRAPHQL_OVER_HTTP=edition)
    install(AUDITS)

    found = subprocess.run(
        ["node", "run.mjs", f"{server.url}/graphql"], cwd=AUDITS, check=True, capture_output=True, text=True
    )

    results = [json.loads(line) for line in found.stdout.splitlines()]
    assert {result["id"] for result in results if result["status"] != "ok"} == others
    assert len(results) == 61
