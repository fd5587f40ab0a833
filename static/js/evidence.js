// The mark under the pointer or in focus is read out in the corner of the map; its link says the same to screen readers.
"use strict";

function readOut(event) {
  const said = document.querySelector(".map-said");
  const mark = event.target instanceof Element && event.target.closest(".evidence-map li a");
  if (said && mark) said.textContent = mark.textContent;
}
document.addEventListener("mouseover", readOut);
document.addEventListener("focusin", readOut);
