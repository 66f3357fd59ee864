// A small memory of answers, so that going back to a head that was just looked at is instant.

/**
 * Keeps the `limit` most recently used.
 * @template V
 * @param {number} limit
 */
export function createCache(limit) {
  /** @type {Map<string, V>} */
  const entries = new Map();
  return {
    /** @param {string} key @returns {V|undefined} */
    get(key) {
      const value = entries.get(key);
      if (value !== undefined) {
        entries.delete(key);
        entries.set(key, value);
      }
      return value;
    },
    /** @param {string} key @param {V} value */
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      for (const oldest of entries.keys()) {
        if (entries.size <= limit) break;
        entries.delete(oldest);
      }
    },
    clear: () => entries.clear(),
    get size() { return entries.size; },
  };
}
