// A month of days with the number of appointments on each; arrows move, Enter chooses.
const two = (number) => String(number).padStart(2, "0");
const iso = (date) => date.toISOString().slice(0, 10);
const day = (text) => new Date(text + "T00:00:00Z");

export default {
  template: `
    <div class="month" role="group" aria-label="Choose a day">
      <div class="month__head">
        <button type="button" class="month__turn" aria-label="Previous month" data-repeats @click="turn(-1)">
          <span class="material-icons" aria-hidden="true">chevron_left</span></button>
        <p class="strong" aria-live="polite">{{ title }}</p>
        <button type="button" class="month__turn" aria-label="Next month" data-repeats @click="turn(1)">
          <span class="material-icons" aria-hidden="true">chevron_right</span></button>
      </div>
      <table class="month__days" @keydown="keys">
        <thead><tr><th v-for="name in ['Mo','Tu','We','Th','Fr','Sa','Su']" :key="name" scope="col">{{ name }}</th></tr></thead>
        <tbody>
          <tr v-for="week in weeks" :key="week[0].iso">
            <td v-for="each in week" :key="each.iso">
              <button type="button" class="month__day" :data-day="each.iso"
                      :aria-current="each.iso === today ? 'date' : undefined"
                      :aria-pressed="each.iso === selected"
                      :class="{ 'month__day--other': each.other }"
                      :tabindex="each.iso === at ? 0 : -1" @click="$emit('pick', each.iso)">
                <span><span class="sr-only">{{ each.weekday }} </span>{{ each.number }}<span class="sr-only"> {{ each.month }}<template v-if="counted">, </template></span></span>
                <span v-for="line in each.lines" class="month__line" :class="{ 'month__line--gone': line[2] }">
                  <span class="month__time">{{ line[0] }}</span> <bdi>{{ line[1] }}</bdi></span>
                <small v-if="each.lines.length">{{ each.more ? "+ " + each.more + " more" : "" }}</small>
                <small v-else-if="each.count">{{ each.count }}<span class="sr-only"> {{ each.count === 1 ? "appointment" : "appointments" }}</span></small>
                <span v-else-if="counted" class="sr-only">no appointments</span>
              </button>
            </td>
          </tr>
        </tbody>
      </table>
    </div>
  `,
  props: { month: String, selected: String, today: String, counts: Object, counted: Boolean, lines: Object },
  emits: ["pick", "month"],
  data() {
    return { at: this.selected };
  },
  mounted() {
    if (!this.$el.closest(".q-menu")) return; // in a dialog another field has the focus
    setTimeout(() => this.$el.querySelector("[aria-pressed=true]")?.focus(), 50);
  },
  watch: {
    selected(value) {
      this.at = value;
    },
  },
  computed: {
    title() {
      return day(this.month).toLocaleDateString("en-AU", { month: "long", year: "numeric", timeZone: "UTC" });
    },
    weeks() {
      const first = day(this.month);
      const start = new Date(first);
      start.setUTCDate(1 - ((first.getUTCDay() + 6) % 7));
      return Array.from({ length: 6 }, (_, week) =>
        Array.from({ length: 7 }, (_, weekday) => {
          const date = new Date(start);
          date.setUTCDate(start.getUTCDate() + 7 * week + weekday);
          const text = iso(date);
          const count = this.counts[text] ?? 0;
          const lines = this.lines?.[text] ?? [];
          const part = (options) => date.toLocaleDateString("en-AU", { ...options, timeZone: "UTC" });
          return {
            iso: text,
            number: date.getUTCDate(),
            count,
            lines,
            more: count - lines.length,
            other: date.getUTCMonth() !== first.getUTCMonth(),
            weekday: part({ weekday: "long" }),
            month: part({ month: "long", year: "numeric" }),
          };
        })
      );
    },
  },
  methods: {
    turn(by) {
      const first = day(this.month);
      first.setUTCMonth(first.getUTCMonth() + by);
      this.at = iso(first);
      this.$emit("month", iso(first));
    },
    keys(event) {
      const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      const date = day(event.target.dataset.day ?? this.at);
      date.setUTCDate(date.getUTCDate() + by);
      this.at = iso(date);
      const month = `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-01`;
      if (month !== this.month) this.$emit("month", month);
      setTimeout(() => this.$el.querySelector(`[data-day="${this.at}"]`)?.focus(), month === this.month ? 0 : 120);
    },
  },
};
