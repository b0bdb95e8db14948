// Says so when the assistant itself no longer answers, and takes it back when it does.
"use strict";
document.addEventListener("htmx:afterRequest", (event) => {
  document.getElementById("lost").hidden = event.detail.xhr.status > 0;
});
// The page's own link in the menu is in view, where the menu is wider than the screen.
// Brings an item of a scrollable row into its middle. scrollIntoView would also let the first press of Tab begin behind it,
// and a browser leaves an item that has the focus cut off. A finger's item stays below the finger, or the press is lost.
const reveal = (item) => {
  const row = item.parentElement;
  row.scrollLeft = item.offsetLeft - row.offsetLeft - (row.clientWidth - item.offsetWidth) / 2;
};
document.querySelectorAll("header [aria-current]").forEach(reveal);
addEventListener("focusin", ({ target }) => {
  if (target.matches("header nav a:focus-visible, .taps button:focus-visible")) reveal(target);
});
// Nothing that is read or about to be pressed moves when something comes or goes by itself: what has gone leaves its
// place empty, and a banner that has no place comes at the lower edge. In the chat it is a line of the form.
document.addEventListener("htmx:beforeSwap", () => {
  document.querySelectorAll(".place").forEach((place) => { place.style.minHeight = `${place.offsetHeight}px`; });
});
document.addEventListener("htmx:afterSwap", () => {
  const banner = document.querySelector(".place > #banner");
  if (!banner) return;
  banner.classList.remove("late");
  banner.classList.toggle("late", banner.offsetHeight > parseFloat(banner.parentElement.style.minHeight));
});
// A conversation that is being written is busy, so that a screen reader waits; and stays in view for who reads its end.
const log = document.getElementById("log");
const covered = () => {
  const form = document.getElementById("foot");  // which a page of earlier messages does not have
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
// Enter sends a question, unless it ends a word of an input method; Shift and Enter begin a new line.
const IME = 229;  // Safari's key code for the Enter that ends a word
document.addEventListener("keydown", (event) => {
  const field = event.target, isPlain = !(event.shiftKey || event.ctrlKey || event.altKey || event.metaKey);
  if (event.key !== "Enter" || field.id !== "question" || !isPlain || event.isComposing || event.keyCode === IME) return;
  event.preventDefault();
  if (!field.readOnly) field.form.requestSubmit(document.getElementById("send"));
});
// A double click on a button that records something records it once: its second half belongs to the first.
document.addEventListener("click", (event) => {
  if (event.detail < 2 || !event.target.closest(".results button")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);
// A form may have parts with a button each: Enter in a field of such a part presses the part's own.
document.addEventListener("keydown", (event) => {
  const button = event.target.closest("[data-enter]")?.dataset.enter;
  if (event.key !== "Enter" || !button || !event.target.matches("input") || event.isComposing) return;
  event.preventDefault();
  event.target.form.requestSubmit(document.getElementById(button));
});
// Its field grows with it, where the style sheet's word for that is not known.
if (!CSS.supports("field-sizing", "content")) {
  document.addEventListener("input", ({ target }) => {
    if (target.id !== "question") return;
    target.style.height = "auto";
    target.style.height = `${target.scrollHeight + 4}px`;
  });
}
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
const COPIED_MS = 4000;
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
  const label = button.querySelector("span") ?? button;
  button.dataset.label ??= label.textContent;
  label.textContent = button.dataset.copied;
  setTimeout(() => { label.textContent = button.dataset.label; }, COPIED_MS);
});
// A sheet is printed by a button; without this script the page names the browser's own way.
document.querySelectorAll("[data-print]").forEach((button) => {
  button.hidden = false;
  button.nextElementSibling.hidden = true;
  button.addEventListener("click", () => window.print());
});
// What the organiser writes is stored after a pause, and while she goes on writing as well, so that a fault can take no
// more than two seconds of it. What could not be stored is sent again.
const PAUSE_MS = 600, LONGEST_MS = 1200;
const unsent = new WeakMap(), refused = new Set();
const keep = (field, pause) => {
  const { since, timer } = unsent.get(field) ?? { since: Date.now() };
  clearTimeout(timer);
  const send = () => { unsent.delete(field); if (field.isConnected && !refused.has(field)) htmx.trigger(field, "keep"); };
  unsent.set(field, { since, timer: setTimeout(send, Math.min(pause, Math.max(0, since + LONGEST_MS - Date.now()))) });
};
document.addEventListener("input", ({ target }) => { if (target.matches("[data-keep]")) keep(target, PAUSE_MS); });
document.addEventListener("change", ({ target }) => { if (unsent.has(target)) keep(target, 0); });
// While a text could not be stored, the browser asks before the page goes.
const unstored = new Set();
document.addEventListener("htmx:afterRequest", ({ target, detail }) => {
  if (!target.matches("[data-keep]")) return;
  if (detail.successful || detail.xhr.status === 409) unstored.delete(target); else unstored.add(target);
  if ([0, 429, 500, 502, 503, 504].includes(detail.xhr.status)) keep(target, LONGEST_MS);
});
// A text that was refused waits until its writer has signed in again, in another tab: then this page takes over the token of
// the new sign-in, and stores the text. Its words stay meanwhile, since a poll would ask to load the page again.
const RENEW_MS = 8000;
let renewal;
const renew = async () => {
  clearTimeout(renewal);
  refused.forEach((field) => { if (!field.isConnected) refused.delete(field); });
  renewal = refused.size ? setTimeout(renew, RENEW_MS) : null;
  const page = refused.size && await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!page?.ok || page.redirected) return;
  const { value } = new DOMParser().parseFromString(await page.text(), "text/html").querySelector("[name=csrf_token]");
  document.querySelectorAll("[name=csrf_token]").forEach((token) => { token.value = value; });
  document.querySelectorAll("[hx-trigger^=every]").forEach((stopped) => {
    const poll = stopped.cloneNode(true);
    stopped.replaceWith(poll);
    htmx.process(poll);
  });
  const fields = [...refused];
  refused.clear();
  fields.forEach((field) => keep(field, 0));
};
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (refused.size && detail.target.id === "message" && detail.xhr.status === 286) detail.shouldSwap = false;
  if (detail.requestConfig.elt.matches("[data-keep]") && detail.xhr.status === 400 && !renewal) detail.shouldSwap = false;
});
document.addEventListener("htmx:afterRequest", ({ target, detail }) => {
  if (!target.matches("[data-keep]") || ![400, 401].includes(detail.xhr.status)) return;
  refused.add(target);
  if (!renewal) renew();
});
addEventListener("focus", renew);
addEventListener("beforeunload", (event) => { if ([...unstored].some((field) => field.isConnected)) event.preventDefault(); });
document.addEventListener("htmx:beforeSwap", ({ detail }) => {  // what a proxy or the waiting page says has no place here
  if (detail.requestConfig.elt.matches("[data-keep]") && !detail.xhr.getResponseHeader("HX-Retarget")) detail.shouldSwap = false;
});
// A text that follows from another one never takes the place of what is being written, nor of what is said about it.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target } = event.detail;
  if (!target.matches("[data-keep], [id^=told-]")) return;
  const field = target.form ? target : target.closest("form").querySelector("[data-keep]");
  if (field && field.value !== field.defaultValue) event.detail.shouldSwap = false;
});
// A telephone can hand a text to another app. Over plain HTTP no browser does.
const offerShares = () => document.querySelectorAll("[data-share]").forEach((button) => { button.hidden = !navigator.share; });
offerShares();
document.addEventListener("htmx:afterSettle", offerShares);
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-share]");
  if (button) navigator.share({ text: document.getElementById(button.dataset.share).value }).catch(() => {});  // or not
});
// What was typed and not sent yet stays where the reader chooses another language: the tab keeps it for that one reload,
// and for this page alone. A password is never kept. This comes last: a browser may forbid its store.
const KEPT = "typed";
const fields = () => [...document.querySelectorAll("main :is(input, textarea, select)")]
  .filter((field) => !field.readOnly && !["hidden", "password", "file"].includes(field.type));
const isChoice = (field) => ["checkbox", "radio"].includes(field.type);
const keyOf = (field) => [field.form?.id, field.name, isChoice(field) ? field.value : ""].join();
const isTyped = (field) => isChoice(field) ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
const languages = document.querySelector("form.languages");
document.addEventListener("htmx:pushedIntoHistory", (event) => { languages.elements.back.value = event.detail.path; });
languages.addEventListener("submit", () => {
  const typed = fields().filter(isTyped).map((field) => [keyOf(field), isChoice(field) ? field.checked : field.value]);
  sessionStorage.setItem(KEPT, JSON.stringify({ path: location.pathname, typed }));
});
const kept = JSON.parse(sessionStorage.getItem(KEPT));
sessionStorage.removeItem(KEPT);
if (kept?.path === location.pathname) {
  const typed = new Map(kept.typed);
  for (const field of fields()) {
    if (!typed.has(keyOf(field))) continue;
    field[isChoice(field) ? "checked" : "value"] = typed.get(keyOf(field));
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
