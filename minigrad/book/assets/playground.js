"use strict";
// Six values and six dy to move; the three roads of batch norm and their sum, equations (1) to (8).

// In evaluation the statistics are those of the six numbers of the page, whatever is moved.
const RUNNING = { mean: 4, variance: 4 };

function roads({ x, dy, gamma, eps, training }) {
  const m = x.length;
  const M = (u) => u.reduce((sum, each) => sum + each, 0) / m;
  const mean = training ? M(x) : RUNNING.mean;                                       // (1)
  const variance = training ? M(x.map((each) => (each - mean) ** 2)) : RUNNING.variance; // (2)
  const r = 1 / Math.sqrt(variance + eps);                                           // (3)
  const xHat = x.map((each) => (each - mean) * r);                                   // (4)
  const dxHat = dy.map((each) => gamma * each);                                      // (8a)
  const road1 = dxHat.map((each) => r * each);                                       // (8b)
  const shared = -r * M(dxHat);                                                      // (8h)
  const tilt = -r * M(dxHat.map((each, i) => each * xHat[i]));                       // (8e)
  const road2 = x.map(() => (training ? shared : 0));
  const road3 = xHat.map((each) => (training ? tilt * each : 0));
  const dx = road1.map((each, i) => each + road2[i] + road3[i]);                     // (8), (12)
  const sum = (u) => u.reduce((total, each) => total + each, 0);
  return { xHat, road1, road2, road3, dx, sum: sum(dx), sumXHat: sum(dx.map((d, i) => d * xHat[i])) };
}

const START = { x: [1, 2, 4, 5, 5, 7], dy: [1, 0, 2, -2, 2, 3], gamma: 2, eps: 0, training: true };

// #play=1,2,4,5,5,7;1,0,2,-2,2,3;2;0;train
function read(hash) {
  const parts = hash.replace(/^#play=/, "").split(";");
  const numbers = (text) => text.split(",").map(Number);
  const state = parts.length === 5 && /^#play=/.test(hash) && {
    x: numbers(parts[0]), dy: numbers(parts[1]), gamma: Number(parts[2]), eps: Number(parts[3]),
    training: parts[4] === "train",
  };
  const good = state && state.x.length === state.dy.length && state.x.length >= 2
    && state.x.length <= 6 && state.eps >= 0
    && [...state.x, ...state.dy, state.gamma, state.eps].every(Number.isFinite);
  return good ? state : structuredClone(START);
}

const written = (s) => `#play=${s.x};${s.dy};${s.gamma};${s.eps};${s.training ? "train" : "eval"}`;

if (typeof module === "object") module.exports = { roads, read, written };
else start(document.querySelector(".playground"));

