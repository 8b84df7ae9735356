"use strict";
// Shows one step at a time. The address holds the state: #step=4&open=2&predict=1
const walks = [...document.querySelectorAll(".walk")];
const last = Math.max(...walks.map((walk) => walk.querySelectorAll(".step").length));
const state = { step: 1, open: 0, predict: false };
let playing = null;

function read() {
  const asked = new URLSearchParams(location.hash.slice(1));
  state.step = within(asked.get("step"), 1, last);
  state.open = within(asked.get("open"), 0, 99);
  state.predict = asked.get("predict") === "1";
}

function within(text, low, high) {
  const number = Number.parseInt(text, 10);
  return Number.isNaN(number) ? low : Math.min(Math.max(number, low), high);
}

function go(step, open = 0) {
  state.step = Math.min(Math.max(step, 1), last);
  state.open = open;
  write();
  show();
}

function write() {
  const parts = [`step=${state.step}`];
  if (state.open) parts.push(`open=${state.open}`);
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
  for (const box of walk.querySelectorAll(".box")) {
    box.classList.toggle("now", box.dataset.node === now.dataset.node && now.dataset.node !== "");
    box.classList.toggle("done", done.has(box.dataset.node));
    box.classList.toggle("known", state.step >= Number(box.dataset.arrives));
  }
  const rows = [...now.querySelectorAll(".row")];
  rows.forEach((row, i) => { row.open = state.open === 0 || state.open === i + 1; });
  const targets = rows.map((row) => row.dataset.to);
  for (const arrow of walk.querySelectorAll(".arrow")) {
    const lit = arrow.dataset.to === now.dataset.node && targets.includes(arrow.dataset.from);
    arrow.classList.toggle("lit", lit);
    arrow.classList.toggle("open", lit && state.open > 0
      && arrow.dataset.from === targets[state.open - 1]);
  }
  const box = walk.querySelector(".box.now");
  if (box) {
    const graph = walk.querySelector(".graph");
    const middle = box.getBoundingClientRect().left - graph.getBoundingClientRect().left;
    graph.scrollLeft += middle - graph.clientWidth / 2;
  }
}

function rowsNow() {
  return Math.max(...walks.map((walk) => walk.querySelectorAll(".step.now .row").length));
}

const commands = {
  first: () => go(1),
  back: () => go(state.step - 1),
  on: () => go(state.step + 1),
  last: () => go(last),
  up: () => go(state.step, Math.max(state.open - 1, 0)),
  down: () => go(state.step, Math.min(state.open + 1, rowsNow())),
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
  ArrowDown: "down", " ": "play" };

document.addEventListener("keydown", (event) => {
  const inControl = event.target.closest?.("button, input, summary");
  if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " " && inControl) return;
  event.preventDefault();
  commands[keys[event.key]]();
});
document.addEventListener("click", (event) => {
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

document.documentElement.classList.add("js");
document.querySelector("nav").hidden = false;
read();
show();
if (new URLSearchParams(location.search).has("selftest")) selftest();

// Sends keys and clicks, and leaves what it saw in the page.
function selftest() {
  const found = {};
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
  found.down = state.open === 1 && document.querySelectorAll(".step.now .row[open]").length >= 1;
  key("ArrowUp");
  found.up = state.open === 0;
  key(" ");
  found.plays = playing !== null;
  key(" ");
  found.stops = playing === null;
  for (const [go_, step] of [["on", 2], ["back", 1], ["last", last], ["first", 1]]) {
    document.querySelector(`[data-go="${go_}"]`).click();
    found[`click_${go_}`] = at(Math.min(step, last));
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
