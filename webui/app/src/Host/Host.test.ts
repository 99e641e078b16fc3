import { beforeEach, describe, expect, test, vi } from 'vitest';
import { hostOf, treeOf, type Given } from '../../test/build';
import { open, type Answers, type Page } from '../../test/page';

const given: Given[] = [
  { pid: 1, name: 'wininit.exe', cpu: 1, memory: 5, tree_cpu: 14, tree_memory: 30 },
  { pid: 2, name: 'services.exe', under: 1, cpu: 3, memory: 10 },
  { pid: 3, name: 'svchost.exe', under: 2, cpu: 10, cpu_seconds: 70, memory: 15, username: 'NT AUTHORITY\\SYSTEM', cmdline: 'svchost.exe -k netsvcs', services: ['Dnscache'] },
  { pid: 4, name: 'explorer.exe', cpu: 2, username: 'CONTOSO\\m.huber' },
];
/** A host and its tree; every second has a snapshot of its own. */
const answersOf = (rows: Given[] = given, second = 0): Answers => {
  const timestamp = `2026-11-22T20:15:0${second}Z`;
  return {
    '/tree': treeOf(rows, { id: `win-07@${timestamp}`, timestamp }),
    '/hosts/WIN-07': hostOf('WIN-07', { cpu: 12.5, last_seen: timestamp }),
  };
};

const names = (page: Page) => page.text('[role=treegrid] [data-index] .program');
const selected = (page: Page) => page.text('[aria-selected=true] .program');
const grid = '[role=treegrid]';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'], now: Date.parse('2026-11-22T20:15:04Z') }));

