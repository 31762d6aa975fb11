// Send Test Mail beside the sender form: asks for the recipient, shows the check, and makes its mending clicks.

import { Panel, runCheck } from "./check.js";
import { fill, goTo } from "./form-values.js";

const form = document.getElementById("sender-form");
const fields = form.elements;
const dialog = document.getElementById("test-dialog");
const openButton = form.querySelector("[data-test-open]");
const sendButton = dialog.querySelector("[data-test-send]");
const title = document.getElementById("check-title");
const root = document.querySelector("[data-check-panel]");
const panel = new Panel(root);

// With scripts it is modal: the page behind it can't be reached, and the focus comes back where it was.
dialog.removeAttribute("popover");

async function test() {
  dialog.close();
  title.focus();
  await runCheck({
    form,
    url: sendButton.formAction,
    fields: new FormData(form),
    panel,
    buttons: [openButton, sendButton],
  });
  if (fields.recipient.getAttribute("aria-invalid") === "true") {
    askForRecipient();
  }
}

function askForRecipient() {
  dialog.querySelector("[data-test-from]").textContent = fields.address.value;
  dialog.showModal();
  fields.recipient.focus();
  fields.recipient.select();
}

openButton.addEventListener("click", askForRecipient);

sendButton.addEventListener("click", (event) => {
  event.preventDefault();
  test();
});

fields.recipient.addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    event.preventDefault();
    test();
  }
});

root.addEventListener("click", (event) => {
  const mend = event.target.closest("[data-mend]");
  const trust = event.target.closest("[data-trust]");
  if (mend) {
    event.preventDefault();
    const { fields: values, focus } = JSON.parse(mend.dataset.mend);
    fill(form, values);
    focus ? goTo(form, focus) : test();
  } else if (trust) {
    event.preventDefault();
    const pem = trust.closest(".trust").querySelector("[name=mend_certificate]").value;
    fill(form, { trusted_certificates: `${fields.trusted_certificates.value.trim()}\n${pem}`.trim() });
    test();
  }
});

root.addEventListener("change", (event) => {
  if (event.target.matches("[data-trust-confirm]")) {
    event.target.closest(".trust").querySelector("[data-trust]").disabled = !event.target.checked;
  }
});

// Until a person says that the fingerprint is right, there is nothing to click.
function lockTrust() {
  for (const box of root.querySelectorAll("[data-trust-confirm]:not([data-locked])")) {
    box.dataset.locked = "";
    box.closest(".trust").querySelector("[data-trust]").disabled = !box.checked;
  }
}
new MutationObserver(lockTrust).observe(root, { childList: true, subtree: true });
lockTrust();
