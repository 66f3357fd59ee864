// The buttons of the aside: what can be taken away of the picture that is shown.

import { download, SAFETENSORS } from '../api.js';
import { copy, fileName, numbersPath, save, toCsv, toCurl } from '../exports.js';
import { keepHeads } from '../safetensors.js';
import { stackOf } from '../selection.js';
import { toUrl } from '../url.js';

/** @typedef {import('../components/aside.js').Action} Action */

/**
 * @param {object} page
 * @param {import('../types.js').Store} page.store
 * @param {ReturnType<typeof import('../stage.js').createStage>} page.stage
 * @param {ReturnType<typeof import('../session.js').createSession>} page.session
 * @param {(words: string) => void} page.say
 * @param {(error: unknown) => void} page.fail
 * @returns {Action[]}
 */
export function takeAway({ store, stage, session, say, fail }) {
  const stackName = () => (stage.looking ? stackOf(store.get(), stage.looking.run).name : '');

  const part = () => stage.handle?.part?.() ?? null;

  /** @param {string} extension @param {() => Promise<Blob>|Blob|undefined} make */
  async function file(extension, make) {
    try {
      const [state, numbers] = [store.get(), extension === 'csv' || extension === 'safetensors' ? part() : null];
      // the numbers of a part are all there, however small
      const name = fileName(numbers ? { ...state, least: 0 } : state, stackName(), extension, numbers?.rows);
      const blob = await make();
      if (!blob) return;
      save(blob, name);
      say(`Saved ${name}`);
    } catch (error) {
      fail(error);
    }
  }

  /** @param {string} what @param {() => string} make */
  async function clipboard(what, make) {
    try {
      await copy(make());
      say(`${what} copied`);
    } catch (error) {
      fail(error);
    }
  }

  const table = () => stage.handle?.table?.();
  const csv = () => {
    const numbers = table();
    return numbers && new Blob([toCsv(numbers)], { type: 'text/csv' });
  };
  const address = () => stage.handle?.address?.() ?? null;
  const numbers = () => {
    const own = address();
    if (own) return own.matrix ? own.path : null;
    return stage.looking ? numbersPath(stage.looking.run, atHand(stage.needs())) : null;
  };
  /** What is asked for again as a file is what is here. @param {import('../types.js').Needs} needs @returns {import('../types.js').Needs} */
  const atHand = (needs) => {
    const rows = part()?.rows;
    return rows && needs.attention && store.get().group === 'token' ? { ...needs, attention: { ...needs.attention, rows } } : needs;
  };
  const safetensors = () => {
    const [path, looking] = [numbers(), stage.looking];
    if (!path || !looking) return undefined;
    const heads = part()?.heads;
    return session.again(() => download(path, SAFETENSORS), looking.request)
      .then(async (blob) => (heads ? new Blob([keepHeads(await blob.arrayBuffer(), heads)]) : blob));
  };
  const curl = () => {
    const looking = stage.looking;
    const own = { address: address()?.path, posted: stage.handle?.posted?.() };
    return looking ? toCurl(looking.request, store.get(), looking.run, stackName(), stage.needs(), location.origin, own) : '';
  };
  const drawn = () => stage.handle !== null;
  const ready = () => drawn() && (stage.handle?.ready?.() ?? true);

  return [
    { id: 'png', title: 'PNG', run: () => file('png', () => stage.handle?.picture?.png()), available: () => ready() && stage.handle?.picture !== undefined },
    { id: 'svg', title: 'SVG', run: () => file('svg', () => stage.handle?.picture?.svg()), available: () => ready() && stage.handle?.picture !== undefined },
    { id: 'csv', title: 'CSV', run: () => file('csv', csv), available: () => ready() && stage.handle?.table !== undefined },
    { id: 'safetensors', title: 'safetensors', run: () => file('safetensors', safetensors), available: () => ready() && numbers() !== null },
    { id: 'link', title: 'Copy link', run: () => clipboard('Link', () => location.origin + toUrl(store.get())), available: drawn },
    { id: 'curl', title: 'Copy as curl', run: () => clipboard('Command', curl), available: ready },
  ];
}
