// A click anywhere on a record's row opens it, unless the click ends a selection of text.

document.addEventListener("click", (event) => {
  const row = event.target.closest(".records tbody tr");
  if (!row || event.target.closest("a") || !getSelection().isCollapsed) {
    return;
  }
  row.querySelector("a")?.click();
});
