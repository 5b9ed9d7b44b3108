// The history: filters act when they are changed, details open beside the list without moving it. Without this both are plain links and a form.
const filters = document.querySelector("[data-filters]");
filters?.addEventListener("change", (event) => { if (event.target.matches("select, [type=date]")) filters.requestSubmit(); });
// What is not asked for is not in the address.
filters?.addEventListener("submit", () => { for (const field of filters.elements) if (field.name && !field.value) field.disabled = true; });
addEventListener("pageshow", () => { for (const field of filters?.elements ?? []) field.disabled = false; });

const details = () => document.getElementById("details");
function mark() {
  const open = details()?.dataset.import;
  for (const link of document.querySelectorAll("[data-details]")) {
    const row = link.closest("tr"), is = row.id === `i-${open}`;
    row.classList.toggle("open", is);
    if (is) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
  }
}
document.addEventListener("htmx:after:swap", mark);

async function show(link) {
  const answer = await fetch(link.href, { headers: { Accept: "text/html" } }).catch(() => null);
  const panel = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("details");
  if (!panel) { location.href = link.href; return; }
  details()?.remove();
  const list = document.getElementById("imports").parentElement;
  list.parentElement.classList.add("with-aside");
  list.after(document.adoptNode(panel));
  history.replaceState(null, "", link.href);
  mark();
  document.getElementById("o-h").focus({ preventScroll: list.parentElement.clientWidth > 1100 });
}
function close() {
  const row = document.getElementById(`i-${details().dataset.import}`), link = details().querySelector("[data-close-details]");
  history.replaceState(null, "", link.href);
  details().remove();
  document.querySelector(".with-aside").classList.remove("with-aside");
  mark();
  row?.querySelector("[data-details]")?.focus();
}
document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = event.target.closest("[data-details]");
  if (link) { event.preventDefault(); if (link.hasAttribute("aria-current")) close(); else show(link); }
  if (event.target.closest("[data-close-details]")) { event.preventDefault(); close(); }
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && details() && !document.querySelector("dialog[open]")) close(); });
