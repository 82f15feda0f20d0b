// The keyboard. Keys of one letter can be switched off (WCAG 2.1.4): speech input types letters too.

import { at, setText } from "/page/dom.js";

const KEYS_OFF = "mogplex-bridge.keys-off";
const TYPING = "input:not([type=radio], [type=checkbox]), select, textarea";

export function startKeys(timeline, leave) {
  const help = at("help");
  at("help-open").addEventListener("click", () => help.showModal());
  at("theme").addEventListener("click", turnTheme);
  showTheme();
  const isOn = at("keys-on");
  try {
    isOn.checked = localStorage.getItem(KEYS_OFF) === null;
  } catch {
    // on, as by default
  }
  isOn.addEventListener("change", () => {
    try {
      if (isOn.checked) localStorage.removeItem(KEYS_OFF);
      else localStorage.setItem(KEYS_OFF, "1");
    } catch {
      // it lasts as long as the page
    }
  });

  const inList = {
    ArrowDown: () => timeline.move(1),
    ArrowUp: () => timeline.move(-1),
    PageDown: () => timeline.move(timeline.page),
    PageUp: () => timeline.move(-timeline.page),
    Home: () => timeline.move(-Infinity),
    End: () => timeline.move(Infinity),
    Enter: () => timeline.open(),
    " ": () => timeline.open(),
  };
  const letters = {
    j: () => inEvents(() => timeline.move(1)),
    k: () => inEvents(() => timeline.move(-1)),
    e: () => timeline.list.focus(),
    r: () => at("runs").querySelector('button[tabindex="0"]')?.focus(),
    "/": () => at("filters").elements.text.focus(),
    f: () => at("follow-id").focus(),
    p: () => at("hold").click(),
    t: turnTheme,
    "?": () => help.showModal(),
  };

  function inEvents(act) {
    timeline.list.focus();
    act();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const { target } = event;
    if (event.key === "Escape") {
      if (target.matches(TYPING)) target.blur();
      else leave();
      return;
    }
    if (target.matches(TYPING)) return;
    const act = target === timeline.list ? inList[event.key] : undefined;
    const letter = isOn.checked ? letters[event.key] : undefined;
    if (!act && !letter) return;
    event.preventDefault();
    (act ?? letter)();
  });
}

function showTheme() {
  const names = { auto: "Auto", light: "Light", dark: "Dark" };
  setText(at("theme-text"), names[document.documentElement.dataset.theme]);
}

function turnTheme() {
  window.nextTheme();
  showTheme();
}
