// The drawer. Where it lies over a page it has an entry of its own in the history: Back closes it and leaves the page as
// it is, Forward shows it again, and so does coming back from a page that a link in it led to.

const drawer = document.getElementById("drawer");
const content = document.getElementById("drawer-content");
const addressHere = () => location.pathname + location.search;

let opener = null;
// What the drawer shows, and the same as the entry says that one is at: empty where that is none of the drawer's.
let address = "";
let entered = history.state?.drawer ?? "";
// What the page shows that the drawer lies over, and what the entry below the drawer's says.
let page = addressHere();
let below = page;
let isLeaving = false;

function openDrawer() {
  // Beside a form the drawer must not block it: the link that opened it says so.
  const beside = opener?.hasAttribute("data-beside");
  if (!drawer.open) {
    beside ? drawer.show() : drawer.showModal();
  }
  content.querySelector("h2")?.focus();
  enterHistory();
}

function enterHistory() {
  if (isLeaving || !drawer.matches(":modal")) {
    return;
  }
  if (history.state?.drawer) {
    history.replaceState({ drawer: address }, "");
  } else {
    below = page;
    history.pushState({ drawer: address }, "");
  }
  entered = address;
}

function fillAnew() {
  window.htmx.ajax("GET", entered, { source: content, target: content });
}

function findOpener() {
  return [...document.querySelectorAll("[hx-get]")].find((link) => link.getAttribute("hx-get") === entered) ?? null;
}

document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (detail.target === content) {
    opener = detail.elt === content ? findOpener() : detail.elt;
  }
});

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.requestConfig.elt === content && !entered) {
    // It was to be shown again, and left before it was there.
    detail.shouldSwap = false;
  }
});

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target === content) {
    address = detail.pathInfo.finalRequestPath;
    openDrawer();
  }
});

drawer.addEventListener("close", () => {
  content.replaceChildren();
  opener?.focus();
  if (history.state?.drawer) {
    // Closed by hand: nothing is left of it that Back would lead to.
    isLeaving = true;
    history.back();
  }
});

// What had been asked for before the drawer opened may change the page, and its address, below it.
document.addEventListener("htmx:beforeHistoryUpdate", ({ detail }) => {
  if (entered) {
    detail.history.type = "replace";
  }
});

for (const update of ["htmx:pushedIntoHistory", "htmx:replacedInHistory"]) {
  document.addEventListener(update, () => {
    page = addressHere();
    if (entered) {
      history.replaceState({ drawer: entered }, "");
    }
  });
}

function leave() {
  const wasByHand = isLeaving;
  isLeaving = false;
  if (page !== below) {
    // As htmx would have marked it, had the drawer not been open.
    history.replaceState({ htmx: true }, "", page);
  }
  if (!wasByHand) {
    drawer.close();
  } else if (drawer.open) {
    // Quick hands opened it again before its last entry was left.
    enterHistory();
  }
}

// Before htmx, which loads the page anew at every entry that it made or marked.
window.addEventListener("popstate", (event) => {
  const left = entered;
  entered = event.state?.drawer ?? "";
  if (!left && !entered) {
    page = addressHere();
    return;
  }
  event.stopImmediatePropagation();
  if (addressHere() !== (entered ? page : below)) {
    // Several steps at once, to another state of the page.
    location.reload();
  } else if (entered) {
    below = page;
    fillAnew();
  } else {
    leave();
  }
}, { capture: true });

if (entered) {
  document.addEventListener("htmx:load", fillAnew, { once: true });
}
