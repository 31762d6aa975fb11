// What changes by itself is asked for again every few seconds, as long as somebody looks at the page.

const INTERVAL = 3000;

function refresh() {
  if (document.visibilityState !== "visible" || document.querySelector("dialog[open]")) {
    return;
  }
  document.querySelectorAll("[data-refresh]").forEach((part) => part.dispatchEvent(new Event("refresh")));
}

setInterval(refresh, INTERVAL);
document.addEventListener("visibilitychange", refresh);

// What was folded out stays so. Written into what comes, since the focus goes back into it as soon as it is there.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target } = event.detail;
  const opened = target.matches("[data-refresh]") ? target.querySelectorAll("details[id][open]") : [];
  for (const { id } of opened) {
    event.detail.serverResponse = event.detail.serverResponse.replace(`<details id="${id}"`, "$& open");
  }
});

// A button that is replaced between its press and its release is not clicked: the page follows the next time.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.matches("[data-refresh]:active")) {
    event.detail.shouldSwap = false;
  }
});

// Whoever is signed out by now is led to the sign-in page; it is no part of this one.
document.addEventListener("htmx:beforeSwap", (event) => {
  const asked = event.detail.target.getAttribute("hx-get");
  if (event.detail.target.matches("[data-refresh]") && new URL(event.detail.xhr.responseURL).pathname !== asked) {
    event.detail.shouldSwap = false;
    location.reload();
  }
});
