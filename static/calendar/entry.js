// What the Appointment Book screen uses of EventCalendar; built into index.js by the command in
// README.md.
export {
  createCalendar,
  destroyCalendar,
  Interaction,
  List,
  ResourceTimeGrid,
  TimeGrid,
} from "@event-calendar/core";
