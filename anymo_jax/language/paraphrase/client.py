"""A client for any OpenAI-compatible chat endpoint, on the standard library alone."""

import dataclasses
import email.message
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

_TRIED_AGAIN = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 529))
# A server may ask for a pause; it is not waited for longer than this, s.
_LONGEST_PAUSE = 60.0


class EndpointError(RuntimeError):
    """The endpoint does not serve what is asked for; asking again does not help."""


class AnswerError(ValueError):
    """The model answered, but not in the form that was asked for."""


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """Where and how to ask.

    Attributes:
      base_url: up to and with the version, as "http://localhost:8000/v1".
      model: name that the endpoint knows.
      key: sent as bearer token; "" sends none. It is in no message and no repr.
      timeout_s: patience with one request.
      retries: further attempts after a failure that may pass.
      backoff_s: pause before the first of them; it doubles with each.
      temperature: of sampling.
    """

    base_url: str
    model: str
    key: str = dataclasses.field(default="", repr=False)
    timeout_s: float = 120.0
    retries: int = 4
    backoff_s: float = 1.0
    temperature: float = 0.7

    def __post_init__(self):
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError(
                f"base_url = {self.base_url!r}: give an http or https address up to "
                "the version, as http://localhost:8000/v1"
            )
        if not self.model:
            raise ValueError("model is empty; give a name that the endpoint knows")
        if self.timeout_s <= 0 or self.retries < 0 or self.backoff_s < 0:
            raise ValueError(
                f"timeout_s = {self.timeout_s:g} must be positive, retries = "
                f"{self.retries} and backoff_s = {self.backoff_s:g} not negative"
            )


def ask(
    endpoint: Endpoint,
    messages: Sequence[Mapping[str, str]],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """The content of the model's answer.

    Rate limits, server errors, time-outs and lost connections are tried again, each
    time after a longer pause, or after that which the server asks for.

    Args:
      endpoint: where to ask.
      messages: turns, each with role and content.
      sleep: waits a number of seconds.

    Raises:
      EndpointError: with the endpoint's own words where it refuses, or where all
        attempts have failed.
      AnswerError: where there is no content in the answer.
    """
    for attempt in range(endpoint.retries + 1):
        try:
            return _content(_post(endpoint, messages))
        except urllib.error.HTTPError as error:
            with error:
                reason = f"status {error.code}: {_excerpt(error)}"
            if error.code not in _TRIED_AGAIN:
                raise EndpointError(
                    f"{endpoint.base_url} refused with {reason}; check base_url, "
                    "model and key"
                ) from None
            asked_for = _pause_asked_for(error.headers)
        except (OSError, http.client.HTTPException) as error:
            reason, asked_for = f"{type(error).__name__}: {error}", 0.0
        if attempt < endpoint.retries:
            sleep(max(endpoint.backoff_s * 2**attempt, asked_for))
    raise EndpointError(
        f"{endpoint.base_url} failed {endpoint.retries + 1} times, the last time with "
        f"{reason}; run again later, what has been answered is kept"
    )


def _post(endpoint: Endpoint, messages) -> bytes:
    body = {
        "model": endpoint.model,
        "messages": list(messages),
        "temperature": endpoint.temperature,
    }
    request = urllib.request.Request(
        endpoint.base_url.rstrip("/") + "/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    if endpoint.key:
        # Not passed on, should the endpoint redirect elsewhere.
        request.add_unredirected_header("Authorization", f"Bearer {endpoint.key}")
    with urllib.request.urlopen(request, timeout=endpoint.timeout_s) as answer:
        return answer.read()


def _content(body: bytes) -> str:
    try:
        content = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError) as error:
        raise AnswerError(f"no chat completion in {body[:200]!r} ({error})") from None
    if not isinstance(content, str) or not content.strip():
        raise AnswerError(f"the answer's content is empty: {body[:200]!r}")
    return content


def _pause_asked_for(headers: email.message.Message | None) -> float:
    """Seconds of a Retry-After header; dates, which are rare, are not read."""
    value = (headers or {}).get("Retry-After", "")
    return min(float(value), _LONGEST_PAUSE) if value.isdecimal() else 0.0


def _excerpt(error: urllib.error.HTTPError) -> str:
    try:
        return error.read(300).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return str(error.reason)


def read_json(content: str) -> Any:
    """The JSON of an answer, which a model may have put between fences.

    Raises:
      AnswerError: where it is none.
    """
    start, end = content.find("{"), content.rfind("}")
    try:
        return json.loads(content[start : end + 1])
    except ValueError:
        raise AnswerError(f"no JSON object in the answer {content[:200]!r}") from None
