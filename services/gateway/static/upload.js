// The import page's upload: it begins when a file is dropped or chosen (tus), while the person chooses the rest of the form.
// Without this the form sends the file itself. All words are the page's (#words).
const form = document.getElementById("import");
const zone = document.getElementById("zone");
const id = document.getElementById("upload");
const words = document.getElementById("words").dataset;
const hint = form.querySelector("[data-hint]"), idle = [...hint.childNodes];
const starts = [...form.querySelectorAll("[data-start]")].map((button) => [button, button.textContent]);
const headers = { "X-CSRF-Token": document.body.dataset.csrf ?? "" };
const ready = () => { for (const [button, own] of starts) button.textContent = own; hint.replaceChildren(...idle); };
const put = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
const say = (detail) => document.dispatchEvent(new CustomEvent("say", { detail }));
const size = (bytes) => bytes < 1000 ? `${bytes} byte${bytes === 1 ? "" : "s"}` : bytes < 999_500 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
const left = (seconds) => seconds < 60 ? `${Math.max(5, 5 * Math.ceil(seconds / 5))} s` : `${Math.ceil(seconds / 60)} min`;

let upload = null, submitted = null, touched = false, drop = null;
form.addEventListener("change", (event) => { touched ||= event.target.name === "type"; });

function wrong(message) {
  const shown = document.getElementById("file-err"), file = document.getElementById("file");
  shown.hidden = false;
  shown.lastElementChild.textContent = message;
  file.closest(".drop").classList.add("wrong");
  file.setAttribute("aria-invalid", "true");
  file.value = "";
  file.focus();
  say(message);
}

function refusal(file) {
  const ending = file.name.toLowerCase().replace(/\.gz$/, "").match(/\.\w+$/)?.[0] ?? "";
  const why = { ".xls": "old", ".xlsb": "old", ".xlsm": "macros", ".ods": "opendocument" }[ending];
  const known = form.dataset.endings.split(" ").includes(ending), fits = file.size <= Number(form.dataset.mostBytes);
  const said = why ?? (!known ? "ending" : !file.size ? "empty" : !fits ? "large" : null);
  return said && put(words[said], { name: file.name, size: size(file.size) });
}

