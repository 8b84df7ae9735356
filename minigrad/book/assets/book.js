"use strict";
// Everything here is a convenience: without scripts all text, formulas and code are on the page.

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

// --- contents: open where there is a column for them ---------------------------------------------

const contents = document.querySelector(".contents details");
const own = contents.querySelector(".own");
const base = contents.dataset.base || ""; // from a listing, which is in a folder
contents.innerHTML = `<summary>Contents</summary>${window.CONTENTS.replaceAll('href="', `href="${base}`)}`;
for (const link of all(`[href="${contents.dataset.here}"]`, contents)) {
  link.setAttribute("aria-current", "page");
  if (own) link.after(own);
}
const roomy = matchMedia("(min-width: 62rem)");
const fold = () => { contents.open = roomy.matches; };
roomy.addEventListener("change", fold);
fold();
const here = document.querySelector(".contents [aria-current]");
if (here && roomy.matches) {
  const column = document.querySelector(".contents");
  column.scrollTop = here.offsetTop - column.clientHeight / 3;
}

// --- beside the equation in view ----------------------------------------------------------------

// A page holds the lines that cite; its script has the whole panels, with the lines around.
for (const [number, html] of Object.entries(window.BESIDE || {})) {
  let panel = document.getElementById(`beside-${number}`);
  if (!panel) {
    panel = make("details", { className: "beside", id: `beside-${number}` });
    let code = document.getElementById(`eq-${number}`);
    while (!code.matches(".code")) code = code.nextElementSibling;
    code.after(panel);
  }
  panel.innerHTML = `<summary>Beside (${number})</summary>${html}`;
}
all(".beside pre > code").forEach(numbered);

// Lines with their numbers, where they are of a file; a long one goes on under itself, not out of sight.
function numbered(code) {
  const moved = Number(code.className.slice(1)) || 0;
  const lines = code.innerHTML
    .replace(/<mark>([^]*?)<\/mark>/g, (_, text) => text.split("\n").map((l) => `<mark>${l}</mark>`).join("\n"))
    .split("\n");
  let number = Number(code.parentElement.dataset.line);
  code.className = "numbered";
  code.innerHTML = lines.map((line) => {
    const shown = line.replace(new RegExp(`^((?:<[^>]*>)*) {0,${moved}}`), "$1");
    const deep = shown.replace(/<[^>]*>/g, "").search(/\S|$/);
    const place = number ? ` data-n="${number++}"` : "";
    return `<span class="line"${place} style="--deep:${deep}">${shown}\n</span>`;
  }).join("");
}

const panels = all(".beside");
const equations = panels.map((panel) => document.getElementById(panel.id.replace("beside", "eq")));
const two = matchMedia("(min-width: 70rem)");
let preferred = "kernel";

// The panel's NumPy is what stands under the equation.
function completed(panel) {
  const number = panel.id.replace("beside-", "");
  const lines = (panel.previousElementSibling.querySelector("code")?.innerHTML || "").split("\n");
  const cites = new RegExp(`#.*\\(${number}\\)[^\n]*$`);
  const text = (html) => make("i", { innerHTML: html }).textContent;
  const cited = lines.filter((line) => cites.test(text(line))).join("\n");
  const code = make("code", { innerHTML: cited });
  const section = make("section", {}, make("pre", {}, code));
  section.dataset.tab = "NumPy";
  panel.querySelector("summary").after(section);
}

function tabbed(panel) {
  completed(panel);
  const sections = all("section", panel);
  const bar = make("div", { className: "tabs" });
  bar.setAttribute("role", "tablist");
  sections.forEach((section, index) => {
    const name = section.dataset.tab;
    const button = make("button", { type: "button" }, name);
    section.id = `${panel.id}-${index}`;
    section.setAttribute("role", "tabpanel");
    section.setAttribute("aria-label", name);
    button.setAttribute("role", "tab");
    button.setAttribute("aria-controls", section.id);
    button.addEventListener("click", () => { preferred = name; choose(panel); });
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = (index + step + sections.length) % sections.length;
      bar.children[next].focus();
      bar.children[next].click();
    });
    bar.append(button);
  });
  panel.querySelector("summary").after(bar);
  panel.querySelector("summary").textContent = `Beside (${panel.id.replace("beside-", "")})`;
}

