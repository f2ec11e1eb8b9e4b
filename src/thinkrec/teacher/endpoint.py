"""One endpoint: its address, key and client; one request, and what is to be made of its failure."""

from __future__ import annotations

import asyncio
import importlib.util
import ipaddress
import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from thinkrec.errors import RecipeError
from thinkrec.teacher import reply
from thinkrec.teacher.client import Message, TeacherStopped
from thinkrec.teacher.config import ApiTeacher
from thinkrec.teacher.limits import retry_after


class Passing(Exception):
    """A request failed, and another try may not."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait
        """Seconds the server asked for, if it did."""


class Final(Exception):
    """A request failed, and so would the same one again."""


class Endpoint:
    """Sends one request at a time; the key stays in here."""

    def __init__(self, config: ApiTeacher) -> None:
        """Raises RecipeError where an address, a model, a key or the package openai lacks."""
        self.config, self.model, self._url = config, api_model(config), _address(config)
        self._key = _key(config, self._url)
        parts = urlsplit(self._url)
        self.url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        """For messages: without a name and password it may hold."""
        if importlib.util.find_spec("openai") is None:
            raise RecipeError('asking an endpoint needs the package openai; run: pip install "thinkrec[teacher]"')

    async def send(self, client: Any, messages: Sequence[Message]) -> reply.Reply:
        """One request. Raises Passing, Final, or TeacherStopped."""
        import openai

        config = self.config
        body: dict[str, Any] = {config.max_tokens_name: config.max_tokens}
        if config.temperature is not None:
            body["temperature"] = config.temperature
        words: Any = [{"role": message.role, "content": message.text} for message in messages]
        try:
            # The package's own time limit counts between bytes; a server that drips could hold a request for ever.
            async with asyncio.timeout(config.timeout):
                response = await client.chat.completions.with_raw_response.create(
                    model=self.model, messages=words, extra_body={**body, **config.extra}
                )
                return reply.parse(response.http_response.text)
        except reply.Damaged as error:
            raise Passing(self._safe(str(error))) from error
        except (TimeoutError, openai.APITimeoutError) as error:
            raise Passing(f"there was no answer within {config.timeout:g} s") from error
        except openai.APIConnectionError as error:
            cause = error.__cause__ or error
            raise Passing(self._safe(f"the connection failed: {cause}")) from error
        except openai.APIStatusError as error:
            raise self._refused(error) from error
        except UnicodeDecodeError as error:
            raise Passing("the answer is no UTF-8") from error

    def _refused(self, error: Any) -> Exception:
        """What an error status amounts to."""
        status, text = error.status_code, self._safe(str(error.message))
        why = reply.stops(status, error.body)
        if why is not None:
            advice = {401: f"check ${self.config.key_env}", 404: "check base_url and model"}.get(status, "see to it")
            return TeacherStopped(
                f"the teacher at {self.url} stopped the run with {status}: {why} ({text}); {advice}, and start "
                "the same command again to go on"
            )
        if not reply.passes(status):
            return Final(f"the endpoint refused the question with {status}: {text}")
        headers = error.response.headers
        wait = retry_after(headers.get("retry-after"))
        if wait is not None and wait > self.config.retries.patience:
            return TeacherStopped(
                f"the teacher at {self.url} answers {status} and asks to wait {wait:.0f} s, more than "
                f"retries.patience allows ({self.config.retries.patience:.0f} s); start the same command later to go on"
            )
        return Passing(f"the endpoint answered {status}: {text}", wait)

    def _safe(self, text: str) -> str:
        """One short line without the key, whatever an endpoint echoes."""
        line = " ".join((text.replace(self._key, "***") if self._key else text).split())
        return line if len(line) <= 300 else line[:300] + " ..."

    def client(self) -> Any:
        """A client without retries of its own; to be used in `async with`, once."""
        import openai

        more: dict[str, Any] = {}
        if _on_this_machine(self._url):
            # What goes to this machine needs no proxy, whatever the environment says.
            more["http_client"] = openai.DefaultAsyncHttpxClient(trust_env=False)
        return openai.AsyncOpenAI(
            api_key=self._key or "none", base_url=self._url, max_retries=0, timeout=self.config.timeout, **more
        )


def api_model(config: ApiTeacher) -> str:
    """The model's name, from the config or $OPENAI_MODEL. Raises RecipeError."""
    found = config.model or os.environ.get("OPENAI_MODEL")
    if not found:
        raise RecipeError("which model shall teach? Give teacher.model (--model), or set $OPENAI_MODEL")
    return found


def api_name(config: ApiTeacher) -> str:
    """What goes into the hash: label or model, and the settings that change answers; not the address."""
    settings = {"temperature": config.temperature, "max_tokens": config.max_tokens, **config.extra}
    words = [f"{key}={value}" for key, value in sorted(settings.items()) if value is not None]
    return f"api:{config.label or api_model(config)} {' '.join(words)}"


def _address(config: ApiTeacher) -> str:
    found = config.base_url or os.environ.get("OPENAI_BASE_URL")
    if not found:
        raise RecipeError(
            "where is the teacher? Give teacher.base_url (--base-url), for instance http://localhost:8000/v1, or set "
            "$OPENAI_BASE_URL; nothing is sent anywhere without it"
        )
    if urlsplit(found).scheme not in ("http", "https") or not urlsplit(found).hostname:
        raise RecipeError(f"teacher.base_url {found!r} is no address; it reads http(s)://host[:port]/v1")
    return found


def _key(config: ApiTeacher, base_url: str) -> str:
    found = os.environ.get(config.key_env, "").strip()
    if not found and not _on_this_machine(base_url):
        raise RecipeError(f"the key is missing: set the environment variable {config.key_env} (teacher.key_env)")
    return found


def _on_this_machine(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
