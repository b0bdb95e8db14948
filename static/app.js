// Says so when the assistant itself no longer answers, and takes it back when it does.
"use strict";
document.addEventListener("htmx:afterRequest", (event) => {
  document.getElementById("lost").hidden = event.detail.xhr.status > 0;
});
// A conversation that is being written is busy, so that a screen reader waits; and stays in view for who reads its end.
const atEnd = () => innerHeight + scrollY >= document.documentElement.scrollHeight - 80;
let follow = false;
document.addEventListener("htmx:beforeSwap", () => { follow = atEnd(); });
document.addEventListener("htmx:afterSettle", () => {
  const log = document.getElementById("log");
  if (!log) return;
  log.setAttribute("aria-busy", String(log.querySelector(".phase") !== null));
  if (follow) scrollTo({ top: document.documentElement.scrollHeight });
});
// A text is copied by a button; without this script it is selected and copied by hand.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const text = document.getElementById(button.dataset.copy);
    text.select();
    if (!document.execCommand("copy")) navigator.clipboard?.writeText(text.value);
    button.textContent = button.dataset.copied;
  });
}
