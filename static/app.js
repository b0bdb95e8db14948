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
