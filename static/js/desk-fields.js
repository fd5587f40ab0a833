// Names that the admin's markup leaves out, for those who hear a form: fields in tables, and search boxes.
function nameFields() {
  for (const table of document.querySelectorAll(".tabular table, #result_list")) {
    const heads = [...table.tHead.rows[0].cells];
    for (const head of heads) {
      if (!head.textContent.trim() && !head.children.length) {
        const name = document.createElement("span");
        name.className = "visually-hidden";
        name.textContent = (window.gettext || String)("Entry");
        head.append(name);
      }
    }
    for (const row of table.querySelectorAll("tr.form-row")) {
      [...row.cells].forEach((cell, i) => {
        for (const field of cell.querySelectorAll("input:not([type=hidden]), select, textarea")) {
          if (!field.labels.length && heads[i]) field.setAttribute("aria-label", heads[i].textContent.trim());
        }
      });
    }
  }
  // A table to read that is wider than the screen is scrolled with the arrow keys.
  for (const part of document.querySelectorAll(".inline-group, .inline-group .wrapper, .results")) {
    const fields = [...part.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea")];
    if (!fields.some((field) => field.checkVisibility())) part.tabIndex = 0;
  }
  for (const box of document.querySelectorAll("select + .select2")) {
    const select = box.previousElementSibling;
    const name = select.labels[0]?.textContent.trim() || select.getAttribute("aria-label");
    for (const part of box.querySelectorAll("[role=combobox], [role=textbox], .select2-search__field")) {
      if (name) part.setAttribute("aria-label", name);
    }
  }
}

// The admin's own scripts add rows and search boxes when they come to it, so look again after each addition.
let isPlanned = false;
function plan() {
  if (isPlanned) return;
  isPlanned = true;
  setTimeout(() => { isPlanned = false; nameFields(); }, 50);
}
new MutationObserver(plan).observe(document.body, { childList: true, subtree: true });
plan();
// The box in which one searches is made when it opens.
document.addEventListener("focusin", ({ target }) => {
  if (target.matches(".select2-search__field:not([aria-label])")) target.setAttribute("aria-label", (window.gettext || String)("Search"));
});
