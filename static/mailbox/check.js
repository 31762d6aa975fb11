/* The connection check: sends a form to be tested and shows the steps as they happen. */

import { clearErrors, showErrors } from "./field-errors.js";
import { linesOf } from "./lines.js";

/* Shows one check. The panel's markup comes from the server; this only puts it in place. */
export class Panel {
  constructor(place) {
    this.place = place;
    this.root = place.querySelector("[data-check]");
    this.end = this.root.querySelector("[data-end]");
    this.status = this.root.querySelector("[role=status]");
  }

  get steps() {
    return this.root.querySelector("[data-steps]");
  }

  begin() {
    this.end.replaceChildren();
    this.place.hidden = false;
  }

  show(line) {
    if (line.steps) {
      this.steps.replaceWith(fragmentOf(line.steps));
    } else if (line.step) {
      this.steps.querySelector(`[data-step="${line.step}"]`)?.replaceWith(fragmentOf(line.html));
      this.steps.querySelector(`[data-step="${line.step}"]`)?.scrollIntoView({ block: "nearest" });
    } else {
      this.end.replaceChildren(fragmentOf(line.html));
      bringIntoView(this.steps.querySelector(".step-failed") ?? this.end);
    }
    this.say(line.say);
  }

  /* A sentence of our own: the network failed, or the server refused the check. */
  stop(sentence) {
    const notice = this.root.querySelector("template[data-notice]").content.cloneNode(true);
    notice.querySelector("p").textContent = sentence;
    this.end.replaceChildren(notice);
    for (const step of this.steps.querySelectorAll(".step-running")) {
      step.classList.replace("step-running", "step-waiting");
      step.querySelector(".step-time").textContent = "";
    }
    this.say(sentence);
  }

  say(sentence) {
    if (sentence) {
      this.status.textContent = sentence;
    }
  }
}

/* What is taller than the window is shown from its beginning. */
function bringIntoView(element) {
  const isTall = element.offsetHeight > window.innerHeight * 0.7;
  element.scrollIntoView({ block: isTall ? "start" : "nearest" });
}

function fragmentOf(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

/* Runs one check of a form; resolves to "ended", "invalid" or "lost". Never two at once per panel. */
export async function runCheck({ form, url, fields, panel, buttons }) {
  if (panel.isRunning) {
    return "busy";
  }
  panel.isRunning = true;
  setBusy(buttons, true);
  clearErrors(form);
  panel.begin();
  try {
    return await watch(await post(url, fields), form, panel);
  } catch {
    panel.stop(panel.root.dataset.lost);
    return "lost";
  } finally {
    panel.isRunning = false;
    setBusy(buttons, false);
  }
}

function post(url, fields) {
  return fetch(url, { method: "POST", body: fields, headers: { Accept: "application/x-ndjson" } });
}

async function watch(response, form, panel) {
  if (response.headers.get("Content-Type")?.startsWith("application/json")) {
    const homeless = showErrors(form, (await response.json()).errors);
    panel.stop(homeless.length ? homeless.join(" ") : panel.root.dataset.invalid);
    return "invalid";
  }
  if (!response.ok || response.redirected) {
    panel.stop(panel.root.dataset.refused);
    return "lost";
  }
  let ended = false;
  for await (const line of linesOf(response)) {
    panel.show(line);
    ended ||= Boolean(line.verdict);
  }
  if (!ended) {
    panel.stop(panel.root.dataset.lost);
  }
  return ended ? "ended" : "lost";
}

function setBusy(buttons, busy) {
  for (const button of buttons) {
    button.disabled = busy;
  }
}
