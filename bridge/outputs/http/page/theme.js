// Before the first paint, so that nothing flashes: the colours that were chosen in this browser.
"use strict";

(() => {
  const THEME = "mogplex-bridge.theme";
  const NAMES = ["auto", "light", "dark"];

  function set(name) {
    document.documentElement.dataset.theme = NAMES.includes(name) ? name : "auto";
  }

  try {
    set(localStorage.getItem(THEME));
  } catch {
    set("auto"); // storage may be forbidden
  }

  window.nextTheme = () => {
    const now = NAMES.indexOf(document.documentElement.dataset.theme);
    const name = NAMES[(now + 1) % NAMES.length];
    set(name);
    try {
      localStorage.setItem(THEME, name);
    } catch {
      // it lasts as long as the page
    }
    return name;
  };
})();
