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

// Leaving a page asks first while it says "Not saved yet": what is seen is what counts.
addEventListener("beforeunload", (event) => {
  const said = [...document.querySelectorAll(".unsaved")];
  if (said.some((each) => each.checkVisibility())) event.preventDefault();
});
