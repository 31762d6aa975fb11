// Send Test Mail in the list of accounts: the page of that test, shown in a dialog.

import { Panel, runCheck } from "./check.js";
import "./guide-link.js";

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-test-account]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) {
    return;
  }
  event.preventDefault();
  const response = await fetch(link.href, { headers: { "X-Fragment": "dialog" } }).catch(() => null);
  if (!response?.ok || response.redirected) {
    window.location.assign(link.href);
    return;
  }
  open(await response.text(), link);
});

function open(html, opener) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const dialog = template.content.querySelector("dialog");
  document.body.append(dialog);
  const form = dialog.querySelector("form");
  const send = dialog.querySelector("[data-test-send]");
  const panel = new Panel(dialog.querySelector("[data-check-panel]"));
  let tested = false;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const how = await runCheck({ form, url: form.action, fields: new FormData(form), panel, buttons: [send] });
    tested ||= how === "ended";
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (tested) {
      window.location.reload(); // the list shows the latest test of each account
    } else {
      opener.focus();
    }
  });
  dialog.showModal();
  form.elements.recipient.focus();
}
