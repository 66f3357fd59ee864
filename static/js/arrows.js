// The arrow keys on a picture of layers by heads.

/** @type {Record<string, [number, number]>} */
const STEPS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/**
 * @param {HTMLElement} element
 * @param {(across: number, down: number) => void} move
 */
export function onArrows(element, move) {
  element.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const step = STEPS[event.key];
    if (!step) return;
    move(...step);
    event.preventDefault();
    event.stopPropagation();
  });
}
