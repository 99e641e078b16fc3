import { expect, test } from 'vitest';
import { open } from '../../test/page';

const answer = {
  from: '2026-11-22T03:00:00Z', to: '2026-11-22T04:00:00Z', by: 'cpu', per: 'process',
  rows: [{ host: 'db', pid: 7, start_time: '2026-11-01T00:00:00Z', name: 'pg', user: 'postgres', cpu_seconds: 7200, memory_bytes: 1048576, peak_at: '2026-11-22T03:12:00Z', processes: 1, hosts: 1 }],
};

test('a range of a host, in the address, with rows that lead to the spike', async () => {
  const page = await open('/top?host=db&from=2026-11-22T03:00:00Z&to=2026-11-22T04:00:00Z', { '/top': answer });
  expect(page.asked.filter((path) => path.includes('/top'))).toEqual(['/api/v1/top?by=cpu&per=process&limit=25&host=db&from=2026-11-22T03%3A00%3A00Z&to=2026-11-22T04%3A00%3A00Z']);
  expect(page.one('td.name a').getAttribute('href')).toBe('/hosts/db?at=2026-11-22T03%3A12%3A00Z&process=7%402026-11-01T00%3A00%3A00Z&details=1');
  expect(page.text('td.cpu .figure')).toEqual(['2 h 0 min']);
  expect(page.one('td.cpu').title).toBe('2.00 cores on average');
  page.all('.choice button')[4]!.click();
  await page.settle();
  expect(new URLSearchParams(location.search).get('per')).toBe('name');
  expect(page.asked.at(-1)).toContain('per=name');
});

test('nothing and failure', async () => {
  const answers: Record<string, unknown> = { '/top': { ...answer, rows: [] } };
  const page = await open('/top', answers);
  expect(page.text('.message .title')).toEqual(['Nothing was used']);
  answers['/top'] = 500;
  page.all('.choice button')[1]!.click();
  await page.settle();
  expect(page.text('.message .title')).toEqual(['This could not be read']);
  answers['/top'] = answer;
  await page.click('.message button');
  expect(page.text('td.name a')).toEqual(['pg']);
});
