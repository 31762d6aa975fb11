// Buttons that copy the text of an element. Without this file they are not shown, and the text can be selected.

const SHOWN = 2000; // milliseconds

// Also where the browser keeps the clipboard from pages without TLS.
function copySelected(element) {
  const selection = getSelection();
  const range = document.createRange();
  range.selectNodeContents(element);
  selection.removeAllRanges();
  selection.addRange(range);
  const done = document.execCommand("copy");
  selection.removeAllRanges();
  return done;
}

async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.innerText.trim());
    return true;
  } catch {
    return copySelected(element);
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  const element = button && document.getElementById(button.dataset.copy);
  if (!element || !(await copy(element))) {
    return;
  }
  const status = button.querySelector("[data-done]");
  button.classList.add("copied");
  status.textContent = status.dataset.done;
  setTimeout(() => {
    button.classList.remove("copied");
    status.textContent = "";
  }, SHOWN);
});
