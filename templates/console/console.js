// What the page does by itself: live numbers, a list that is dropped, a message that is tried while it is written.
"use strict";

const live = document.querySelector("[data-live]");
if (live) {
  const source = new EventSource(live.dataset.live);
  source.addEventListener("live", (event) => { live.innerHTML = event.data; });
  source.addEventListener("state", () => {
    // What somebody is typing is not taken away.
    const typed = document.querySelector("input[name=people]");
    if (!typed || typed.value === "") location.reload();
  });
}

const drop = document.querySelector(".drop");
if (drop) {
  const input = drop.querySelector("input[type=file]");
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files.length > 0) {
      input.files = event.dataTransfer.files;
      drop.requestSubmit();
    }
  });
}

const writing = document.querySelector("form[data-preview]");
if (writing) {
  const text = writing.querySelector("textarea");
  const shown = document.querySelector("#preview");
  let wait;
  const preview = async () => {
    const fields = new URLSearchParams(new FormData(writing));
    const answer = await fetch(writing.dataset.preview, { method: "POST", body: fields });
    if (answer.ok) shown.innerHTML = await answer.text();
  };
  writing.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(preview, 250); });
  for (const chip of document.querySelectorAll("[data-insert]")) {
    chip.hidden = false;
    chip.addEventListener("click", () => {
      text.setRangeText(chip.dataset.insert, text.selectionStart, text.selectionEnd, "end");
      text.focus();
      preview();
    });
  }
}
