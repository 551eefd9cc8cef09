// Light or dark before the first paint: the person's choice in a cookie, else the system's.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const chosen = /(?:^|; )companion-theme=(light|dark)/.exec(document.cookie)?.[1];
    document.documentElement.dataset.theme = chosen ?? (system.matches ? "dark" : "light");
  };
  system.addEventListener("change", apply);
  window.companionTheme = (choice) => {
    const life = choice === "auto" ? 0 : 34560000;
    document.cookie = `companion-theme=${choice}; Path=/; Max-Age=${life}; SameSite=Strict`;
    apply();
  };
  apply();
})();

// Leaving a page with something unsaved asks first; the page says when there is something.
(() => {
  let unsaved = false;
  window.companionUnsaved = (state) => {
    unsaved = state;
  };
  addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });
})();
