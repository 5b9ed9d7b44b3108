// Live updates: what a stream cannot do by itself. The element #live holds the stream (hx-sse:connect); its messages are partials.
// A part with data-title is the page's title; one with data-say is said to those who listen, when it changes.
const live = document.getElementById("live");
const box = document.getElementById("say");
const offline = document.getElementById("offline");
const [EVERY, TITLE, BROKEN, POLL] = [10_000, 20_000, 30_000, 10_000];

let saidAt = 0, waiting = null, timer = null;
function say(words) {
  waiting = words;
  timer ??= setTimeout(() => { timer = null; saidAt = Date.now(); box.textContent = waiting; }, Math.max(200, saidAt + EVERY - Date.now()));
}
document.addEventListener("say", (event) => say(event.detail));
const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (mine && mine !== document.body.dataset.zone) {
  document.cookie = `zone=${mine}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
}

let heard = document.querySelector("[data-say]")?.dataset.say;
function refresh() {
  const title = document.querySelector("[data-title]")?.dataset.title;
  if (title) document.title = `${title} · Winnow`;
  const words = document.querySelector("[data-say]")?.dataset.say;
  if (words && words !== heard) say(words);
  heard = words ?? heard;
}
document.addEventListener("htmx:after:swap", refresh);

const whole = () => htmx.ajax("GET", location.href, { target: "#main", select: "#main", swap: "outerMorph" });
// The end of a stream (an element of its own, or #live) is the time for the page that comes then.
document.addEventListener("end", whole);
function connect() {
  if (!live._htmx?.sse) { live.removeAttribute("data-htmx-powered"); delete live._htmx; htmx.process(live); }
}

if (live) {
  // htmx looks at the page once it is loaded itself, which may be before its extension for streams is.
  setTimeout(connect);
  let last = Date.now(), connected = false, ended = false, polling = null;
  live.addEventListener("htmx:sse:after:connection", () => { connected = true; back(); });
  live.addEventListener("htmx:sse:after:message", () => { last = Date.now(); connected = true; });
  for (const name of ["htmx:sse:error", "htmx:sse:close"]) live.addEventListener(name, () => { connected = false; });
  live.addEventListener("end", () => { ended = true; back(); });

  function back() { offline.replaceChildren(); polling = clearInterval(polling); }
  function poll() {
    if (document.hidden) return;
    const at = new Date(last).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    if (!offline.firstChild) {
      offline.append(document.getElementById("offline-note").content.cloneNode(true));
      offline.querySelector("[data-since]").textContent = at;
    }
    whole();
    connect();
  }
  setInterval(() => {
    if (connected || document.hidden) last = Date.now();
    if (!ended && !connected && !polling && Date.now() - last > BROKEN) { poll(); polling = setInterval(poll, POLL); }
  }, 5_000);
  setInterval(async () => {
    if (!document.hidden || ended || !live.dataset.titleFrom) return;
    const answer = await fetch(live.dataset.titleFrom).catch(() => null);
    if (answer?.ok) document.title = await answer.text();
  }, TITLE);
}
