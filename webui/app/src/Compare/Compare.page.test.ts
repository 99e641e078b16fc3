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

test('ends the wrong way round are put in order', async () => {
  const page = await open('/hosts/x/compare?a=2026-11-22T20:00:00Z&b=2026-11-22T19:00:00Z', { '/compare': answer });
  expect(page.asked.find((path) => path.includes('/compare'))).toContain('?a=2026-11-22T19%3A00%3A00Z&b=2026-11-22T20%3A00%3A00Z');
  expect(page.text('.change .name')).toHaveLength(3);
});

test('a failure offers to try again', async () => {
  const answers: Record<string, unknown> = { '/compare': 500 };
  const page = await open('/hosts/x/compare?a=2026-11-22T19:00:00Z', answers);
  expect(page.text('.message .title')).toEqual(['They could not be compared']);
  answers['/compare'] = answer;
  await page.click('.message button');
  expect(page.text('.change .name')).toHaveLength(3);
});

test('an end goes by its slider, and an instant without a snapshot is told', async () => {
  const page = await open('/hosts/win-07/compare?a=2026-11-22T19:30:00Z&b=2026-11-22T20:15:00Z', { '/compare': answer, '/snapshot': { timestamp: '2026-11-22T20:05:00Z' } });
  expect(page.text('.banner')[0]).toMatch(/^There is no snapshot of 2026-11-22 ..:30:00; the one before, of 2026-11-22 ..:15:00, stands for it.$/);
  await page.key('[role=slider][aria-label=After]', 'PageDown');
  await page.settle();
  expect(page.asked).toContain('/api/v1/hosts/win-07/snapshot?at=2026-11-22T20%3A15%3A00Z&offset=-10');
  expect(location.search).toBe('?a=2026-11-22T19%3A15%3A00Z&b=2026-11-22T20%3A05%3A00Z');
});

test('Before moves to so long before After, and After to the newest', async () => {
  const page = await open('/hosts/win-07/compare?a=2026-11-22T19:15:00Z&b=2026-11-22T20:15:00Z', { '/compare': answer });
  const choice = page.one('select[aria-label="Compare with"]') as HTMLSelectElement;
  choice.value = '0';
  choice.dispatchEvent(new Event('change', { bubbles: true }));
  await page.settle();
  expect(location.search).toBe('?a=2026-11-22T20%3A10%3A00.000Z&b=2026-11-22T20%3A15%3A00Z');
  page.all('button').find((button) => button.textContent === 'Newest')!.click();
  await page.settle();
  expect(new URLSearchParams(location.search).has('b')).toBe(false);
});
