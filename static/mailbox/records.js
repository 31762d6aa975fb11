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
    // One click each: what is swapped in is told of piece by piece.
    link.removeAttribute("data-search-on");
    link.click();
  }
}

document.addEventListener("htmx:load", searchOn);
document.addEventListener("visibilitychange", searchOn);
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id === "results") {
    searches = 0;
  }
});
