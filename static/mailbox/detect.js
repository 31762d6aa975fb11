// Detect settings: asks the server what answers for the address, and fills the form with what is chosen.

import { clearErrors, showErrors } from "./field-errors.js";
import { fill, goTo } from "./form-values.js";

const form = document.getElementById("sender-form");
const box = form.querySelector("[data-detect]");
const button = box.querySelector("[data-detect-button]");
const answer = box.querySelector("[data-detect-answer]");

async function detect() {
  clearErrors(form);
  button.disabled = true;
  answer.textContent = box.dataset.busy;
  try {
    const response = await fetch(button.formAction, {
      method: "POST",
      body: addressOf(form),
      headers: { "X-Fragment": "proposals" },
    });
    if (response.headers.get("Content-Type")?.startsWith("application/json")) {
      answer.textContent = showErrors(form, (await response.json()).errors).join(" ");
    } else if (response.ok && !response.redirected) {
      answer.innerHTML = await response.text();
    } else {
      answer.textContent = box.dataset.failed;
    }
  } catch {
    answer.textContent = box.dataset.failed;
  } finally {
    button.disabled = false;
  }
}

// The address alone: no other field, least of all the password, is needed for it.
function addressOf({ elements }) {
  const fields = new FormData();
  fields.set("csrfmiddlewaretoken", elements.csrfmiddlewaretoken.value);
  fields.set("address", elements.address.value);
  return fields;
}

box.addEventListener("click", (event) => {
  const proposal = event.target.closest("button[name=use]");
  if (proposal) {
    event.preventDefault();
    const { host, port, encryption } = proposal.dataset;
    fill(form, { host, encryption, port });
    answer.textContent = "";
    goTo(form, "password");
  } else if (event.target.closest("[data-detect-button]")) {
    event.preventDefault();
    detect();
  }
});
