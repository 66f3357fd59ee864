/** The rows of every head at every step are what a written text weighs: the page keeps the newest, up to a bound. */

/** @typedef {import('./generate_texts.js').Rows} Rows */
/** @typedef {import('./generate_texts.js').Text} Text */

/** Bytes of rows; 256 steps of SmolLM2 with 512 numbers a row are 141 MB. */
export const MOST_BYTES = 160e6;

/** What is said of a step whose rows are gone. */
export const GONE = `The rows of this step are not kept any more: the page keeps the newest ${Math.round(MOST_BYTES / 1e6)} MB of them. `
  + '“Use this text” reads all of it again, and Map then has every row.';

const NOTHING = new Float32Array(0);

/** The numbers of these rows are not kept any more. @param {Rows} rows */
export function isGone({ values }) {
  return values.length === 0;
}

/** @param {Pick<import('./generate_texts.js').Step, 'own'|'over'>} step @returns {Rows[]} */
const rowsOf = ({ own, over }) => (over ? [own, over] : [own]);

/** @param {number} [most] bytes */
export function createShelf(most = MOST_BYTES) {
  /** The oldest first. What the page has let go of, with the run it was written on, is not held here. @type {WeakRef<Rows>[]} */
  let shelf = [];

  return {
    /**
     * Takes in a fresh step. Where it is too much, the oldest rows lose their numbers: first those of other texts.
     * @param {Pick<import('./generate_texts.js').Step, 'own'|'over'>} step
     * @param {readonly (Text|null)[]} spared texts that are written or looked at
     */
    add(step, spared) {
      shelf = [...shelf.filter((one) => one.deref()), ...rowsOf(step).map((rows) => new WeakRef(rows))];
      const kept = shelf.map((one) => one.deref()).filter((rows) => rows !== undefined);
      let bytes = kept.reduce((sum, { values }) => sum + values.byteLength, 0);
      if (bytes <= most) return;
      const last = new Set(spared.flatMap((text) => text?.steps ?? []).flatMap(rowsOf));
      for (const rows of [...kept.filter((one) => !last.has(one)), ...kept.filter((one) => last.has(one))]) {
        if (bytes <= most) break;
        bytes -= rows.values.byteLength;
        rows.values = NOTHING;
      }
      shelf = kept.filter((rows) => !isGone(rows)).map((rows) => new WeakRef(rows));
    },
  };
}
