// The sender form: fills it from presets and the address. Everything here is a convenience on top of a plain form.

import { followGuide } from "./guide-link.js";
import { searchPresets } from "./preset-search.js";

const form = document.getElementById("sender-form");
const fields = form.elements;
const presets = [...form.querySelectorAll(".preset-list button")];
const suggestion = form.querySelector("[data-host-suggestion]");
const note = form.querySelector("[data-preset-note]");
const passwordLabel = form.querySelector("[data-password-label]");
const passwordHelp = form.querySelector("[data-password-help]");
const plainWords = { label: passwordLabel.dataset.plain, help: passwordHelp.dataset.plain };

const usualPort = (mode) => form.dataset[`port${mode[0].toUpperCase()}${mode.slice(1)}`];
const presetOf = (host) => presets.find((each) => matches(each.dataset.hosts, host.trim().toLowerCase()));
let shownPreset = presetOf(fields.host.value);
// A port that nobody typed follows the encryption method.
let portIsTyped = ![usualPort(fields.encryption.value), shownPreset?.dataset.port].includes(fields.port.value);

function matches(patterns, host) {
  return host !== "" && patterns.split(" ").some((pattern) => {
    const [head, tail] = pattern.split("*");
    return tail === undefined ? pattern === host : host.startsWith(head) && host.endsWith(tail);
  });
}

function apply(preset) {
  const { host, port, encryption, loginMethod, loginName } = preset.dataset;
  if (host || presetOf(fields.host.value)) {
    fields.host.value = host;
  }
  fields.port.value = port;
  fields.encryption.value = encryption;
  fields.login_method.value = loginMethod;
  fields.login_name.value = loginName;
  portIsTyped = false;
  show(preset);
  form.querySelector("[data-presets]").open = false;
  (fields.host.value ? fields.address : fields.host).focus();
}

/* Calls the password what the provider calls it, and marks the provider's buttons. */
function show(preset) {
  shownPreset = preset;
  for (const button of form.querySelectorAll('button[name="preset"]')) {
    button.setAttribute("aria-pressed", String(button.value === preset?.value));
  }
  passwordLabel.textContent = preset?.dataset.label ?? plainWords.label;
  passwordHelp.textContent = preset?.dataset.help ?? plainWords.help;
  note.textContent = preset?.dataset.note ?? "";
  note.hidden = !note.textContent;
  showKnownLimits();
  followGuide(form, preset?.dataset.guide ?? "");
}

/* Shows in empty fields what the provider is known to bear, which holds there. */
function showKnownLimits() {
  const { limits = "- - - -", limitsOfDomains = "", domains = "" } = shownPreset?.dataset ?? {};
  const isOwn = domains.split(" ").includes(fields.address.value.trim().split("@")[1]?.toLowerCase());
  const known = (isOwn ? limitsOfDomains : limits).split(" ");
  ["max_connections", "per_minute", "per_hour", "per_day"].forEach((name, index) => {
    fields[name].placeholder = known[index] === "-" ? "" : known[index];
  });
}

function suggestHost() {
  const domain = fields.address.value.trim().split("@")[1]?.toLowerCase() ?? "";
  const known = domain && presets.find((each) => each.dataset.domains.split(" ").includes(domain));
  const host = (known && known.dataset.host) || (domain.includes(".") ? `smtp.${domain}` : "");
  suggestion.hidden = !host || fields.host.value.trim() !== "";
  suggestion.firstElementChild.textContent = form.dataset.useHost.replace("%(host)s", host);
  suggestion.firstElementChild.onclick = () => {
    fields.host.value = host;
    suggestion.hidden = true;
    known ? apply(known) : fields.host.focus();
  };
}

form.addEventListener("click", (event) => {
  const button = event.target.closest('button[name="preset"]');
  if (button) {
    event.preventDefault();
    apply(presets.find((each) => each.value === button.value));
    suggestHost();
  }
});

form.addEventListener("input", (event) => {
  if (event.target === fields.port) {
    portIsTyped = fields.port.value !== "";
  } else if (event.target.name === "encryption" && !portIsTyped) {
    const isPresets = shownPreset?.dataset.encryption === event.target.value;
    fields.port.value = isPresets ? shownPreset.dataset.port : usualPort(event.target.value);
  } else if (event.target === fields.host) {
    const preset = presetOf(fields.host.value);
    if (preset !== shownPreset) {
      show(preset);
    }
    suggestHost();
  } else if (event.target === fields.address) {
    suggestHost();
    showKnownLimits();
  }
});

// A host chosen from the list of the browser, or typed to its end, brings its provider's port along.
fields.host.addEventListener("change", () => {
  if (shownPreset && !portIsTyped) {
    fields.port.value = shownPreset.dataset.port;
    fields.encryption.value = shownPreset.dataset.encryption;
  }
});

// Enter saves, as in any form. Without scripts it does nothing, for in the test's recipient it must not save.
form.querySelector("[data-enter]").disabled = false;

const reveal = form.querySelector("[data-reveal]");
reveal.hidden = false;
reveal.addEventListener("click", () => {
  const shown = fields.password.type === "text";
  fields.password.type = shown ? "password" : "text";
  reveal.setAttribute("aria-pressed", String(!shown));
});

searchPresets(form.querySelector("[data-presets]"));
followGuide(form, shownPreset?.dataset.guide ?? "");
suggestHost();
