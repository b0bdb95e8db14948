// Says so when the assistant itself no longer answers, and takes it back when it does.
"use strict";
document.addEventListener("htmx:afterRequest", (event) => {
  document.getElementById("lost").hidden = event.detail.xhr.status > 0;
});
// Nothing that is read or about to be pressed moves when something comes or goes by itself: what has gone leaves its
// place empty, and a banner that has no place comes at the lower edge.
document.addEventListener("htmx:beforeSwap", () => {
  document.querySelectorAll(".place").forEach((place) => { place.style.minHeight = `${place.offsetHeight}px`; });
});
document.addEventListener("htmx:afterSwap", () => {
  const banner = document.getElementById("banner");
  if (!banner) return;
  banner.classList.remove("late");
  banner.classList.toggle("late", banner.offsetHeight > parseFloat(banner.parentElement.style.minHeight));
});
// A conversation that is being written is busy, so that a screen reader waits; and stays in view for who reads its end.
const log = document.getElementById("log");
const covered = () => {
  const form = document.getElementById("ask");  // which a page of earlier messages does not have
  return form ? (log.lastElementChild?.getBoundingClientRect().bottom ?? 0) - form.getBoundingClientRect().top : 0;
};
let follow = false;
if (log) {
  document.addEventListener("htmx:beforeSwap", () => { follow = covered() < 80; });
  document.addEventListener("htmx:afterSettle", () => {
    log.setAttribute("aria-busy", String(log.querySelector(".phase") !== null));
    if (follow && covered() > 0) scrollBy({ top: covered() });
  });
}
// What is pressed takes the last error's words away, and the button that was pressed keeps the focus, if another comes in
// its place. A question on its way is not written on, since its form will be another one, and has its place already.
const holdQuestion = (event, held) => {
  if (event.detail.requestConfig.elt.id !== "ask") return;
  document.getElementById("question").readOnly = held;
  log.classList.toggle("asking", held);
};
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig.triggeringEvent) document.getElementById("message").replaceChildren();
  holdQuestion(event, true);
});
["htmx:beforeSwap", "htmx:afterRequest"].forEach((end) => document.addEventListener(end, (event) => holdQuestion(event, false)));
document.addEventListener("htmx:afterSettle", (event) => {
  const pressed = event.detail.requestConfig?.triggeringEvent;
  const id = pressed?.submitter?.id ?? pressed?.target?.id;
  const preventScroll = Boolean(pressed?.submitter);  // a link leads to what comes in its place
  if (id && document.activeElement === document.body) document.getElementById(id)?.focus({ preventScroll });
});
// A button that waits for its answer is not to be pressed meanwhile, and so the browser takes the focus from it.
document.addEventListener("htmx:afterRequest", (event) => {
  const pressed = event.detail.requestConfig.triggeringEvent?.target?.closest?.("button");
  if (pressed?.isConnected && document.activeElement === document.body) pressed.focus({ preventScroll: true });
});
// A double click sends a form once, and its button shows that it is on its way: saving tests the connections first. After
// that it may be sent again: the reader may have stopped the browser. A form of htmx has its own ways.
const DOUBLE_MS = 1500;
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented) return;
  if (Date.now() - (form.dataset.sent ?? 0) < DOUBLE_MS) return event.preventDefault();
  form.dataset.sent = Date.now();
  event.submitter?.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => {
  for (const form of document.forms) {
    delete form.dataset.sent;
    form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  }
});
// A text is copied by a button; without this script it is selected and copied by hand.
const offerCopies = () => document.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = false; });
offerCopies();
document.addEventListener("htmx:afterSettle", offerCopies);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy);
  const plain = document.createElement("textarea");  // what is marked is copied without its marks
  plain.value = text.value ?? text.textContent;
  button.after(plain);
  plain.select();
  if (!document.execCommand("copy")) navigator.clipboard?.writeText(plain.value);
  plain.remove();
  button.focus();
  button.textContent = button.dataset.copied;
});