describe('the tree', () => {
  test('has the roles and places of a treegrid', async () => {
    const page = await open('/hosts/WIN-07', answersOf());
    expect(names(page)).toEqual(['wininit.exe', 'services.exe', 'svchost.exe', 'explorer.exe']);
    const row = page.all('[data-index]')[1]!;
    const facts = ['role', 'aria-level', 'aria-expanded', 'aria-posinset', 'aria-setsize', 'aria-rowindex'].map((name) => row.getAttribute(name));
    expect(facts).toEqual(['row', '2', 'true', '1', '1', '3']);
    expect(page.one(grid).getAttribute('aria-rowcount')).toBe('5');
    expect(page.all('[data-index]')[3]!.hasAttribute('aria-expanded')).toBe(false);
    expect(page.text('.services')).toEqual(['Services:Dnscache']);
  });
  test('opens and closes by the mouse, and counts children when closed', async () => {
    const page = await open('/hosts/WIN-07', answersOf());
    await page.click('[data-index="1"] .chevron');
    expect(names(page)).toEqual(['wininit.exe', 'services.exe', 'explorer.exe']);
    expect(page.text('[data-index="1"] .below')).toEqual(['1']);
    expect(selected(page)).toEqual([]);
  });
  test('goes by the keyboard', async () => {
    const page = await open('/hosts/WIN-07', answersOf());
    for (const [key, want] of [
      ['ArrowDown', 'wininit.exe'], ['ArrowRight', 'services.exe'], ['End', 'explorer.exe'], ['ArrowUp', 'svchost.exe'], ['ArrowLeft', 'services.exe'],
    ] as const) {
      await page.key(grid, key);
      expect(selected(page)).toEqual([want]);
    }
    expect(document.getElementById(page.one(grid).getAttribute('aria-activedescendant')!)?.textContent).toContain('services.exe');
    await page.key(grid, 'ArrowLeft');
    expect(names(page)).toEqual(['wininit.exe', 'services.exe', 'explorer.exe']);
    await page.key(grid, 'Home');
    await page.key(grid, '*');
    expect(names(page)).toHaveLength(4);
  });
  test('all closes and opens, and the address tells', async () => {
    const page = await open('/hosts/WIN-07', answersOf());
    await page.click('button[aria-label="Collapse all"]');
    expect(names(page)).toEqual(['wininit.exe', 'explorer.exe']);
    expect(location.search).toBe('?open=none');
    await page.click('button[aria-label="Expand all"]');
    expect(names(page)).toHaveLength(4);
  });
  test('sorts siblings by a column, and says so', async () => {
    const page = await open('/hosts/WIN-07', answersOf());
    await page.click('.head.cpu button');
    expect(names(page)).toEqual(['explorer.exe', 'wininit.exe', 'services.exe', 'svchost.exe']);
    expect(page.one('.head.cpu').getAttribute('aria-sort')).toBe('descending');
    expect(location.search).toBe('?sort=-cpu');
  });
  test('T makes it flat, but not while typing', async () => {
    const page = await open('/hosts/WIN-07?sort=-cpu', answersOf());
    await page.key('input[type=search]', 't');
    expect(names(page)[0]).toBe('explorer.exe');
    await page.key(grid, 't');
    expect(names(page)).toEqual(['svchost.exe', 'services.exe', 'explorer.exe', 'wininit.exe']);
    expect(page.all('.chevron')).toHaveLength(0);
  });
  test('shows the state that an address names', async () => {
    const address = `/hosts/WIN-07?q=&details=1&process=${encodeURIComponent('3@2026-11-22T20:00:03.000Z')}`;
    const page = await open(address, answersOf());
    expect(selected(page)).toEqual(['svchost.exe']);
    expect(page.text('.details h2')).toEqual(['svchost.exe']);
  });
  test('does not open what the address says is closed', async () => {
    const page = await open(`/hosts/WIN-07?open=none&details=1&process=${encodeURIComponent('3@2026-11-22T20:00:03.000Z')}`, answersOf());
    expect(names(page)).toEqual(['wininit.exe', 'explorer.exe']);
    expect(page.text('.details h2')).toEqual(['svchost.exe']);
  });
  describe('names in its address the nodes that are opened and closed one by one', () => {
    const address = () => {
      vi.advanceTimersByTime(200);
      return location.pathname + location.search;
    };
    test('and a link opened cold shows the same', async () => {
      const page = await open('/hosts/WIN-07', answersOf());
      const entries = history.length;
      await page.click('[data-index="1"] .chevron');
      expect(address()).toBe('/hosts/WIN-07?open=all&closed=2-tox682_000');
      await page.click('[data-index="1"] .chevron');
      expect(address(), 'as they are anyway').toBe('/hosts/WIN-07?open=all');
      await page.click('button[aria-label="Collapse all"]');
      await page.click('[data-index="0"] .chevron');
      const link = address();
      expect(link).toBe('/hosts/WIN-07?open=none&opened=1-tox681_000');
      expect(history.length, 'Back passes over single nodes').toBe(entries + 1);
      history.back();
      await vi.waitUntil(() => location.search === '?open=all');
      await page.settle();
      expect(names(page)).toHaveLength(4);
      const other = await open(link, answersOf());
      expect(other.text('[role=treegrid]:last-of-type [data-index] .program').slice(-3)).toEqual(['wininit.exe', 'services.exe', 'explorer.exe']);
    });
    test('passes over those that nobody knows', async () => {
      const page = await open('/hosts/WIN-07?open=none&opened=1-tox681_000.99-tox681.2-zzz.x.-.1-tox681_000_1&closed=77', answersOf());
      expect(names(page)).toEqual(['wininit.exe', 'services.exe', 'explorer.exe']);
    });
    test('and those among the matches of a filter, which go with it', async () => {
      const page = await open('/hosts/WIN-07?q=services', answersOf());
      expect(names(page)).toEqual(['wininit.exe', 'services.exe']);
      await page.click('[data-index="1"] .chevron');
      expect(names(page)).toEqual(['wininit.exe', 'services.exe', 'svchost.exe']);
      expect(address()).toBe('/hosts/WIN-07?q=services&open=all&shown=2-tox682_000');
      await page.type('input[type=search]', 'service');
      expect(names(page)).toEqual(['wininit.exe', 'services.exe']);
      expect(address()).toBe('/hosts/WIN-07?q=service&open=all');
    });
  });
});

