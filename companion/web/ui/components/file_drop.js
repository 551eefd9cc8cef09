// A place to drop one file or choose it; sent as it is, with its name in a header.
export default {
  template: `
    <div class="drop" :class="{ 'drop--over': over, 'drop--small': small }"
         @dragenter.prevent="over = true" @dragover.prevent="over = true"
         @dragleave.prevent="over = false" @drop.prevent="dropped">
      <div class="drop__inner">
        <q-icon :name="icon" aria-hidden="true" />
        <template v-if="share === null">
          <p class="strong">{{ label }}</p>
          <p v-if="hint" class="small soft">{{ hint }}</p>
          <q-btn class="btn" :class="small ? 'btn--second' : 'btn--primary'" unelevated no-caps
                 :label="choose" :disable="disabled" @click="$refs.input.click()" />
        </template>
        <template v-else>
          <p class="strong" dir="auto" role="status">Reading {{ name }} …</p>
          <div class="meter" role="progressbar" aria-label="Reading the file" aria-valuemin="0"
               aria-valuemax="100" :aria-valuenow="Math.round(100 * share)">
            <span :style="{ width: 100 * share + '%' }"></span>
          </div>
        </template>
        <input ref="input" class="sr-only" type="file" :accept="accept" tabindex="-1"
               aria-hidden="true" :aria-label="choose" @change="picked" />
      </div>
    </div>
  `,
  props: {
    label: String,
    hint: String,
    choose: String,
    accept: String,
    icon: String,
    small: Boolean,
    disabled: Boolean,
    most: Number,
  },
  emits: ["received", "refused"],
  data: () => ({ over: false, share: null, name: "" }),
  methods: {
    picked(event) {
      this.send(event.target.files);
      event.target.value = "";
    },
    dropped(event) {
      this.over = false;
      this.send(event.dataTransfer.files);
    },
    refuse(what, remedy) {
      this.share = null;
      this.$emit("refused", { what, remedy });
    },
    send(files) {
      if (this.disabled || this.share !== null || !files.length) return;
      if (files.length > 1) return this.refuse("That was more than one file.", "Choose one at a time.");
      const file = files[0];
      if (file.size > this.most) {
        return this.refuse(
          `This file is larger than ${Math.floor(this.most / 1048576)} MB.`,
          "Export a shorter range of dates and import that."
        );
      }
      this.name = file.name;
      this.share = 0;
      const request = new XMLHttpRequest();
      request.open("POST", "/files/incoming");
      request.responseType = "json";
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.setRequestHeader("X-File-Name", encodeURIComponent(file.name));
      request.upload.onprogress = (event) => (this.share = event.total ? event.loaded / event.total : 0);
      request.onerror = () => this.refuse("The file could not be read.", "Choose it again.");
      request.onload = () => {
        const answer = request.response ?? {};
        if (request.status !== 200 || !answer.ticket) {
          return this.refuse(answer.what ?? "The file could not be read.", answer.remedy ?? "Choose it again.");
        }
        this.share = null;
        this.$emit("received", { name: file.name, ticket: answer.ticket });
      };
      request.send(file);
    },
  },
};
