import { expect, test } from 'vitest';
import type { Comparison } from '../api/client';
import { changesOf, linesOf, signed, type View } from './compare';

const answer: Comparison = {
  host: 'h', a: 'a', b: 'b', seconds: 60, counts: { started: 1, ended: 1, stayed: 3 },
  started: [{ pid: 9, name: 'new', working_set_bytes: 100, threads: 2, cpu_seconds: 1 }],
  ended: [{ pid: 8, name: 'old', memory: 1, handles: 5 }],
  stayed: [
    { pid: 1, name: 'idle', cpu_seconds_used: 0, memory_bytes_change: 0 },
    { pid: 2, name: 'shrunk', cpu_seconds_used: 0, memory_bytes_change: -500 },
    { pid: 3, name: 'Busy', cpu_seconds_used: 30, memory_bytes_change: 10, username: 'anna' },
  ],
};
const changes = changesOf(answer);
const names = (view: Partial<View>) =>
  linesOf(changes, { text: '', kind: undefined, sort: undefined, ...view }).map((line) => (line.kind === 'head' ? `[${line.of} ${line.changes}]` : line.change.process.name));

test('what started is all growth, what ended all loss', () => {
  expect(changes[0]).toMatchObject({ kind: 'started', memory: 100, threads: 2, cpu: 1 });
  expect(changes[1]).toMatchObject({ kind: 'ended', memory: -(2 ** 20), handles: -5, cpu: undefined });
});

test('largest change first, by kind, sorted and filtered', () => {
  expect(names({})).toEqual(['[started 1]', 'new', '[ended 1]', 'old', '[stayed 3]', 'Busy', 'shrunk', 'idle']);
  expect(names({ kind: 'stayed', sort: { key: 'memory', descending: false } })).toEqual(['[stayed 3]', 'shrunk', 'idle', 'Busy']);
  expect(names({ kind: 'stayed', sort: { key: 'user', descending: true } })[1]).toBe('Busy');
  expect(names({ text: 'ANNA busy' })).toEqual(['[stayed 1]', 'Busy']);
  expect(names({ text: 'nothing' })).toEqual([]);
});

test('signed', () => expect([3, -3, 0, undefined].map((n) => signed(n, String))).toEqual(['+3', '−3', '0', '–']));
