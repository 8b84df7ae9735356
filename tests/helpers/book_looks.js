// What the tests ask of a page in a frame; `d` is its document, `w` its window.

const every = (d, selector) => [...d.querySelectorAll(selector)];

// A few words that tell which element is meant.
const named = (element) =>
  `<${element.localName} class="${element.className.baseVal ?? element.className}"> ${element.textContent.trim().slice(0, 40)}`;

// What `look` answers at one hash of a page after the other.
async function at(w, hashes, look) {
  const answers = [];
  for (const hash of hashes) {
    if (decodeURIComponent(w.location.hash) !== hash) {
      const moved = new Promise((done) => { w.addEventListener("hashchange", done, { once: true }); });
      w.location.hash = hash;
      await moved;
    }
    answers.push(look());
  }
  return answers;
}

const clipped = (d, selector) => every(d, selector)
  .filter((box) => box.checkVisibility() && box.scrollWidth > box.clientWidth + 1).map(named);

// Characters per line, of paragraphs of several lines; the last line counts by its length.
function measures(w, d) {
  return every(d, "article > p").filter((p) => p.textContent.length > 200).map((p) => {
    const range = d.createRange();
    range.selectNodeContents(p);
    const lines = Math.round(p.clientHeight / parseFloat(w.getComputedStyle(p).lineHeight));
    const last = [...range.getClientRects()].at(-1).right - p.getBoundingClientRect().left;
    return p.textContent.replace(/\s+/g, " ").length / (lines - 1 + last / p.clientWidth);
  });
}

// Whether a reader sees a box whole: inside the window, and nothing in front of it.
function seen(w, d, { left, right, top, bottom }) {
  if (left < 0 || right > w.innerWidth || top < 0 || bottom > w.innerHeight) return false;
  const front = (x, y) => !d.elementFromPoint(x, y)?.closest("header");
  return front(left + 1, top + 1) && front(right - 1, bottom - 1);
}

// The place of some words in an element, across the elements within.
function placed(w, d, element, words) {
  const range = d.createRange();
  const walker = d.createTreeWalker(element, w.NodeFilter.SHOW_TEXT);
  const start = element.textContent.indexOf(words), end = start + words.length;
  for (let before = 0; walker.nextNode(); before += walker.currentNode.length) {
    const text = walker.currentNode;
    const inside = (at) => at >= before && at <= before + text.length;
    if (inside(start)) range.setStart(text, start - before);
    if (inside(end)) { range.setEnd(text, end - before); break; }
  }
  return range.getBoundingClientRect();
}

// --- contrast -----------------------------------------------------------------------------------

const rgba = (text) => {
  const [red, green, blue, alpha = 1] = text.match(/[\d.]+/g).map(Number);
  return { parts: [red, green, blue], alpha };
};

const over = (above, alpha, below) => above.map((part, i) => alpha * part + (1 - alpha) * below[i]);

function ground(w, element) {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    const color = rgba(w.getComputedStyle(at).backgroundColor);
    layers.unshift(color);
    if (color.alpha === 1) break;
  }
  return layers.reduce((below, { parts, alpha }) => over(parts, alpha, below), [255, 255, 255]);
}

const luminance = (parts) => {
  const [red, green, blue] = parts.map((part) => part / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};

function contrast(w, element, property = "color", pseudo = null) {
  let opacity = 1;
  for (let at = element; at; at = at.parentElement) opacity *= w.getComputedStyle(at).opacity;
  const below = ground(w, element);
  const { parts, alpha } = rgba(w.getComputedStyle(element, pseudo)[property]);
  const [high, low] = [over(parts, alpha * opacity, below), below].map(luminance)
    .sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

// Elements with words of their own that are too pale, and the palest of all.
function pale(w, d, selector = "body *", least = 4.5) {
  const words = (element) => [...element.childNodes]
    .some((node) => node.nodeType === 3 && node.data.trim());
  const found = { palest: 21, pale: [] };
  const look = (element, ...rest) => {
    const is = contrast(w, element, ...rest);
    found.palest = Math.min(found.palest, is);
    if (is < least) found.pale.push(`${is.toFixed(2)} ${named(element)}`);
  };
  for (const element of every(d, selector)) {
    if (element.matches("script, style, noscript")) continue;
    if (words(element)) look(element, element.closest("svg") ? "fill" : "color");
    if (element.placeholder) look(element, "color", "::placeholder");
    if (/\w/.test(w.getComputedStyle(element, "::before").content.replace("none", ""))) {
      look(element, "color", "::before");
    }
  }
  return found;
}

// --- the keyboard -------------------------------------------------------------------------------

const CONTROLS = "a[href], button, input, select, textarea, summary";

// Controls that are seen, and cannot be reached, have no name, or do not show that they are reached.
function unreachable(w, d) {
  const found = [];
  const say = (element, what) => found.push(`${what}: ${named(element)}`);
  for (const details of every(d, "details")) details.open = true;
  for (const control of every(d, CONTROLS)) {
    if (!control.checkVisibility({ visibilityProperty: true })) continue;
    if (control.tabIndex < 0 && control.getAttribute("role") !== "tab") say(control, "no tab stop");
    if (control.tabIndex > 0) say(control, "out of order");
    const name = control.getAttribute("aria-label") || control.textContent.trim()
      || control.querySelector("img")?.alt || (control.labels && control.labels.length);
    if (!name) say(control, "no name");
    const before = appearance(w, control);
    control.focus({ preventScroll: true, focusVisible: true });
    if (d.activeElement !== control) say(control, "takes no focus");
    else if (appearance(w, control) === before) say(control, "focus is not seen");
    else if (contrast(w, control, "outlineColor") < 3) say(control, "a pale outline");
    control.blur();
  }
  return found.concat(tabs(d));
}

const appearance = (w, element) => {
  const style = w.getComputedStyle(element);
  return style.outlineStyle === "none" ? "" : `${style.outlineStyle} ${style.outlineWidth}`;
};

// Of a row of tabs one is a stop; the arrows lead to the others.
function tabs(d) {
  const found = [];
  for (const bar of every(d, "[role=tablist]").filter((each) => each.checkVisibility())) {
    const all = every(bar, "[role=tab]");
    const reached = new Set();
    if (all.filter((tab) => tab.tabIndex === 0).length !== 1) found.push("tabs without one stop");
    all.find((tab) => tab.tabIndex === 0)?.focus();
    for (const _ of all) {
      reached.add(d.activeElement);
      if (d.activeElement.getAttribute("aria-selected") !== "true") found.push("a tab not chosen");
      d.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    }
    if (reached.size !== all.length) found.push(`${reached.size} tabs of ${all.length} reached`);
  }
  return found;
}

// --- scripts off, paper --------------------------------------------------------------------------

// What a reader without scripts cannot see, also after opening everything that opens.
function unseen(d) {
  for (const details of every(d, "details")) details.open = true;
  return every(d, "article :is(h1, h2, h3, p, li, td, th, pre, math, img, figcaption)")
    .filter((each) => !each.checkVisibility() || !each.getBoundingClientRect().height).map(named);
}

// The rules of paper become rules of the screen.
function printed(d) {
  for (const sheet of d.styleSheets) {
    for (const rule of sheet.cssRules) {
      if (rule.media?.mediaText === "print") rule.media.mediaText = "all";
    }
  }
}
