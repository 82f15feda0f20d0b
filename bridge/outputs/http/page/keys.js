// The keyboard. Keys of one letter can be switched off (WCAG 2.1.4): speech input types letters too.

import { at, setText } from "/page/dom.js";
import { isProblem } from "/page/story.js";

const KEYS_OFF = "mogplex-bridge.keys-off";
const TYPING = "input:not([type=radio], [type=checkbox]), select, textarea";

// `view()`: "now", "story" or "events"; `go(run)` shows a run.
export function startKeys({ timeline, story, leave, view, runs, go }) {
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
  const inStory = {
    j: () => story.step(1),
    k: () => story.step(-1),
    n: () => story.stepHit(1),
    N: () => story.stepHit(-1),
    e: () => story.step(1, isProblem),
    E: () => story.step(-1, isProblem),
    g: () => story.toStart(),
    G: () => story.setFollowing(true),
    Home: () => story.toStart(),
    End: () => story.setFollowing(true),
    o: () => story.toggleActive(),
    O: () => story.unfoldAll(!story.unfolded),
    f: () => story.setFollowing(!story.scroller.isFollowing),
    c: () => navigator.clipboard?.writeText(story.textOfActive()),
    "/": () => at("story-text").focus(),
  };
  const inTable = {
    j: () => inEvents(() => timeline.move(1)),
    k: () => inEvents(() => timeline.move(-1)),
    e: () => timeline.list.focus(),
    "/": () => at("filters").elements.text.focus(),
    p: () => at("hold").click(),
  };
  const inNow = { "/": () => at("now-bar").elements.find.focus() };
  const everywhere = {
    r: () => at("runs").querySelector('button[tabindex="0"]')?.focus(),
    a: () => at("follow-id").focus(),
    "[": () => beside(-1),
    "]": () => beside(1),
    t: turnTheme,
    "?": () => help.showModal(),
  };

  // The run above or below in the list.
  function beside(by) {
    const all = [...at("runs").querySelectorAll("button")].map((button) => button.dataset.run);
    const next = all[all.indexOf(runs.selected) + by];
    if (next) go(next);
  }

  function inEvents(act) {
    timeline.list.focus();
    act();
  }

  document.addEventListener("keydown", (event) => {
    const { target } = event;
    // The first press seeks in the story, folded text included; the second is the browser's own.
    if ((event.ctrlKey || event.metaKey) && event.key === "f" && view() === "story" && target !== at("story-text")) {
      event.preventDefault();
      at("story-text").select();
      return at("story-text").focus();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") {
      if (target.matches(TYPING)) target.blur();
      else leave();
      return;
    }
    if (target.matches(TYPING)) return;
    const own = { story: inStory, events: inTable, now: inNow }[view()] ?? {};
    const isPlain = event.key.length > 1 && view() === "story" && !target.closest("button, a, .lines, pre");
    const act = target === timeline.list ? inList[event.key] : isPlain ? own[event.key] : undefined;
    const letter = isOn.checked && event.key.length === 1 ? (own[event.key] ?? everywhere[event.key]) : undefined;
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
