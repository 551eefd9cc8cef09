// The calendar of the Appointment Book: EventCalendar, fed by the server and answering to it.
//
// The server sends what is to be seen (`show`); what a person does is drawn at once and reported,
// and the server's next `show` has the last word. Texts are set as text, never as HTML. Times
// travel as wall-clock text without a zone.
//
// A page is turned without taking anything down. EventCalendar always believes that the day view
// shows today: the appointments of the day looked at are moved there (`shift`) and what a person
// points at is moved back (`wall`). And an appointment is drawn in the first free place of its
// column (`placed`), whose element stays and gets new words, rather than in an element of its own.
// Both together draw a full day almost three times as fast.
import {
  createCalendar,
  destroyCalendar,
  Interaction,
  List,
  ResourceTimeGrid,
  TimeGrid,
} from "companion-calendar";

const VIEWS = {
  day: "resourceTimeGridDay",
  week: "timeGridWeek",
  workweek: "timeGridWorkWeek",
  list: "listDay",
};
const NARROW = "(max-width: 699px)";
const LONG_PRESS = 450; // milliseconds
const COLLECT = 250; // milliseconds in which Alt+arrows are collected into one move
const STEP = 15; // minutes
const SLOT_HEIGHT = 22; // pixels
const MANY = 150; // appointments, from which on those out of sight are drawn a moment later

const two = (number) => String(number).padStart(2, "0");
const wall = (date) =>
  `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}` +
  `T${two(date.getHours())}:${two(date.getMinutes())}:00`;
const shifted = (text, minutes) => {
  const date = new Date(text + "Z"); // UTC has no gaps: only the wall clock moves
  return new Date(date.getTime() + 60000 * minutes).toISOString().slice(0, 19);
};

const quietly = (element) => {
  // NiceGUI writes the page's colour scheme again with every update of anything, and each write has
  // the browser style the whole page anew.
  if (!element) return;
  element.setAttribute = (name, value) => {
    if (element.getAttribute(name) === value) return;
    Element.prototype.setAttribute.call(element, name, value);
  };
};