describe('the filter', () => {
  test('keeps dimmed ancestors and tells how many it found', async () => {
    const page = await open('/hosts/WIN-07', answersOf());
    await page.type('input[type=search]', 'netsvcs');
    expect(names(page)).toEqual(['wininit.exe', 'services.exe', 'svchost.exe']);
    expect(page.text('.row.context .program')).toEqual(['wininit.exe', 'services.exe']);
    expect(page.text('.found')).toEqual(['1 of 4 processes']);
    vi.advanceTimersByTime(200);
    expect(location.search).toBe('?q=netsvcs');
  });
  test('shows what is below matches on demand', async () => {
    const page = await open('/hosts/WIN-07?q=services.exe', answersOf());
    expect(names(page)).toEqual(['wininit.exe', 'services.exe']);
    await page.click('.check input');
    expect(names(page)).toEqual(['wininit.exe', 'services.exe', 'svchost.exe']);
  });
  test('says when nothing is found, and clears', async () => {
    const page = await open('/hosts/WIN-07?q=zzz', answersOf());
    expect(page.text('.message .title')).toEqual(['No process is like that']);
    await page.click('.message button');
    expect(names(page)).toHaveLength(4);
  });
  test('the slash key goes there', async () => {
    const page = await open('/hosts/WIN-07', answersOf());
    await page.key(grid, '/');
    expect(document.activeElement).toBe(page.one('input[type=search]'));
    await page.key('input[type=search]', 'ArrowDown');
    expect(document.activeElement).toBe(page.one(grid));
  });
});

describe('refreshing', () => {
  test('keeps expansion and selection with the processes, and marks what changed', async () => {
    const answers = answersOf();
    const page = await open('/hosts/WIN-07', answers);
    await page.click('[data-index="1"] .chevron');
    await page.key(grid, 'End');
    Object.assign(answers, answersOf([{ pid: 9, name: 'new.exe' }, ...given.slice(0, 3)], 5));
    await vi.advanceTimersByTimeAsync(5000);
    await page.settle();
    expect(names(page)).toEqual(['new.exe', 'wininit.exe', 'services.exe', 'explorer.exe']);
    expect(page.text('.row.new .program')).toEqual(['new.exe']);
    expect(page.text('.row.ended .program')).toEqual(['explorer.exe']);
    expect(selected(page)).toEqual(['explorer.exe']);
    await vi.advanceTimersByTimeAsync(10_100);
    await page.settle();
    expect(names(page)).toEqual(['new.exe', 'wininit.exe', 'services.exe']);
  });
  test('reads a tree again only when there is another', async () => {
    const answers = answersOf();
    const page = await open('/hosts/WIN-07', answers);
    const trees = () => page.asked.filter((path) => path.includes('/tree')).length;
    const hosts = () => page.asked.filter((path) => path.endsWith('/WIN-07')).length;
    await vi.advanceTimersByTimeAsync(5000);
    expect([hosts(), trees()]).toEqual([2, 1]);
    answers['/hosts/WIN-07'] = hostOf('WIN-07', { state: 'down' });
    await vi.advanceTimersByTimeAsync(5000);
    expect(trees()).toBe(2);
    Object.assign(answers, answersOf(given, 7));
    await vi.advanceTimersByTimeAsync(5000);
    expect(trees()).toBe(3);
  });
  test('a lost connection shows a bar, keeps the page, and comes back', async () => {
    const answers = answersOf();
    const page = await open('/hosts/WIN-07', answers);
    Object.assign(answers, { '/tree': 0, '/hosts/WIN-07': 0 });
    await vi.advanceTimersByTimeAsync(5000);
    await page.settle();
    expect(page.text('.connection')).toEqual(['Connection lost. What you see may be old; trying again…']);
    expect(names(page)).toHaveLength(4);
    Object.assign(answers, answersOf());
    await vi.advanceTimersByTimeAsync(2000);
    await page.settle();
    expect(page.text('.connection')).toEqual(['']);
  });
});

