import { expect, test, vi } from 'vitest';
import { hostOf, treeOf } from '../../test/build';
import { open, type Answers, type Page } from '../../test/page';

const now = '2026-11-22T20:15:04Z';
const size = 300;
const host = (i: number) =>
  hostOf(`web-${i}`, { state: i % 3 ? 'up' : 'down', processes: 2, labels: { job: i < 200 ? 'a' : 'b', instance: `web-${i}:9910` }, cpu: i % 90 });
const hosts = Array.from({ length: size }, (_, i) => host(i));
const summary = { hosts: size, processes: 2 * size, states: { up: 200, down: 100, stale: 0, pushed: 0 }, labels: { job: 2, instance: size } };
const some = '/api/v1/hosts?limit=100';
const all = '/api/v1/hosts';
const answers = (): Answers => ({ [some]: { now, hosts: hosts.slice(0, 100), summary }, [all]: { now, hosts } });
const asked = (page: Page) => page.asked.filter((path) => path === all || path === some);
const full = { fleet: { now, full: true, hosts, gone: [] } };

function shown(page: Page) {
  return {
    figures: page.text('.stat'),
    count: page.text('.toolbar [role=status]'),
    rows: page.one('[role=table]').getAttribute('aria-rowcount'),
    height: page.one('[role=rowgroup].body').style.height,
    groups: page.text('.toolbar option'),
    first: page.text('[role=cell].host').slice(0, 3),
  };
}
const whole = {
  figures: ['300 hosts', '200 Up', '100 Down', '0 Stale', '0 Pushed', '600 processes'],
  count: ['300 hosts'],
  rows: '301',
  height: `${300 * 28}px`,
  groups: ['nothing', 'job'],
  first: ['web-0', 'web-1', 'web-2'],
};

test('the first hosts show what is true of all, and the connection brings the others', async () => {
  const page = await open('/', answers(), { live: true });
  expect(shown(page)).toEqual(whole);
  const row = page.all('[role=cell].host')[1]!;
  page.one('a[href="/hosts/web-1"]').focus();
  page.sockets[0]!.tell(full);
  await page.settle();
  expect(shown(page)).toEqual(whole);
  expect([page.all('[role=cell].host')[1], document.activeElement], 'what is there stays there').toEqual([row, page.one('a[href="/hosts/web-1"]')]);
  expect(asked(page)).toEqual([some]);
  page.sockets[0]!.tell({ fleet: { now, full: false, hosts: [], gone: ['web-299'] } });
  await page.settle();
  expect(shown(page).count).toEqual(['299 hosts']);
});

test('without a connection all are asked for next', async () => {
  const page = await open('/', answers());
  expect(asked(page)).toEqual([some, all]);
  expect(shown(page)).toEqual(whole);
});

test.each([
  ['?q=web-29', ['web-29', 'web-290', 'web-291']],
  ['?state=down&sort=-host', ['web-297', 'web-294', 'web-291']],
  ['?group=job', ['web-0', 'web-1', 'web-2']],
])('an address that chooses or orders, %s, asks for all at once', async (search, first) => {
  const page = await open(`/${search}`, answers(), { live: true });
  expect(asked(page)).toEqual([all]);
  expect(shown(page).first).toEqual(first);
});

test('to choose among the first asks for all, and shows no choice until they are there', async () => {
  const page = await open('/', { ...answers(), [all]: 500 }, { live: true });
  await page.type('input[type=search]', 'web-29');
  expect(asked(page)).toEqual([some, all]);
  expect(shown(page)).toEqual(whole);
  page.sockets[0]!.tell(full);
  await page.settle();
  expect([shown(page).first, shown(page).count]).toEqual([['web-29', 'web-290', 'web-291'], ['11 of 300 hosts']]);
});

test('to scroll past the first asks for all', async () => {
  const page = await open('/', answers(), { live: true });
  const scroller = page.one('.scroller');
  const scrollTo = async (row: number) => {
    scroller.scrollTop = row * 28;
    scroller.dispatchEvent(new Event('scroll'));
    await page.settle();
  };
  await scrollTo(40);
  expect(asked(page)).toEqual([some]);
  await scrollTo(200);
  expect(asked(page)).toEqual([some, all]);
  expect(page.text('[role=cell].host')).toContain('web-200');
  expect(scroller.scrollTop).toBe(200 * 28);
});

test('the first hosts do not take the place of all, nor are those asked for that a connection tells', async () => {
  const given: Answers = { '/web-1/tree': treeOf([{ pid: 7 }], { host: 'web-1' }), '/web-1': host(1) };
  Object.defineProperty(given, some, {
    enumerable: true,
    get() {
      queueMicrotask(() => page.sockets[0]!.tell(full)); // sooner than the answer
      return answers()[some];
    },
  });
  const page = await open('/hosts/web-1', given, { live: true });
  const fleet = async () => {
    await page.click('nav a[href="/"]');
    return { asked: asked(page), count: page.text('.toolbar [role=status]') };
  };
  expect(await fleet()).toEqual({ asked: [some], count: ['300 hosts'] });
  page.sockets[0]!.tell({ fleet: { now, full: false, hosts: [], gone: ['web-299'] } });
  await page.click('a[href="/hosts/web-1"]');
  expect(await fleet()).toEqual({ asked: [some], count: ['299 hosts'] });
});

test('other pages ask for all', async () => {
  const page = await open('/search', answers(), { live: true });
  expect(asked(page)).toEqual([all]);
});

test('who leaves the fleet before all have come has all to choose from elsewhere', async () => {
  const page = await open('/', answers(), { live: true });
  await page.click('nav a[href="/top"]');
  expect(asked(page)).toEqual([some, all]);
  expect(page.all('#top-hosts option')).toHaveLength(size);
});

test('what uses most is not asked for again whenever the clock ticks', async () => {
  const page = await open('/', { [all]: { now, hosts: [hostOf('web', { last_seen: new Date().toISOString() })] } });
  const seen = () => page.text('[role=cell].seen')[0];
  const first = seen();
  await vi.waitFor(() => expect(seen()).not.toBe(first), 5000);
  expect(page.asked.filter((path) => path.startsWith('/api/v1/top'))).toHaveLength(2); // by CPU and by memory
});
