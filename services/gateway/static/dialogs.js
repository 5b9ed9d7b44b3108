// Questions as dialogs, the theme, copying a link. Without this a question is the page that its link leads to, and the theme a form.
const ask = document.getElementById("ask"), asked = document.querySelector("dialog[data-modal]");
let opener = null;
if (asked) { asked.close(); asked.showModal(); }
async function question(link) {
  const answer = await fetch(link.href, { headers: { Accept: "text/html" } }).catch(() => null);
  const form = answer?.ok && !answer.redirected && new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".confirm");
  if (!form) { location.href = link.href; return; }
  // An opener in a menu is hidden by then: the menu's button gets the focus back.
  opener = link.closest("[popover]") ? document.querySelector(`[popovertarget="${link.closest("[popover]").id}"]`) : link;
  link.closest("[popover]")?.hidePopover();
  ask.replaceChildren(document.adoptNode(form));
  ask.showModal();
  ask.querySelector("[autofocus]")?.focus();
}
ask.addEventListener("close", () => { ask.replaceChildren(); opener?.focus(); });

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) { event.preventDefault(); question(link); }
  if (event.target.closest("#ask [data-close]")) { event.preventDefault(); ask.close(); }
  const copied = event.target.closest("[data-copy]");
  if (copied) {
    event.preventDefault();
    const words = await navigator.clipboard.writeText(copied.href).then(() => "Link copied", () => "The link could not be copied");
    document.dispatchEvent(new CustomEvent("say", { detail: words }));
    copied.querySelector("[data-copy-words]").textContent = words;
  }
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-theme-form]")) return;
  event.preventDefault();
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  document.querySelector('meta[name="color-scheme"]').content = root.dataset.theme;
  document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
});