function choose(panel) {
  const sections = all("section", panel);
  const names = sections.map((section) => section.dataset.tab);
  const chosen = names.includes(preferred) ? preferred : names.find((n) => n !== "NumPy") || names[0];
  sections.forEach((section, index) => {
    section.hidden = two.matches && names[index] !== chosen;
    const button = panel.querySelector(".tabs").children[index];
    button.setAttribute("aria-selected", names[index] === chosen);
    button.tabIndex = names[index] === chosen ? 0 : -1;
  });
  all(".tabs", panel).forEach((bar) => { bar.hidden = !two.matches; });
}

let current = null;
function show(index) {
  if (index === current) return;
  if (current !== null) {
    panels[current].classList.remove("on");
    equations[current].classList.remove("on");
  }
  current = index;
  const panel = panels[index];
  panel.classList.add("on");
  equations[index].classList.add("on");
  if (two.matches) panel.open = true;
  if (!panel.querySelector(".tabs")) tabbed(panel);
  choose(panel);
  panel.scrollTop = 0;
}

function inView() {
  if (!two.matches || !panels.length) return;
  const middle = innerHeight * 0.4;
  let found = 0;
  equations.forEach((equation, index) => {
    if (equation.getBoundingClientRect().top < middle) found = index;
  });
  const end = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
  const named = document.getElementById(location.hash.slice(1));
  if (end && equations.includes(named) && named.getBoundingClientRect().top < innerHeight) {
    found = equations.indexOf(named);
  }
  show(found);
}

function place() {
  if (!panels.length) return;
  panels.forEach((panel, index) => { panel.open = two.matches && index === current; });
  const text = document.querySelector("main").getBoundingClientRect();
  const left = text.right + 24;
  const style = document.documentElement.style;
  style.setProperty("--left", `${left}px`);
  style.setProperty("--width", `${Math.min(document.documentElement.clientWidth - left - 16, 470)}px`);
  current === null || choose(panels[current]);
  inView();
}
addEventListener("scroll", inView, { passive: true });
addEventListener("resize", place);
two.addEventListener("change", place);
addEventListener("hashchange", () => requestAnimationFrame(inView));
all("a.number").forEach((link) => link.addEventListener("focus", () => {
  const index = equations.indexOf(link.closest(".equation"));
  if (two.matches && index >= 0) show(index);
}));

// --- symbols: one name in formula, NumPy and kernel ---------------------------------------------

