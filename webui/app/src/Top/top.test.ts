import { expect, test } from 'vitest';
import { cpuTime, largest, rowPath } from './top';

test.each([[undefined, '–'], [0.42, '0.4 s'], [9.97, '10 s'], [59.6, '1 min 0 s'], [200, '3 min 20 s'], [18_120, '5 h 2 min'], [183_600, '2 d 3 h']])('cpuTime(%s)', (seconds, want) =>
  expect(cpuTime(seconds)).toBe(want));

test('largest of each measure', () =>
  expect(largest([{ processes: 1, hosts: 1, cpu_seconds: 3 }, { processes: 1, hosts: 1, memory_bytes: 9, cpu_seconds: 2 }])).toEqual({ cpu: 3, memory: 9, io: 0 }));

test('rows lead on', () => {
  const row = { processes: 1, hosts: 1, host: 'a b', pid: 7, start_time: 's', name: 'x"y', user: 'CORP\\u', peak_at: 'p' };
  const asked = { by: 'cpu', to: 't', host: 'h' };
  expect(rowPath(row, 'process', asked, { range: '1h' })).toBe('/hosts/a%20b?at=p&process=7%40s&details=1');
  expect(new URLSearchParams(rowPath(row, 'name', asked, { range: '1h' }).split('?')[1]).get('q')).toBe('name:"x" name:"y" host:="h"');
  expect(new URLSearchParams(rowPath(row, 'user', {}, { range: '1h' }).split('?')[1]).get('q')).toBe('user:="CORP\\u"');
  expect(rowPath(row, 'host', asked, { range: '1h' })).toBe('/top?range=1h&by=cpu&host=a+b');
});