describe('live', () => {
  const at = (second: number) => `2026-11-22T20:15:0${second}Z`;
  const deltaOf = (from: number, to: number, rows: unknown[], changes = {}) => ({
    host: hostOf('WIN-07', { last_seen: at(to) }),
    delta: { from: `win-07@${at(from)}`, id: `win-07@${at(to)}`, host: 'WIN-07', hostname: 'WIN-07', timestamp: at(to), previous: at(from), stale: false, labels: {}, system: {}, rows, changes },
  });

  test('takes in trees and deltas, and keeps what was closed and selected', async () => {
    const page = await open('/hosts/WIN-07', {}, { live: true });
    const socket = page.sockets[0]!;
    expect(socket.said).toEqual([{ subscribe: 'host', host: 'WIN-07' }]);
    const answers = answersOf();
    socket.tell({ host: answers['/hosts/WIN-07'], tree: answers['/tree'] });
    await page.settle();
    await page.click('[data-index="1"] .chevron');
    await page.key(grid, 'End');
    socket.tell(deltaOf(0, 5, [{ pid: 9, name: 'new.exe', depth: 0, children: 0, descendants: 0 }, [0, 3]], { 1: { cpu: 55 } }));
    await page.settle();
    expect(names(page)).toEqual(['new.exe', 'wininit.exe', 'services.exe', 'explorer.exe']);
    expect([page.text('.row.new .program'), page.text('.row.ended .program'), selected(page)]).toEqual([['new.exe'], ['explorer.exe'], ['explorer.exe']]);
    expect(page.asked.filter((path) => /WIN-07(\/tree)?$/.test(path))).toEqual(['/api/v1/hosts/WIN-07/tree']);
  });
  test('comes back after a cut with what it has', async () => {
    const answers = answersOf();
    const page = await open('/hosts/WIN-07', answers, { live: true });
    page.sockets[0]!.tell({ host: answers['/hosts/WIN-07'], tree: answers['/tree'] });
    await page.settle();
    page.sockets[0]!.onclose!();
    await page.settle();
    await vi.advanceTimersByTimeAsync(1500);
    await page.settle();
    expect(page.sockets).toHaveLength(2);
    expect(page.sockets[1]!.said).toEqual([{ subscribe: 'host', host: 'WIN-07', have: 'win-07@2026-11-22T20:15:00Z' }]);
    expect(names(page)).toHaveLength(4);
  });
  test('a delta of another tree is not applied; all is asked for anew', async () => {
    const page = await open('/hosts/WIN-07', {}, { live: true });
    const answers = answersOf();
    page.sockets[0]!.tell({ host: answers['/hosts/WIN-07'], tree: answers['/tree'] });
    page.sockets[0]!.tell(deltaOf(3, 5, [[0, 1]]));
    await page.settle();
    expect(page.sockets[0]!.said.at(-1)).toEqual({ subscribe: 'host', host: 'WIN-07' });
  });
});

