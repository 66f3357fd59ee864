// Tables that are wider than their room say so: on which sides there is more of them.

const BOXES = '.table-box, .neuron-grid, .causes-grid-box';

/**
 * Marks them with `data-more`: left, right or both. The style sheet makes words of it.
 * @param {HTMLElement} root in which they come and go
 */
export function hintScroll(root) {
  let waiting = 0;

  function look() {
    waiting = 0;
    for (const box of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(BOXES))) {
      const more = sides(box.scrollLeft, box.clientWidth, box.scrollWidth);
      if (more) box.dataset.more = more;
      else delete box.dataset.more;
    }
  }
  const soon = () => { waiting ||= requestAnimationFrame(look); };

  root.addEventListener('scroll', soon, { capture: true, passive: true });
  new MutationObserver(soon).observe(root, { childList: true, subtree: true });
  new ResizeObserver(soon).observe(root);
}

/**
 * @param {number} from pixels that are pushed out at the left
 * @param {number} room
 * @param {number} all
 * @returns {'left'|'right'|'both'|null}
 */
export function sides(from, room, all) {
  const [left, right] = [from > 1, from + room < all - 1];
  if (left && right) return 'both';
  return left ? 'left' : right ? 'right' : null;
}
