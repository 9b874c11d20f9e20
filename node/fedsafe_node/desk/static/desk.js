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

// Passkeys: the device answers what the node asks, and a form takes it there.
function toBytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (each) => each.charCodeAt(0));
}

function toText(buffer) {
  let plain = "";
  for (const each of new Uint8Array(buffer)) plain += String.fromCharCode(each);
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function known(list) {
  return (list ?? []).map((each) => ({ ...each, id: toBytes(each.id) }));
}

class Told extends Error {} // why it is not, in the reader's words

async function asked(block) {
  const body = new URLSearchParams({ token: block.dataset.token });
  const answer = await fetch(block.dataset.begin, { method: "POST", body });
  const media = answer.headers.get("Content-Type") ?? "";
  if (!media.startsWith("application/json")) throw new Told(block.dataset.stale);
  const told = await answer.json();
  if (!answer.ok) throw new Told(told.why);
  told.challenge = toBytes(told.challenge);
  if (told.user) told.user.id = toBytes(told.user.id);
  if (told.excludeCredentials) told.excludeCredentials = known(told.excludeCredentials);
  if (told.allowCredentials) told.allowCredentials = known(told.allowCredentials);
  return told;
}

async function signed(block) {
  const publicKey = await asked(block);
  const made = await navigator.credentials[block.dataset.does]({ publicKey });
  const { response } = made;
  const told = {
    credential: toText(made.rawId),
    client_data: toText(response.clientDataJSON),
  };
  if (block.dataset.does === "create") {
    told.attestation = toText(response.attestationObject);
  } else {
    told.authenticator = toText(response.authenticatorData);
    told.signature = toText(response.signature);
    told.user_handle = toText(response.userHandle ?? new ArrayBuffer(0));
  }
  return JSON.stringify(told);
}

const WHY = {
  NotAllowedError: "notAllowed",
  AbortError: "notAllowed",
  InvalidStateError: "invalidState",
  NotSupportedError: "notSupported",
  ConstraintError: "notSupported",
  SecurityError: "none",
};

for (const block of document.querySelectorAll(".passkey")) {
  const button = block.querySelector("button");
  const alert = block.querySelector("[role=alert]");
  const proof = block.querySelector("input");
  const code = document.getElementById(block.dataset.instead);
  let busy = false;
  block.querySelector(".help").remove(); // it says that there is no script
  if (!window.PublicKeyCredential || !navigator.credentials) {
    alert.textContent = block.dataset.none;
    continue;
  }
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (busy) return;
    alert.textContent = "";
    if (code) code.required = false; // the passkey stands for it
    if (proof.form.reportValidity()) {
      busy = true;
      try {
        proof.value = await signed(block);
        proof.form.requestSubmit();
        return;
      } catch (error) {
        const why = block.dataset[WHY[error.name] ?? "failed"];
        alert.textContent = error instanceof Told ? error.message : why;
      } finally {
        busy = false;
      }
    }
    if (code) code.required = true;
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
addEventListener("pageshow", (event) => {
  for (const form of document.forms) delete form.dataset.sent;
  if (!event.persisted) return; // what a passkey has signed does once
  for (const proof of document.querySelectorAll(".passkey input")) proof.value = "";
});

// Back from a provider of identities: go on, and leave its code in no history.
const onward = document.getElementById("onward");
if (onward) {
  history.replaceState(null, "", location.pathname);
  onward.requestSubmit();
}
