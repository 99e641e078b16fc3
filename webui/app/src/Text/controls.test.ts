import { expect, test } from 'vitest';
import { codePoint, pieces } from './controls';

test.each([
  ['plain', [{ text: 'plain', control: false }]],
  ['', [{ text: '', control: false }]],
  ['photo\u202egpj.exe', [{ text: 'photo', control: false }, { text: '\u202e', control: true }, { text: 'gpj.exe', control: false }]],
  ['\n\u0000', [{ text: '\n', control: true }, { text: '\u0000', control: true }]],
  ['שלום 😀', [{ text: 'שלום 😀', control: false }]],
])('pieces of %j', (text, want) => {
  expect(pieces(text)).toEqual(want);
  expect(pieces(text).map((piece) => piece.text).join('')).toBe(text);
});

test('codePoint', () => expect([codePoint('\u202e'), codePoint('\n')]).toEqual(['U+202E', 'U+000A']));
