"""What the keyboard reaches on a page: a walk with Tab, and what is wrong on the way.

`walk` collects everything on a page that a mouse could press, goes over the page with Tab until the
focus leaves it, and names what was not reached, what has no name for a screen reader, and what does
not look different when it has the focus.
"""

from __future__ import annotations

from playwright.sync_api import Page

COLLECT = """() => {
  const widgets = "button checkbox radio switch tab link combobox slider menuitem option textbox"
    .split(" ").map((role) => `[role=${role}]`).join(",");
  const wanted = `a[href], button, input, select, textarea, summary, [tabindex], ${widgets}`;
  const frame = (element) => {
    // A field's ring is drawn by what stands around its input.
    const found = [element, ...element.children];
    for (let up = element.parentElement, n = 0; up && n < 4; up = up.parentElement, n++) {
      found.push(up);
      if (up.matches(".q-field__control, label")) break;
    }
    return found;
  };
  const look = (element) => frame(element).flatMap((each) =>
    [null, "::before", "::after"].map((part) => {
      const style = getComputedStyle(each, part);
      return [style.outlineStyle === "none" ? "" : style.outline, style.boxShadow,
              style.borderTopColor, style.borderTopWidth].join(" ");
    })).join("|");
  const hidden = (element) => element.closest("[aria-hidden=true], [inert]") !== null;
  const off = (element) => element.matches(":disabled, [aria-disabled=true], .disabled");
  const shown = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 1 && box.height > 1
      && element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  };
  const whole = `a, button, label, ${widgets}`;
  document.activeElement?.blur();
  window.kb = { whole, look, all: [], looks: new Map(), seen: new Set() };
  for (const element of document.querySelectorAll(wanted)) {
    kb.looks.set(element, look(element));
    if (!shown(element) || hidden(element) || off(element)) continue;
    const script = element.matches("[tabindex='-1']") && !element.matches(whole);
    if (script) continue;  // takes the focus from a script, never from a person
    kb.all.push(element);
  }
  return kb.all.length;
}"""

STEP = """async () => {
  const now = document.activeElement;
  if (now === null || now === document.body || now === document.documentElement) return null;
  const again = kb.seen.has(now) && now !== kb.last;  // a time's hours and minutes are stops of one
  kb.seen.add(kb.last = now);
  const before = kb.looks.get(now);
  const plain = () => before !== undefined && before === kb.look(now);
  // A field draws its ring when its component has heard of the focus.
  for (let n = 0; n < 12 && plain(); n++) await new Promise(requestAnimationFrame);
  return { again, plain: plain(), what: kb.say(now) };
}"""

SAY = """() => {
  kb.say = (element) => {
    const words = element.getAttribute("aria-label") || element.textContent.trim()
      || element.getAttribute("name") || element.className;
    const role = element.getAttribute("role") ?? "";
    return `${element.tagName.toLowerCase()} ${role} ${words}`.slice(0, 90);
  };
}"""

MISSED = """() => kb.all.filter((element) => {
  if (kb.seen.has(element)) return false;
  // One of a group of radio buttons is a stop; the arrows go to the others.
  const group = element.closest("[role=radiogroup], [role=tablist], [role=listbox], [role=grid]");
  if (group && [...kb.seen].some((seen) => group.contains(seen))) return false;
  // What is inside a button, a tick box or a field is one thing with it.
  return ![...kb.seen].some((seen) =>
    (seen.contains(element) && seen.matches(kb.whole)) ||
    (element.contains(seen) && element.matches(kb.whole)));
}).map(kb.say)"""


TWICE = """async () => {
  // Nothing reaches the server: what would have been sent is counted.
  const socket = window.socket ?? {}, emit = socket.emit, wrong = [];
  let sent = 0;
  socket.emit = (name) => { sent += name === "event"; };
  addEventListener("click", (event) => event.preventDefault());
  const within = [...document.querySelectorAll("[role=dialog]")].at(-1) ?? document;
  for (const each of within.querySelectorAll("button, a.q-btn, [role=button]")) {
    if (!each.checkVisibility() || each.closest("[data-repeats], .disabled, .ec-event")) continue;
    sent = 0;
    const click = (detail) => each.dispatchEvent(
      new MouseEvent("click", { bubbles: true, cancelable: true, composed: true, detail }));
    click(1); click(2); click(0);
    await new Promise((done) => setTimeout(done, 5));
    if (sent > 1) wrong.push(`${sent} times: ${each.ariaLabel || each.textContent}`);
  }
  socket.emit = emit;
  return wrong;
}"""


def pressed_twice(page: Page) -> list[str]:
    """Every button of the page, or of the dialog that is open, whose double click acts twice."""
    found: list[str] = page.evaluate(TWICE)
    return found


def walk(page: Page, *, most: int = 400) -> list[str]:
    """Every problem of this page for a user without a mouse; empty when there is none."""
    page.evaluate(COLLECT)
    page.evaluate(SAY)
    wrong: list[str] = []
    outside = 0
    for _ in range(most):
        page.keyboard.press("Tab")
        at = page.evaluate(STEP)
        if at is None:  # past the end; a page that had focused a field begins there
            outside += 1
            if outside == 2:
                break
            continue
        if at["again"]:
            break  # round once: what is not reached is said below
        if at["plain"]:
            wrong.append(f"looks the same with the focus: {at['what']}")
    else:
        wrong.append(f"the focus does not leave the page in {most} steps")
    wrong += [f"not reached: {each}" for each in page.evaluate(MISSED)]
    return wrong + nameless(page)


def nameless(page: Page) -> list[str]:
    """What can have the focus, and has no name, by the browser's own accessibility tree."""
    session = page.context.new_cdp_session(page)
    found = []
    for node in session.send("Accessibility.getFullAXTree")["nodes"]:
        properties = {
            each["name"]: each["value"].get("value") for each in node.get("properties", ())
        }
        role = node.get("role", {}).get("value")
        if node.get("ignored") or not properties.get("focusable") or role == "RootWebArea":
            continue
        if role == "generic":  # takes the focus from a script, never from a person
            continue
        if not str(node.get("name", {}).get("value", "")).strip():
            found.append(node)
    said = []
    for node in found:
        described = session.send("DOM.describeNode", {"backendNodeId": node["backendDOMNodeId"]})
        attributes = described["node"].get("attributes", [])
        said.append(f"no name: {node['role']['value']} {attributes[:8]}")
    session.detach()
    return said
