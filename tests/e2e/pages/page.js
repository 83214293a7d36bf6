// `watch(source)` shows a source's state and all its events, and records them for tests.

document.title = "events";
document.body.innerHTML = `<style>
  body { font: 16px system-ui; margin: 2em } li { margin: .3em 0; list-style: none }
  #state { font-weight: 600 } .gap { color: #b00 } .state { color: #888 }
  code { color: #060; margin-right: 1em }
</style><h1>Events of ada</h1><p>State: <span id="state"></span></p><ul id="list"></ul>`;
const NAMES = ["connecting", "open", "closed"];
window.got = []; window.opened = 0; window.errors = [];
window.show = (kind, text, id = "") => {
  const line = document.createElement("li");
  line.className = kind;
  line.append(Object.assign(document.createElement("code"), { textContent: id }), text);
  document.querySelector("#list").append(line);
};
window.state = () => {
  const name = NAMES[source.readyState];
  const shown = document.querySelector("#state");
  if (shown.textContent !== name) show("state", name);
  shown.textContent = name;
};
window.watch = (source) => {
  window.source = source;
  source.addEventListener("open", () => { opened += 1; state(); });
  source.addEventListener("error", (e) => { errors.push(e.message ?? ""); state(); });
  for (const type of ["t", "gap", "message"]) {
    source.addEventListener(type, (e) => {
      got.push([e.lastEventId, e.type, e.data]);
      show(e.type, e.data, e.lastEventId);
    });
  }
  state();
};
true
