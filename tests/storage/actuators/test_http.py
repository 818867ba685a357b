import json
from collections.abc import Callable

import httpx
import pytest

from storage.actuators.base import NothingDoneError, OutcomeUnknownError
from storage.actuators.http import Http
from storage.errors import ActuatorError
from tests.conftest import NOW
from tests.fake_clock import FakeClock

OPTIONS = {
    "url": "http://serving/models/churn/versions/{version}",
    "method": "PUT",
    "headers": {"Authorization": "Bearer ${TOKEN}"},
    "body": {"spec": {"version": "{version}", "weights": [100, "{version}"]}},
    "verify_url": "http://serving/models/churn",
    "verify_field": "status.0.version",
}


def http(handler: Callable[[httpx.Request], httpx.Response], **options: object) -> Http:
    client = httpx.Client(transport=httpx.MockTransport(handler))
    return Http.of({**OPTIONS, **options}, FakeClock(NOW), 5.0, {"TOKEN": "s3cret"}, client)


class Server:
    def __init__(self, version: str = "v13") -> None:
        self.version = version
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        if request.method == "PUT":
            self.version = json.loads(request.content)["spec"]["version"]
        return httpx.Response(200, json={"status": [{"version": self.version}]})


def test_sets_and_reads_back_and_never_shows_the_secret() -> None:
    server = Server()
    actuator = http(server)
    plan = actuator.plan("v1+b")
    assert plan.current == "v13"
    assert "s3cret" not in repr(plan)
    assert actuator.execute(plan, "key-1") == "PUT http://serving/models/churn/versions/v1%2Bb answered 200"
    sent = next(request for request in server.seen if request.method == "PUT")
    assert sent.headers["Idempotency-Key"] == "key-1"
    assert sent.headers["Authorization"] == "Bearer s3cret"
    assert json.loads(sent.content)["spec"]["weights"] == [100, "v1+b"]
    assert actuator.verify("v1+b").value == "v1+b"
    assert "already" in actuator.execute(plan, "key-1")


def test_a_moved_world_sends_nothing() -> None:
    server = Server()
    actuator = http(server)
    plan = actuator.plan("v12")
    server.version = "v14"
    with pytest.raises(NothingDoneError, match="says v14"):
        actuator.execute(plan, "k")
    assert all(request.method == "GET" for request in server.seen)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (httpx.ReadTimeout("slow"), OutcomeUnknownError, "gave no answer"),
        (httpx.RemoteProtocolError("cut"), OutcomeUnknownError, "gave no answer"),
        (httpx.ConnectError("refused"), NothingDoneError, "can't be reached"),
        (httpx.Response(302, headers={"Location": "http://evil/"}), ActuatorError, "redirects are not followed"),
        (httpx.Response(500, text="token s3cret \x1b[2J"), ActuatorError, r"500: token \$\{TOKEN\} \\x1b\[2J"),
    ],
)
def test_every_answer_has_its_own_meaning(
    answer: httpx.Response | Exception, error: type[ActuatorError], words: str
) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"status": [{"version": "v13"}]})
        if isinstance(answer, Exception):
            raise answer
        return answer

    actuator = http(handler)
    with pytest.raises(error, match=words) as caught:
        actuator.execute(actuator.plan("v12"), "k")
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(200, text="<html>"), "no JSON"),
        (httpx.Response(200, json={"status": []}), "without 'status.0.version'"),
        (httpx.Response(200, json={"status": [{"version": None}]}), "no version"),
        (httpx.Response(200, json={"status": [{"version": "a b"}]}), "no version"),
        (httpx.Response(200, content=b"x" * ((1 << 20) + 1)), "more than"),
        (httpx.Response(404), "answered 404"),
    ],
)
def test_a_verifier_that_talks_nonsense_is_told_so(answer: httpx.Response, words: str) -> None:
    with pytest.raises(ActuatorError, match=words):
        http(lambda _: answer).verify("v12")


def test_what_can_not_work_is_said_when_planning() -> None:
    with pytest.raises(ActuatorError, match=r"\$\{GONE\} is not in the environment"):
        http(Server(), headers={"X": "${GONE}"}).plan("v12")
    with pytest.raises(ActuatorError, match="no http or https address"):
        http(Server(), url="file:///etc/passwd")
    with pytest.raises(ActuatorError, match="never says"):
        http(Server(), url="http://serving/", body={})
    assert not http(Server(), verify_url="").plan("v12").verifiable
