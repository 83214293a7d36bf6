#!/usr/bin/env python3
"""A small backend: creates notifications, and serves the page that shows them.

    app.py --kafka 127.0.0.1:9092 --events http://127.0.0.1:8080 --admin http://127.0.0.1:9090

    POST /notifications       {"clients": ["ada"], "count": 3, "type": "mail", "message": "Hi"}
    DELETE /streams/<client>  empties a client's stream through the daemon's admin listener
    GET /                     the page; /?client=ada is ada's

For a local machine only: everyone who reaches it can do this for any client.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, unquote, urlsplit

from confluent_kafka import KafkaException, Producer

PAGE = Path(__file__).parent / "index.html"
# The page needs them: an EventSource has a listener for each type.
TYPES = ("notification", "mail", "alert")
MAX_BODY = 64 * 1024
MAX_CLIENTS, MAX_COUNT, MAX_TOGETHER, MAX_MESSAGE = 100, 1000, 10_000, 1000
# Seconds to wait for Kafka's acknowledgement.
PATIENCE = 5


class Refused(Exception):
    """An error answer."""

    def __init__(self, status: HTTPStatus, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.body = {"title": status.phrase, "status": status.value, "detail": detail, **more}


def bad(detail: str) -> NoReturn:
    raise Refused(HTTPStatus.BAD_REQUEST, detail)


class Order:
    """A valid request for notifications."""

    def __init__(self, body: bytes) -> None:
        try:
            given = json.loads(body)
        except ValueError:
            bad("the body is not JSON")
        if not isinstance(given, dict):
            bad("the body is not a JSON object")
        unknown = sorted(given.keys() - {"clients", "count", "type", "message"})
        if unknown:
            bad(f"unknown field `{unknown[0]}`: the fields are clients, count, type and message")
        self.clients: list[str] = clients(given.get("clients"))
        self.count: int = count(given.get("count", 1))
        if len(self.clients) * self.count > MAX_TOGETHER:
            bad(f"more than {MAX_TOGETHER} notifications at once are not allowed")
        self.type: str = given.get("type", TYPES[0])
        if self.type not in TYPES:
            bad(f"`type` must be one of {', '.join(TYPES)}")
        self.message: str = given.get("message", "Something happened")
        if not isinstance(self.message, str) or not 0 < len(self.message) <= MAX_MESSAGE:
            bad(f"`message` must be a string of 1 to {MAX_MESSAGE} characters")


def clients(given: Any) -> list[str]:
    if not isinstance(given, list) or not 0 < len(given) <= MAX_CLIENTS:
        bad(f"`clients` must be a list of 1 to {MAX_CLIENTS} client ids")
    for client in given:
        if not is_client(client):
            bad("a client id must be a string of 1 to 256 bytes without control characters")
    return list(dict.fromkeys(given))  # each once


def is_client(given: Any) -> bool:
    """The daemon's rule for client ids."""
    try:
        fits = isinstance(given, str) and 0 < len(given.encode()) <= 256
    except UnicodeEncodeError:  # an unpaired surrogate
        return False
    return fits and not re.search(r"[\x00-\x1f\x7f-\x9f]", given)


def count(given: Any) -> int:
    if type(given) is not int or not 0 < given <= MAX_COUNT:
        bad(f"`count` must be a whole number from 1 to {MAX_COUNT}")
    return int(given)


