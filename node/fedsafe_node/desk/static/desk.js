// SPDX-License-Identifier: Apache-2.0
// The one script of the desk. Every page works without it.
"use strict";

const summary = document.getElementById("summary");
if (summary) summary.focus();

// Two minutes before the session ends, say so; to go on is one request.
const ending = document.getElementById("ending");
const seconds = Number(document.body.dataset.idle);
const warn = Number(document.body.dataset.warn);
let timer = 0;

function watch() {
  clearTimeout(timer);
  timer = setTimeout(() => ending.showModal(), (seconds - warn) * 1000);
}

if (ending && seconds) {
  watch();
  document.getElementById("go-on").addEventListener("click", async () => {
    const token = new URLSearchParams({ token: ending.dataset.token });
    try {
      const answer = await fetch("/desk/session", { method: "POST", body: token });
      if (answer.status === 204) {
        ending.close();
        watch();
      } else {
        ending.close(); // the next form says that the session has ended, and keeps all
      }
    } catch {
      ending.close();
    }
  });
}

// A second click on a button sends nothing: the first one is under way.
for (const form of document.forms) {
  if (form.method !== "post") continue;
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
