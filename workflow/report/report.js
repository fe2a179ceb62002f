// What the page gains with scripts: a table that sorts, filters and opens; figures at full size; the plane of size and sharpness.
(() => {
"use strict";
const byId = (id) => document.getElementById(id);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

function make(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// The table of verdicts
const table = byId("claims");
const claims = all("tbody[id]", table);

function setOpen(claim, open) {
  claim.querySelector(".detail").hidden = !open;
  const button = claim.querySelector("th button");
  button.setAttribute("aria-expanded", String(open));
  const link = claim.querySelector(".to-figure");
  const picture = byId(link.hash.slice(1))?.querySelector("img");
  // The file holds each figure once; the small one borrows it.
  if (open && picture && !link.querySelector("img")) link.append(make("img", { src: picture.src, alt: "", className: "thumbnail" }));
}

function makeRowsOpen() {
  for (const claim of claims) {
    const statement = claim.querySelector(".statement");
    const button = make("button", { type: "button" }, ...statement.childNodes);
    button.setAttribute("aria-controls", claim.querySelector(".detail").id);
    button.addEventListener("click", () => setOpen(claim, button.getAttribute("aria-expanded") !== "true"));
    statement.replaceWith(button);
    setOpen(claim, false);
  }
}

function compare(one, other) {
  if (one === other) return 0;
  // Rows without a value come last in ascending order.
  if (one === "" || other === "") return one === "" ? 1 : -1;
  const [first, second] = [Number(one), Number(other)];
  return Number.isNaN(first) || Number.isNaN(second) ? one.localeCompare(other, "en") : first - second;
}

function sortBy(column, header) {
  const descending = header.getAttribute("aria-sort") === "ascending";
  const key = (claim) => claim.querySelector(".claim").cells[column].dataset.sort;
  const sorted = [...claims].sort((one, other) => compare(key(one), key(other)) * (descending ? -1 : 1));
  for (const other of all("thead th", header.closest("thead").parentElement)) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", descending ? "descending" : "ascending");
  table.append(...sorted);
}

function makeColumnsSort() {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    const button = make("button", { type: "button" }, ...header.childNodes);
    button.addEventListener("click", () => sortBy(column, header));
    header.append(button);
  });
}

function filter() {
  const [paper, verdict] = [byId("filter-paper").value, byId("filter-verdict").value];
  const words = byId("filter-text").value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const claim of claims) {
    const text = claim.textContent.toLowerCase();
    const fits = (!paper || claim.dataset.paper === paper) && (!verdict || claim.dataset.verdict === verdict);
    claim.hidden = !(fits && words.every((word) => text.includes(word)));
  }
  byId("shown").textContent = `${claims.filter((claim) => !claim.hidden).length} of ${claims.length} claims shown`;
}

function makeTableFilter() {
  const form = byId("filters");
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
}

function openClaimOfAddress() {
  const claim = claims.find((one) => `#${one.id}` === decodeURIComponent(location.hash));
  if (!claim) return;
  byId("filters").reset();
  filter();
  setOpen(claim, true);
  claim.scrollIntoView();
  claim.querySelector("th button").focus({ preventScroll: true });
}

// Figures at full size
function showFigure(picture, title) {
  byId("viewer-title").textContent = title;
  const scroll = byId("viewer-scroll");
  scroll.replaceChildren(make("img", { src: picture.src, alt: picture.alt, width: picture.width, height: picture.height }));
  Object.assign(scroll.firstChild, { width: picture.naturalWidth, height: picture.naturalHeight });
  byId("viewer").showModal();
}

function makeFiguresOpen() {
  byId("viewer-close").addEventListener("click", () => byId("viewer").close());
  for (const figure of all("main figure")) {
    const picture = figure.querySelector("img");
    const button = make("button", { type: "button", className: "zoom", ariaLabel: `Open at full size: ${figure.id}` }, "Open at full size");
    for (const element of [picture, button]) element.addEventListener("click", () => showFigure(picture, figure.id));
    picture.classList.add("zoomable");
    picture.after(button);
  }
}

// The plane of size and sharpness
const SYMBOLS = [
  ["circle", "●"], ["square", "■"], ["diamond", "◆"], ["triangle-up", "▲"], ["triangle-down", "▼"],
  ["cross", "✚"], ["x", "✖"], ["star", "★"], ["circle-open", "○"], ["square-open", "□"],
];

// Plotly labels 0.6 on a logarithmic axis as 6.
const TICKS = [0.01, 0.1, 1, 10, 100].flatMap((decade) => (
  [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8].map((digit) => Number((digit * decade).toPrecision(3)))
));

function plotOfPlane(points, sweeps) {
  const style = getComputedStyle(document.body);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const comparison = document.querySelector("input[name=comparison]:checked").value;
  const shown = new Set(all("#plane-sweeps input:checked").map((input) => input.value));
  const traces = points.filter((point) => point.comparison === comparison && shown.has(point.sweep)).map((point) => {
    const index = sweeps.indexOf(point.sweep) % SYMBOLS.length;
    return {
      type: "scatter", mode: "markers", name: point.sweep, x: point.size, y: point.sharpness,
      customdata: point.dose.map((dose, row) => [dose, point.seed[row], point.gap[row]]),
      marker: { symbol: SYMBOLS[index][0], color: colour(`sweep-${index}`), size: 9, line: { width: 1.2, color: colour(`sweep-${index}`) } },
      hovertemplate: `<b>${point.sweep} %{customdata[0]}</b>, seed %{customdata[1]}<br>size %{x:.3g}, sharpness %{y:.3g}`
        + "<br>gap %{customdata[2]:.3g}<extra></extra>",
    };
  });
  const axis = (title) => ({
    title: { text: title, standoff: 8 }, type: "log", tickvals: TICKS, ticktext: TICKS.map(String), gridcolor: colour("line"), linecolor: colour("soft"), zeroline: false,
    automargin: true,
  });
  const layout = {
    xaxis: axis("size s<sub>w</sub>"), yaxis: axis("sharpness s<sub>g</sub>"), showlegend: false, hovermode: "closest",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: colour("text"), family: style.fontFamily, size: 13 },
    margin: { l: 10, r: 10, t: 10, b: 10 }, hoverlabel: { bgcolor: colour("raised"), font: { color: colour("text") } },
    // A finger that drags wants to scroll the page.
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
  };
  Plotly.react("plane-plot", traces, layout, { displayModeBar: false, responsive: true });
}

function makePlane() {
  const data = byId("plane-data");
  if (!data) return;
  const points = JSON.parse(data.textContent);
  const sweeps = [...new Set(points.map((point) => point.sweep))];
  sweeps.forEach((sweep, index) => {
    const place = index % SYMBOLS.length;
    const sign = make("span", { className: "sign", ariaHidden: "true", style: `color: var(--sweep-${place})` }, SYMBOLS[place][1]);
    byId("plane-sweeps").append(make("label", {}, make("input", { type: "checkbox", value: sweep, checked: true }), sign, sweep));
  });
  for (const id of ["plane-choices", "plane-plot", "plane-help"]) byId(id).hidden = false;
  const draw = () => plotOfPlane(points, sweeps);
  byId("plane-choices").addEventListener("change", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
}

makeRowsOpen();
makeColumnsSort();
makeTableFilter();
makeFiguresOpen();
window.addEventListener("hashchange", openClaimOfAddress);
openClaimOfAddress();
makePlane();
})();