describe('the time line', () => {
  const slider = '[role=slider]';
  const past = (second: number, facts = {}) => treeOf(given.slice(0, 3), { id: `win-07@${second}`, timestamp: `2026-11-22T20:14:${second}Z`, previous: `2026-11-22T20:14:${second - 5}Z`, next: `2026-11-22T20:14:${second + 5}Z`, ...facts });
  const opened = async (address = '/hosts/WIN-07') => {
    const answers: Answers = { ...answersOf() };
    const page = await open(address, answers);
    return { page, answers };
  };

  test('steps back by the keyboard, and the address names the instant', async () => {
    const { page, answers } = await opened();
    answers['/tree'] = past(55);
    await page.key(slider, 'ArrowLeft');
    await vi.advanceTimersByTimeAsync(300);
    await page.settle();
    expect(page.asked.at(-2)! + page.asked.at(-1)!).toContain(`/tree?at=${encodeURIComponent('2026-11-22T20:15:00Z')}&offset=-1`);
    expect(new URLSearchParams(location.search).get('at')).toBe('2026-11-22T20:14:55.000Z');
    expect(names(page)).toHaveLength(3);
    expect(page.one(slider).getAttribute('aria-valuetext')).toContain('2026-11-22 21:14:55');
    expect(page.one('button.live').getAttribute('aria-pressed')).toBe('false');
    await page.key(slider, 'End');
    expect([location.search, page.one('button.live').getAttribute('aria-pressed')]).toEqual(['', 'true']);
    expect(names(page)).toHaveLength(4);
  });
  test('an address with an instant shows it, and says when there was no snapshot', async () => {
    const page = await open('/hosts/WIN-07?at=2026-11-22T20:14:55Z', { ...answersOf(), '/tree': past(15) });
    expect(page.asked.some((path) => path.includes('/tree?at=2026-11-22T20'))).toBe(true);
    
    expect(page.text('.banner')[0]).toContain('No snapshot then. You see the one before, of 2026-11-22 21:14:15, 40 s earlier.');
  });
  test('what is older than all says what the oldest is', async () => {
    const page = await open('/hosts/WIN-07?at=2020-01-01T00:00:00Z', { '/hosts/WIN-07': hostOf('WIN-07') });
    expect(page.text('.message .title')).toEqual(['Nothing is kept of that instant']);
    expect(page.text('.message .text')[0]).toContain('2026-11-01');
  });
  test('marks what started and ended between one step and the next', async () => {
    const { page, answers } = await opened();
    answers['/tree'] = past(50);
    await page.key(slider, 'ArrowLeft');
    await page.settle();
    answers['/tree'] = treeOf([...given.slice(0, 2), { pid: 8, name: 'late.exe' }], { id: 'x', timestamp: '2026-11-22T20:14:55Z', previous: '2026-11-22T20:14:50Z' });
    await page.key(slider, 'ArrowRight');
    await page.settle();
    expect([page.text('.row.new .program'), page.text('.row.ended .program')]).toEqual([['late.exe'], ['svchost.exe']]);
  });
  test('a stretch that the address marks leads to its comparison and its top', async () => {
    const { page } = await opened('/hosts/WIN-07?from=2026-11-22T20:00:00Z&to=2026-11-22T20:10:00Z');
    expect(page.all('.timeline a').map((link) => [link.textContent, link.getAttribute('href')])).toEqual([
      ['Compare the ends', '/hosts/WIN-07/compare?a=2026-11-22T20%3A00%3A00.000Z&b=2026-11-22T20%3A10%3A00.000Z'],
      ['Top in it', '/top?host=WIN-07&from=2026-11-22T20%3A00%3A00.000Z&to=2026-11-22T20%3A10%3A00.000Z'],
    ]);
    await page.key(slider, 'Escape');
    expect(page.text('.timeline a')).toEqual(['Compare']);
    vi.advanceTimersByTime(200);
    expect(location.search).toBe('');
  });
  test('plus and minus zoom', async () => {
    const { page } = await opened();
    await page.key(slider, '+');
    vi.advanceTimersByTime(200);
    expect(location.search).toBe('?zoom=15m');
    await page.key(slider, '+');
    await page.key(slider, '-');
    vi.advanceTimersByTime(200);
    expect(location.search).toBe('');
  });
  test('L goes live', async () => {
    const { page } = await opened('/hosts/WIN-07?at=2026-11-22T19:00:00Z');
    await page.key(grid, 'l');
    expect(location.search).toBe('');
  });
});

