"use strict";
// Shows one step at a time. The address holds the state: #step=4&row=2&open=features&predict=1
// open: "*" for the whole graph, "-" for the module of each step, or the name of a module.
const walks = [...document.querySelectorAll(".walk")];
const last = Math.max(...walks.map((walk) => walk.querySelectorAll(".step").length));
const start = walks.some((walk) => walk.dataset.start === "-") ? "-" : "*";
const state = { step: 1, row: 0, open: start, predict: false };
let playing = null;

function read() {
  const asked = new URLSearchParams(location.hash.slice(1));
  state.step = within(asked.get("step"), 1, last);
  state.row = within(asked.get("row"), 0, 99);
  state.open = asked.get("open") || start;
  state.predict = asked.get("predict") === "1";
}

function within(text, low, high) {
  const number = Number.parseInt(text, 10);
  return Number.isNaN(number) ? low : Math.min(Math.max(number, low), high);
}

function go(step, row = 0) {
  state.step = Math.min(Math.max(step, 1), last);
  state.row = row;
  write();
  show();
}

function write() {
  const parts = [`step=${state.step}`];
  if (state.row) parts.push(`row=${state.row}`);
  if (state.open !== start) parts.push(`open=${encodeURIComponent(state.open)}`);
  if (state.predict) parts.push("predict=1");
  // A notebook's frame has no address of its own.
  try { history.replaceState(null, "", `#${parts.join("&")}`); } catch { /* state stays here */ }
}

function show() {
  document.body.classList.toggle("predict", state.predict);
  document.getElementById("predict").checked = state.predict;
  document.getElementById("where").textContent = `step ${state.step} of ${last}`;
  for (const walk of walks) showWalk(walk);
}

function showWalk(walk) {
  const steps = [...walk.querySelectorAll(".step")];
  const now = steps[Math.min(state.step, steps.length) - 1];
  steps.forEach((step) => step.classList.toggle("now", step === now));
  const done = new Set(steps.slice(0, steps.indexOf(now)).map((step) => step.dataset.node));
  showPictures(walk, now.dataset.node);
  for (const box of walk.querySelectorAll(".box")) {
    const nodes = numbers(box.dataset.node);
    box.classList.toggle("now", nodes.includes(now.dataset.node));
    box.classList.toggle("done", nodes.every((node) => done.has(node)));
    box.classList.toggle("known", state.step >= Number(box.dataset.arrives));
  }
  const rows = [...now.querySelectorAll(".row")];
  rows.forEach((row, i) => { row.open = state.row === 0 || state.row === i + 1; });
  const targets = rows.map((row) => row.dataset.to);
  const leads = (arrow, target) => numbers(arrow.dataset.from).includes(target);
  for (const arrow of walk.querySelectorAll(".arrow")) {
    const lit = numbers(arrow.dataset.to).includes(now.dataset.node)
      && targets.some((target) => leads(arrow, target));
    arrow.classList.toggle("lit", lit);
    arrow.classList.toggle("open", lit && state.row > 0 && leads(arrow, targets[state.row - 1]));
  }
  for (const graph of walk.querySelectorAll(".graph")) {
    const box = graph.querySelector(".box.now");
    if (!box || graph.hidden) continue;
    const seen = box.getBoundingClientRect();
    graph.scrollLeft += seen.left - graph.getBoundingClientRect().left
      - (graph.clientWidth - seen.width) / 2;
  }
}

// The whole graph; or its modules, and below them the inside of one.
function showPictures(walk, node) {
  const whole = walk.querySelector(".whole");
  const modules = walk.querySelector(".modules");
  const all = !modules || (state.open === "*" && whole !== null);
  if (whole) whole.hidden = !all;
  if (modules) modules.hidden = all;
  for (const inside of walk.querySelectorAll(".inside")) {
    const named = inside.dataset.name === state.open;
    const follows = state.open === "-" || state.open === "*";
    inside.hidden = all || !(named || (follows && numbers(inside.dataset.node).includes(node)));
  }
}

function numbers(text) {
  return text.split(" ").filter(Boolean);
}

function open(name) {
  state.open = name;
  write();
  show();
}

// The module whose box in the overview this is.
function moduleOf(target) {
  const box = target.closest?.(".box.module");
  const own = [...box?.closest(".walk").querySelectorAll(".inside") ?? []];
  return own.find((inside) => inside.dataset.node === box.dataset.node)?.dataset.name;
}

function rowsNow() {
  return Math.max(...walks.map((walk) => walk.querySelectorAll(".step.now .row").length));
}

