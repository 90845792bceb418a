"use strict";
// Lights a layer and those that read it, in picture and table alike. Which model is shown is up to the style.

// The layers of a box or a row: "9", or "4-10" for a folded stretch.
function layers(name) {
  const [first, last = first] = name.split("-").map(Number);
  return Array.from({length: last - first + 1}, (_, offset) => first + offset);
}

function itemOf(target) {
  return target instanceof Element ? target.closest("[data-layer]") : null;
}

function light(item) {
  const side = item?.closest("[data-side]").dataset.side;
  const own = new Set(item ? layers(item.dataset.layer) : []);
  const isOwn = (name) => layers(name).some((layer) => own.has(layer));
  const readers = new Set();
  for (const row of document.querySelectorAll(`[data-side="${side}"] [data-reads]`))
    if (row.dataset.reads.split(" ").some((layer) => layer && own.has(Number(layer))))
      readers.add(Number(row.dataset.layer));
  const isReader = (name) => layers(name).some((layer) => readers.has(layer));
  for (const each of document.querySelectorAll("[data-layer]")) {
    const here = each.closest("[data-side]").dataset.side === side;
    const lit = here && isOwn(each.dataset.layer);
    each.classList.toggle("lit", lit);
    each.classList.toggle("reader", here && !lit && isReader(each.dataset.layer));
  }
  for (const line of document.querySelectorAll("[data-from]")) {
    const here = line.closest("[data-side]").dataset.side === side;
    line.classList.toggle("lit", here && isOwn(line.dataset.from) && isReader(line.dataset.to));
  }
}

// One tab stop for each picture and table: inside it, the arrow keys, Home and End go from layer to layer.
const groups = [...document.querySelectorAll("svg, .layers tbody")].map((group) => [
  ...group.querySelectorAll("[data-layer]"),
]);
function choose(items, chosen) {
  for (const item of items) item.tabIndex = item === chosen ? 0 : -1;
}
for (const items of groups) {
  choose(items, items[0]);
  items.forEach((item, number) => {
    item.addEventListener("keydown", (event) => {
      const last = items.length - 1;
      const moves = {
        ArrowDown: number + 1, ArrowRight: number + 1, ArrowUp: number - 1, ArrowLeft: number - 1,
        Home: 0, End: last,
      };
      if (!(event.key in moves) || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      items[Math.min(last, Math.max(0, moves[event.key]))].focus();
    });
    item.addEventListener("focus", () => choose(items, item));
  });
}
addEventListener("focusin", (event) => light(itemOf(event.target)));
addEventListener("focusout", () => light(null));
// Not "pointerover": a page that scrolls to what the keyboard chose moves other layers under the pointer.
addEventListener("pointermove", (event) => light(itemOf(event.target) ?? itemOf(document.activeElement)));
document.documentElement.addEventListener("pointerleave", () => light(itemOf(document.activeElement)));