describe('the details', () => {
  test('of a process that nobody knows say so', async () => {
    const page = await open('/hosts/WIN-07?details=1&process=77%402020-01-01T00:00:00Z', answersOf());
    await page.settle();
    expect(page.text('.unheard')).toEqual(['Nothing is kept of the process that the address names.']);
    expect(page.all('.details')).toHaveLength(0);
  });
  test('lead to the instants at which it was seen first and last', async () => {
    const process = '4@2026-11-22T20:00:04.000Z';
    const life = { host: 'WIN-07', process: { pid: 4, name: 'explorer.exe' }, first_seen: '2026-11-22T20:00:05Z', last_seen: '2026-11-22T20:10:00Z', ended: true };
    const page = await open(`/hosts/WIN-07?sort=-cpu&details=1&process=${encodeURIComponent(process)}`, { ...answersOf(), [`/processes/${encodeURIComponent(process)}`]: life });
    const buttons = page.all('.others button');
    expect(buttons.map((button) => button.textContent)).toEqual(['The host when it was first seen', 'The host when it was last seen']);
    buttons[1]!.click();
    await page.settle();
    const now = new URLSearchParams(location.search);
    expect([now.get('at'), now.get('sort'), now.get('process')]).toEqual(['2026-11-22T20:10:00.000Z', '-cpu', process]);
  });
  test('open by Enter with parents, children and the command line, and close by Escape', async () => {
    const page = await open('/hosts/WIN-07', answersOf());
    await page.key(grid, 'End');
    await page.key(grid, 'ArrowUp');
    await page.key(grid, 'Enter');
    expect(page.text('.details h2')).toEqual(['svchost.exe']);
    expect(page.text('.command')).toEqual(['svchost.exe -k netsvcs']);
    expect(page.text('.details ol li')).toEqual(['wininit.exe 1', 'services.exe 2']);
    page.all('.details ol button')[1]!.click();
    await page.settle();
    expect([selected(page), page.text('.details h2')]).toEqual([['services.exe'], ['services.exe']]);
    expect(page.text('.details ul li')).toEqual(['svchost.exe 3']);
    await page.key('.details', 'Escape');
    expect(page.all('.details')).toHaveLength(0);
  });
  test('outlive the process', async () => {
    const answers = answersOf();
    const page = await open(`/hosts/WIN-07?details=1&process=${encodeURIComponent('4@2026-11-22T20:00:04.000Z')}`, answers);
    Object.assign(answers, answersOf(given.slice(0, 3), 5));
    await vi.advanceTimersByTimeAsync(5000);
    await page.settle();
    await vi.advanceTimersByTimeAsync(10_100);
    await page.settle();
    expect(names(page)).not.toContain('explorer.exe');
    expect(page.text('.details .ended')).toEqual(['This process has ended. These are its last known facts.']);
  });
});

test('a link to a process that ended long ago shows what the history knows', async () => {
  const id = '77@2026-11-20T08:00:00Z';
  const life = {
    host: 'WIN-07', process: { pid: 77, name: 'gone.exe', start_time: '2026-11-20T08:00:00Z', cmdline: 'gone.exe --once' },
    first_seen: '2026-11-20T08:00:05Z', last_seen: '2026-11-20T09:00:00Z', gone_at: '2026-11-20T09:00:05Z', ended: true, ended_at: '2026-11-20T09:00:02Z', exit_code: 3221225477,
  };
  const page = await open(`/hosts/WIN-07?details=1&process=${encodeURIComponent(id)}`, { ...answersOf(), [`/processes/${encodeURIComponent(id)}`]: life });
  await page.settle();
  expect(page.text('.details h2')).toEqual(['gone.exe']);
  expect(page.text('.command')).toEqual(['gone.exe --once']);
  expect(page.text('.facts dd').join(' ')).toContain('2026-11-20 10:00:02');
  expect(page.text('.facts dd').join(' ')).toContain('3221225477 0xC0000005');
  const links = page.all('.others a').map((a) => new URLSearchParams(a.getAttribute('href')!.split('?')[1]).get('q'));
  expect(links).toEqual(['name:="gone.exe" host:="WIN-07"', 'name:="gone.exe" -host:="WIN-07"']);
});

