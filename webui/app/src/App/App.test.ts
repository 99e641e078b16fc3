import { expect, test } from 'vitest';
import { hostOf, targetOf, treeOf } from '../../test/build';
import { open } from '../../test/page';

const now = '2026-11-22T20:15:04Z';
const hosts = { now, hosts: [hostOf('web-2', { system: { os: 'Debian' }, busiest: { pid: 7, name: 'nginx', cpu: 3 } }), hostOf('web-10', { state: 'down', error: 'refused' })] };

test('the fleet filters by state and text, and sorts', async () => {
  const page = await open('/', { '/hosts': hosts });
  const names = () => page.text('[role=cell].host');
  expect(names()).toEqual(['web-2', 'web-10']);
  expect(page.text('.stat')).toEqual(['2 hosts', '1 Up', '1 Down', '0 Stale', '0 Pushed', '2 processes']);
  await page.click('.head.host button');
  await page.click('.head.host button');
  expect(names()).toEqual(['web-10', 'web-2']);
  page.all('button.stat')[1]!.click();
  await page.settle();
  expect([names(), location.search]).toEqual([['web-10'], '?sort=-host&state=down']);
  await page.type('input[type=search]', 'debian');
  expect(page.text('.message .title')).toEqual(['No host is like that']);
});

test('a first run says what to do', async () => {
  const page = await open('/', { '/hosts': { now, hosts: [] } });
  expect(page.text('.message .title')).toEqual(['No hosts yet']);
  expect(page.text('.message .text')[0]).toContain('procmon.yaml');
});

test('a fleet that cannot be read offers to try again', async () => {
  const answers: Record<string, unknown> = { '/hosts': 500 };
  const page = await open('/', answers);
  expect(page.text('.message')[0]).toContain('no /api/v1/hosts');
  answers['/hosts'] = hosts;
  await page.click('.message button');
  expect(page.text('[role=cell].host')).toEqual(['web-2', 'web-10']);
});

test('links change the page without loading, and Back returns', async () => {
  const page = await open('/', { '/hosts': hosts, '/tree': treeOf([{ pid: 7, name: 'nginx' }], { host: 'web-2' }), '/hosts/web-2': hosts.hosts[0] });
  await page.click('.host a[href="/hosts/web-2"]');
  expect([location.pathname, document.title, page.text('.program')]).toEqual(['/hosts/web-2', 'web-2 · procmon', ['nginx']]);
  expect(document.activeElement).toBe(page.one('h1'));
  history.back();
  await new Promise((resolve) => addEventListener('popstate', resolve, { once: true }));
  await page.settle();
  expect([location.pathname, page.text('[role=cell].host')]).toEqual(['/', ['web-2', 'web-10']]);
});

test('targets show why they fail, and their discovered labels on demand', async () => {
  const targets = [
    targetOf({ host: 'web-2', labels: { job: 'windows', site: 'graz' }, discovered_labels: { __address__: 'win-07:9910' } }),
    targetOf({ scrape_url: 'http://b/', health: 'down', last_error: 'two targets deliver <b>the</b> same name' }),
  ];
  const page = await open('/targets', { '/targets': { now, targets } });
  expect(page.text('h2')).toEqual(['windows 1 of 2 up']);
  expect(page.text('.error')).toEqual(['two targets deliver <b>the</b> same name']);
  expect(document.body.textContent).not.toContain('__address__');
  page.all('.discovered')[0]!.click();
  await page.settle();
  expect(page.text('td li')).toEqual(['__address__=win-07:9910']);
  page.all('.choice button')[2]!.click();
  await page.settle();
  expect([page.text('.url'), location.search]).toEqual([['http://b/'], '?health=down']);
});

test('an address of no page says so', async () => {
  const page = await open('/elsewhere', {});
  expect(page.text('.message .title')).toEqual(['There is no page at this address']);
});

test('the theme goes around and is remembered', async () => {
  const page = await open('/', { '/hosts': hosts });
  const seen: unknown[] = [];
  for (let i = 0; i < 3; i++) {
    await page.click('.theme');
    seen.push([document.documentElement.dataset.theme, document.cookie]);
  }
  expect(seen).toEqual([['light', 'procmon.theme=light'], ['dark', 'procmon.theme=dark'], [undefined, '']]);
});

test('nothing in the sources writes HTML or needs inline styles', () => {
  const sources = import.meta.glob<string>('../**/*.{svelte,ts}', { query: '?raw', import: 'default', eager: true });
  const files = Object.entries(sources).filter(([name]) => !name.endsWith('.test.ts'));
  expect(files.length).toBeGreaterThan(30);
  for (const [name, source] of files) {
    expect(source, name).not.toMatch(/\{@html|innerHTML|insertAdjacentHTML|\sstyle="/);
  }
});
