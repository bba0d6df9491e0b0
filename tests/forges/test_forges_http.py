"""The client against servers that lie, leak, drip and lead astray."""

from __future__ import annotations

import gzip
import logging
import socket
import traceback
from collections.abc import Iterator

import pytest
from forge_waits import Waits
from scripted_server import Say, Scripted, scripted

from llmops_git.errors import LlmopsError
from llmops_git.forges.base import Denied, ForgeError, NotFound, Rejected
from llmops_git.forges.http import MOST_PAGES, Client
from llmops_git.forges.http_errors import Unclear

TOKEN = "ghs_a1b2c3d4e5f6g7h8"
LIST = "/list?per_page=100"


@pytest.fixture
def api() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


@pytest.fixture
def client(api: Scripted, waits: Waits) -> Iterator[Client]:
    made = Client(api.url, TOKEN, pace=waits.pace(), timeout=5)
    yield made
    made.close()


def link(url: str, rel: str = "next") -> dict[str, str]:
    return {"link": f'<{url}>; rel="{rel}"'}


# pages


def test_pages_are_followed_to_the_end_whatever_their_addresses_look_like(api: Scripted, client: Client) -> None:
    api.say(
        f"GET {LIST}",
        Say(body=[1], headers={"link": f'<{api.url}/x>; rel="last", <{api.url}/repositories/1/list?a,b;c>; rel="next"'}),
    )
    api.say("GET /repositories/1/list?a,b;c", Say(body=[2], headers=link("/relative?page=3")))
    api.say("GET /relative?page=3", Say(body=[3], headers=link(f"{api.url}/x", "prev")))
    assert [1, 2, 3] == list(client.pages("/list", needs=""))


def test_a_next_page_on_another_host_is_refused_and_never_asked(api: Scripted, elsewhere: Scripted, client: Client) -> None:
    api.say(f"GET {LIST}", Say(body=[1], headers=link(f"{elsewhere.url}/list?page=2")))
    with pytest.raises(ForgeError, match=r"the next page is said to be at 127\.0\.0\.1, which is not the API"):
        list(client.pages("/list", needs=""))
    assert [] == elsewhere.seen


@pytest.mark.parametrize(
    "target", ["https://127.0.0.1/x", "//evil.example/x", "http://user:pass@{host}/x", "ftp://{host}/x", "http://[::1", ""]
)
def test_a_next_page_of_another_origin_is_refused(api: Scripted, client: Client, target: str) -> None:
    api.say(f"GET {LIST}", Say(body=[1], headers=link(target.replace("{host}", api.url.removeprefix("http://")))))
    with pytest.raises(ForgeError, match="the next page is said to be at"):
        list(client.pages("/list", needs=""))
    assert 1 == len(api.seen)


def test_pages_that_lead_in_a_circle_end_with_an_error(api: Scripted, client: Client) -> None:
    api.say(f"GET {LIST}", Say(body=[1], headers=link(f"{api.url}/two")))
    api.say("GET /two", Say(body=[2], headers=link(f"{api.url}/list?per_page=100")))
    with pytest.raises(ForgeError, match="the pages of GET /list do not end after 2"):
        list(client.pages("/list", needs=""))


def test_pages_that_never_end_end_with_an_error(api: Scripted, client: Client) -> None:
    api.answer = lambda seen: Say(body=[], headers=link(f"{api.url}/list?n={len(api.seen)}{api.seen.append(seen) or ''}"))  # type: ignore[method-assign, func-returns-value]
    with pytest.raises(ForgeError, match=f"do not end after {MOST_PAGES}"):
        list(client.pages("/list", needs=""))


@pytest.mark.parametrize("body", [{}, None, 3, {"artifacts": None}, {"artifacts": {}}])
def test_a_list_that_is_none_is_an_error(api: Scripted, client: Client, body: object) -> None:
    api.say(f"GET {LIST}", Say(body=body))
    with pytest.raises(ForgeError, match="the answer to GET /list is no list"):
        list(client.pages("/list", needs="", key="artifacts"))


# bodies


