// Reads a stream as an application in Node does, with the package `eventsource`. It prints a line
// of JSON for each connection and event: {"open": true}, {"id": ..., "type": ..., "data": ...}, or
// {"closed": true} if the server refuses it.
//
//     read.mjs URL TYPE...
//
// The package reconnects by itself. Its version 5 has no known difference from the HTML standard.
// (It requires Node 22.12, but runs on Node 18 of Debian 12.) Its wait before a reconnect does not
// keep Node running, so a program that does nothing else must do that itself. Up to version 4 it
// forgets the id of a block without data: a client that is cut off before its first event resumes
// at the live end and misses the events in between.

import { EventSource } from "eventsource";

const [url, ...types] = process.argv.slice(2);
const say = (what) => console.log(JSON.stringify(what));
setInterval(() => {}, 2 ** 30); // keeps Node running
const source = new EventSource(url);
source.onopen = () => say({ open: true });
source.onerror = () => source.readyState === EventSource.CLOSED && say({ closed: true });
for (const type of types) {
  source.addEventListener(type, (e) => say({ id: e.lastEventId, type: e.type, data: e.data }));
}