describe('hostile text', () => {
  test('is text', async () => {
    const name = '<img src=x onerror=alert(1)>';
    const page = await open(`/hosts/${encodeURIComponent(name)}`, {
      '/tree': treeOf([{ pid: 1, name, cmdline: 'x'.repeat(32_000), username: '\u202eadmin' }], { host: name, labels: { '<b>': '</b>' } }),
      [`/hosts/${encodeURIComponent(name)}`]: hostOf(name),
    });
    expect(page.all('img, main b')).toHaveLength(0);
    expect(page.text('h1')).toEqual([name]);
    expect(names(page)).toEqual([name]);
    expect(page.one('[role=gridcell].code').textContent!.trim().length).toBeLessThan(500);
    expect(page.text('.control-character')[0]).toBe('\u202e');
    await page.key(grid, 'Home');
    await page.key(grid, 'Enter');
    expect(page.one('.command').textContent).toHaveLength(32_000);
  });
});

describe('states', () => {
  test('a host that is down says why, over its last snapshot', async () => {
    const page = await open('/hosts/WIN-07', { ...answersOf(), '/hosts/WIN-07': hostOf('WIN-07', { state: 'down', error: 'connection refused' }) });
    expect(page.text('.banner')).toEqual(['Down. connection refused. You see its last snapshot, 4 s ago.']);
    expect(names(page)).toHaveLength(4);
  });
  test('an unknown host is not found', async () => {
    const page = await open('/hosts/nobody', {});
    expect(page.text('.message .title')).toEqual(['No host of this name is known']);
  });
  test('a failure offers to try again', async () => {
    const answers: Answers = { '/tree': 500, '/hosts/WIN-07': 500 };
    const page = await open('/hosts/WIN-07', answers);
    expect(page.text('.message .title')).toEqual(['The host could not be read']);
    Object.assign(answers, answersOf());
    await page.click('.message button');
    expect(names(page)).toHaveLength(4);
  });
  test('a step that fails keeps what is shown, says why and offers to try again', async () => {
    const answers: Answers = { ...answersOf(), '/series': 500 };
    const page = await open('/hosts/WIN-07?at=2026-11-22T20:15:00Z', answers);
    expect(page.text('.timeline [role=status]')).toEqual([expect.stringContaining('The time line could not be read')]);
    answers['/tree'] = 500;
    await page.key('[role=slider]', 'ArrowLeft');
    await page.settle();
    expect(page.text('.banner')).toEqual([expect.stringMatching(/^Not read\. .*Try again$/)]);
    expect(names(page)).toHaveLength(4);
    Object.assign(answers, answersOf(), { '/series': { host: 'WIN-07', step: 0, times: [], values: {} } });
    await page.click('.banner button');
    await page.click('.timeline .buttons > button:first-child');
    expect([page.text('.banner'), page.all('.timeline [role=status]')]).toEqual([[], []]);
  });
  test('an agent that is too old says what it lacks', async () => {
    const page = await open('/hosts/WIN-07', answersOf([{ pid: 1, name: 'a', start_time: undefined, cpu: 3, memory: 2 }]));
    expect(page.text('.banner')).toEqual(['Agent too old. It does not tell start times, CPU time, threads, handles, I/O, programs. Update procmon-exporter on this host.']);
    await page.key(grid, 'End');
    await page.key(grid, 'Enter');
    expect(page.text('.details')[0]).toContain('It can\'t be followed');
    expect(page.asked.filter((path) => path.includes('/processes/'))).toEqual([]);
  });
  test('an empty snapshot is no error', async () => {
    const page = await open('/hosts/WIN-07', answersOf([]));
    expect(page.text('.message .title')).toEqual(['No processes']);
  });
});

