import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { check, exactly } from './parse';

const cases = JSON.parse(readFileSync('../../testdata/search.json', 'utf8')) as { search: string; position?: number }[];

test('agrees with the server on what is wrong, and where', () => {
  expect(cases.length).toBeGreaterThan(30);
  for (const { search, position } of cases) expect(check(search)?.position, JSON.stringify(search)).toBe(position);
});

test('bounds', () => {
  expect(check('a '.repeat(64))).toBeUndefined();
  expect(check('a '.repeat(65))?.position).toBe(128);
  expect(check('a'.repeat(4096))).toBeUndefined();
  expect(check('a'.repeat(5000))?.position).toBe(4096);
  expect(check('a' + 'ü'.repeat(3000))?.position).toBe(2049);
});

test.each(['svchost.exe', 'my app', '<img src=x>', 'a"b c"', '-x', 'größe 😀'])('exactly %s', (name) => {
  expect(check(exactly('name', name))).toBeUndefined();
});
