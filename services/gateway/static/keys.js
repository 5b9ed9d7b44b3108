// Single-key shortcuts. They never act in a field, with a modifier, behind a dialog, or when they are switched off.
const off = () => localStorage.getItem("keys") === "off";
const list = document.getElementById("keys");
const toggle = document.querySelector("[data-keys-switch]");
if (toggle) {
  toggle.checked = !off();
  toggle.addEventListener("change", () => localStorage.setItem("keys", toggle.checked ? "on" : "off"));
}
const follow = (link) => { link?.click(); return Boolean(link); };
function step(links, by, act) {
  const all = [...document.querySelectorAll(links)].filter((link) => link.checkVisibility());
  if (!all.length) return false;
  const at = all.findIndex((link) => link === document.activeElement || (act && link.hasAttribute("aria-current")));
  const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  if (act) follow(next); else { next.focus(); next.scrollIntoView({ block: "nearest" }); }
  return true;
}
const go = (href) => { location.href = href; return true; };
const nav = (href) => document.querySelector(`.nav a[href="${href}"]`) && go(href);
const focus = (field) => { field?.focus(); field?.select?.(); return Boolean(field); };

const KEYS = {
  u: () => follow(document.getElementById("file")) || nav("/import"),
  "/": () => focus(document.querySelector('main input[type="search"]')),
  j: () => step("a[data-row]", 1), k: () => step("a[data-row]", -1),
  n: () => step(".reasons a", 1, true), p: () => step(".reasons a", -1, true),
  d: () => follow(document.querySelector('a[data-key="d"]')),
  "[": () => follow(document.querySelector('a[rel="prev"]')), "]": () => follow(document.querySelector('a[rel="next"]')),
  "?": () => { list.showModal(); return true; },
};
const GO = { i: "/import", h: "/history", o: "/operations" };
let going = 0;
document.addEventListener("keydown", (event) => {
  if (off() || !list || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest?.("input:not([type=radio], [type=checkbox], [type=file]), select, textarea, [contenteditable]") || document.querySelector("dialog[open]")) return;
  const first = Date.now() - going < 1500;
  going = event.key === "g" && !first ? Date.now() : 0;
  if (first ? GO[event.key] && nav(GO[event.key]) : KEYS[event.key]?.()) event.preventDefault();
});
