import { expect, test } from 'vitest';
import { hostOf } from '../../test/build';
import { open } from '../../test/page';

const answer = {
  host: 'WIN-07', a: '2026-11-22T19:15:00Z', b: '2026-11-22T20:15:00Z', seconds: 3600, counts: { started: 1, ended: 1, stayed: 1 },
  started: [{ pid: 3, name: 'new.exe', start_time: '2026-11-22T20:00:00Z', working_set_bytes: 1048576 }], ended: [{ pid: 2, name: '<b>old</b>' }],
  stayed: [{ pid: 1, name: 'stays', cpu_seconds_used: 90, memory_bytes_change: -2097152 }],
};

test('the last hour, by kind, with links to both instants', async () => {
  const page = await open('/hosts/win-07/compare', { '/hosts/win-07': hostOf('WIN-07'), '/compare': answer });
  expect(page.asked.find((path) => path.includes('/compare'))).toBe('/api/v1/hosts/win-07/compare?a=2026-11-22T19%3A15%3A00.000Z&b=2026-11-22T20%3A15%3A00Z');
  expect(page.text('.row.group')).toEqual(['Started 1', 'Ended 1', 'Still there 1']);
  expect(page.text('.change .name')).toEqual(['new.exe', '<b>old</b>', 'stays']);
  expect(page.text('.change .memory')).toEqual(['+1.0 MiB', '–', '−2.0 MiB']);
  expect(page.all('.change a')[1]!.getAttribute('href')).toBe('/hosts/WIN-07?at=2026-11-22T19%3A15%3A00Z&process=2%40&details=1');
  await page.type('input[type=search]', 'new');
  expect([page.text('.change .name'), page.text('.bar [role=status]')[0]]).toEqual([['new.exe'], '1 found · 1 h in between']);
  await page.click('.head.memory button');
  expect(new URLSearchParams(location.search).get('sort')).toBe('-memory');
});

test('a step moves one end by one snapshot', async () => {
  const page = await open('/hosts/win-07/compare', { '/hosts/win-07': hostOf('WIN-07'), '/compare': answer, '/snapshot': { timestamp: '2026-11-22T19:14:45Z' } });
  page.all('.end button')[0]!.click();
  await page.settle();
  await page.settle();
  expect(page.asked).toContain('/api/v1/hosts/win-07/snapshot?at=2026-11-22T19%3A15%3A00Z&offset=-1');
  expect(location.search).toBe('?a=2026-11-22T19%3A14%3A45Z&b=2026-11-22T20%3A15%3A00Z');
});

test('an unknown host, and ends the wrong way round', async () => {
  const answers: Record<string, unknown> = { '/compare': 400 };
  const page = await open('/hosts/x/compare?a=2026-11-22T20:00:00Z&b=2026-11-22T19:00:00Z', answers);
  answers['/compare'] = answer;
  await page.click('.message button');
  expect(new URLSearchParams(location.search).get('a')).toBe('2026-11-22T19:00:00Z');
  expect(page.text('.change .name')).toHaveLength(3);
});
