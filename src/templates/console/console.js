// What the page does by itself: live numbers, a list that is dropped, a message that is tried while it is written.
"use strict";

// What somebody is typing is not taken away.
const isTyped = () => [...document.querySelectorAll("main input[name=people], main input[type=tel]")].some((it) => it.value !== it.defaultValue);

const live = document.querySelector("[data-live]");
if (live) {
  const source = new EventSource(live.dataset.live);
  source.addEventListener("live", (event) => { live.innerHTML = event.data; });
  source.addEventListener("quota", (event) => {
    const quota = document.querySelector("#quota");
    const isOpen = quota.querySelector("details")?.open;
    quota.innerHTML = event.data;
    if (isOpen) quota.querySelector("details").open = true;
  });
  source.addEventListener("state", () => {
    if (!isTyped()) location.reload();
  });
}

if (document.querySelector("[data-again]")) {
  setInterval(() => { if (!isTyped()) location.assign(location.pathname); }, 1500);
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
