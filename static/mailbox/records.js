// A click anywhere on a record's row opens it, unless the click ends a selection of text.

document.addEventListener("click", (event) => {
  const row = event.target.closest("[data-open-rows] tbody tr");
  if (!row || event.target.closest("a") || !getSelection().isCollapsed) {
    return;
  }
  row.querySelector("a")?.click();
});

// What was chosen before htmx listened is asked for now, so that fast hands on a slow line get what they typed.
const filters = document.getElementById("filters");

function differsFromPage(field) {
  if (field.options) {
    // Where the page chose none, the browser shows the first.
    return field.selectedIndex !== Math.max([...field.options].findIndex((option) => option.defaultSelected), 0);
  }
  return "defaultValue" in field && (field.value !== field.defaultValue || field.checked !== field.defaultChecked);
}

document.addEventListener("htmx:load", () => {
  if ([...(filters?.elements ?? [])].some(differsFromPage)) {
    filters.dispatchEvent(new Event("change"));
  }
}, { once: true });

// Where the search stopped to stay fast it goes on by itself a few times, as long as somebody looks at the page.
const MOST_BY_ITSELF = 5;
let searches = 0;

function searchOn() {
  const link = document.querySelector("[data-search-on]");
  if (link && searches < MOST_BY_ITSELF && document.visibilityState === "visible") {
    searches += 1;
    link.removeAttribute("data-search-on");
    link.setAttribute("data-by-itself", "");
    link.click();
  }
}

// Whoever asks for more gets as many steps again.
document.addEventListener("click", (event) => {
  if (event.isTrusted && event.target.closest(".searches-on")) {
    searches = 0;
  }
});

// Not htmx:load of each piece that is swapped in: the link may not be htmx's own yet.
document.addEventListener("htmx:load", searchOn, { once: true });
document.addEventListener("htmx:afterSettle", searchOn);
document.addEventListener("visibilitychange", searchOn);
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig } = event.detail;
  if (target.id === "results" && !requestConfig?.elt.matches(".searches-on")) {
    searches = 0;
  }
});

// The name of a view that can't be had is asked for again where it was typed.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.requestConfig?.verb === "post") {
    document.querySelector(".save-view [aria-invalid]")?.focus();
  }
});

// What came since the newest page was shown: asked for quietly while somebody looks at it, and loaded by a click.
const SOON = 10_000;
const LATEST = 120_000;
let wait = SOON;
let timer = 0;

function askLater() {
  clearTimeout(timer);
  if (document.visibilityState === "visible" && document.querySelector("[data-news]")) {
    timer = setTimeout(ask, wait);
  }
}

async function ask() {
  const link = document.querySelector("[data-news]");
  if (!link) {
    return;
  }
  try {
    const response = await fetch(link.dataset.news, { headers: { "HX-Request": "true" } });
    if (response.redirected || (response.status >= 400 && response.status < 500)) {
      // Signed out, or not allowed any more.
      return;
    }
    const words = response.status === 200 ? await response.text() : "";
    const seen = response.headers.get("Mailbox-Seen");
    if (seen) {
      // Nothing came: what was looked through already need not be looked through again.
      const next = new URL(link.dataset.news, location.href);
      next.searchParams.set("seen", seen);
      link.dataset.news = next.href;
    }
    // Less often while nothing happens, or the server can't answer.
    wait = words ? SOON : Math.min(wait * 1.5, LATEST);
    if (words && link.querySelector("span").textContent !== words) {
      link.querySelector("span").textContent = words;
      link.hidden = false;
    }
  } catch {
    wait = Math.min(wait * 2, LATEST);
  }
  askLater();
}

document.addEventListener("visibilitychange", () => {
  wait = SOON;
  askLater();
});

document.addEventListener("htmx:afterSettle", (event) => {
  const { target, requestConfig } = event.detail;
  if (target?.id === "results") {
    wait = SOON;
    askLater();
  }
  const wasClicked = requestConfig?.elt.matches("[data-news], .searches-on:not([data-by-itself])");
  if (wasClicked && document.activeElement === document.body) {
    // The link that had the focus is gone, and no other took its place.
    document.querySelector("#results h2")?.focus();
  }
});

askLater();

// Times are shown in the time zone of the browser, unless another was chosen: said once, and whenever it changes.
const zoneForm = document.getElementById("browser-time-zone");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

async function tellTimeZone() {
  zoneForm.elements.namedItem("time_zone").value = zone;
  const response = await fetch(zoneForm.action, { method: "POST", body: new FormData(zoneForm) });
  if (response.status !== 204 || zone === zoneForm.dataset.shown) {
    return;
  }
  if (filters?.classList.contains("htmx-request")) {
    // What was just chosen comes first, and then stands in the address.
    document.addEventListener("htmx:afterSettle", showAnew, { once: true });
  } else {
    showAnew();
  }
}

function showAnew() {
  // Without htmx so far, the next page is the first in that time zone.
  window.htmx?.ajax("GET", location.href, { target: "#results" });
}

// A menu that was opened meanwhile stays under the hand; the times follow when it is closed.
document.getElementById("results")?.addEventListener("htmx:beforeSwap", (event) => {
  const menu = event.currentTarget.querySelector("details[open]");
  if (menu && event.detail.requestConfig.elt === document.body) {
    event.detail.shouldSwap = false;
    menu.addEventListener("toggle", showAnew, { once: true });
  }
});

if (zoneForm && zone && zone !== zoneForm.dataset.known) {
  tellTimeZone();
}
