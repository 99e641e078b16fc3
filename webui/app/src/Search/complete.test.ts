import { expect, test } from 'vitest';
import { complete } from './complete';

const at = (text: string, hosts: string[] = []) => complete(text.replace('|', ''), text.indexOf('|'), hosts).options.map((option) => option.text);

test('fields, values and hosts', () => {
  expect(at('|')).toHaveLength(9);
  expect(at('c|')).toEqual(['cmd:', 'cpu>']);
  expect(at('-na|')).toEqual(['-name:']);
  expect(at('name:x st|')).toEqual(['started<']);
  expect(at('name:|')).toEqual([]);
  expect(at('cpu>|')).toEqual(['cpu>10', 'cpu>50', 'cpu>90']);
  expect(at('mem>=1|')).toEqual(['mem>=100MB', 'mem>=1GB']);
  expect(at('host:w| x', ['web-1', 'db', 'my web'])).toEqual(['host:web-1', 'host:"my web"']);
  expect(at('cpu>50|')).toEqual([]);
});

test('replaces the term at the caret and nothing else', () => {
  expect(complete('😀 na x', 5, [])).toMatchObject({ start: 3, end: 5 });
  expect(complete('a ', 2, [])).toMatchObject({ start: 2, end: 2 });
});
