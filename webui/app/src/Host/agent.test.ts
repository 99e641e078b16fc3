import { expect, test } from 'vitest';
import { treeOf } from '../../test/build';
import { missingFacts } from './agent';

const rows = (facts: object) => treeOf([{ pid: 1, start_time: undefined }, { pid: 2, start_time: undefined, ...facts }]).rows;

test.each([
  ['all', { start_time: '2026-11-22T20:00:00Z', cpu_seconds: 0, threads: 1, handles: 1, read_bytes: 0, exe: '/a' }, []],
  ['what a system may refuse', { start_time: '2026-11-22T20:00:00Z', cpu_seconds: 0 }, []],
  ['no CPU time', { start_time: '2026-11-22T20:00:00Z', threads: 1 }, ['CPU time', 'handles', 'I/O', 'programs']],
  ['nothing', {}, ['start times', 'CPU time', 'threads', 'handles', 'I/O', 'programs']],
])('%s', (_, facts, want) => expect(missingFacts(rows(facts))).toEqual(want));

test('an empty snapshot tells nothing of the agent', () => expect(missingFacts([])).toEqual([]));