const symbols = []; // { name, math: [outerHTML, …] }
all("table.symbols tbody tr").forEach((row) => {
  const formulas = all("math", row.cells[0]).flatMap(pieces);
  const names = all("code", row.cells[1]);
  names.forEach((code, index) => {
    const name = code.textContent.replace(/\(.*$/, "");
    if (!/^\w+$/.test(name)) return;
    const math = names.length === formulas.length ? [formulas[index]] : formulas;
    math.forEach((elements) => symbols.push({ name, elements }));
    const button = make("button", { type: "button", className: "sym" });
    button.dataset.name = name;
    code.before(button);
    button.append(code);
  });
});

if (symbols.length) {
  document.querySelector("table.symbols").closest(".wide").after(make("p", { className: "note" },
    "A dotted name can be clicked: it is then lit in formulas, NumPy and kernel."));
}

// The symbols of "γ, β" one by one, each a row of elements; of "M(u)" only M.
function pieces(math) {
  const groups = [[]];
  const children = math.children.length === 1 && math.children[0].localName === "mrow"
    ? math.children[0].children : math.children;
  for (const child of children) {
    if (child.localName === "mspace") continue;
    if (child.textContent === ",") groups.push([]);
    else groups[groups.length - 1].push(child.outerHTML);
  }
  return groups.filter((group) => group.length)
    .map((group) => (group[1] && />\(</.test(group[1]) ? group.slice(0, 1) : group));
}

function tagFormulas({ name, elements }) {
  const first = elements[0];
  const tag = first.slice(1).match(/^\w+/)[0];
  for (const element of all(`article math ${tag}`)) {
    if (element.outerHTML !== first || element.closest("[data-sym]")) continue;
    const window = [element];
    while (window.length < elements.length && window.at(-1).nextElementSibling) {
      window.push(window.at(-1).nextElementSibling);
    }
    const same = window.length === elements.length
      && window.every((each, i) => each.outerHTML === elements[i] && !each.dataset.sym);
    const differential = element.previousElementSibling?.outerHTML === "<mi>d</mi>";
    if (same && !(differential && elements.length === 1)) {
      window.forEach((each) => { each.dataset.sym = name; });
    }
  }
}

function tagCode(names) {
  if (!names.length) return;
  const word = new RegExp(`(?<![\\w.])(${names.join("|")})(?!\\w)`);
  for (const code of all("pre code")) {
    const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) texts.push(walker.currentNode);
    for (let text of texts) {
      let found;
      while ((found = word.exec(text.data))) {
        const use = text.splitText(found.index);
        text = use.splitText(found[0].length);
        const span = make("span");
        span.dataset.sym = found[0];
        use.before(span);
        span.append(use);
      }
    }
  }
}

const size = ({ elements }) => elements.join("").length + 1000 * elements.length;
[...symbols].sort((a, b) => size(b) - size(a)).forEach(tagFormulas);
tagCode([...new Set(symbols.map(({ name }) => name))]);

let lit = null;
function light(name) {
  if (name === lit) return;
  all(".lit").forEach((element) => element.classList.remove("lit"));
  lit = name;
  if (name) all(`[data-sym="${name}"]`).forEach((element) => element.classList.add("lit"));
}
const kept = () => (location.hash.match(/^#sym=(\w+)$/) || [])[1] || null;
const named = (event) => event.target.closest?.("[data-sym]")?.dataset.sym
  || event.target.closest?.(".sym")?.dataset.name;
document.addEventListener("mouseover", (event) => light(named(event) || kept()));
document.addEventListener("focusin", (event) => light(named(event) || kept()));
all(".sym").forEach((button) => button.addEventListener("click", () => {
  location.hash = kept() === button.dataset.name ? "sym=" : `sym=${button.dataset.name}`;
}));
addEventListener("hashchange", () => light(kept()));
light(kept());

// --- search -------------------------------------------------------------------------------------

const find = document.getElementById("find");
const found = document.getElementById("found");
find.parentElement.hidden = false;
function search() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  const scored = [];
  for (const [address, page, section, text] of words.length ? window.BOOK : []) {
    const title = section.toLowerCase();
    const whole = `${page} ${section} ${text}`.toLowerCase();
    if (!words.every((word) => whole.includes(word))) continue;
    scored.push([words.filter((word) => title.includes(word)).length, address, page, section]);
  }
  scored.sort((a, b) => b[0] - a[0]);
  const rows = scored.slice(0, 12).map(([, address, page, section]) =>
    make("li", {}, make("a", { href: base + address }, section, make("span", {}, page))));
  if (words.length && !rows.length) rows.push(make("li", {}, "Nothing found."));
  found.replaceChildren(...rows);
  found.hidden = !words.length;
}
find.addEventListener("focus", () => {
  if (window.BOOK || document.getElementById("index")) return;
  document.body.append(make("script", { src: `${base}search.js`, id: "index", onload: search }));
});
find.addEventListener("input", () => { if (window.BOOK) search(); });
addEventListener("keydown", (event) => {
  if (event.key === "Escape") found.hidden = true;
  if (event.key === "/" && !/INPUT|TEXTAREA/.test(event.target.tagName)) {
    event.preventDefault();
    find.focus();
  }
});
document.addEventListener("click", (event) => {
  if (!event.target.closest(".search")) found.hidden = true;
});

// --- what is too wide: a little smaller; else code wraps in a wide window, and the rest scrolls ---

const SMALLEST = { ".equation > div": 0.7, ".code > pre, .printed > pre": 0.85 };
function fit() {
  for (const [selector, least] of Object.entries(SMALLEST)) {
    all(selector).forEach((box) => {
      box.style.removeProperty("--fit");
      box.classList.remove("wraps");
      const over = () => box.scrollWidth > box.clientWidth + 1;
      let size = 1;
      for (let once = 0; once < 3 && size >= least && over(); once += 1) { // margins stay as they are
        size *= 0.99 * box.clientWidth / box.scrollWidth;
        box.style.setProperty("--fit", size);
      }
      if (size >= least && !over()) return;
      box.style.removeProperty("--fit");
      box.classList.toggle("wraps", roomy.matches && box.matches(".code > pre"));
    });
  }
}

function reachable() {
  fit();
  all("pre, .wide, .long, .equation > div").forEach((box) => {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  });
}
place();
reachable();
addEventListener("resize", reachable);
