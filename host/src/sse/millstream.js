// Events over fetch, for pages that must send a token in a header, which an
// EventSource can't do:
//
//   import { MillstreamSource } from "/v1/millstream.js";
//   const events = new MillstreamSource("/v1/events", { token: () => session.token() });
//   events.addEventListener("order", (e) => console.log(e.lastEventId, e.data));
//   events.addEventListener("error", (e) => console.log(e.message, events.readyState));
//   events.close();
//
// It reads, resumes and waits like an EventSource, and asks for the token
// before each connection. `token` is a string or a function, which may be
// async. A 401 ends the source unless the function returns another token than
// the refused one. Reading a stream needs nothing else.

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 2;

export class MillstreamSource extends EventTarget {
  #url;
  #options;
  #abort = new AbortController();
  #lastId = "";
  #retry = 2000;
  readyState = CONNECTING;

  constructor(url, options = {}) {
    super();
    this.#url = new URL(url, globalThis.location?.href).href;
    this.#options = options;
    this.#run();
  }

  get url() {
    return this.#url;
  }

  close() {
    this.readyState = CLOSED;
    this.#abort.abort();
  }

  async #run() {
    let refused;
    while (this.readyState !== CLOSED) {
      let fatal = false;
      let message = "the connection ended";
      try {
        const token = await this.#token();
        const answer = await fetch(this.#url, {
          headers: this.#headers(token),
          credentials: this.#options.withCredentials ? "include" : "same-origin",
          cache: "no-store",
          signal: this.#abort.signal,
        });
        const isStream = answer.headers.get("content-type")?.startsWith("text/event-stream");
        if (answer.status === 200 && isStream) {
          refused = undefined;
          await this.#read(answer.body);
        } else {
          message = `${answer.status} ${await answer.text()}`;
          fatal = answer.status !== 401 || token === undefined || token === refused;
          refused = token;
        }
      } catch (error) {
        message = String(error);
      }
      if (this.readyState === CLOSED) return;
      this.readyState = fatal ? CLOSED : CONNECTING;
      this.dispatchEvent(Object.assign(new Event("error"), { message }));
      if (!fatal) await new Promise((done) => setTimeout(done, this.#retry));
    }
  }

  async #token() {
    const { token } = this.#options;
    return typeof token === "function" ? await token() : token;
  }

  #headers(token) {
    const headers = { accept: "text/event-stream" };
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    if (this.#lastId) headers["last-event-id"] = this.#lastId;
    return headers;
  }

  async #read(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    let event = { data: [] };
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      // A CR at the end may be half of a CRLF.
      const lines = text.split(/\r\n|\n|\r(?!$)/);
      text = lines.pop();
      for (const line of lines) {
        if (line === "") {
          this.#dispatch(event);
          event = { data: [] };
        } else {
          this.#field(event, line);
        }
      }
    }
  }

  #field(event, line) {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") event.data.push(value);
    else if (name === "event") event.type = value;
    else if (name === "id" && !value.includes("\0")) event.id = value;
    else if (name === "retry" && /^[0-9]+$/.test(value)) this.#retry = Number(value);
  }

  // Opened by the first id, not by the answer's head: a client that is cut off
  // right after opening must know where to resume.
  #begin(id) {
    this.#lastId = id;
    if (this.readyState !== CONNECTING) return;
    this.readyState = OPEN;
    this.dispatchEvent(new Event("open"));
  }

  #dispatch({ id, type, data }) {
    if (id !== undefined) this.#begin(id);
    if (data.length === 0 || this.readyState === CLOSED) return;
    const origin = new URL(this.#url).origin;
    const init = { data: data.join("\n"), lastEventId: this.#lastId, origin };
    this.dispatchEvent(new MessageEvent(type || "message", init));
  }
}

// Handlers assigned to `onopen` etc. receive those events, as on an
// EventSource.
for (const type of ["open", "message", "error"]) {
  const handlers = new WeakMap();
  Object.defineProperty(MillstreamSource.prototype, `on${type}`, {
    get() {
      return handlers.get(this) ?? null;
    },
    set(handler) {
      this.removeEventListener(type, this[`on${type}`]);
      handlers.set(this, typeof handler === "function" ? handler : null);
      this.addEventListener(type, this[`on${type}`]);
    },
  });
}
