import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { query } from '../../static/js/paths.js';
import { amount } from '../../static/js/ticks.js';
import { visible } from '../../static/js/dom.js';
import { fileName, numbersPath, shellQuote, toCsv, toCurl } from '../../static/js/exports.js';
import { duration, fileSize, grouped, measure, modelSize, probability, short, words } from '../../static/js/format.js';
import { DEFAULTS } from '../../static/js/store.js';

test('thousands stand apart', () => {
  assert.deepEqual([0, 999, 1000, 49152, 12345.6].map(grouped), ['0', '999', '1,000', '49,152', '12,346']);
  assert.deepEqual([4, 8192, 0.012].map(measure), ['4', '8,192', '0.012']);
  assert.deepEqual([1234, -9995].map((value) => amount(value, false)), ['1,230', '−10,000']);
});

test('what cannot be seen is shown by a sign', () => {
  assert.equal(visible(' the'), '·the');
  assert.equal(visible('\n\n'), '⏎⏎');
  assert.equal(visible('\r\n'), '⏎');
  assert.equal(visible('\t'), '⇥');
  assert.equal(visible(''), '∅');
  assert.equal(visible('a\u200bb\u202ec\u0000'), 'a⟨U+200B⟩b⟨U+202E⟩c⟨U+0000⟩');
  assert.equal(visible('a\u00a0b\u3000'), 'a⟨U+00A0⟩b⟨U+3000⟩');
  assert.equal(visible('👩‍👧 é'), '👩⟨U+200D⟩👧·é');
});

test('numbers', () => {
  assert.deepEqual([0, 0.0001, 0.0004999, 0.0005, 0.41249, 1, null].map(probability), ['0.000', '<0.001', '<0.001', '0.001', '0.412', '1.000', '–']);
  assert.deepEqual([22713216, 134515008, 1.24e9, 999_600_000, 9_960_000, 1500, 12, null].map(short), ['23M', '135M', '1.2B', '1B', '10M', '2K', '12', '']);
  assert.deepEqual([12, 2048, 5 * 1024 ** 2, 3 * 1024 ** 3].map(fileSize), ['12 B', '2 KB', '5.0 MB', '3.0 GB']);
  assert.deepEqual([0.42, 31.4, 2400].map(duration), ['0.4 ms', '31 ms', '2.4 s']);
  assert.deepEqual([3.6e-7, 0, 4, 0.0123456, 123456.7, 3.4028234663852886e38, null].map(measure), ['3.6e-7', '0', '4', '0.0123', '1.2e+5', '3.4e+38', 'not a number']);
  assert.equal(modelSize({ layers: 6, heads: 12, parameters: 22713216 }), '6×12 · 23M');
  assert.equal(modelSize({ layers: null, heads: null, parameters: null }), '');
  assert.equal(words('rows-sum-to-1'), 'rows sum to 1');
});

test('parameters: what is not set is left out, ranges are a:b', () => {
  assert.equal(query({ layer: 0, head: undefined, stack: null, rows: [0, 96], lens: 'raw' }), '?layer=0&rows=0%3A96&lens=raw');
  assert.equal(query({}), '');
});

test('CSV keeps every digit and quotes what needs it', () => {
  const table = { columns: ['a,b', 'c'], rows: [['say "hi"\n', 0.1 + 0.2], [null, true]] };
  assert.equal(toCsv(table), '"a,b",c\r\n"say ""hi""\n",0.30000000000000004\r\n,true\r\n');
});

test('no cell of a CSV is a formula to a spreadsheet, and numbers stay numbers', () => {
  const rows = [['=cmd', '+1', '-1', '@x'], ['\t=1', '\r', ' =a', 'a=b'], [-0.5, null, false, '']];
  assert.equal(toCsv({ columns: ['=q', 'b', 'c', 'd'], rows }), "'=q,b,c,d\r\n'=cmd,'+1,'-1,'@x\r\n'\t=1,\"'\r\", =a,a=b\r\n-0.5,,false,\r\n");
});

