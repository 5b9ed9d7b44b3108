"""The local issuer as a process: a provider like any other, for this machine only."""

import json
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import psutil
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from deploy.local.issuer_server import IssuerServer

VERIFIER = "v" * 43
BACK = "http://127.0.0.1:8080/sign-in/return"
ASKED = {
    "client_id": "winnow",
    "response_type": "code",
    "redirect_uri": BACK,
    "code_challenge": create_s256_code_challenge(VERIFIER),
    "code_challenge_method": "S256",
    "state": "s-1",
    "nonce": "n-1",
    "login_hint": "mara",
}


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuerServer]:
    server = IssuerServer(tmp_path_factory.mktemp("issuer") / "issuer")
    server.start()
    yield server
    server.stop()


def code_of(issuer: IssuerServer) -> str:
    sent_back = httpx.get(f"{issuer.url}/authorize", params=ASKED)
    said = dict(parse_qsl(urlsplit(sent_back.headers["location"]).query))
    assert (said["state"], said["iss"]) == ("s-1", issuer.url)
    return said["code"]


def exchanged(issuer: IssuerServer, code: str, otherwise: dict[str, str] | None = None) -> httpx.Response:
    form = {"grant_type": "authorization_code", "client_id": "winnow", "redirect_uri": BACK, "code_verifier": VERIFIER}
    return httpx.post(f"{issuer.url}/token", data={**form, "code": code, **(otherwise or {})})


def test_a_code_gives_tokens_once(issuer: IssuerServer) -> None:
    code = code_of(issuer)
    assert exchanged(issuer, code).json().keys() == {"access_token", "id_token", "token_type", "expires_in"}
    assert exchanged(issuer, code).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    "otherwise",
    [
        {"code_verifier": "w" * 43},
        {"redirect_uri": "http://127.0.0.1:9/sign-in/return"},
        {"client_id": "other"},
        {"grant_type": "password"},
        {"code": "made-up"},
    ],
    ids=str,
)
def test_a_code_is_of_use_to_who_asked_for_it(issuer: IssuerServer, otherwise: dict[str, str]) -> None:
    assert exchanged(issuer, code_of(issuer), otherwise).status_code == 400


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/sign-in/return",
        "http://127.0.0.1.evil.example/sign-in/return",
        "http://127.0.0.1@evil.example/sign-in/return",
        "http://127.0.0.1:8080/elsewhere",
        "",
    ],
)
def test_nobody_is_sent_off_this_machine(issuer: IssuerServer, elsewhere: str) -> None:
    answer = httpx.get(f"{issuer.url}/authorize", params={**ASKED, "redirect_uri": elsewhere})
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})


def test_without_pkce_there_is_no_code(issuer: IssuerServer) -> None:
    sent_back = httpx.get(f"{issuer.url}/authorize", params={**ASKED, "code_challenge_method": "plain"})
    assert "error=invalid_request" in sent_back.headers["location"]


def test_who_names_nobody_is_asked(issuer: IssuerServer) -> None:
    asked = {name: said for name, said in ASKED.items() if name != "login_hint"}
    page = httpx.get(f"{issuer.url}/authorize", params={**asked, "login_hint": '"><script>'})
    assert page.status_code == 200
    assert "Aiko Tanaka" in page.text
    assert "<script>" not in page.text


def test_it_listens_on_this_machine_only(issuer: IssuerServer) -> None:
    assert issuer.record is not None
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(issuer.record.pid).net_connections()
        if connection.status == psutil.CONN_LISTEN and connection.family == socket.AF_INET
    ]
    assert listening == ["127.0.0.1"]


def test_its_key_is_its_owners(issuer: IssuerServer) -> None:
    keys = issuer.folder / "keys.json"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert stat.S_IMODE(issuer.folder.stat().st_mode) == 0o700
    published = httpx.get(f"{issuer.url}/jwks").json()["keys"]
    assert all(not {"d", "p", "q", "dp", "dq", "qi"} & key.keys() for key in published)


def test_started_again_it_is_the_same_provider(issuer: IssuerServer) -> None:
    url, keys = issuer.url, httpx.get(f"{issuer.url}/jwks").json()
    issuer.kill()
    assert not issuer.answers()
    issuer.start()
    assert (issuer.url, httpx.get(f"{issuer.url}/jwks").json()) == (url, keys)


def test_one_that_runs_older_code_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = IssuerServer(tmp_path / "issuer")
    server.start()
    try:
        first = server.record
        server.start()
        assert server.record == first
        monkeypatch.setattr("deploy.local.issuer_server._release", lambda: "newer")
        assert not server.answers()
        server.start()
        assert server.record != first
        assert json.loads(httpx.get(f"{server.url}/.well-known/openid-configuration").text)["winnow_release"] == "newer"
    finally:
        server.stop()
