// Reads a feed from standard input with ical.js and writes its occurrences as JSON:
// [uid, start, end, summary, location, description, transparency], times in UTC, days as dates.
import { readFileSync } from "node:fs";
import ICAL from "../vendor/ical.js/ical.min.mjs";

const moment = (time) => (time.isDate ? time.toString() : time.toJSDate().toISOString());
const calendar = new ICAL.Component(ICAL.parse(readFileSync(0, "utf8")));
const found = [];
for (const component of calendar.getAllSubcomponents("vevent")) {
  const event = new ICAL.Event(component);
  const occurrences = event.iterator();
  // No series is written, so a reader may find one occurrence of each and no more.
  for (let next = occurrences.next(), most = 3; next && most > 0; next = occurrences.next(), most--) {
    const { startDate, endDate } = event.getOccurrenceDetails(next);
    found.push([
      event.uid,
      moment(startDate),
      moment(endDate),
      event.summary ?? "",
      event.location ?? "",
      event.description ?? "",
      component.getFirstPropertyValue("transp"),
    ]);
  }
}
process.stdout.write(JSON.stringify(found));
