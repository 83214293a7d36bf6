"""Reads a stream as its users do in Python, with httpx-sse; a line of JSON for each thing that
happens: {"open": true}, {"id": ..., "type": ..., "data": ...} or {"status": ...} at a refusal.

Where httpx-sse differs from the HTML standard (0.4.3):
- It does not connect again: what follows is the loop that every user of it writes.
- It hands out a block without data, such as the one that says where a stream begins, as an event of
  the type `message` without data. It looks like one whose payload is empty and that has no type.
Its ids are right: one without data counts, which is what resuming before the first event rests on.

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
    # Comments come every 15 seconds: a minute without anything is a connection that is dead.
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