test('a file name holds nothing that a file name may not', () => {
  const state = { ...DEFAULTS, model: '../org/na me', view: 'map', layer: 3, head: 7, lens: 'rollout' };
  assert.equal(fileName(state, 'encoder', 'png'), 'headlight-..-org-na-me-encoder-layer3-head7-rollout.png');
  assert.equal(fileName({ ...state, lens: 'norm', hideSink: true, group: 'word' }, 'encoder', 'csv'), 'headlight-..-org-na-me-encoder-layer3-head7-norm-words-no-sinks.csv');
  assert.match(fileName({ ...state, lens: 'raw', view: 'heads' }, 'encoder', 'csv', [72, 144]), /layer3-rows72-143\.csv$/);
  assert.match(toCsv({ columns: ['a'], rows: [[1]], note: 'Partial.' }), /^# Partial\.\r\na\r\n1\r\n$/);
  assert.equal(fileName({ ...state, view: 'tokens' }, 'encoder', 'csv'), 'headlight-..-org-na-me-tokens.csv');
});

const RUN = { run: 'r1', tokens: { encoder: [] }, stacks: [] };

test('the command for the shell says what the page shows, whatever the text is', () => {
  const text = `it's "$(touch /tmp/x)" \`id\` \\ !\n--data @/etc/passwd`;
  const request = { model: 'minilm', text, pair: "b'c", target: null };
  const command = toCurl(request, { ...DEFAULTS, view: 'map', layer: 3, head: 7 }, RUN, 'encoder', { attention: {} }, 'http://127.0.0.1:8000');
  const said = execFileSync('bash', ['-c', `curl() { printf '%s\\0' "$@"; }; ${command}`]).toString().split('\0').slice(0, -1);
  assert.deepEqual(said.slice(0, 5), ['-s', 'http://127.0.0.1:8000/api/attention', '-H', 'content-type: application/json', '-d']);
  assert.deepEqual(JSON.parse(said[5]), { model: 'minilm', text, pair: "b'c", stack: 'encoder', layer: 3, head: 7 });
  assert.equal(said.length, 6);
  assert.equal(shellQuote("a'b"), `'a'\\''b'`);
});

test('each view has its question', () => {
  const request = { model: 'm', text: 't', pair: null, target: null };
  const curl = (/** @type {object} */ state, needs = {}) => toCurl(request, { ...DEFAULTS, ...state }, RUN, 'encoder', needs, '');
  assert.match(curl({ view: 'tokens' }), /^curl -s '\/api\/tokenize' .*'\{"model":"m","text":"t"\}'$/);
  assert.match(curl({ view: 'heads', layer: 2 }), /'\{"model":"m","text":"t","stack":"encoder","layer":2\}'$/);
  assert.match(curl({ view: 'map', lens: 'rollout', head: 4 }), /"layer":0,"lens":"rollout"\}'$/);
  assert.match(curl({ view: 'map', lens: 'norm', head: 4, group: 'word', hideSpecial: true }), /"layer":0,"head":4,"lens":"norm","group":"word","hide":"special"\}'$/);
  const made = (/** @type {string} */ body) => `curl -s '/api/runs' -H 'content-type: application/json' -d '${body}' -o /dev/null && `;
  assert.equal(curl({ view: 'next' }, { logits: { position: 3, top_k: 5 } }), `${made('{"model":"m","text":"t"}')}curl -s '/api/runs/r1/logits?position=3&top_k=5'`);
  assert.match(curl({ view: 'map', lens: 'gradient' }, { attention: { layer: 0, lens: 'gradient', position: 4 } }), /attention\?layer=0&lens=gradient&position=4/, 'of which prediction');
});

test('a command that asks about stored runs makes them first, both of a comparison', () => {
  const request = { model: 'm', text: "it's", pair: null, target: null };
  const other = { model: 'n', text: 'u', pair: 'v', target: null };
  const parts = (/** @type {object} */ needs, /** @type {object} */ own) => toCurl(request, { ...DEFAULTS, view: 'compare' }, RUN, 'encoder', needs, 'http://h', own).split(' && ');
  const [first, second, asked] = parts({ compare: { other } }, { address: '/api/compare/map?a=r1&b=r2' });
  assert.match(first, /^curl -s 'http:\/\/h\/api\/runs' .*"text":"it'\\''s"\}' -o \/dev\/null$/);
  assert.match(second, /"model":"n","text":"u","pair":"v"\}' -o \/dev\/null$/);
  assert.equal(asked, "curl -s 'http://h/api/compare/map?a=r1&b=r2'");
  assert.equal(parts({}, { posted: { path: '/api/runs/r1/edits', body: {} } }).length, 2);
  assert.equal(parts({}, { posted: { path: '/api/generate', body: {} } }).length, 1);
});

test('the exact numbers are float32, of maps only', () => {
  assert.equal(numbersPath(RUN, { attention: { layer: 3, dtype: 'u8' } }), '/api/runs/r1/attention?layer=3&dtype=f32');
  assert.equal(numbersPath(RUN, { logits: {} }), null);
  assert.equal(numbersPath(RUN, {}), null);
});