async function begin(file) {
  const why = refusal(file);
  if (why) return wrong(why);
  drop = [...zone.childNodes];
  zone.replaceChildren(document.getElementById("upload-panel").content.cloneNode(true));
  const [bar, done, rate, more] = ["progress", "[data-done]", "[data-rate]", "[data-more]"].map((part) => zone.querySelector(part));
  const [pause, remove] = ["[data-pause]", "[data-remove]"].map((part) => zone.querySelector(part));
  zone.querySelector(".name").textContent = file.name;
  zone.querySelector(".upload").setAttribute("aria-label", file.name);
  bar.setAttribute("aria-label", file.name);
  remove.setAttribute("aria-label", `Remove ${file.name}`);
  [more.textContent, hint.textContent] = [words.goesOn, words.chooseMeanwhile];
  for (const [button] of starts) button.textContent = button.dataset.when;
  pause.focus();

  let seen = [], running = true, told = 0;
  const mine = upload = new tus.Upload(file, {
    endpoint: "/v1/uploads", chunkSize: 8 * 1024 * 1024, headers, retryDelays: [0, 1000, 3000, 5000, 10000, 20000, 30000, 60000],
    metadata: { filename: file.name, filetype: file.type || "application/octet-stream" }, removeFingerprintOnSuccess: true,
    onShouldRetry: (error) => {
      const status = error.originalResponse?.getStatus() ?? 0;
      const goesOn = !status || status === 409 || status === 423 || status === 429 || status >= 500;
      if (goesOn) { [more.textContent, rate.textContent] = [words.waits, ""]; zone.querySelector(".upload").classList.add("waits"); }
      return goesOn;
    },
    onProgress: (sent, total) => {
      const now = performance.now(), percent = Math.floor(100 * sent / total);
      seen = [...seen.filter(([at]) => now - at < 5000), [now, sent]];
      const [[from, had]] = seen, per = (sent - had) / Math.max((now - from) / 1000, 0.001);
      bar.value = percent;
      done.textContent = `${size(sent)} of ${size(total)} · ${percent}%`;
      rate.textContent = now - from > 800 && per > 0 ? `${(per / 1e6).toFixed(1)} MB/s · about ${left((total - sent) / per)} left` : "";
      if (zone.querySelector(".waits")) { zone.querySelector(".waits").classList.remove("waits"); more.textContent = words.goesOn; }
      if (percent >= told + 25 && percent < 100) { told = 25 * Math.floor(percent / 25); say(`${told}% uploaded`); }
    },
    onSuccess: () => { if (mine === upload) complete(file, mine, { bar, done, rate, more, pause }); },
    onError: (error) => {
      let why = words.waits;
      try { why = JSON.parse(error.originalResponse.getBody()).detail; } catch { /* no answer, or no problem of ours */ }
      back();
      wrong(put(words.stopped, { why }));
    },
  });
  pause.addEventListener("click", () => {
    running = !running;
    if (running) mine.start(); else mine.abort();
    seen = [];
    pause.lastElementChild.textContent = running ? words.pause : words.resume;
    pause.querySelector("use").setAttribute("href", pause.querySelector("use").getAttribute("href").replace(/#.*/, running ? "#pause" : "#play"));
    rate.textContent = running ? "" : words.paused;
  });
  remove.addEventListener("click", () => { mine.abort(true).catch(() => null); back(); document.getElementById("file").focus(); });
  const earlier = await mine.findPreviousUploads();
  if (mine !== upload) return;
  if (earlier.length) mine.resumeFromPreviousUpload(earlier[0]);
  mine.start();
}

function back() {
  [upload, submitted, id.value] = [null, null, ""];
  zone.replaceChildren(...drop);
  document.getElementById("file").value = "";
  ready();
}

function complete(file, mine, { bar, done, rate, more, pause }) {
  id.value = mine.url.split("/").pop();
  for (const part of [bar, pause]) part.remove();
  rate.textContent = more.textContent = "";
  done.textContent = put(words.uploaded, { size: size(file.size) });
  zone.querySelector("use").setAttribute("href", zone.querySelector("use").getAttribute("href").replace(/#.*/, "#check-circle"));
  ready();
  say(put(words.said, { name: file.name }));
  if (submitted) form.requestSubmit(submitted); else look(mine, more);
}

// What the file looks like is told by the server, as a part of this page.
async function look(mine, more, tries = 20) {
  const type = form.querySelector('[name="type"]:checked')?.value ?? "";
  const answer = await fetch(`/import/look/${id.value}?type=${type}&touched=${touched ? 1 : ""}`).catch(() => null);
  if (mine !== upload || !answer) return;
  if (answer.status === 202 && tries) { setTimeout(() => look(mine, more, tries - 1), 500); return; }
  if (!answer.ok || answer.status === 202) return;
  const part = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-look]");
  if (!part) return;
  const tile = touched ? null : form.querySelector(`[name="type"][value="${part.dataset.look}"]`);
  if (tile) tile.checked = true;
  more.replaceWith(document.adoptNode(part));
  say(part.textContent.trim());
}

const first = (list) => { if (list?.length && !upload) begin(list[0]); };
zone.addEventListener("change", (event) => first(event.target.files));
for (const name of ["dragover", "dragleave", "drop"]) zone.addEventListener(name, (event) => {
  const over = event.target.closest(".drop");
  over?.classList.toggle("over", name === "dragover");
  if (name === "dragover" && over) event.preventDefault();
  if (name === "drop" && over) { event.preventDefault(); first(event.dataTransfer.files); }
});
form.addEventListener("submit", (event) => {
  if (id.value) return;
  event.preventDefault();
  if (!upload) { wrong(words.choose); return; }
  submitted = event.submitter;
  hint.textContent = words.starts;
  say(words.starts);
});
addEventListener("beforeunload", (event) => { if (upload && !id.value) event.preventDefault(); });

const note = document.getElementById("resume"), unfinished = note ? await tus.defaultOptions.urlStorage.findAllUploads() : [];
const last = unfinished.filter((one) => Date.now() - new Date(one.creationTime) < 86_400_000).at(-1);
if (last && note) {
  const answer = await fetch(last.uploadUrl, { method: "HEAD", headers: { ...headers, "Tus-Resumable": "1.0.0" } }).catch(() => null);
  const percent = Math.floor(100 * Number(answer?.headers.get("Upload-Offset") ?? 0) / Math.max(last.size, 1));
  if (answer?.ok && percent < 100 && !upload) {
    note.hidden = false;
    note.lastElementChild.textContent = put(words.again, { name: last.metadata.filename, percent });
  }
}
