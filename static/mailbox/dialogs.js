// Dialogs and menus. Every page works without this file: links then lead to pages of their own.

// A part of the page that can't be had must not fail in silence.
const failure = document.getElementById("request-failed");

document.addEventListener("htmx:afterRequest", (event) => {
  const status = event.detail.xhr.status;
  failure?.toggleAttribute("hidden", status >= 200 && status < 400);
});

function fold(menu) {
  menu.open = false;
  menu.querySelector("summary").focus();
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") {
    return;
  }
  const menu = document.querySelector("details.dropdown[open]");
  if (menu) {
    fold(menu);
  } else {
    // A drawer beside a form is not modal, so the browser leaves Escape to us.
    document.querySelector("dialog[open]:not(:modal)")?.close();
  }
});

document.addEventListener("click", (event) => {
  const closing = event.target.closest("[data-close]");
  if (closing) {
    closing.closest("dialog")?.close();
    return;
  }
  const opening = event.target.closest("[data-dialog]");
  if (opening) {
    event.preventDefault();
    document.getElementById(opening.dataset.dialog)?.showModal();
    return;
  }
  // A click on the veil lands on the dialog itself, outside its box.
  if (event.target.matches("dialog:modal")) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right
      && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) {
      event.target.close();
    }
  }
  const chosen = event.target.closest(".menu-item")?.closest("details.dropdown");
  if (chosen) {
    // What is downloaded leaves the page as it is.
    fold(chosen);
  }
});

// A menu is in the way of everything else: whatever is used beside it folds it.
for (const kind of ["click", "focusin"]) {
  document.addEventListener(kind, (event) => {
    document.querySelectorAll("details.dropdown[open]").forEach((menu) => {
      if (!menu.contains(event.target)) {
        menu.open = false;
      }
    });
  });
}