def test_half_an_answer_is_asked_for_again(api: Scripted, client: Client, waits: Waits) -> None:
    api.say("GET /x", Say(body={"a": 1}, length=100), Say(body={"a": 2}))
    assert {"a": 2} == client.get("/x", needs="")
    assert [1.0] == waits.slept


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff", b"[" * 200_000])
def test_an_answer_that_is_not_json_says_what_it_is(api: Scripted, client: Client, body: bytes) -> None:
    api.say("GET /x", Say(body=body, headers={"content-type": "text/html; \x1b[2Jcharset=x"}))
    with pytest.raises(ForgeError, match=r"is not JSON but text/html; <001b>\[2Jcharset=x") as caught:
        client.get("/x", needs="")
    assert "https://HOST/api/v3" in caught.value.hint


def test_a_compressed_answer_is_refused(api: Scripted, client: Client) -> None:
    api.say("GET /x", Say(body=gzip.compress(b"0" * 10_000_000), headers={"content-encoding": "gzip"}))
    with pytest.raises(ForgeError, match="sent a compressed reply, which nobody asked for"):
        client.get("/x", needs="")
    assert "identity" == api.seen[0].headers["accept-encoding"]


def test_an_answer_that_is_larger_than_allowed_is_cut_off(api: Scripted, client: Client) -> None:
    api.say("GET /x", Say(body=b"0" * 100_001))
    with pytest.raises(ForgeError, match=r"the reply of 127\.0\.0\.1 is larger than 100,000 bytes"):
        client.download("/x", needs="", most_bytes=100_000)
    api.say("GET /x", Say(body=b"0" * 100_000))
    assert b"0" * 100_000 == client.download("/x", needs="", most_bytes=100_000)


def test_an_answer_that_takes_too_long_is_lost(api: Scripted, waits: Waits) -> None:
    import threading

    done = threading.Event()
    api.say("POST /x", Say(body={}, before=lambda: done.wait(10)))
    client = Client(api.url, TOKEN, pace=waits.pace(), timeout=0.1)
    with pytest.raises(Unclear, match=r"no answer from .* to POST /x: timed out"):
        client.send("POST", "/x", {}, needs="")
    done.set()
    client.close()
    assert (1, []) == (len(api.seen), waits.slept)


def test_a_server_that_is_not_there_is_tried_again_also_for_a_write(waits: Waits) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = Client(f"http://127.0.0.1:{unused.getsockname()[1]}", TOKEN, pace=waits.pace(), timeout=5)
        with pytest.raises(ForgeError, match=r"no answer from http://127\.0\.0\.1:") as caught:
            client.send("POST", "/x", {}, needs="")
    client.close()
    assert ([1.0, 2.0, 4.0], False) == (waits.slept, isinstance(caught.value, Unclear))
    assert "proxy" in caught.value.hint


def test_cookies_are_not_kept(api: Scripted, client: Client) -> None:
    api.say("GET /x", Say(body={}, headers={"set-cookie": "a=b; Path=/"}))
    client.get("/x", needs="")
    client.get("/x", needs="")
    assert [False, False] == ["cookie" in seen.headers for seen in api.seen]


def test_one_connection_serves_many_requests(api: Scripted, client: Client) -> None:
    api.say("GET /x", Say(body={}))
    for _ in range(5):
        client.get("/x", needs="")
    assert 1 == len(client._wire._http._transport._pool.connections)  # type: ignore[attr-defined]


def test_a_write_without_a_body_sends_none(api: Scripted, client: Client) -> None:
    api.say("DELETE /x", Say(204))
    assert client.send("DELETE", "/x", None, needs="") is None
    assert (b"", False) == (api.seen[0].body, "content-type" in api.seen[0].headers)


# downloads


def test_a_download_is_followed_to_another_origin_without_the_token(api: Scripted, elsewhere: Scripted, client: Client) -> None:
    api.say("GET /zip", Say(302, headers={"location": f"{elsewhere.url}/blob?sig=1"}))
    elsewhere.say("GET /blob?sig=1", Say(body=b"content"))
    assert b"content" == client.download("/zip", needs="", most_bytes=100)
    assert f"Bearer {TOKEN}" == api.seen[0].headers["authorization"]
    assert TOKEN not in str(elsewhere.seen)
    assert "authorization" not in elsewhere.seen[0].headers


def test_a_download_within_the_api_keeps_the_token(api: Scripted, client: Client) -> None:
    api.say("GET /zip", Say(307, headers={"location": "/storage/1"}))
    api.say("GET /storage/1", Say(body=b"content"))
    assert b"content" == client.download("/zip", needs="", most_bytes=100)
    assert f"Bearer {TOKEN}" == api.seen[1].headers["authorization"]


def test_a_download_that_comes_back_from_elsewhere_gets_the_token_only_at_the_api(
    api: Scripted, elsewhere: Scripted, client: Client
) -> None:
    api.say("GET /zip", Say(302, headers={"location": f"{elsewhere.url}/hop"}))
    elsewhere.say("GET /hop", Say(302, headers={"location": f"{elsewhere.url}/blob"}))
    elsewhere.say("GET /blob", Say(body=b"content"))
    assert b"content" == client.download("/zip", needs="", most_bytes=100)
    assert TOKEN not in str(elsewhere.seen)


@pytest.mark.parametrize(
    "location",
    [
        "http://evil.example/x",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "",
        "http://a:b@127.0.0.1/x",
        "http://[::1",
        "//10.0.0.1/x",
    ],
)
def test_a_download_that_leads_to_an_unsafe_address_is_refused(api: Scripted, client: Client, location: str) -> None:
    api.say("GET /zip", Say(302, headers={"location": location}))
    with pytest.raises(ForgeError, match=r"redirected to an address that is not safe|Invalid URL in location"):
        client.download("/zip", needs="", most_bytes=100)


def test_a_download_that_leads_in_a_circle_is_refused(api: Scripted, client: Client) -> None:
    api.say("GET /zip", Say(302, headers={"location": "/zip"}))
    with pytest.raises(ForgeError, match="GET /zip is redirected more than 3 times"):
        client.download("/zip", needs="", most_bytes=100)


def test_a_storage_that_refuses_is_named_without_its_signed_address(api: Scripted, elsewhere: Scripted, client: Client) -> None:
    api.say("GET /zip", Say(302, headers={"location": f"{elsewhere.url}/blob?sig=secret"}))
    elsewhere.say("GET /blob?sig=secret", Say(403, b"<Error>sig=secret</Error>"))
    with pytest.raises(ForgeError, match=r"the storage at 127\.0\.0\.1 answered 403 to GET /zip") as caught:
        client.download("/zip", needs="", most_bytes=100)
    assert "secret" not in caught.value.message + caught.value.hint


def test_another_call_than_a_download_follows_nothing(api: Scripted, client: Client) -> None:
    api.say("GET /old", Say(301, {"message": "Moved Permanently"}, headers={"location": f"{api.url}/new"}))
    with pytest.raises(ForgeError, match=r"GitHub did not do GET /old \(301: Moved Permanently\)") as caught:
        client.get("/old", needs="")
    assert ("the repository was renamed or moved; use its new name", 1) == (caught.value.hint, len(api.seen))


# what refusals say


def refused(api: Scripted, client: Client, say: Say) -> ForgeError:
    api.say("POST /x", say)
    with pytest.raises(ForgeError) as caught:
        client.send("POST", "/x", {}, needs="statuses: write")
    return caught.value


def test_the_permission_that_github_names_is_shown_in_the_words_of_a_workflow(api: Scripted, client: Client) -> None:
    headers = {"x-accepted-github-permissions": "pull_requests=write,contents=read; issues=write; \x1b[2J; evil=`rm`"}
    error = refused(api, client, Say(403, {"message": "Resource not accessible by integration"}, headers))
    assert isinstance(error, Denied)
    assert error.message.endswith("it needs `pull-requests: write` and `contents: read` or `issues: write`")


def test_without_that_header_the_permission_of_the_call_is_named(api: Scripted, client: Client) -> None:
    error = refused(api, client, Say(403, b"<html>forbidden</html>"))
    assert "GitHub refused POST /x (403): it needs `statuses: write`" == error.message


def test_an_organisation_that_forbids_pull_requests_by_actions_is_explained(api: Scripted, client: Client) -> None:
    error = refused(api, client, Say(403, {"message": "GitHub Actions is not permitted to create or approve pull requests."}))
    assert error.hint.startswith("allow it in Settings > Actions > General > Workflow permissions")


def test_single_sign_on_is_explained(api: Scripted, client: Client) -> None:
    error = refused(api, client, Say(403, {"message": "Resource protected"}, {"x-github-sso": "required; url=https://x"}))
    assert "authorise the token for the organisation's single sign-on" == error.hint


def test_every_error_of_a_rejection_is_shown(api: Scripted, client: Client) -> None:
    errors = ["plain words", {"resource": "Status", "field": "sha", "code": "custom", "message": "No commit"}, 3, {"field": 7}]
    error = refused(api, client, Say(422, {"message": "Validation Failed", "errors": errors}))
    assert isinstance(error, Rejected)
    assert "GitHub does not take POST /x (422: Validation Failed: plain words: sha custom No commit)" == error.message
    assert not error.too_long


def test_what_is_gone_is_gone(api: Scripted, client: Client) -> None:
    error = refused(api, client, Say(410, {"message": "This issue was deleted"}))
    assert isinstance(error, NotFound)
    assert "what POST /x is about is gone (410: This issue was deleted)" == error.message


@pytest.mark.parametrize(
    "body", [b"\xff\x00", b"[" * 100_000, b"null", b"[]", b'{"message": 3, "errors": 4}', b'{"errors": [null]}']
)
def test_a_refusal_with_a_strange_body_is_still_a_refusal(api: Scripted, client: Client, body: bytes) -> None:
    assert "GitHub does not take POST /x (422)" == refused(api, client, Say(422, body)).message


def test_text_of_a_refusal_is_cleaned_and_cut(api: Scripted, client: Client) -> None:
    error = refused(
        api, client, Say(422, {"message": "a\x1b]0;owned\x07\r\n::set-output name=verdict::improved" + "\u202e" + "x" * 9000})
    )
    assert "\x1b" not in error.message
    assert 1 == len(error.message.splitlines())
    assert len(error.message) < 400


# the token


@pytest.mark.parametrize(
    "say",
    [
        Say(401, {"message": f"bad token {TOKEN}"}),
        Say(403, {"message": f"Bearer {TOKEN}", "errors": [TOKEN]}, {"x-accepted-github-permissions": TOKEN}),
        Say(404, {"message": TOKEN}),
        Say(422, {"message": "x", "errors": [{"message": TOKEN}, TOKEN]}),
        Say(429, {"message": TOKEN}, {"retry-after": "100000"}),
        Say(500, {"message": TOKEN}),
        Say(200, TOKEN.encode(), {"content-type": f"text/{TOKEN}"}),
        Say(200, b"{", length=99),
        Say(302, b"", {"location": f"http://evil.example/{TOKEN}"}),
    ],
)
def test_the_token_is_in_no_message_log_or_repr(
    api: Scripted, client: Client, say: Say, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.handler.addFilter(
        lambda record: "receive_response_headers" not in record.getMessage()
    )  # what the server says itself
    error = refused(api, client, say)
    shown = [repr(error), str(error), error.message, error.hint, repr(client), caplog.text, *capfd.readouterr()]
    shown += traceback.format_exception(error)
    assert [] == [text for text in shown if TOKEN in text]


@pytest.mark.parametrize("token", ["", " ", "a b", "a\nb", "ä", "x" * 3000])
def test_a_token_that_cannot_be_one_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(LlmopsError, match="the token is empty or holds blanks") as caught:
        Client("https://api.example", token)
    assert "ä" not in caught.value.message


# addresses


@pytest.mark.parametrize(
    "url",
    [
        "https://api.github.com",
        "https://ghe.example/api/v3/",
        "http://127.0.0.1:1/api/v3",
        "http://localhost:1",
        "http://[::1]:1",
    ],
)
def test_https_and_this_machine_are_fine(url: str) -> None:
    client = Client(url, TOKEN)
    assert f"Client({url.rstrip('/')!r})" == repr(client)
    client.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://ghe.example/api/v3", "is not https"),
        ("http://127.0.0.1.evil.example", "is not https"),
        ("http://localhost.evil.example", "is not https"),
        ("ftp://ghe.example", "is not https"),
        ("ghe.example/api/v3", "is no address of an API"),
        ("", "is no address of an API"),
        ("https://", "is no address of an API"),
        ("https://ghe.example/?a=b", "is no address of an API"),
        ("https://ghe.example/#a", "is no address of an API"),
        ("https://[::1", "is no address of an API"),
        ("https://ghe.example:99999", "is no address of an API"),
        ("https://user:secret@ghe.example", "holds a user name or a password"),
    ],
)
def test_an_address_that_a_token_must_not_be_sent_to_is_refused(url: str, message: str) -> None:
    with pytest.raises(LlmopsError, match=message) as caught:
        Client(url, TOKEN)
    assert "secret" not in caught.value.message
