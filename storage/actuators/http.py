"""A request that sets the version, and another one that reads it back; no redirect is followed.

Secrets stand in the model file as ``${NAME}`` and only in headers; their values come from the environment and are never
shown, kept or put into an error.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from storage.actuators.base import (
    Clock,
    NothingDoneError,
    OutcomeUnknownError,
    in_force_already,
    one_version,
    version_name,
    visible,
)
from storage.errors import ActuatorError
from storage.records.rollbacks import ActuatorPlan, Reading

if TYPE_CHECKING:
    import httpx

ANSWER_LIMIT = 1 << 20
_SECRET = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Http:
    """Sends ``method url`` with ``{version}`` filled in; ``verify_url`` answers JSON, read at a dotted path."""

    url: str
    method: str
    headers: dict[str, str]
    body: dict[str, Any]
    verify_url: str
    verify_field: str
    clock: Clock
    seconds: float
    environment: dict[str, str]
    client: httpx.Client | None
    name: str = "http"

    @classmethod
    def of(
        cls,
        options: Mapping[str, Any],
        clock: Clock,
        seconds: float,
        environment: Mapping[str, str],
        client: httpx.Client | None,
    ) -> Http:
        """The actuator of a model file's options.

        Raises:
            ActuatorError: the URL is missing or no http(s) address, or the version is said nowhere.
        """
        url, verify = str(options.get("url", "")), str(options.get("verify_url", ""))
        for key, value in (("url", url), ("verify_url", verify)):
            if not value.startswith(("http://", "https://")) and (value or key == "url"):
                raise ActuatorError(
                    f"the model file's [rollback] {key} is no http or https address", f"write {key} = ..."
                )
        body = dict(options.get("body", {}))
        if "{version}" not in url and "{version}" not in json.dumps(body):
            raise ActuatorError(
                "the model file's [rollback] never says {version}",
                "put it into url or body, as in body = {version = ...}",
            )
        headers = {str(k): str(v) for k, v in dict(options.get("headers", {})).items()}
        method = str(options.get("method", "POST")).upper()
        field = str(options.get("verify_field", "version"))
        return cls(url, method, headers, body, verify, field, clock, seconds, dict(environment), client)

    def plan(self, target: str, *, restore: str | None = None) -> ActuatorPlan:
        """Read the version in force and show the exact request, secrets by name only."""
        url, body = self._request(version_name(target))
        self._headers()  # a missing secret is said now, not when it is needed
        current = self.verify(target).value if self.verify_url else None
        return ActuatorPlan(
            actuator=self.name,
            target=target,
            current=current,
            does=f"{self.method} {url} {json.dumps(body, ensure_ascii=False)}"
            + (f" (now {current})" if current else ""),
            detail={
                "method": self.method,
                "url": url,
                "headers": self.headers,
                "body": body,
                "verify": self.verify_url,
            },
            prior=current,
            write=target,
            verifiable=bool(self.verify_url),
        )

    def execute(self, plan: ActuatorPlan, key: str) -> str:
        """Send the request, if the version in force is still the one that the plan saw."""
        if self.verify_url and in_force_already(self, plan):
            return f"{plan.target} was in force already; nothing was sent"
        url, body = self._request(plan.target)
        headers = {**self._headers(), "Idempotency-Key": key}
        sent = json.dumps(body).encode() if body else None
        if sent is not None and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
        code, _ = self._send(self.method, url, headers, sent)
        return f"{self.method} {url} answered {code}"

    def verify(self, expected: str) -> Reading:
        """Ask ``verify_url``."""
        if not self.verify_url:
            return Reading(None, self.clock.now(), "the model file names no verify_url: not verified")
        url = self.verify_url.replace("{version}", quote(expected, safe=""))
        try:
            _, text = self._send("GET", url, {**self._headers(), "Accept": "application/json"}, None)
        except (OutcomeUnknownError, NothingDoneError) as error:  # nothing was to be done: it just can't be read
            raise ActuatorError(error.message, error.hint) from error
        return Reading(self._field(text, url), self.clock.now(), f"said by {url}")

    def _field(self, text: str, url: str) -> str:
        try:
            value: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ActuatorError(f"{url} answered no JSON: {visible(text, 80)!r}", "check verify_url") from error
        for part in self.verify_field.split("."):
            if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
                value = value[int(part)]
            elif isinstance(value, dict) and part in value:
                value = value[part]
            else:
                raise ActuatorError(f"{url} answered JSON without {self.verify_field!r}", "check verify_field")
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise ActuatorError(f"{url}: {self.verify_field!r} is {visible(repr(value), 80)}, no version", "check it")
        return one_version(str(value), url)

    def _request(self, version: str) -> tuple[str, Any]:
        return self.url.replace("{version}", quote(version, safe="")), _filled(self.body, version)

    def _headers(self) -> dict[str, str]:
        for value in self.headers.values():
            for name in _SECRET.findall(value):
                if name not in self.environment:
                    raise ActuatorError(f"the secret ${{{name}}} is not in the environment", f"export {name}")
        return {k: _SECRET.sub(lambda m: self.environment[m[1]], v) for k, v in self.headers.items()}

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> tuple[int, str]:
        """Status and text of one answer, bounded; anything but 2xx is an error."""
        import httpx

        end = time.monotonic() + self.seconds
        try:
            with (
                self._client() as client,
                client.stream(
                    method, url, headers=dict(headers), content=body, follow_redirects=False, timeout=self.seconds
                ) as answer,
            ):
                text = bytearray()
                for chunk in answer.iter_bytes():
                    text += chunk
                    if time.monotonic() > end:  # the client's own limit starts anew with every byte
                        raise httpx.ReadTimeout("the answer never ended")
                    if len(text) > ANSWER_LIMIT:
                        raise ActuatorError(f"{url} answered more than {ANSWER_LIMIT} bytes", "check the address")
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            raise NothingDoneError(f"{url} can't be reached: {error}", "nothing was sent; check the address") from error
        except httpx.TransportError as error:
            raise OutcomeUnknownError(
                f"{url} gave no answer: {type(error).__name__}", "it may have acted: look at the world first"
            ) from error
        except (httpx.InvalidURL, httpx.HTTPError, ValueError) as error:
            raise ActuatorError(
                f"{url}: no request could be made of it ({type(error).__name__})", "check it"
            ) from error
        shown = visible(self._without_secrets(bytes(text).decode("utf-8", "backslashreplace")), 200)
        if answer.is_redirect:
            raise ActuatorError(f"{url} answered {answer.status_code}: redirects are not followed", "name the address")
        if not answer.is_success:
            raise ActuatorError(f"{url} answered {answer.status_code}: {shown}")
        return answer.status_code, bytes(text).decode("utf-8", "replace")

    @contextmanager
    def _client(self) -> Iterator[httpx.Client]:
        if self.client is not None:
            yield self.client
            return
        import httpx

        with httpx.Client() as client:
            yield client

    def _without_secrets(self, text: str) -> str:
        for value in self.headers.values():
            for name in _SECRET.findall(value):
                if self.environment.get(name):
                    text = text.replace(self.environment[name], f"${{{name}}}")
        return text


def _filled(value: Any, version: str) -> Any:
    """``{version}`` filled in wherever a text stands in a JSON value."""
    if isinstance(value, str):
        return value.replace("{version}", version)
    if isinstance(value, Mapping):
        return {key: _filled(item, version) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, version) for item in value]
    return value
