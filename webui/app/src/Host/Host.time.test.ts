import { beforeEach, describe, expect, test, vi } from 'vitest';
import { hostOf, treeOf } from '../../test/build';
import { answersOf, given, grid, names, selected } from '../../test/host';
import { open, type Answers } from '../../test/page';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'], now: Date.parse('2026-11-22T20:15:04Z') }));

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
    expect(page.asked.filter((path) => /WIN-07(\/tree.*)?$/.test(path))).toEqual(['/api/v1/hosts/WIN-07/tree?limit=300']);
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
