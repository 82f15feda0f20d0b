// Small things for making and writing elements. Records hold text of anybody: it goes in as text only.

const SVG = "http://www.w3.org/2000/svg";

export const at = (id) => document.getElementById(id);

export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function button(text, className, act) {
  const made = element("button", className, text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(SVG, "use"));
  setIcon(svg, name);
  return svg;
}

export function setIcon(svg, name) {
  const href = "#i-" + name;
  if (svg.firstChild.getAttribute("href") !== href) svg.firstChild.setAttribute("href", href);
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Bars of the last values as one path: `values` oldest first, drawn into a width x height box.
export function spark(values, width, height) {
  const most = Math.max(1, ...values);
  const step = width / values.length;
  return values
    .map((value, index) => {
      if (!value) return "";
      const tall = Math.max(1.5, (value / most) * (height - 1));
      const x = (index * step).toFixed(2);
      return `M${x} ${height}v${(-tall).toFixed(2)}h${(step * 0.68).toFixed(2)}v${tall.toFixed(2)}z`;
    })
    .join("");
}

export function sparkline(className, width, height) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "spark " + className);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(SVG, "path"));
  return svg;
}

// A run's colour, the same wherever it is named: a hint for the eye, never the only sign.
export function dot(run) {
  const made = element("span", "tint");
  setHue(made, run);
  return made;
}

// By order of appearance and the golden angle: of any so many, no two are alike.
const hues = new Map();

export function setHue(node, run) {
  node.hidden = !run;
  if (!run) return;
  if (!hues.has(run)) hues.set(run, (25 + hues.size * 137.508) % 360);
  node.style.setProperty("--hue", hues.get(run).toFixed(1));
}

export const short = (id) => (id && id.length > 13 ? id.slice(0, 8) : id || "");

export function clock(iso) {
  const when = new Date(iso);
  if (Number.isNaN(when.getTime())) return "";
  const two = (number) => String(number).padStart(2, "0");
  const day = `${two(when.getHours())}:${two(when.getMinutes())}:${two(when.getSeconds())}`;
  return day + "." + String(when.getMilliseconds()).padStart(3, "0");
}

export function span(seconds) {
  if (typeof seconds !== "number" || !Number.isFinite(seconds)) return "–";
  if (seconds < 0.001) return "0 s";
  if (seconds < 1) return Math.round(seconds * 1000) + " ms";
  if (seconds < 10) return seconds.toFixed(1) + " s";
  if (seconds < 120) return Math.round(seconds) + " s";
  if (seconds < 7200) return Math.round(seconds / 60) + " min";
  return Math.round(seconds / 3600) + " h";
}

export function rate(perSecond) {
  if (perSecond >= 10) return String(Math.round(perSecond));
  return perSecond ? perSecond.toFixed(1) : "0";
}

export const many = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

const two = (number) => String(number).padStart(2, "0");

// The local time of an instant in milliseconds: HH:MM:SS, or what has passed since `from`.
export function time(atMs, from) {
  if (!Number.isFinite(atMs)) return "";
  if (from !== undefined && from !== null) {
    const seconds = Math.max(0, Math.round((atMs - from) / 1000));
    return `+${seconds >= 3600 ? Math.floor(seconds / 3600) + ":" : ""}${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  }
  const when = new Date(atMs);
  return `${two(when.getHours())}:${two(when.getMinutes())}:${two(when.getSeconds())}`;
}

export function day(atMs) {
  const when = new Date(atMs);
  return `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())}`;
}

// A moment with its date when that is not today.
export function moment(iso) {
  const atMs = Date.parse(iso);
  if (!Number.isFinite(atMs)) return "";
  return day(atMs) === day(Date.now()) ? time(atMs) : `${day(atMs)} ${time(atMs)}`;
}

// How long something has lasted, as a clock: 0:07, 3:12, 2:04:09.
export function elapsed(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = `${Math.floor(whole / 60) % 60}:${two(whole % 60)}`;
  return whole < 3600 ? minutes : `${Math.floor(whole / 3600)}:${minutes.padStart(5, "0")}`;
}
