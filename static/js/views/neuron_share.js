/** All probabilities as one bar of length 1, the key that is followed in full light, the sink at the end. */

/**
 * @param {import('../painter.js').Painter} paint
 * @param {import('../answers_attention.js').NeuronData} data
 * @param {number} key
 * @param {{x: number, y: number, width: number, height: number}} box
 * @param {import('../look.js').Look} look
 */
export function drawShare(paint, { probs, sink }, key, { x, y, width, height }, look) {
  paint.rect(x, y, width, height, look.paper2);
  let at = 0;
  probs.forEach((value, i) => {
    const length = value * width;
    if (length > 0.2) paint.rect(x + at, y, Math.max(length - (length > 3 ? 1 : 0), 0.5), height, i === key ? look.glow : look.line);
    at += length;
  });
  const own = probs.slice(0, key).reduce((sum, value) => sum + value, 0) * width;
  const length = probs[key] * width;
  paint.rect(x + own, y, Math.max(length - (length > 3 ? 1 : 0), 1.5), height, look.glow);
  paint.rect(x + own, y + height + 2, Math.max(length - (length > 3 ? 1 : 0), 1.5), 2, look.ink);
  if (sink) for (let gap = at + 1; gap < width; gap += 4) paint.rect(x + gap, y, 1, height, look.ink3);
}
