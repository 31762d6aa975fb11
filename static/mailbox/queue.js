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