function start(figure) {
  let state = read(decodeURIComponent(location.hash));
  const element = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  const slider = (label, value, low, high, step, moved) => {
    const input = element("input", { type: "range", min: low, max: high, step, value });
    input.setAttribute("aria-label", label);
    input.addEventListener("input", () => { moved(Number(input.value)); changed(input); });
    return input;
  };
  const button = (words, act) => {
    const made = element("button", { type: "button" }, words);
    made.addEventListener("click", () => { act(); build(); changed(); });
    return made;
  };
  const number = (value) => {
    if (!Number.isFinite(value)) return "–";
    return (Math.round(value * 1000) / 1000 || 0).toString().replace("-", "−");
  };
  let cells, sums;

  function build() {
    const names = ["x", "dy", "x̂", "road 1", "road 2", "road 3", "dx"];
    const head = element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name)),
      element("th", { scope: "col" }, "roads and sum"));
    cells = [];
    const rows = state.x.map((_, i) => {
      const own = names.map((name) => {
        const output = element("output");
        output.dataset.name = name;
        return output;
      });
      const bars = element("td", { className: "bars" });
      bars.dataset.label = "roads and sum";
      cells.push({ own, bars });
      const inputs = { 0: ["x", 0, 10], 1: ["dy", -4, 4] };
      return element("tr", {}, ...own.map((output, column) => {
        const [key, low, high] = inputs[column] || [];
        const moved = (value) => { state[key][i] = value; };
        const label = `${key} of sample ${i + 1}`;
        const cell = element("td", {}, output,
          ...(key ? [slider(label, state[key][i], low, high, 0.25, moved)] : []));
        cell.dataset.label = names[column]; // where there is no head, on a phone
        return cell;
      }), bars);
    });
    sums = element("p");
    const gamma = slider("γ", state.gamma, -3, 3, 0.25, (value) => { state.gamma = value; });
    const eps = element("select", {}, ...[...new Set([0, 1e-5, 0.1, 1, 10, state.eps])].map((value) =>
      element("option", { value, selected: value === state.eps }, String(value))));
    eps.addEventListener("change", () => { state.eps = Number(eps.value); changed(); });
    const table = element("div", { className: "wide" }, element("table", {}, element("thead", {}, head),
      element("tbody", {}, ...rows)));
    const mode = element("select", {}, ...["training", "evaluation"].map((name) =>
      element("option", { selected: (name === "training") === state.training }, name)));
    mode.addEventListener("change", () => { state.training = mode.value === "training"; changed(); });
    const six = state.x.length === START.x.length;
    const length = (n) => {
      for (const key of ["x", "dy"]) state[key] = [...state[key], ...START[key].slice(state[key].length)].slice(0, n);
    };
    const meant = (kind, words) =>
      element("span", {}, element("span", { className: `swatch ${kind}` }), words);
    const legend = element("p", { className: "legend" }, meant("road1", "road 1, directly"), " ",
      meant("road2", "road 2, through the mean"), " ", meant("road3", "road 3, through the variance"), " ",
      meant("total", "their sum, dx"));
    figure.querySelector(".play").replaceChildren(
      element("p", { className: "controls" },
        element("label", {}, "γ ", gamma), element("label", {}, "ε ", eps),
        element("label", {}, "mode ", mode),
        button(six ? "only two values" : "six values again", () => length(six ? 2 : START.x.length)),
        button("constant channel", () => { state.x = state.x.map(() => 4); state.eps = state.eps || 0.1; }),
        button("from the start", () => { state = structuredClone(START); })),
      legend, table, sums,
      element("p", {}, "The address of this page holds this state: copy it to come back, or to share."));
  }

  function draw() {
    const found = roads(state);
    const all = [found.road1, found.road2, found.road3];
    const reach = state.x.map((_, i) => Math.max(...[1, -1].map((sign) =>
      all.reduce((sum, road) => sum + Math.max(0, sign * road[i]), 0))));
    const defined = Number.isFinite(found.sum);
    const scale = 54 / Math.max(...reach.filter(Number.isFinite), 1e-9);
    const columns = [state.x, state.dy, found.xHat, ...all, found.dx];
    cells.forEach(({ own, bars }, i) => {
      own.forEach((output, column) => {
        output.textContent = number(columns[column][i]);
        output.dataset.value = String(columns[column][i]);
      });
      const ends = { 1: 58, "-1": 58 };
      const parts = all.map((road, k) => {
        const sign = road[i] < 0 ? -1 : 1;
        const length = Number.isFinite(road[i]) ? Math.abs(road[i]) * scale : 0;
        const from = sign > 0 ? ends[1] : ends[-1] - length;
        ends[sign] += sign * length;
        return `<rect class="road${k + 1}" x="${from}" y="4" width="${length}" height="12"/>`;
      });
      const at = 58 + found.dx[i] * scale;
      bars.innerHTML = `<svg viewBox="0 0 116 20" width="116" height="20" aria-hidden="true">${parts.join("")}`
        + `<path class="zero" d="M58 0V20"/>${defined ? `<path class="total" d="M${at} 1V19"/>` : ""}</svg>`;
    });
    sums.innerHTML = `${defined ? "" : "Undefined: variance 0 and ε 0. "}Σ dx = <output data-name="sum">${number(found.sum)}</output>, `
      + `Σ dx · x̂ = <output data-name="sumXHat">${number(found.sumXHat)}</output>`;
    sums.querySelector("[data-name=sum]").dataset.value = String(found.sum);
    sums.querySelector("[data-name=sumXHat]").dataset.value = String(found.sumXHat);
    if (defined) sums.append(state.training
      ? ". In training the first is always 0, and the second is 0 up to what ε takes."
      : ". In evaluation roads 2 and 3 are closed: the mean 4 and the variance 4 are constants.");
  }

  function changed() {
    draw();
    history.replaceState(null, "", written(state));
  }
  addEventListener("hashchange", () => {
    if (!/^#play=/.test(location.hash)) return;
    state = read(decodeURIComponent(location.hash));
    build();
    draw();
    seen();
  });
  const seen = () => figure.previousElementSibling.scrollIntoView();
  build();
  draw();
  if (/^#play=/.test(location.hash)) seen();
}
