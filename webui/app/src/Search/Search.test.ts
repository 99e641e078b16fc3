import { expect, test, vi } from 'vitest';
import type { Match } from '../api/client';
import { open } from '../../test/page';

const match = (host: string, pid: number, facts: Partial<Match> = {}): Match => ({
  host, process: { pid, name: `p${pid}`, start_time: '2026-11-22T20:00:00Z', username: 'anna' }, first_seen: '2026-11-22T20:00:05Z', last_seen: '2026-11-22T20:15:00Z', ended: false, cpu: 1.5, memory_bytes: 1048576, ...facts,
});
const box = '[role=combobox]';

test('results by host lead to the process, and more comes on demand', async () => {
  const answers: Record<string, unknown> = { '/search': { matches: [match('a', 1), match('a', 2, { ended: true, gone_at: '2026-11-22T20:16:00Z' }), match('b', 3)], hosts: 5, cursor: 'next' } };
  const page = await open('/search?q=p', answers);
  expect(page.text('.group a')).toEqual(['a', 'b']);
  const links = page.all('.match a').map((link) => link.getAttribute('href'));
  expect(links[0]).toBe('/hosts/a?process=1%402026-11-22T20%3A00%3A00Z&details=1');
  expect(links[1]).toContain('at=2026-11-22T20%3A15%3A00Z');
  expect(page.text('.to')[2]).toMatch(/^≤ /);
  expect(page.text('.downloads a')).toEqual(['CSV', 'JSON lines']);
  expect(page.all('.downloads a')[0]!.getAttribute('href')).toBe('/api/v1/search?q=p&format=csv');
  answers['/search'] = { matches: [match('b', 4)], hosts: 2 };
  await page.click('.more');
  expect(page.asked.at(-1)).toBe('/api/v1/search?q=p&cursor=next');
  expect([page.text('.match .name').length, page.all('.more').length]).toEqual([4, 0]);
  expect(page.text('.status')[0]).toContain('4 processes on 2 hosts; 7 looked through');
});

test('a page without matches is passed over', async () => {
  let asked = 0;
  const page = await open('/search?q=p', {});
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify(asked++ ? { matches: [match('z', 9)], hosts: 100 } : { matches: [], hosts: 1900, cursor: 'c' })));
  await page.click('.message button');
  expect([page.text('.match .name'), page.text('.status')[0]]).toEqual([['p9'], expect.stringContaining('2,000 looked through')]);
});

test('a wrong search says where, and asks nothing', async () => {
  const page = await open('/search?q=ö%20cpu:5', {});
  expect(page.text('.fault span').at(-1)).toBe('Character 6: cpu takes <, <=, > or >=, as in cpu>50.');
  expect(page.text('mark')).toEqual([':']);
  expect(page.asked.filter((path) => path.includes('/search'))).toEqual([]);
  expect(page.one(box).getAttribute('aria-invalid')).toBe('true');
});

test('what the server finds wrong is said at its place too', async () => {
  const page = await open('/search?q=abc', {});
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ error: { code: 'bad_request', message: 'not like this', position: 1 } }), { status: 400 }));
  await page.key(box, 'Enter');
  expect([page.text('mark'), page.text('.fault span').at(-1)]).toEqual([['b'], 'Character 2: not like this.']);
});

test('completes by keyboard', async () => {
  const page = await open('/search', { '/hosts': { now: '2026-11-22T20:15:00Z', hosts: [] }, '/search': { matches: [], hosts: 1 } });
  const field = page.one(box) as HTMLInputElement;
  expect(document.activeElement).toBe(field);
  await page.type(box, 'na');
  expect([page.text('[role=option] bdi'), field.getAttribute('aria-expanded')]).toEqual([['name:'], 'true']);
  await page.key(box, 'ArrowDown');
  expect(document.getElementById(field.getAttribute('aria-activedescendant')!)?.getAttribute('aria-selected')).toBe('true');
  await page.key(box, 'Enter');
  expect([field.value, page.all('[role=option]').length]).toEqual(['name:', 0]);
  await page.key(box, 'Escape');
  expect(field.value).toBe('');
});

test('without a search it tells how; nothing found leads on; a failure can be tried again', async () => {
  expect((await open('/search', {})).text('.message .title')).toEqual(['Find processes on every host']);
});

test('nothing found offers a longer time', async () => {
  const page = await open('/search?q=x', { '/search': { matches: [], hosts: 3 } });
  await page.click('.message button');
  expect(location.search).toBe('?q=x&range=24h');
});

test('names are text', async () => {
  const page = await open('/search?q=x', { '/search': { matches: [match('<b>h</b>', 1, { process: { pid: 1, name: '<img src=x>' } })], hosts: 1 } });
  expect([page.text('.group a'), page.text('.match .name a'), page.all('img').length]).toEqual([['<b>h</b>'], ['<img src=x>'], 0]);
});
