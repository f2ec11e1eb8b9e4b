"""One endpoint: its address, key and client; one request, and the classification of its failure."""

from __future__ import annotations

import asyncio
import importlib.util
import ipaddress
import json
import os
import warnings
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from thinkrec.data.columns import DataWarning
from thinkrec.errors import RecipeError
from thinkrec.teacher import api_error, reply
from thinkrec.teacher.client import Message, TeacherStoppedError
from thinkrec.teacher.config import ApiTeacherConfig
from thinkrec.teacher.dialect import Dialect, adapt_dialect, find_rejected_parameters
from thinkrec.teacher.retry_waits import find_retry_delay


class TransientError(Exception):
    """A request failed, and another try may not."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        """`wait`: seconds that the server asked for."""
        super().__init__(why)
        self.wait = wait
        """Seconds the server asked for, if it did."""


class PermanentError(Exception):
    """A request failed, and so would the same one again."""

    def __init__(self, why: str, refusal: str | None = None) -> None:
        """`refusal`: the code by which the content was refused."""
        super().__init__(why)
        self.refusal = refusal
        """By what name a filter or the model declined the content, if that is why."""


class DialectChangedError(Exception):
    """The endpoint wants to be asked in another way, which is known now: send the request again."""


class TeacherWarning(DataWarning):
    """An endpoint is asked in another way than the config says, which changes no answer. Shown as remarks on tables."""


class Endpoint:
    """Sends one request at a time; the key stays in here."""

    def __init__(self, config: ApiTeacherConfig) -> None:
        """Check the config. Raises RecipeError where an address, a model, a key or the package openai lacks."""
        self.config, self.model, self._given = config, resolve_api_model(config), _resolve_base_url(config)
        address = urlsplit(self._given)
        # The whole address of the chat questions is often pasted; a query, as some hosts want, goes along separately.
        path = address.path.rstrip("/").removesuffix("/chat/completions")
        self._url = address._replace(path=path, query="", fragment="").geturl()
        self._key = _read_api_key(config, self._url)
        self.url = address._replace(netloc=address.netloc.rpartition("@")[2]).geturl()
        """For messages: without a name and password it may hold."""
        self.dialect = Dialect(config.max_tokens_name)
        self._tried = {self.dialect}
        if importlib.util.find_spec("openai") is None:
            raise RecipeError('asking an endpoint needs the package openai; run: pip install "thinkrec[teacher]"')

    async def send(self, client: Any, messages: Sequence[Message]) -> reply.Reply:
        """One request. Raises TransientError, PermanentError, DialectChangedError, or TeacherStoppedError."""
        import openai

        config, dialect = self.config, self.dialect
        body = {**dialect.build_body(config.max_tokens), **config.extra_body}
        if config.temperature is not None:
            body["temperature"] = config.temperature
        words: Any = dialect.format_messages(messages)
        here = client.with_options(base_url=self._url.rstrip("/") + "/v1") if dialect.version else client
        try:
            # The package's own time limit counts between bytes; a server that drips could hold a request for ever.
            async with asyncio.timeout(config.timeout):
                response = await here.chat.completions.with_raw_response.create(
                    model=self.model, messages=words, extra_body=body
                )
                content = response.http_response.content
                return reply.parse_reply(content.decode("utf-8-sig"))
        except reply.MalformedReplyError as error:
            if api_error.is_html_page(content.decode("utf-8", "replace")):
                self._adapt_dialect(dialect, 200, None)
            raise TransientError(self._redact_key(str(error))) from error
        except reply.ReplyError as error:
            raise await self._classify_error(client, dialect, error.status, error.error, {}) from error
        except (TimeoutError, openai.APITimeoutError) as error:
            raise TransientError(f"there was no answer within {config.timeout:g} s") from error
        except openai.APIConnectionError as error:
            cause = error.__cause__ or error
            raise TransientError(self._redact_key(f"the connection failed: {cause}")) from error
        except openai.APIStatusError as error:
            body_of = error.body if error.body is not None else error.response.text
            raise await self._classify_error(
                client, dialect, error.status_code, body_of, error.response.headers
            ) from error
        except UnicodeDecodeError as error:
            raise TransientError("the answer is no UTF-8") from error

    def _adapt_dialect(self, used: Dialect, status: int, error: Any) -> None:
        """Raise DialectChangedError where a request in the dialect `used` should be sent again in another one."""
        if used != self.dialect:
            raise DialectChangedError  # another request has found out in the meantime
        adapted = adapt_dialect(used, self._url, status, error)
        if adapted is None or adapted[0] in self._tried:
            return
        self.dialect = adapted[0]
        self._tried.add(adapted[0])
        warnings.warn(f"the teacher at {self.url} is asked in another way: {adapted[1]}", TeacherWarning, stacklevel=2)
        raise DialectChangedError

    async def _classify_error(self, client: Any, used: Dialect, status: int, error: Any, headers: Any) -> Exception:
        """The exception for an error status. Raises DialectChangedError where another dialect may help."""
        text, where = (
            self._redact_key(api_error.extract_error_message(error)) or "it gives no reason",
            f"the teacher at {self.url}",
        )
        declined = api_error.find_refusal_code(status, error)
        if declined is not None:
            return PermanentError(f"the content was refused ({declined}): {text}", self._redact_key(declined))
        # A model that is not there has an address: /v1 would not help.
        if not (status == 404 and "model" in text.lower()):
            self._adapt_dialect(used, status, error)
        resume = "and start the same command again to go on"
        why = api_error.find_fatal_cause(status, error)
        if why is not None:
            advice = "see to it"
            if "key" in why:
                advice = f"check ${self.config.key_env}"
            elif "model" in why or "address" in why:
                advice = f"check base_url and model ({self.model!r}){await self._describe_listed_models(client)}"
            return TeacherStoppedError(f"{where} stopped the run with {status}: {why} ({text}); {advice}, {resume}")
        if api_error.is_retryable_status(status, error):
            wait = find_retry_delay(status, headers, error)
            if wait is not None and wait > self.config.retries.max_retry_after:
                return TeacherStoppedError(
                    f"{where} answers {status} and asks to wait {wait:.0f} s, more than retries.max_retry_after allows "
                    f"({self.config.retries.max_retry_after:.0f} s); start the same command later to go on"
                )
            return TransientError(f"the endpoint answered {status}: {text}", wait)
        settings = find_rejected_parameters(error, ["temperature", *self.config.extra_body])
        if settings:
            key = settings[0] if settings[0] == "temperature" else f"extra_body.{settings[0]}"
            return TeacherStoppedError(
                f"{where} does not take {settings[0]} as it is set ({text}); change teacher.{key} or leave it out, "
                f"{resume}"
            )
        return PermanentError(f"the endpoint refused the question with {status}: {text}")

    async def _describe_listed_models(self, client: Any) -> str:
        """The models that the endpoint lists, those of a similar name first; empty where it lists none."""
        try:
            async with asyncio.timeout(min(10.0, self.config.timeout)):
                response = await client.models.with_raw_response.list()
            entries = json.loads(response.http_response.text)
            entries = entries.get("data") or entries.get("models") if isinstance(entries, dict) else entries
            ids = [str(entry.get("id") or entry.get("name")) for entry in entries or () if isinstance(entry, dict)]
        except Exception:  # whatever is wrong with a list that is only for a hint
            return ""
        like = get_close_matches(self.model, ids, 3, 0.4) or ids[:3]
        more = f" and {len(ids) - len(like)} more" if len(ids) > len(like) else ""
        return f"; it lists {', '.join(map(repr, like))}{more}" if ids else ""

    def _redact_key(self, text: str) -> str:
        """One short line without the key, whatever an endpoint echoes."""
        line = " ".join((text.replace(self._key, "***") if self._key else text).split())
        return line if len(line) <= 300 else line[:300] + " ..."

    def make_client(self) -> Any:
        """A client without retries of its own; to be used in `async with`, once."""
        import openai

        more: dict[str, Any] = {}
        if _is_loopback_url(self._url):
            # What goes to this machine needs no proxy, whatever the environment says.
            more["http_client"] = openai.DefaultAsyncHttpxClient(trust_env=False)
        query = dict(parse_qsl(urlsplit(self._given).query))
        return openai.AsyncOpenAI(
            api_key=self._key or "none",
            base_url=self._url,
            max_retries=0,
            timeout=self.config.timeout,
            default_query=query or None,
            **more,
        )


def resolve_api_model(config: ApiTeacherConfig) -> str:
    """The model's name, from the config or $OPENAI_MODEL. Raises RecipeError."""
    model = config.model or os.environ.get("OPENAI_MODEL")
    if not model:
        raise RecipeError("which model shall teach? Give teacher.model (--model), or set $OPENAI_MODEL")
    return model


def format_api_teacher_name(config: ApiTeacherConfig) -> str:
    """The name that goes into hashes: label or model, and the settings that change answers; not the address."""
    settings = {"temperature": config.temperature, "max_tokens": config.max_tokens, **config.extra_body}
    words = [f"{key}={value}" for key, value in sorted(settings.items()) if value is not None]
    return f"api:{config.label or resolve_api_model(config)} {' '.join(words)}"


def _resolve_base_url(config: ApiTeacherConfig) -> str:
    url = config.base_url or os.environ.get("OPENAI_BASE_URL")
    if not url:
        raise RecipeError(
            "where is the teacher? Give teacher.base_url (--base-url), for instance http://localhost:8000/v1, or set "
            "$OPENAI_BASE_URL; nothing is sent anywhere without it"
        )
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise RecipeError(f"teacher.base_url {url!r} is no address; it reads http(s)://host[:port]/v1")
    return url


def _read_api_key(config: ApiTeacherConfig, base_url: str) -> str:
    key = os.environ.get(config.key_env, "").strip()
    if not key and not _is_loopback_url(base_url):
        raise RecipeError(f"the key is missing: set the environment variable {config.key_env} (teacher.key_env)")
    return key


def _is_loopback_url(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
