// The buttons of the aside: what can be taken away of the picture that is shown.

import { download, SAFETENSORS } from '../api.js';
import { copy, fileName, numbersPath, save, toCsv, toCurl } from '../exports.js';
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

  /** @param {string} extension @param {() => Promise<Blob>|Blob|undefined} make */
  async function file(extension, make) {
    try {
      const name = fileName(store.get(), stackName(), extension);
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
    return stage.looking ? numbersPath(stage.looking.run, stage.needs()) : null;
  };
  const safetensors = () => {
    const [path, looking] = [numbers(), stage.looking];
    return path && looking ? session.again(() => download(path, SAFETENSORS), looking.request) : undefined;
  };
  const curl = () => (stage.looking ? toCurl(stage.looking.request, store.get(), stage.looking.run, stackName(), stage.needs(), location.origin, address()?.path) : '');
  const drawn = () => stage.handle !== null;

  return [
    { id: 'png', title: 'PNG', run: () => file('png', () => stage.handle?.picture?.png()), available: () => stage.handle?.picture !== undefined },
    { id: 'svg', title: 'SVG', run: () => file('svg', () => stage.handle?.picture?.svg()), available: () => stage.handle?.picture !== undefined },
    { id: 'csv', title: 'CSV', run: () => file('csv', csv), available: () => stage.handle?.table !== undefined },
    { id: 'safetensors', title: 'safetensors', run: () => file('safetensors', safetensors), available: () => numbers() !== null },
    { id: 'link', title: 'Copy link', run: () => clipboard('Link', () => location.origin + toUrl(store.get())), available: drawn },
    { id: 'curl', title: 'Copy as curl', run: () => clipboard('Command', curl), available: drawn },
  ];
}
