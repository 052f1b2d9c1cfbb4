"""What keeps a command from starting is told in a sentence, without a traceback."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from dataclasses import replace

import pytest

from auth.sealing import Sealer
from auth.tokens import Tokens
from commands import cli
from commands.check import check
from commands.listening import listen
from commands.local import need_home, reachable
from commands.migrations import migrate
from errors import StartError
from integrations.embedded import EmbeddedServers
from settings import Settings, SettingsError
from tests.clients import free_port


def test_a_busy_port_is_told() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(StartError, match=rf"127.0.0.1:{port} cannot be used .*in use.*choose HOST and PORT"):
            listen(Settings(port=port))


@pytest.mark.parametrize("error", [socket.gaierror(-2, "Name or service not known"), PermissionError(13, "denied")])
def test_an_address_that_cannot_be_had_is_told(error, monkeypatch) -> None:
    class Refusing(socket.socket):
        def bind(self, _address: object) -> None:
            raise error

    monkeypatch.setattr("commands.listening.socket.socket", Refusing)

    with pytest.raises(StartError, match=rf"nosuch.invalid:80 cannot be used .{error.strerror}."):
        listen(Settings(host="nosuch.invalid", port=80))


def test_a_host_that_is_no_name_is_told() -> None:
    with pytest.raises(StartError, match="not a name of a host"):
        listen(Settings(host="é..b"))


@pytest.mark.parametrize("inside", ["file", "file/below", "dangling"])
def test_a_home_that_is_no_folder_is_told(inside, tmp_path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    settings = Settings(wingding_home=tmp_path / inside)

    with pytest.raises(StartError, match=r"WINGDING_HOME=.* is not a folder"):
        need_home(settings)
    with pytest.raises(StartError, match=r"WINGDING_HOME=.* is not a folder"), reachable(settings, start=True):
        pass
    with reachable(settings, start=False) as found:
        assert found is settings


def test_a_home_that_cannot_be_written_to_is_told_where_it_is_used(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    settings = Settings(wingding_home=tmp_path / "new")
    elsewhere = dict.fromkeys(("database_url", "redis_url", "secret_key", "signing_keys_file", "smtp_url"), "elsewhere")

    with pytest.raises(StartError, match=r"WINGDING_HOME=.* cannot be written to"):
        need_home(settings)
    need_home(replace(settings, **elsewhere))


async def test_check_names_the_home(settings, tmp_path) -> None:
    (tmp_path / "file").touch()

    for home, is_good in ((tmp_path / "file", False), (tmp_path / "new", True)):
        found = {finding.name: finding.is_good for finding in await check(replace(settings, wingding_home=home))}
        assert found["WINGDING_HOME"] is is_good
    assert not (tmp_path / "new").exists()


async def test_check_says_that_there_is_no_database(tmp_path) -> None:
    found = {finding.name: finding.words for finding in await check(Settings(wingding_home=tmp_path), invariants=True)}

    for name in ("PostgreSQL", "migrations", "invariants"):
        assert found[name].startswith("DATABASE_URL is not set")


def test_keys_are_made_before_anything_is_set(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["wingding", "new-signing-keys"])
    monkeypatch.setenv("ENVIRONMENT", "production")

    with pytest.raises(SystemExit, match=r"^0$"):
        cli.main()

    assert '"keys"' in capsys.readouterr().out


async def test_a_postgresql_that_is_away_or_has_no_such_database_is_told(servers) -> None:
    with pytest.raises(StartError, match=r"PostgreSQL cannot be reached by DATABASE_URL: .*Connect call failed"):
        await migrate(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    with pytest.raises(StartError, match='by DATABASE_URL: database "none" does not exist'):
        await migrate(servers.urls.database.replace("/postgres?", "/none?"))


def test_the_command_ends_with_the_sentence(monkeypatch, tmp_path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("sys.argv", ["wingding", "migrate"])
    monkeypatch.setattr(Settings, "load", lambda: Settings(wingding_home=tmp_path / "file"))

    with pytest.raises(SystemExit, match=r"^wingding: WINGDING_HOME="):
        cli.main()


@pytest.mark.parametrize(
    "content", [b"", b"no JSON", b"[]", b"{}", b"null", b'{"keys": []}', b'{"keys": [1]}', b"\xff"]
)
def test_signing_keys_that_cannot_be_read_are_told(content, tmp_path) -> None:
    (tmp_path / "signing-keys.json").write_bytes(content)

    with pytest.raises(SettingsError, match=r"signing-keys.json cannot be read as a JWK set"):
        Tokens.load(Settings(wingding_home=tmp_path))


@pytest.mark.parametrize(("content", "fault"), [(b"", "holds no secret"), (b"\xff", "cannot be read")])
def test_a_secret_that_cannot_be_read_is_told(content, fault, tmp_path) -> None:
    (tmp_path / "secret-key").write_bytes(content)

    with pytest.raises(SettingsError, match=f"secret-key {fault}"):
        Sealer.load(Settings(wingding_home=tmp_path))


@pytest.mark.parametrize("name", ["signing-keys.json", "secret-key"])
def test_a_folder_in_the_place_of_a_secret_is_told(name, tmp_path) -> None:
    (tmp_path / name).mkdir()
    load = Tokens.load if name == "signing-keys.json" else Sealer.load

    with pytest.raises(SettingsError, match=f"{name} cannot be read"):
        load(Settings(wingding_home=tmp_path))


def test_secrets_that_cannot_be_made_are_told(tmp_path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SettingsError, match=r"signing-keys.json cannot be made .File exists."):
        Tokens.load(Settings(wingding_home=tmp_path / "file"))


def test_a_user_without_a_name_is_told_before_postgresql_starts(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("integrations.embedded.os.getuid", lambda: 54_321)

    with pytest.raises(StartError, match="the user id 54321 has no entry in /etc/passwd"):
        EmbeddedServers(tmp_path / "home")
