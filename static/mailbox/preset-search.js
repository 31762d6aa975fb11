// The search in the list of mail servers: hides what does not hold every word that was typed.

export function searchPresets(box) {
  const search = box.querySelector("[data-preset-search]");
  const none = box.querySelector("[data-preset-none]");
  const input = search.querySelector("input");
  const items = [...box.querySelectorAll("li")];

  function filter() {
    const words = input.value.toLowerCase().split(/\s+/u);
    for (const item of items) {
      item.hidden = !words.every((word) => item.dataset.search.includes(word));
    }
    none.hidden = items.some((item) => !item.hidden);
  }

  search.hidden = false;
  input.addEventListener("input", filter);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      // Enter takes the first hit; it must not save the form.
      event.preventDefault();
      items.find((item) => !item.hidden)?.querySelector("button").click();
    }
  });
  box.addEventListener("toggle", () => box.open && input.focus());
}