const commands = {
  first: () => go(1),
  back: () => go(state.step - 1),
  on: () => go(state.step + 1),
  last: () => go(last),
  up: () => go(state.step, Math.max(state.row - 1, 0)),
  down: () => go(state.step, Math.min(state.row + 1, rowsNow())),
  modules: () => open(state.open === "*" ? "-" : "*"),
  play: () => {
    const button = document.querySelector('[data-go="play"]');
    if (playing) {
      clearInterval(playing);
      playing = null;
    } else {
      if (state.step === last) go(1);
      playing = setInterval(() => {
        if (state.step === last) commands.play(); else go(state.step + 1);
      }, 1400);
    }
    button.textContent = playing ? "stop" : "play";
  },
};
const keys = { ArrowLeft: "back", ArrowRight: "on", Home: "first", End: "last", ArrowUp: "up",
  ArrowDown: "down", " ": "play", m: "modules" };

document.addEventListener("keydown", (event) => {
  const name = event.key === "Enter" && moduleOf(event.target);
  if (name) open(name === state.open ? "-" : name);
  const inControl = event.target.closest?.("button, input, summary");
  if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " " && inControl) return;
  event.preventDefault();
  commands[keys[event.key]]();
});
document.addEventListener("click", (event) => {
  const name = moduleOf(event.target);
  if (name) open(name === state.open ? "-" : name);
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.go) commands[button.dataset.go]();
  if (button.dataset.right) {
    button.classList.add(button.dataset.right === "1" ? "right" : "wrong");
    if (button.dataset.right === "1") button.closest(".row").classList.add("answered");
  }
});
document.getElementById("predict").addEventListener("change", (event) => {
  state.predict = event.target.checked;
  write();
  show();
});
addEventListener("hashchange", () => { read(); show(); });
// In a notebook, which may be dark while the system is light: its frame is told the theme.
const themed = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])
  .filter((rule) => rule.media?.mediaText.includes("prefers-color-scheme"));
addEventListener("message", (event) => {
  if (event.data !== "dark" && event.data !== "light") return;
  document.documentElement.style.colorScheme = event.data;
  for (const rule of themed) rule.media.mediaText = event.data === "dark" ? "all" : "not all";
});

document.documentElement.classList.add("js");
document.querySelector("nav").hidden = false;
for (const each of document.querySelectorAll(".of-modules")) {
  each.hidden = !document.querySelector(".modules");
}
for (const box of document.querySelectorAll(".box.module")) {
  box.setAttribute("tabindex", "0");
  box.setAttribute("role", "button");
}
read();
show();
if (new URLSearchParams(location.search).has("selftest")) selftest();

// Sends keys and clicks, and leaves what it saw in the page.
function selftest() {
  const found = { width: innerWidth };
  const key = (name) => document.dispatchEvent(new KeyboardEvent("keydown", { key: name }));
  const at = (step) => state.step === step && walks.every((walk) => {
    const steps = [...walk.querySelectorAll(".step")];
    const seen = steps.filter((each) => getComputedStyle(each).display !== "none");
    return seen.length === 1 && seen[0] === steps[Math.min(step, steps.length) - 1];
  });
  key("Home");
  found.home = at(1);
  let all = true;
  for (let step = 2; step <= last; step += 1) { key("ArrowRight"); all &&= at(step); }
  found.right = all;
  key("ArrowRight");
  found.endStays = at(last);
  key("ArrowLeft");
  found.left = at(Math.max(last - 1, 1));
  key("End");
  found.end = at(last);
  key("Home");
  key("ArrowDown");
  found.down = state.row === 1 && document.querySelectorAll(".step.now .row[open]").length >= 1;
  key("ArrowUp");
  found.up = state.row === 0;
  key(" ");
  found.plays = playing !== null;
  key(" ");
  found.stops = playing === null;
  for (const [go_, step] of [["on", 2], ["back", 1], ["last", last], ["first", 1]]) {
    document.querySelector(`[data-go="${go_}"]`).click();
    found[`click_${go_}`] = at(Math.min(step, last));
  }
  const grouped = document.querySelector(".modules")?.closest(".walk");
  if (grouped) {
    const seen = (kind) => [...grouped.querySelectorAll(kind)].some((each) => !each.hidden);
    open("-");
    found.modules = seen(".modules") && !seen(".whole");
    const box = grouped.querySelector(".box.module");
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    found.opens = state.open === moduleOf(box) && seen(".inside");
    box.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    found.closes = state.open === "-";
    key("m");
    found.whole = state.open === "*" && seen(".whole") !== seen(".modules");
    open(start);
  }
  const predict = document.getElementById("predict");
  predict.click();
  const hidden = document.querySelector(".step.now .tell");
  found.predictHides = !hidden || getComputedStyle(hidden).display === "none";
  document.querySelector('.step.now [data-right="1"]')?.click();
  found.answerShows = !hidden || getComputedStyle(hidden).display !== "none";
  predict.click();
  found.fits = document.documentElement.scrollWidth <= innerWidth;
  const report = document.createElement("pre");
  report.id = "selftest";
  report.textContent = JSON.stringify(found);
  document.body.append(report);
}
