// What a token of the strip can become: a mask that the model fills in, or another word.

import { editInPlace, stretchOf } from '../inplace.js';
import { fills } from '../masks.js';
import { stackOf, tokensOf } from '../selection.js';
import { changeTo } from '../views/whatif.js';

/**
 * @param {object} page
 * @param {import('../types.js').Store} page.store
 * @param {ReturnType<typeof import('../stage.js').createStage>} page.stage
 * @param {(text: string) => void} page.announce
 */
export function createWords({ store, stage, announce }) {
  /** In Next word the tokens of a masked model are masked, not pinned. */
  const filling = () => store.get().view === 'next' && stage.looking !== null && fills(stage.looking.model, stage.looking.run);

  return {
    filling,
    /** @param {number} index @returns {boolean} was it for the view to mask it, or to give it back? */
    fill(index) {
      if (!filling()) return false;
      stage.handle?.fill?.(index);
      return true;
    },
    /**
     * It is changed in place: What if holds the changed text against this one.
     * @param {'query'|'key'} side
     * @param {number} index
     * @param {HTMLElement} chip
     */
    change(side, index, chip) {
      const looking = stage.looking;
      if (!looking || filling()) return;
      const { rows, cols } = tokensOf(stackOf(store.get(), looking.run), looking.run);
      const token = (side === 'query' ? rows : cols)[index];
      const written = looking.run.tokens.encoder ?? looking.run.tokens.decoder;
      const stretch = written?.[index] === token ? stretchOf(looking.request.text, token) : null;
      if (!stretch) {
        announce('This token cannot be changed here.');
        return;
      }
      editInPlace(chip, stretch.word, `In place of ${stretch.word}`, (to) => {
        const changed = stretch.change(to);
        if (changed.trim() === '') announce('A text of no words cannot be run.');
        else store.set(changeTo(changed, looking.request.text));
      });
    },
  };
}
