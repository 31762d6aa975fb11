/* Shows the server's sentences beside the fields of a form, and takes them away again. */

export function clearErrors(form) {
  for (const list of form.querySelectorAll("[data-live-errors]")) {
    const field = form.elements.namedItem(list.dataset.liveErrors);
    list.remove();
    for (const input of inputsOf(field)) {
      input.removeAttribute("aria-invalid");
      forget(input, list.id);
    }
  }
}

/* errors: {field: [sentence, …]}; returns those that belong to no visible field. */
export function showErrors(form, errors) {
  const homeless = [];
  const wrong = [];
  for (const [name, sentences] of Object.entries(errors)) {
    const [input] = inputsOf(form.elements.namedItem(name));
    const place = input?.closest(".field");
    if (!place) {
      homeless.push(...sentences);
      continue;
    }
    reveal(place);
    place.append(listOf(name, sentences));
    for (const each of inputsOf(form.elements.namedItem(name))) {
      each.setAttribute("aria-invalid", "true");
      each.setAttribute("aria-describedby", `${each.getAttribute("aria-describedby") ?? ""} live-errors-${name}`.trim());
    }
    wrong.push(input);
  }
  // The first on the page, whatever order the server tells them in.
  [...form.elements].find((each) => wrong.includes(each))?.focus();
  return homeless;
}

function listOf(name, sentences) {
  const list = document.createElement("ul");
  list.className = "errors";
  list.id = `live-errors-${name}`;
  list.dataset.liveErrors = name;
  for (const sentence of sentences) {
    const item = document.createElement("li");
    item.textContent = sentence;
    list.append(item);
  }
  return list;
}

function inputsOf(field) {
  if (!field) {
    return [];
  }
  return field instanceof RadioNodeList ? [...field] : [field];
}

function forget(input, id) {
  const others = (input.getAttribute("aria-describedby") ?? "").split(" ").filter((each) => each && each !== id);
  if (others.length) {
    input.setAttribute("aria-describedby", others.join(" "));
  } else {
    input.removeAttribute("aria-describedby");
  }
}

/* A field inside a closed part of the form could not be focused. */
function reveal(place) {
  for (let part = place.closest("details"); part; part = part.parentElement.closest("details")) {
    part.open = true;
  }
}
