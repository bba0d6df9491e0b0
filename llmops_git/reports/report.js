"use strict";
// Filters the cases of each table. Without it every case is there and can be opened.
document.addEventListener("DOMContentLoaded", () => {
  for (const bar of document.querySelectorAll(".filter")) {
    const rows = [...bar.parentElement.querySelectorAll(".row")];
    const find = bar.querySelector("input");
    const count = bar.querySelector("output");
    const buttons = [...bar.querySelectorAll("button")];
    const texts = new Map(); // of a row, read when it is first looked for
    let kind = "";

    const textOf = (row) => {
      if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
      return texts.get(row);
    };
    const show = () => {
      const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const fits = (!kind || row.dataset.is.split(" ").includes(kind)) && words.every((word) => textOf(row).includes(word));
        row.hidden = !fits;
        if (fits) shown += 1;
      }
      count.textContent = shown === rows.length ? `${shown} cases` : `${shown} of ${rows.length} cases`;
    };
    for (const button of buttons) {
      button.addEventListener("click", () => {
        kind = button.dataset.kind;
        for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
        show();
      });
    }
    find.addEventListener("input", show);
    bar.hidden = false;
    show();
  }
});