export default {
  template: `
    <div class="book__frame" ref="frame">
      <div ref="place" class="book__calendar"></div>
      <ul v-if="menu" ref="menu" class="book__menu" role="menu" :aria-label="menu.title"
          :style="{ left: menu.x + 'px', top: menu.y + 'px' }" @keydown="menuKeys" @contextmenu.prevent>
        <li v-for="item in menu.items" :key="item.what" role="none">
          <button type="button" role="menuitem" tabindex="-1" class="book__menu-item"
                  @click="choose(item.what)">
            <span class="material-icons" aria-hidden="true">{{ item.icon }}</span>
            <span>{{ item.label }}</span>
            <kbd v-if="item.keys" aria-hidden="true">{{ item.keys }}</kbd>
          </button>
        </li>
      </ul>
      <p class="sr-only" role="status" aria-live="polite">{{ said }}</p>
    </div>
  `,
  props: { zone: String, locale: String },
  emits: ["ready", "narrow", "open", "create", "move", "act"],
  data: () => ({ menu: null, said: "" }),
  created() {
    // Not reactive on purpose: four hundred events are no business of Vue's.
    this.known = new Map(); // key → what the server last sent, as text
    this.events = new Map(); // key → what is drawn now
    this.places = new Map(); // key → the place it is drawn in
    this.taken = new Set(); // places of the day view
    this.bodies = new Map(); // place → its words, as nodes
    this.today = ""; // what EventCalendar takes the day view for
    this.shift = 0; // minutes from there to the day that is looked at
    this.page = null;
    this.pending = new Map(); // key → a move that is being collected
    this.rest = new Set(); // keys that are out of sight and not drawn yet
    this.scrollTime = "08:00:00";
    this.inFlight = new Set(); // keys of moves the server has not answered
  },
  mounted() {
    this.calendar = createCalendar(this.$refs.place, [TimeGrid, ResourceTimeGrid, List, Interaction], {
      view: VIEWS.day,
      views: {
        timeGridWorkWeek: { type: "timeGridWeek", hiddenDays: [0, 6] },
      },
      headerToolbar: { start: "", center: "", end: "" },
      height: "100%",
      locale: this.locale,
      timeZone: this.zone,
      firstDay: 1,
      slotDuration: "00:15:00",
      slotHeight: SLOT_HEIGHT,
      slotLabelInterval: "01:00:00",
      slotLabelFormat: { hour: "2-digit", minute: "2-digit", hour12: false },
      scrollTime: "08:00:00",
      nowIndicator: true,
      selectable: true,
      editable: true,
      slotEventOverlap: false,
      longPressDelay: LONG_PRESS,
      eventDragMinDistance: 4,
      columnWidth: "minmax(7.5rem, 1fr)",
      dayHeaderFormat: { weekday: "short", day: "numeric" },
      allDayContent: "All day",
      eventTimeFormat: () => "", // ours is in the content; Intl takes a third of the drawing
      noEventsContent: "No appointments on this day.",
      resourceLabelContent: ({ resource }) => ({ domNodes: this.label(resource) }),
      eventContent: ({ event }) => this.content(event),
      eventClick: ({ event }) => this.clicked(event),
      eventDragStart: () => (this.menu = null),
      eventDrop: (info) => this.dropped(info),
      eventResize: (info) => this.dropped(info),
      select: (info) => this.selected(info),
      dateClick: (info) => (this.lastPlace = this.placeOf(info)),
    });
    this.observer = new MutationObserver((changes) => {
      for (const change of changes) {
        for (const node of change.addedNodes) if (node.nodeType === 1) this.tidyRoles(node);
      }
      this.nameTheWhole();
    });
    this.observer.observe(this.$refs.place, { childList: true, subtree: true });
    this.tidyRoles(this.$refs.place);
    quietly(document.getElementById("nicegui-color-scheme"));
    this.narrow = window.matchMedia(NARROW);
    this.onNarrow = () => this.$emit("narrow", this.narrow.matches);
    this.narrow.addEventListener("change", this.onNarrow);
    this.onKeys = (event) => this.windowKeys(event);
    window.addEventListener("keydown", this.onKeys);
    this.onAway = (event) => this.menu && !this.$refs.menu?.contains(event.target) && this.close();
    window.addEventListener("pointerdown", this.onAway, true);
    const frame = this.$refs.frame;
    frame.addEventListener("contextmenu", (event) => this.contextMenu(event));
    frame.addEventListener("keydown", (event) => this.eventKeys(event));
    frame.addEventListener("dblclick", (event) => this.begin(event));
    frame.addEventListener("pointerover", (event) => this.tip(event.target));
    frame.addEventListener("pointerdown", (event) => this.pressed(event));
    frame.addEventListener("pointerup", (event) => this.released(event));
    frame.addEventListener("pointercancel", () => (this.press = null));
    this.$emit("ready", this.narrow.matches);
  },
  beforeUnmount() {
    this.narrow.removeEventListener("change", this.onNarrow);
    window.removeEventListener("keydown", this.onKeys);
    window.removeEventListener("pointerdown", this.onAway, true);
    clearTimeout(this.resting);
    this.observer.disconnect();
    destroyCalendar(this.calendar);
  },
  methods: {
    // ── what is seen ──────────────────────────────────────────────────────────────────────────

    show(sent) {
      const page = sent.events ? sent : this.patched(sent);
      if (!page) return this.$emit("ready", this.narrow.matches); // out of step: all of it again
      const before = this.page;
      this.page = page;
      const focused = page.focus || this.focusedKey();
      const options = { ...page.options, view: VIEWS[page.options.view] ?? VIEWS.day, ...this.dated(page.options) };
      let arranged = !before;
      for (const [name, value] of Object.entries(options)) {
        if (before && JSON.stringify(this.options[name]) === JSON.stringify(value)) continue;
        this.calendar.setOption(name, value);
        if (name !== "nowIndicator") arranged = true;
      }
      this.options = options;
      if (page.address !== location.pathname + location.search) {
        history.replaceState(history.state, "", page.address); // a reload shows the same
      }
      const turned = arranged || before.options.date !== page.options.date;
      if (arranged) this.bodies.clear(); // other columns, other elements
      this.draw(page.events, turned, arranged);
      if (page.scroll) this.calendar.setOption("scrollTime", (this.scrollTime = page.scroll));
      if (focused) this.focus(focused, Boolean(page.focus));
      if (before && before.title !== page.title) this.announcePage(focused);
      this.$refs.frame.dataset.shown = page.stamp;
    },
    patched({ base, changed, gone, ...rest }) {
      // The page that is shown, with what the server says has changed since.
      if (this.page?.stamp !== base) return null;
      const events = new Map(this.page.events.map((event) => [event.id, event]));
      for (const key of gone) events.delete(key);
      for (const event of changed) events.set(event.id, event);
      return { ...rest, events: [...events.values()] };
    },
    dated({ date, view }) {
      // The date EventCalendar is told; the day view has none in its heads.
      if (view !== "day") {
        this.shift = 0;
        return { date, nowIndicator: true };
      }
      this.today = new Date().toLocaleDateString("sv-SE", { timeZone: this.zone });
      this.shift = (Date.parse(date) - Date.parse(this.today)) / 60000;
      return { date: this.today, nowIndicator: date === this.today };
    },
    draw(events, turned, arranged) {
      const fresh = new Map(events.map((event) => [event.id, JSON.stringify(event)]));
      const changed = events.filter((event) => this.known.get(event.id) !== fresh.get(event.id));
      const gone = [...this.known.keys(), ...this.events.keys()].filter((key) => !fresh.has(key));
      if (!turned && !changed.length && !gone.length) return; // each update lays out again
      if (turned || changed.length + gone.length > 40) {
        const near = arranged && events.length > MANY ? this.inSight(events) : events;
        this.rest = events.length > near.length ? new Set(events.map((event) => event.id)) : new Set();
        for (const event of near) this.rest.delete(event.id);
        this.places.clear();
        this.taken.clear();
        this.calendar.setOption("events", this.inOrder(near.map((event) => this.placed(event))));
        if (this.rest.size) this.afterwards(() => this.drawRest());
      } else {
        for (const key of new Set(gone)) {
          this.calendar.removeEventById(this.places.get(key));
          this.taken.delete(this.places.get(key));
          this.places.delete(key);
        }
        for (const event of changed) {
          if (this.rest.has(event.id)) continue; // drawn as it then is
          this.redraw(event);
        }
      }
      this.known = fresh;
      this.events = new Map(events.map((event) => [event.id, event]));
      for (const key of this.inFlight) this.known.delete(key);
    },
    inOrder(drawn) {
      // EventCalendar sorts by start; at the same time from left to right, so that elements stay
      // where they are in the page too.
      const order = new Map(this.page.options.resources.map((each, place) => [each.id, place]));
      return drawn.sort((a, b) => order.get(a.resourceIds[0]) - order.get(b.resourceIds[0]));
    },
    redraw(event) {
      const had = this.places.get(event.id);
      const drawn = this.placed(event);
      if (had === drawn.id) return this.calendar.updateEvent(drawn);
      if (had) this.calendar.removeEventById(had);
      this.calendar.addEvent(drawn);
    },
    placed(event) {
      // As EventCalendar is to draw it: in the first free place of its column, or where it is.
      const { view } = this.page.options;
      let place = event.id;
      if (view === "day") {
        const column = `${event.resourceIds[0]}/${event.display ?? ""}${event.allDay ? "all day" : ""}`;
        const had = this.places.get(event.id);
        if (had?.startsWith(`${column}#`)) {
          place = had;
        } else {
          let number = 0;
          while (this.taken.has(`${column}#${number}`)) number++;
          place = `${column}#${number}`;
        }
        if (had) this.taken.delete(had);
        this.taken.add(place);
      }
      this.places.set(event.id, place);
      if (!this.shift) return { ...event, id: place };
      const [start, end] = [shifted(event.start, -this.shift), shifted(event.end, -this.shift)];
      return { ...event, id: place, start, end };
    },
    wall(date) {
      // The clinic's clock on the day that is looked at.
      return shifted(wall(date), this.shift);
    },
    afterwards(what) {
      // Once what has been drawn is painted.
      clearTimeout(this.resting);
      requestAnimationFrame(() => (this.resting = setTimeout(what, 20)));
    },
    inSight(events) {
      // What will be on screen once drawn; the rest follows when that stands.
      const main = this.$refs.place.querySelector(".ec-main");
      const { view, resources } = this.page.options;
      if (!main || view === "list") return events;
      const minutes = (text) => 60 * Number(text.slice(0, 2)) + Number(text.slice(3, 5));
      const top = minutes(this.scrollTime) - 60;
      const bottom = top + 120 + (main.clientHeight / SLOT_HEIGHT) * 15;
      const head = main.querySelector(".ec-col-head");
      const width = view === "day" && head ? head.offsetWidth : 0;
      const order = new Map(resources.map((each, place) => [each.id, place]));
      const left = main.scrollLeft - 2 * width;
      const right = main.scrollLeft + main.clientWidth + width;
      return events.filter((event) => {
        if (event.allDay) return true;
        const at = width * (order.get(event.resourceIds[0]) ?? 0);
        if (width && (at < left || at > right)) return false;
        const one = event.start.slice(0, 10) === event.end.slice(0, 10);
        return !one || (minutes(event.end.slice(11)) > top && minutes(event.start.slice(11)) < bottom);
      });
    },
    drawRest() {
      for (const key of this.rest) {
        if (this.events.has(key)) this.calendar.addEvent(this.placed(this.events.get(key)));
      }
      this.rest = new Set();
    },
    confirmMove(key) {
      // The server has answered a move, whatever it said: its next `show` counts.
      this.inFlight.delete(key);
      if (this.pending.has(key)) this.send(key);
      else this.known.delete(key);
    },
    tidyRoles(within) {
      // EventCalendar calls itself a table, yet its appointments stand in no cell: a group of
      // buttons is what it is. Each button says practitioner and time itself.
      const every = (selector) => {
        const found = [...within.querySelectorAll(selector)];
        return within.matches(selector) ? [within, ...found] : found;
      };
      for (const each of every(
        "[role=table], [role=list], [role=row], [role=rowgroup], [role=cell], [role=columnheader], [role=listitem]"
      )) {
        if (each.classList.contains("ec")) this.nameTheWhole();
        else each.removeAttribute("role");
        for (const name of ["aria-colindex", "aria-colspan"]) each.removeAttribute(name);
      }
      for (const each of every("h4.ec-day-head:not([aria-level])")) {
        each.setAttribute("role", "heading");
        each.setAttribute("aria-level", "2");
      }
    },
    nameTheWhole() {
      const whole = this.$refs.place.firstElementChild; // its role changes with the view
      if (whole?.getAttribute("role") === "group") return;
      whole?.setAttribute("role", "group");
      whole?.setAttribute("aria-label", "Appointments");
    },
    announce(sentence) {
      this.said = "";
      this.$nextTick(() => (this.said = sentence));
    },
    announcePage(focused) {
      // Another day: a screen reader is told, and the place that had the focus, which shows another
      // appointment now, gives it up. The next Tab goes on from there.
      this.announce(this.page.title);
      const element = document.activeElement;
      if (focused && !this.events.has(focused) && this.keyOf(element)) element.blur();
    },
    label(resource) {
      const dot = document.createElement("span");
      dot.className = "book__dot";
      dot.style.background = resource.extendedProps.colour;
      const name = document.createElement("bdi");
      name.textContent = name.title = resource.title;
      return [dot, name];
    },
    content(event) {
      // The words of a place: new nodes, or new words in the nodes that stand there already.
      const props = event.extendedProps;
      if (event.display === "background") return { domNodes: [] };
      const column = event.resourceIds[0];
      const stays = event.display === "auto" && !event.allDay && this.page.options.view === "day";
      const known = stays ? this.bodies.get(event.id) : null;
      const again = known?.column === column && known.root.isConnected;
      const body = again ? known : { column, ...this.body() };
      if (stays) this.bodies.set(event.id, body);
      if (props.key) this.write(body, event, this.timeOf(event));
      else body.root.textContent = `New, ${this.clock(event)}`; // what is drawn over free time
      return again ? {} : { domNodes: [body.root] };
    },
    tip(target) {
      // Four hundred tooltips would be written for the one that is read.
      const root = target.closest?.(".ec-event")?.querySelector("[data-key]");
      const event = root && this.events.get(root.dataset.key);
      if (!event) return;
      const { when, time, second, notes, facts } = event.extendedProps;
      root.title = [event.title, when || time, second, notes, facts].filter(Boolean).join("\n");
    },
    body() {
      const root = document.createElement("div");
      root.className = "appt";
      const words = new Map();
      return { root, words };
    },
    timeOf(event) {
      // While it is dragged, and until the server answers, as it is drawn.
      const { key, time } = event.extendedProps;
      const drawn = event.display === "preview" || this.pending.has(key) || this.inFlight.has(key);
      return drawn && !event.allDay ? this.clock(event) : time;
    },
    clock({ start, end, allDay }) {
      return allDay ? "all day" : `${wall(start).slice(11, 16)}–${wall(end).slice(11, 16)}`;
    },
    write({ root, words }, event, time) {
      const props = event.extendedProps;
      // Few elements draw quickly: the icons of a tone are one run of ligatures.
      const tones = new Map();
      for (const [icon, tone] of props.icons) tones.set(tone, [...(tones.get(tone) ?? []), icon]);
      const parts = [];
      parts.push(["title", "bdi", "appt__title", event.title]);
      const shown = ([tone, icons]) =>
        [tone, "span", `material-icons appt__icon appt__icon--${tone}`, icons.join(" ")];
      // How it stands with Google first: where there is little room the kind may go.
      const [calm, state] = [tones.get("calm"), [...tones].filter(([tone]) => tone !== "calm")];
      parts.push(...state.map(shown));
      if (!event.allDay) parts.push(["time", "span", "appt__time", time]);
      if (calm) parts.push(shown(["calm", calm]));
      if (props.second) parts.push(["second", "bdi", "appt__second", props.second]);
      parts.push(["spoken", "span", "sr-only", props.spoken]);
      const shape = parts.map((part) => part[0]).join();
      if (root.dataset.key !== props.key) root.dataset.key = props.key;
      if (words.get("shape") === shape) {
        for (const [name, , , text] of parts) {
          const node = words.get(name);
          if (node.data !== text) node.data = text;
        }
        return;
      }
      words.clear();
      words.set("shape", shape);
      root.replaceChildren();
      for (const [name, tag, classes, text] of parts) {
        const made = document.createElement(tag);
        made.className = classes;
        const node = document.createTextNode(text);
        made.append(node);
        words.set(name, node);
        if (classes.startsWith("material-icons")) made.ariaHidden = "true";
        root.append(made);
      }
    },

    // ── what a person does ────────────────────────────────────────────────────────────────────

    clicked(event) {
      if (this.suppressed && performance.now() < this.suppressed) return;
      this.$emit("open", { key: event.extendedProps.key });
    },
    dropped({ event, newResource }) {
      const resource = newResource?.id ?? event.resourceIds[0] ?? "";
      const { key } = event.extendedProps;
      this.collect(key, {
        start: this.wall(event.start),
        end: this.wall(event.end),
        allDay: event.allDay,
        resource: String(resource),
      });
      this.send(key);
    },
    collect(key, to) {
      const event = this.events.get(key);
      const drawn = { ...event, start: to.start, end: to.end, resourceIds: [to.resource] };
      this.events.set(key, drawn);
      this.known.delete(key);
      this.pending.set(key, to);
      return drawn;
    },
    send(key) {
      if (this.inFlight.has(key)) return; // goes out when the one before it is confirmed
      const to = this.pending.get(key);
      const event = this.events.get(key);
      this.pending.delete(key);
      if (!to || !event) return;
      this.inFlight.add(key);
      this.$emit("move", { key, seen: event.extendedProps.revision, ...to });
    },
    begin({ target, clientX, clientY }) {
      // A double click on free time; on an appointment the first click has opened it.
      if (this.suppressed && performance.now() < this.suppressed) return;
      if (this.keyOf(target) || this.menu || !this.page?.rights.edits) return;
      const info = this.calendar.dateFromPoint(clientX, clientY);
      if (info) this.$emit("create", this.placeOf(info));
    },
    selected(info) {
      this.$emit("create", { ...this.placeOf(info), end: this.wall(info.end) });
      this.calendar.unselect();
    },
    placeOf(info) {
      return {
        start: this.wall(info.start ?? info.date),
        allDay: Boolean(info.allDay),
        resource: info.resource?.id ?? "",
      };
    },

    // ── the menu ──────────────────────────────────────────────────────────────────────────────

    contextMenu(event) {
      event.preventDefault();
      if (this.menu && this.$refs.menu?.contains(event.target)) return;
      if (event.pointerType === "touch" || this.press) return; // a long press opens it when let go
      this.menuAt(event.target, event.clientX, event.clientY);
    },
    pressed(event) {
      this.press = null;
      if (event.pointerType === "mouse" || !event.isPrimary) return;
      this.press = { x: event.clientX, y: event.clientY, at: performance.now(), target: event.target };
    },
    released(event) {
      const press = this.press;
      this.press = null;
      if (!press || performance.now() - press.at < LONG_PRESS) return;
      if (Math.hypot(event.clientX - press.x, event.clientY - press.y) > 8) return;
      this.suppressed = performance.now() + 400;
      this.menuAt(press.target, press.x, press.y);
    },
    menuAt(target, x, y) {
      const shown = this.keyOf(target);
      if (shown) return this.eventMenu(shown, x, y, target.closest(".ec-event"));
      const info = this.calendar.dateFromPoint(x, y);
      if (!info) return;
      this.lastPlace = this.placeOf(info);
      this.openMenu("This time", x, y, { place: this.lastPlace }, [
        { what: "create", label: "New appointment", icon: "add", keys: "N", needs: "edits" },
        { what: "upload", label: "Upload to Google", icon: "cloud_upload", needs: "uploads" },
      ]);
    },
    eventMenu(key, x, y, back) {
      const event = this.events.get(key);
      const props = event.extendedProps;
      const items = [
        { what: "open", label: props.imported || !this.page.rights.edits ? "Look at it" : "Open", icon: "edit_calendar", keys: "Enter" },
        { what: "copy", label: "Copy appointment", icon: "content_copy", needs: "edits" },
      ];
      if (!props.imported) {
        items.push(props.cancelled
          ? { what: "restore", label: "Take the cancellation back", icon: "event_available", needs: "edits" }
          : { what: "cancel", label: "Cancel appointment", icon: "event_busy", keys: "Del", needs: "edits" });
      }
      items.push(
        { what: "shows", label: "What does Google show?", icon: "visibility" },
        { what: "upload", label: "Upload to Google", icon: "cloud_upload", needs: "uploads" },
        { what: "create", label: "New appointment", icon: "add", keys: "N", needs: "edits" }
      );
      const place = { start: event.start, allDay: event.allDay, resource: props.practitioner };
      this.openMenu(event.title, x, y, { key, seen: props.revision, place }, items, back);
    },
    openMenu(title, x, y, subject, every, back) {
      const items = every.filter((item) => !item.needs || this.page.rights[item.needs]);
      if (!items.length) return;
      this.subject = subject;
      this.back = back ?? document.activeElement;
      this.menu = { title, x, y, items };
      this.$nextTick(() => {
        const box = this.$refs.menu.getBoundingClientRect();
        this.menu.x = Math.max(8, Math.min(x, window.innerWidth - box.width - 8));
        this.menu.y = Math.max(8, Math.min(y, window.innerHeight - box.height - 8));
        this.$refs.menu.querySelector("button").focus({ preventScroll: true });
      });
    },
    close() {
      if (!this.menu) return;
      this.menu = null;
      this.back?.focus?.({ preventScroll: true });
    },
    menuKeys(event) {
      const items = [...this.$refs.menu.querySelectorAll("button")];
      const at = items.indexOf(document.activeElement);
      const go = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
      if (go !== undefined) items[(go + items.length) % items.length].focus();
      else if (event.key === "Escape" || event.key === "Tab") this.close();
      else return;
      event.preventDefault();
      event.stopPropagation();
    },
    choose(what) {
      const subject = this.subject;
      this.close();
      this.suppressed = performance.now() + 400; // a second click falls on what is below the menu
      if (what === "open") this.$emit("open", { key: subject.key });
      else if (what === "create") this.$emit("create", subject.place);
      else this.$emit("act", { what, ...subject, ...subject.place });
    },

    // ── keys ──────────────────────────────────────────────────────────────────────────────────

    windowKeys(event) {
      const target = event.target;
      const typing = target.closest?.("input, textarea, select, [contenteditable], .q-dialog, .q-menu");
      if (typing || document.querySelector(".q-dialog") || event.altKey) return;
      const control = event.ctrlKey || event.metaKey;
      const what = control
        ? { z: event.shiftKey ? "redo" : "undo", y: "redo" }[event.key.toLowerCase()]
        : { n: "create", t: "today", "?": "keys", "/": "search", PageUp: "previous", PageDown: "next" }[
            event.key.length === 1 ? event.key.toLowerCase() : event.key
          ];
      if (!what || this.menu) return;
      event.preventDefault();
      if (what !== "create") return this.$emit("act", { what });
      if (!this.page?.rights.edits) return;
      const focused = this.events.get(this.focusedKey());
      if (focused) {
        const resource = focused.extendedProps.practitioner;
        return this.$emit("create", { start: focused.end, allDay: false, resource });
      }
      this.$emit("create", this.lastPlace ?? {});
    },
    eventKeys(event) {
      const key = this.keyOf(event.target);
      if (!key || this.menu) return;
      const element = event.target.closest(".ec-event");
      if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) {
        const box = element.getBoundingClientRect();
        this.eventMenu(key, box.left + 12, box.top + Math.min(24, box.height), element);
      } else if (event.key === "Delete") {
        const { revision, imported, cancelled } = this.events.get(key).extendedProps;
        if (!imported && !cancelled && this.page.rights.edits) this.$emit("act", { what: "cancel", key, seen: revision });
      } else if (event.key.startsWith("Arrow") && event.altKey) {
        this.nudge(key, event.key, event.shiftKey);
      } else if (event.key.startsWith("Arrow")) {
        this.step(element, event.key);
      } else {
        return;
      }
      event.preventDefault();
      event.stopPropagation();
    },
    nudge(key, arrow, resize) {
      const event = this.events.get(key);
      const props = event.extendedProps;
      if (!event.startEditable) {
        const why = props.imported ? "It was imported and cannot be moved here." : "It cannot be moved.";
        return this.announce(why);
      }
      const unit = event.allDay ? 1440 : STEP;
      let { start, end } = event;
      let resource = event.resourceIds[0] ?? props.practitioner;
      if (arrow === "ArrowUp" || arrow === "ArrowDown") {
        const by = arrow === "ArrowUp" ? -unit : unit;
        if (!resize) start = shifted(start, by);
        end = shifted(end, by);
        if (end <= start) return;
      } else if (this.page.options.view === "day") {
        const ids = this.page.options.resources.map((each) => each.id);
        resource = ids[ids.indexOf(resource) + (arrow === "ArrowLeft" ? -1 : 1)];
        if (!resource) return this.announce("There is no practitioner further that way.");
      } else {
        const by = arrow === "ArrowLeft" ? -1440 : 1440;
        [start, end] = [shifted(start, by), shifted(end, by)];
      }
      const drawn = this.collect(key, { start, end, allDay: event.allDay, resource });
      this.redraw(drawn);
      this.focus(key, false);
      const who = this.page.options.resources.find((each) => each.id === resource)?.title ?? "";
      this.announce(`${start.slice(11, 16)} to ${end.slice(11, 16)} ${who}`);
      clearTimeout(this.collecting);
      this.collecting = setTimeout(() => [...this.pending.keys()].forEach((each) => this.send(each)), COLLECT);
    },
    step(element, arrow) {
      // The nearest appointment that way: within a column up and down, across columns sideways.
      const from = element.getBoundingClientRect();
      const across = arrow === "ArrowLeft" || arrow === "ArrowRight";
      const sign = arrow === "ArrowLeft" || arrow === "ArrowUp" ? -1 : 1;
      let best = null;
      for (const other of this.$refs.place.querySelectorAll(".ec-event:not(.ec-preview)")) {
        if (other === element || !other.querySelector("[data-key]")) continue;
        const to = other.getBoundingClientRect();
        const dx = to.left - from.left;
        const dy = to.top - from.top;
        const ahead = sign * (across ? dx : dy || 0.1 * dx);
        if (ahead <= 0) continue;
        const distance = across ? ahead + 2 * Math.abs(dy) : ahead + 8 * Math.abs(dx);
        if (!best || distance < best.distance) best = { distance, other };
      }
      best?.other.focus();
    },
    keyOf(target) {
      return target.closest?.(".ec-event")?.querySelector("[data-key]")?.dataset.key ?? "";
    },
    focusedKey() {
      return this.keyOf(document.activeElement ?? document.body);
    },
    focus(key, wanted, tries = 30) {
      // What an edit led to is focused once its dialog has gone; else the focus is only kept.
      requestAnimationFrame(() => {
        if (document.querySelector(".q-dialog") || this.rest.has(key)) {
          if (wanted && tries) setTimeout(() => this.focus(key, wanted, tries - 1), 50);
          return;
        }
        const found = this.$refs.place.querySelector(`[data-key="${CSS.escape(key)}"]`);
        const element = found?.closest(".ec-event");
        if (!element || element === document.activeElement) return;
        element.focus({ preventScroll: true });
        if (wanted) element.scrollIntoView({ block: "nearest", inline: "nearest" });
      });
    },
  },
};
