// Says so when the assistant itself no longer answers, and takes it back when it does.
"use strict";
document.addEventListener("htmx:afterRequest", (event) => {
  document.getElementById("lost").hidden = event.detail.xhr.status > 0;
});
