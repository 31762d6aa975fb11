// The link to a provider's guide: opens it in the side panel, beside the form, so that nothing typed is left behind.

export function followGuide(form, url) {
  const link = form.querySelector("[data-guide-link]");
  link.hidden = !url;
  if (url) {
    link.href = url;
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-guide-link], a[data-guide]");
  if (link && window.htmx) {
    event.preventDefault();
    window.htmx.ajax("GET", link.href, { source: link, target: "#drawer-content" });
  }
});
