// Reads a stream as its users do in Node, with the package `eventsource`; a line of JSON for each
// thing that happens: {"open": true}, {"id": ..., "type": ..., "data": ...} or {"closed": true} at
// a refusal.
//
//     read.mjs URL TYPE...
//
// It connects again by itself, and no difference from the HTML standard was found in its version 5.
// (It asks for Node 22.12, and runs on the 18 of Debian 12.) But waiting to connect again does not
// keep Node from ending: a program that does nothing else must. Up to version 4 it forgets the id of
// a block without data, so that who is cut off before the first event begins at the live end again,
// and misses what came meanwhile.

import { EventSource } from "eventsource";

const [url, ...types] = process.argv.slice(2);
const say = (what) => console.log(JSON.stringify(what));
setInterval(() => {}, 2 ** 30); // keeps Node from ending
const source = new EventSource(url);
source.onopen = () => say({ open: true });
source.onerror = () => source.readyState === EventSource.CLOSED && say({ closed: true });
for (const type of types) {
  source.addEventListener(type, (e) => say({ id: e.lastEventId, type: e.type, data: e.data }));
}
