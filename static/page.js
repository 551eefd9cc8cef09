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

// Leaving a page asks first while something on it is not saved: what is seen is what counts.
addEventListener("beforeunload", (event) => {
  const said = [...document.querySelectorAll(".unsaved")];
  if (said.some((each) => each.checkVisibility())) event.preventDefault();
});

// One press is one action: the second click of a double click, or of a key that is held, does
// nothing, on whatever it falls. What is pressed many times in a row has data-repeats.
{
  const PRESSED = "a[href], button, [role=button], [role^=menuitem], .q-item, .q-dialog__backdrop";
  const AGAIN = 400; // milliseconds
  let last = { target: null, at: 0 };
  addEventListener("click", (event) => {
    const target = event.target.closest?.(PRESSED);
    if (!target || target.closest("[data-repeats]")) return;
    const again = event.detail > 1 || (target === last.target && event.timeStamp - last.at < AGAIN);
    last = { target, at: event.timeStamp };
    if (!again) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  // Another key in between, such as Esc, is no double press.
  addEventListener("keydown", (event) => {
    if (!["Enter", " "].includes(event.key)) last = { target: null, at: 0 };
  }, true);
}

// Enter in a field of a dialog presses the first button that is seen, unless the field only looks for
// something. That and Esc come after what was typed.
addEventListener("keydown", (event) => {
  const field = event.target.closest?.(".dialog input:not([role=combobox], [type=file]), .dialog textarea");
  if (!field || !["Enter", "Escape"].includes(event.key) || event.isComposing) return;
  field.dispatchEvent(new Event("change"));
  const looks = field.matches("textarea, [type=search]");
  if (event.key !== "Enter" || looks || event.defaultPrevented) return;
  event.preventDefault();
  const first = [...field.closest(".dialog").querySelectorAll(".btn--primary")];
  first.find((each) => each.checkVisibility())?.click();
}, true);

// Back closes an open dialog, as Esc does. While one is open, the page stands in the history twice;
// who comes to the first of the two by Back, with nothing open, wants to go further.
{
  const beside = () => [...document.querySelectorAll(".q-dialog__backdrop")].at(-1);
  // What follows the "?" is written anew while a page is looked at (the Appointment Book).
  const place = () => ({
    twice: Boolean(history.state?.twice), path: location.pathname + location.hash, href: location.href,
  });
  let here = place();
  const double = () => {
    if (!here.twice) history.pushState({ ...history.state, twice: true }, "");
    here = place();
  };
  addEventListener("popstate", () => {
    const left = here;
    here = place();
    if (!left.twice || here.twice || left.path !== here.path) return;
    if (!beside()) return history.back();
    history.replaceState(history.state, "", left.href);
    double();
    beside().click();
  });
  addEventListener("DOMContentLoaded", () => {
    const look = () => document.body.classList.contains("q-body--prevent-scroll") && double();
    new MutationObserver(look).observe(document.body, { attributeFilter: ["class"] });
  });
}

// The app stops and starts again (a backup is put in place): the page waits until it has been gone and
// is back, or for two minutes, then opens the place.
window.companionComesBack = async (place) => {
  const answers = () => fetch("/healthz", { cache: "no-store" }).then((got) => got.ok, () => false);
  const pause = () => new Promise((over) => setTimeout(over, 400));
  const until = performance.now() + 120000;
  while (await answers() && performance.now() < until) await pause();
  while (!(await answers())) await pause();
  location.assign(place);
};

// Three notices at most: an older one goes for a newer. A link in one leads on, Undo takes back.
addEventListener("DOMContentLoaded", () => {
  if (!window.Quasar) return;
  const create = Quasar.Notify.create, shown = [];
  Quasar.Notify.create = ({ link, undo, ...options }) => {
    const look = { noCaps: true, flat: true };
    const actions = link ? [{ label: link[0], href: link[1], "no-dismiss": true, ...look }] : [];
    if (undo) actions.push({ label: "Undo", handler: () => emitEvent(undo), ...look });
    const dismiss = create({ ...options, actions });
    shown.push(dismiss);
    if (shown.length > 3) shown.shift()();
    return dismiss;
  };
});

// An address with # opens the fold that it names or leads into, also where it is drawn later.
{
  const reveal = () => {
    const wanted = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    const fold = wanted && wanted.closest("details");
    if (fold) fold.open = true;
    if (wanted) wanted.scrollIntoView();
    return Boolean(wanted);
  };
  addEventListener("hashchange", reveal);
  addEventListener("DOMContentLoaded", () => {
    if (location.hash.length < 2 || reveal()) return;
    const drawn = new MutationObserver(() => reveal() && drawn.disconnect());
    drawn.observe(document.body, { childList: true, subtree: true });
    setTimeout(() => drawn.disconnect(), 5000);
  });
}

// While the connection is lost, one line says so in our words; when it stays away, what to do.
addEventListener("DOMContentLoaded", () => {
  const line = document.getElementById("popup");
  if (!line) return;
  const [said, more] = line.children;
  const tell = (what, then) => ([said.textContent, more.textContent] = [what, then]);
  line.setAttribute("role", "status");
  let late = 0;
  const look = () => {
    clearTimeout(late);
    if (line.ariaHidden !== "false") return;
    tell("The connection is interrupted.", "Connecting again …");
    late = setTimeout(() => {
      tell("Calendar Companion does not answer.", "Is it running? This page goes on by itself then.");
    }, 15000);
  };
  new MutationObserver(look).observe(line, { attributeFilter: ["aria-hidden"] });
});

// Passwords can be looked at; without script the button is not there.
for (const button of document.querySelectorAll("[data-shows]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const field = document.getElementById(button.dataset.shows);
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.textContent = shown ? "Hide" : "Show";
    button.setAttribute("aria-pressed", String(shown));
  });
}

// What goes wrong is said where it is seen: an error that appears out of sight is scrolled to.
addEventListener("DOMContentLoaded", () => {
  const ALERT = "[role=alert]";
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) {
        if (node.nodeType !== 1) continue;
        const found = node.matches(ALERT) ? node : node.querySelector(ALERT);
        if (found && !found.closest(".q-notifications")) found.scrollIntoView({ block: "nearest" });
      }
    }
  }).observe(document.body, { childList: true, subtree: true });
});
