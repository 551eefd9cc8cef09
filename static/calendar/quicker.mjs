// Three changes to EventCalendar before it is bundled; run by the commands in README.md.
//
// An appointment that is drawn again keeps its element: chunks are known by the event's id, not by
// the object that happens to describe it. And the hours of day do not depend on the events unless
// they are flexible: otherwise each change of one appointment has every column and label redone.
// An appointment is a button, which an <article> must not be.
import { readFileSync, writeFileSync } from "node:fs";

const FILE = "node_modules/@event-calendar/core/dist/index.js";
const CHANGES = [
  ["`<article><!></article>`", "`<div><!></div>`"],
  ["chunk.id = `${uid(event)}-${gridColumn}", "chunk.id = `${event.id}-${gridColumn}"],
  [
    "let { filteredEvents, viewDates, options: { flexibleSlotTimeLimits, slotMinTime, slotMaxTime } } = mainState;\n\t\tlet limits;",
    "let { viewDates, options: { flexibleSlotTimeLimits, slotMinTime, slotMaxTime } } = mainState;\n\t\tlet filteredEvents = flexibleSlotTimeLimits ? mainState.filteredEvents : [];\n\t\tlet limits;",
  ],
];

let text = readFileSync(FILE, "utf8");
for (const [from, to] of CHANGES) {
  if (text.split(from).length !== 2) throw new Error(`Not there exactly once: ${from}`);
  text = text.replace(from, () => to);
}
writeFileSync(FILE, text);
