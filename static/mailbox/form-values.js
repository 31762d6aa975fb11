// Puts values into a form as a person would, so that whatever follows from them follows.

export function fill(form, values) {
  for (const [name, value] of Object.entries(values)) {
    const field = form.elements.namedItem(name);
    if (!field) {
      continue;
    }
    field.value = value;
    const input = field instanceof RadioNodeList ? [...field].find((each) => each.checked) : field;
    input?.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

export function goTo(form, name) {
  const field = form.elements.namedItem(name);
  const input = field instanceof RadioNodeList ? field[0] : field;
  for (let part = input?.closest("details"); part; part = part.parentElement.closest("details")) {
    part.open = true;
  }
  input?.focus();
  input?.select?.();
}
