// Forms that must not be sent twice: a second click while the first is on its way is ignored.

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "true";
    form.querySelector(".button-primary").setAttribute("aria-disabled", "true");
  });
}

// The page may come back from the browser's history as it was left.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) {
    delete form.dataset.sent;
    form.querySelector(".button-primary").removeAttribute("aria-disabled");
  }
});
