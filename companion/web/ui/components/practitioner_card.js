// One practitioner as plain HTML: two hundred of these must be quick, so no element per word.
export default {
  template: `
    <article class="card who" :class="{ 'who--row': card.page }" :aria-labelledby="id">
      <div class="who__state">
        <div class="who__head">
          <span class="who__dot" :style="{ background: card.colour }" aria-hidden="true"></span>
          <h2 class="who__name" :id="id" dir="auto">
            <a v-if="card.page" :href="card.page">{{ card.heading }}</a>
            <template v-else>{{ card.heading }}</template>
          </h2>
          <span class="badge" :class="'badge--' + card.tone">{{ card.badge }}</span>
        </div>
        <p v-if="card.sentence" class="who__sentence" role="status">{{ card.sentence }}</p>
        <div v-if="card.progress" class="stack" role="group" aria-label="Upload to Google">
          <div class="meter" :class="{ 'meter--unknown': card.progress.share === null }" role="progressbar"
               aria-label="Uploaded" aria-valuemin="0" aria-valuemax="100"
               :aria-valuenow="card.progress.share === null ? undefined : Math.round(100 * card.progress.share)">
            <span :style="card.progress.share === null ? {} : { width: 100 * card.progress.share + '%' }"></span>
          </div>
          <p class="small soft">{{ card.progress.line }}</p>
        </div>
        <div v-if="card.held" class="notice notice--warn notice--row">
          <p class="notice__text">{{ card.held }}</p>
          <q-btn class="btn btn--second" unelevated no-caps label="Show" @click="$emit('held')"
                 :aria-label="'Show the removals that wait for ' + card.name" />
        </div>
      </div>
      <div v-if="card.facts.length || card.proof || card.strip" class="who__facts">
        <dl v-if="card.facts.length" class="facts">
          <template v-for="fact in card.facts" :key="fact.name">
            <dt>{{ fact.name }}</dt><dd dir="auto" :title="fact.title || undefined">{{ fact.value }}</dd>
          </template>
        </dl>
        <p v-if="card.proof" class="proof" :class="{ 'proof--calm': card.tone !== 'ok' }"><q-icon name="verified_user" aria-hidden="true" /><span>{{ card.proof }}</span></p>
        <p v-if="card.strip" class="strip" role="img" :aria-label="card.strip.words"><span
          v-for="(day, n) in card.strip.days" :key="n" :class="'strip__' + day[0]" :title="day[1]"></span></p>
      </div>
      <div class="who__actions">
        <q-btn v-for="action in card.actions" :key="action.event" class="btn"
               :class="['btn--' + action.look, action.bare ? 'btn--icon' : '']"
               unelevated no-caps :icon="action.icon" :label="action.bare ? undefined : action.label"
               :href="action.href" :target="action.target" :title="action.bare ? action.label : undefined"
               :disable="action.disabled" :aria-label="action.label + ', ' + card.name"
               @click="action.href ? null : $emit(action.event)" />
      </div>
    </article>
  `,
  props: { card: Object },
  emits: ["upload", "stop", "held", "keep", "connect"],
  computed: {
    id() {
      return "who-" + this.card.id;
    },
  },
};
