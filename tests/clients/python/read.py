"""Reads a stream as an application in Python does, with httpx-sse. It prints a line of JSON for
each connection and event: {"open": true}, {"id": ..., "type": ..., "data": ...}, or
{"status": ...} if the server refuses it.

Differences of httpx-sse 0.4.3 from the HTML standard:
- It does not reconnect: every user writes a loop like the one below.
- It dispatches a block without data, such as the first one with the start of a stream, as an event
  of the type `message` without data. An event with an empty payload and no type looks the same.
It handles ids correctly: an id without data counts, which a resume before the first event needs.

    read.py URL [NAME: VALUE ...]
"""

import json
import sys
import time

import httpx
from httpx_sse import connect_sse


def say(**what):
    print(json.dumps(what), flush=True)


def main(url, headers):
    last_id, retry = "", 3.0
    # Comments arrive every 15 seconds: after a minute without any the connection is dead.
    with httpx.Client(timeout=httpx.Timeout(10, read=60), trust_env=False) as client:
        while True:
            try:
                asked = {**headers, **({"last-event-id": last_id} if last_id else {})}
                with connect_sse(client, "GET", url, headers=asked) as source:
                    if source.response.status_code != 200:
                        say(status=source.response.status_code)
                        return
                    say(open=True)
                    for event in source.iter_sse():
                        last_id = event.id
                        if event.retry is not None:
                            retry = event.retry / 1000
                        if event.data or event.event != "message":
                            say(id=event.id, type=event.event, data=event.data)
            except httpx.TransportError:
                pass
            time.sleep(retry)


main(sys.argv[1], dict(header.split(": ", 1) for header in sys.argv[2:]))