class Notifier:
    """Sends notifications to Kafka and waits for each acknowledgement."""

    def __init__(self, kafka: str, topic: str) -> None:
        self._topic = topic
        self._producer = Producer(
            {
                "bootstrap.servers": kafka,
                "acks": "all",
                "enable.idempotence": True,
                "message.timeout.ms": PATIENCE * 1000,
                "linger.ms": 2,
            }
        )
        threading.Thread(target=self._poll, daemon=True).start()

    def send(self, order: Order) -> dict[str, Any]:
        """Returns what Kafka acknowledged; raises `Refused` (503) if something was not."""
        total = len(order.clients) * order.count
        acknowledged = dict.fromkeys(order.clients, 0)
        errors: list[str] = []
        answered = threading.Semaphore(0)

        def note(client: str, error: Any, _record: Any) -> None:  # runs in the polling thread only
            if error is None:
                acknowledged[client] += 1
            else:
                errors.append(error.str())
            answered.release()

        correlation, now = str(uuid.uuid4()), datetime.now(timezone.utc).isoformat()
        for number in range(order.count):
            for client in order.clients:
                value = {
                    "eventId": str(uuid.uuid4()),
                    "eventType": order.type,
                    "clientId": client,
                    "notificationId": f"{correlation}-{number + 1}",
                    "message": order.message,
                    "correlationId": correlation,
                    "requestedDateTime": now,
                }
                try:
                    self._producer.produce(
                        self._topic,
                        key=client.encode(),  # so that a client's own stay in order
                        value=json.dumps(value).encode(),
                        on_delivery=partial(note, client),
                    )
                except (BufferError, KafkaException) as error:
                    errors.append(str(error))
                    answered.release()
        for _ in range(total):  # each is answered for, by the time-out at the latest
            answered.acquire()
        answer = {"correlationId": correlation, "acknowledged": acknowledged}
        if errors:
            # What was not acknowledged may be there all the same: the answer may have been lost.
            detail = f"Kafka did not acknowledge {len(errors)} of {total}: {errors[0]}"
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, detail, **answer)
        return answer

    def close(self) -> None:
        self._producer.flush(PATIENCE)

    def _poll(self) -> None:
        while True:
            self._producer.poll(1)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30  # for a silent client
    server: App

    def do_GET(self) -> None:
        match urlsplit(self.path).path:
            case "/":
                self._answer(HTTPStatus.OK, "text/html; charset=utf-8", PAGE.read_bytes())
            case "/settings":
                self._json(HTTPStatus.OK, {"events": self.server.events, "types": TYPES})
            case _:
                self._refuse(Refused(HTTPStatus.NOT_FOUND, "not found: use /, /settings, /notifications or /streams"))

    def do_POST(self) -> None:
        self._try(self._notify)

    def do_DELETE(self) -> None:
        self._try(self._empty)

    def _try(self, act: Any) -> None:
        try:
            act()
        except Refused as refused:
            self._refuse(refused)

    def _notify(self) -> None:
        if urlsplit(self.path).path != "/notifications":
            raise Refused(HTTPStatus.NOT_FOUND, "not found: POST is for /notifications only")
        # A page of another site needs a preflight for this type, and that is not answered.
        if self.headers.get_content_type() != "application/json":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content-type must be application/json")
        self._json(HTTPStatus.ACCEPTED, self.server.notifier.send(Order(self._body())))

    def _empty(self) -> None:
        client = unquote(urlsplit(self.path).path.removeprefix("/streams/"))
        if not self.path.startswith("/streams/") or not is_client(client):
            raise Refused(HTTPStatus.NOT_FOUND, "not found: DELETE is for /streams/<client id> only")
        url = f"{self.server.admin}/v1/clients/{quote(client, safe='')}/stream"
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(urllib.request.Request(url, method="DELETE"), timeout=10) as answer:
                self._json(HTTPStatus.OK, json.load(answer))
        except urllib.error.HTTPError as error:
            detail = f"the daemon answered {error.code}"
            raise Refused(HTTPStatus.BAD_GATEWAY, detail) from error
        except OSError as error:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "the daemon does not answer") from error

    def _body(self) -> bytes:
        length = self.headers.get("content-length", "")
        if not re.fullmatch("[0-9]{1,9}", length):
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "content-length is missing")
        if int(length) > MAX_BODY:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is too large: at most {MAX_BODY} bytes are allowed")
        return self.rfile.read(int(length))

    def _refuse(self, refused: Refused) -> None:
        self.close_connection = True  # the rest of the body is not read
        self._json(refused.status, refused.body, "application/problem+json")

    def _json(self, status: HTTPStatus, body: Any, kind: str = "application/json") -> None:
        self._answer(status, kind, json.dumps(body).encode())

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("cache-control", "no-store")
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.send_header("retry-after", str(PATIENCE))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)


class App(ThreadingHTTPServer):
    def __init__(self, port: int, notifier: Callable[[], Notifier], events: str, admin: str) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        # After the port is bound, so that Kafka's client does not log beside that error.
        self.notifier, self.events, self.admin = notifier(), events, admin


def main() -> None:
    parser = argparse.ArgumentParser(description="Creates notifications and serves the page that shows them.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--kafka", default="127.0.0.1:9092", help="host:port")
    parser.add_argument("--topic", default="notifications")
    parser.add_argument("--events", default="http://127.0.0.1:8080", help="the daemon, for pages")
    parser.add_argument("--admin", default="http://127.0.0.1:9090", help="its admin listener")
    given = parser.parse_args()
    notifier = partial(Notifier, given.kafka, given.topic)
    try:
        app = App(given.port, notifier, given.events, given.admin)
    except (OSError, OverflowError) as error:
        sys.exit(f"can't listen on 127.0.0.1:{given.port}: {error}; choose another with `--port`")
    for number in (signal.SIGTERM, signal.SIGINT):
        # `shutdown` waits for the loop that this interrupts.
        signal.signal(number, lambda *_: threading.Thread(target=app.shutdown).start())
    print(f"listening on http://127.0.0.1:{app.server_port}", flush=True)
    app.serve_forever(0.1)
    app.notifier.close()


if __name__ == "__main__":
    main()
