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
