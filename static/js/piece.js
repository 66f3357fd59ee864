// A token's text as nodes: what cannot be seen is shown by a sign in a quieter ink.

import { h, visible } from './dom.js';

const SIGN = /(·|⏎|⇥|∅|⟨U\+[0-9A-F]+⟩)/;

/**
 * Spaces are ·, newlines ⏎. A dot that was written as a dot stays in full ink. Apart from what stands beside it, so that
 * a number behind an Arabic word stays behind it.
 * @param {string} display
 * @returns {Node}
 */
export function piece(display) {
  if (display === '') return sign('∅');
  return h('bdi', {}, [...display].reduce((/** @type {(Node|string)[]} */ nodes, character) => {
    const shown = visible(character);
    const last = nodes.at(-1);
    if (shown !== character && SIGN.test(shown)) nodes.push(sign(shown));
    else if (typeof last === 'string') nodes[nodes.length - 1] = last + character;
    else nodes.push(character);
    return nodes;
  }, []));
}

/** @param {string} text */
function sign(text) {
  return h('span.sign', {}, text);
}