describe('columns', () => {
  const heads = (page: Page) => page.text('[role=columnheader]').map((text) => text.trim());
  const settled = () => vi.advanceTimersByTime(200);
  const boxOf = (page: Page, title: string) => page.all('.menu li').find((item) => item.querySelector('label')!.textContent!.trim() === title)!;

  test('are hidden, and the address and the next visit know', async () => {
    const page = await open('/hosts/WIN-07', answersOf());
    await page.click('.menu > button');
    boxOf(page, 'Handles').querySelector('input')!.click();
    await page.settle();
    expect(page.all('.head.handles')).toHaveLength(0);
    settled();
    const columns = new URLSearchParams(location.search).get('cols');
    expect(columns).toBe('name.pid.cpu.tree_cpu.memory.tree_memory.threads.read.write.user.started.cmdline');
    expect(localStorage.getItem('procmon.columns')).toBe(columns);
    await page.click('.menu .control:not([aria-expanded])');
    settled();
    expect([location.search, page.all('.head.handles').length]).toEqual(['', 1]);
  });
  test('what was remembered is shown, and told by the address', async () => {
    localStorage.setItem('procmon.columns', 'name.memory.pid');
    const page = await open('/hosts/WIN-07', answersOf());
    expect(heads(page)).toEqual(['Name', 'Memory', 'PID']);
    settled();
    expect(location.search).toBe('?cols=name.memory.pid');
  });
  test('an address goes before what is remembered, and shows what is usually hidden', async () => {
    localStorage.setItem('procmon.columns', 'name.memory.pid');
    const page = await open('/hosts/WIN-07?cols=name-300.private.session.nonsense', answersOf());
    expect(heads(page)).toEqual(['Name', 'Private', 'Session']);
    expect(page.one(grid).style.getPropertyValue('--tracks')).toBe('min(300px, var(--name-most)) 80px 72px');
    expect(localStorage.getItem('procmon.columns')).toBe('name.memory.pid');
  });
  test('move and change their width by the keyboard, one stop of Tab for all', async () => {
    const page = await open('/hosts/WIN-07?cols=name.pid.cpu.memory', answersOf());
    expect(page.all('[role=columnheader] button').map((button) => button.tabIndex)).toEqual([0, -1, -1, -1]);
    const press = async (key: string, shiftKey = false) => {
      document.activeElement!.dispatchEvent(new KeyboardEvent('keydown', { key, shiftKey, bubbles: true, cancelable: true }));
      await page.settle();
    };
    page.one('.head.name button').focus();
    await press('ArrowRight');
    await press('ArrowRight', true);
    expect(heads(page)).toEqual(['Name', 'CPU %', 'PID', 'Memory']);
    expect(document.activeElement).toBe(page.one('.head.pid button'));
    await press('End', false);
    await press('ArrowRight', true);
    await press('+');
    settled();
    // Nothing has a width in this test's page; the least is taken.
    expect(new URLSearchParams(location.search).get('cols')).toBe('name.cpu.pid.memory-40');
    await press('0');
    settled();
    expect(new URLSearchParams(location.search).get('cols')).toBe('name.cpu.pid.memory');
    expect(page.text('.said')).toEqual(['Memory: 0 pixels wide']);
  });
  test('move by the menu, which keeps the focus', async () => {
    const page = await open('/hosts/WIN-07?cols=name.pid.cpu', answersOf());
    await page.click('.menu > button');
    const button = boxOf(page, 'PID').querySelector<HTMLElement>('[aria-label="PID: to the right"]')!;
    button.click();
    await page.settle();
    expect(heads(page)).toEqual(['Name', 'CPU %', 'PID']);
    expect(document.activeElement?.closest('li')?.textContent).toContain('PID');
  });
});
