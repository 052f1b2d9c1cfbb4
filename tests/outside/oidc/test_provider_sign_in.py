"""Sign-in through a provider that is not ours: npm `oidc-provider`, with its own login and consent pages."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tests.api.people.test_provider_sign_in import FINISH, START
from tests.clients import free_port
from tests.outside.npm import install

pytestmark = pytest.mark.outside

FOLDER = Path(__file__).parent
REDIRECT = "http://127.0.0.1/signed-in"
VIEWER = "{ viewer { email isEmailVerified locale user { handle displayName } } }"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    install(FOLDER)
    port = free_port()
    process = subprocess.Popen(
        ["node", "provider.js", str(port), REDIRECT], cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"ready"
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)
    process.stdout.close()


def at_the_provider(url: str, login: str) -> tuple[str, str]:
    """What a person does in the browser: sign in, agree. State and code of the way back."""
    with httpx2.Client() as browser:
        answer = browser.get(url)
        for _ in range(10):
            if answer.is_redirect:
                target = answer.next_request.url if answer.next_request else httpx2.URL("")
                if str(target).startswith(REDIRECT):
                    found = parse_qs(urlsplit(str(target)).query)
                    return found["state"][0], found["code"][0]
                answer = browser.get(target)
                continue
            action = re.search(r'action="([^"]+)"', answer.text)
            assert action, answer.text
            prompt = "login" if 'value="login"' in answer.text else "consent"
            answer = browser.post(action[1], data={"prompt": prompt, "login": login, "password": "any"})
    raise AssertionError("the provider did not send the person back")


def run(url: str, document: str, token: str | None = None, **input: Any) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    body = {"query": document, "variables": {"input": input}} if input else {"query": document}
    answer = httpx2.post(f"{url}/graphql", json=body, headers=headers).json()
    assert "errors" not in answer, answer
    return dict(answer["data"])


@pytest.mark.usefixtures("ports")
def test_people_sign_in_through_a_real_provider(issuer, start_server):
    server = start_server(
        OIDC_ISSUER=issuer,
        OIDC_CLIENT_ID="wingding",
        OIDC_CLIENT_SECRET="a secret between us",
        OIDC_REDIRECT_URIS=REDIRECT,
    )

    def sign_in(login: str) -> dict[str, Any]:
        begun = run(server.url, START, redirectUri=REDIRECT)["startProviderSignIn"]
        state, code = at_the_provider(begun["authorizationUrl"], login)
        assert state == begun["state"]
        done = run(server.url, FINISH, state=state, code=code)["signInWithProvider"]
        again = run(server.url, FINISH, state=state, code=code)["signInWithProvider"]
        assert again["errors"] == [{"code": "PROVIDER_REFUSED"}]
        return dict(done)

    first, second, unproven = sign_in("grace"), sign_in("grace"), sign_in("unproven")

    assert first["errors"] == second["errors"] == unproven["errors"] == []
    assert first["user"] == second["user"] == {"handle": "grace", "displayName": "Grace H."}
    assert unproven["user"]["handle"] == "unproven"
    assert run(server.url, VIEWER, second["accessToken"])["viewer"] == {
        "email": "grace@example.org",
        "isEmailVerified": True,
        "locale": "ru",
        "user": {"handle": "grace", "displayName": "Grace H."},
    }
    assert run(server.url, VIEWER, unproven["accessToken"])["viewer"]["isEmailVerified"] is False
