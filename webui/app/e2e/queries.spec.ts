import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { faultsOf } from './accessible';
import { browse, freeAddress, marker, Procmon, skip, visit } from './programs';

const markerText = `procmon-e2e-query-${process.pid}`;
const hostile = '<img src=x onerror=alert(1)>';
const here = encodeURIComponent(hostname());
const minutesAgo = (n: number) => new Date(Math.floor(Date.now() / 1000) * 1000 - n * 60_000).toISOString().replace('.000Z', 'Z');

describe.skipIf(skip)('questions to a real server', () => {
  const procmon = new Procmon();
  const [before, after] = [minutesAgo(20), minutesAgo(10)];
  let child: ChildProcess;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let faults: string[];

  beforeAll(async () => {
    child = marker(markerText);
    const exporter = await freeAddress();
    await procmon.start(exporter);
    browser = await browse();
    // The history of two hosts: something burns CPU, something ends, something starts.
    const start = minutesAgo(60);
    for (const host of ['past-1', hostile]) {
      for (const [at, cpu, memory] of [[minutesAgo(30), 10, 100], [before, 20, 200], [after, 400, 900]] as const) {
        const p = (pid: number, name: string, more = {}) => ({ pid, name, start_time: start, username: 'anna', cpu_seconds: 1, memory: 10, ...more });
        const processes = [p(1, 'init'), p(7, 'burner.exe', { cpu_seconds: cpu, memory, cmdline: `${hostile} --burn` }), at === after ? p(9, 'late.exe', { start_time: minutesAgo(12) }) : p(8, 'gone.exe')];
        expect((await procmon.push({ hostname: host, timestamp: at, threads: 4, processes })).status).toBe(201);
      }
    }
    const many = Array.from({ length: 400 }, (_, pid) => ({ pid, name: 'many.exe' }));
    expect((await procmon.push({ hostname: 'crowd', timestamp: minutesAgo(0), processes: many })).status).toBe(201);
    await vi.waitUntil(async () => (await fetch(`${procmon.url}/api/v1/hosts/${here}`)).ok, { timeout: 20_000 });
  });
  afterAll(async () => {
    child?.kill('SIGKILL');
    await browser?.close();
    await procmon.remove();
  });
  beforeEach(() => open());
  afterEach(async () => {
    await context.close();
    expect(faults, 'on the console').toEqual([]);
  });

  async function open(options: Parameters<Browser['newContext']>[0] = {}) {
    await context?.close();
    ({ context, page, faults } = await visit(browser, options));
  }

  const search = () => page.getByRole('combobox', { name: 'Search processes' });
  const matches = () => page.getByRole('table', { name: 'Matches' });

  test('the search finds what runs, by keyboard to its details and back', async () => {
    await page.goto(`${procmon.url}/`);
    await page.getByRole('link', { name: 'Search', exact: true }).focus();
    await page.keyboard.press('Enter');
    await search().waitFor();
    await search().focus();
    await page.keyboard.type(`cmd:${markerText}`);
    // What the first letters found has gone.
    await vi.waitUntil(async () => {
      const found = await matches().locator('.match').allTextContents();
      return found.length > 0 && found.every((text) => text.includes(markerText));
    });
    await page.keyboard.press('ArrowDown');
    await vi.waitUntil(() => page.evaluate(() => document.activeElement?.closest('.match') !== null));
    await page.keyboard.press('Enter');
    const details = page.getByRole('region', { name: 'Process details' });
    await details.waitFor();
    expect(await details.textContent()).toContain(markerText);
    expect(new URL(page.url()).pathname).toBe(`/hosts/${here}`);
    await page.goBack();
    await matches().getByRole('row').filter({ hasText: markerText }).waitFor();
    expect(await search().inputValue()).toBe(`cmd:${markerText}`);
  });

  test('from the fleet to the details of a process found by filter, and back, by keyboard alone', async () => {
    await page.goto(`${procmon.url}/`);
    await page.getByRole('searchbox', { name: 'Filter hosts' }).focus();
    await page.keyboard.type(hostname());
    const link = page.getByRole('table', { name: 'Hosts' }).getByRole('link', { name: hostname(), exact: true });
    await link.waitFor();
    for (let i = 0; i < 40 && !(await link.evaluate((element) => element === document.activeElement)); i++) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('treegrid').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type(markerText);
    await page.getByRole('treegrid').getByRole('row').filter({ hasText: markerText }).waitFor();
    await page.keyboard.press('Enter');
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    const details = page.getByRole('region', { name: 'Process details' });
    await details.waitFor();
    expect(await details.textContent()).toContain(markerText);
    await page.keyboard.press('Escape');
    await details.waitFor({ state: 'detached' });
    for (let i = 0; i < 6 && new URL(page.url()).pathname !== '/'; i++) await page.goBack();
    await page.getByRole('table', { name: 'Hosts' }).waitFor();
  });

  test('over a range, what has ended is there, and its time', async () => {
    await page.goto(`${procmon.url}/search?q=${encodeURIComponent('gone host:past')}&range=1h`);
    const row = matches().getByRole('row').filter({ hasText: 'gone.exe' });
    await row.waitFor();
    expect(await row.textContent()).not.toContain('running');
    await row.getByRole('link').click();
    await page.getByRole('treegrid').waitFor();
    expect(new URL(page.url()).searchParams.get('at')).toBe(before);
  });

  test('a download holds the matches', async () => {
    await page.goto(`${procmon.url}/search?q=burner&range=1h`);
    await matches().waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'CSV' }).click()]);
    expect(download.suggestedFilename()).toMatch(/\.csv$/);
    expect(readFileSync(await download.path(), 'utf8')).toContain('burner.exe');
    const [lines] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'JSON lines' }).click()]);
    const found = readFileSync(await lines.path(), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { host: string; process: { name: string } });
    expect(found.map((match) => `${match.process.name} on ${match.host}`).toSorted()).toEqual([`burner.exe on ${hostile}`, 'burner.exe on past-1']);
  });

  test('fields and hosts are completed by keyboard', async () => {
    await page.goto(`${procmon.url}/search`);
    await search().focus();
    await page.keyboard.type('burner ho');
    const option = page.getByRole('listbox', { name: 'Completions' }).getByRole('option');
    await option.filter({ hasText: 'host:' }).waitFor();
    await page.keyboard.press('ArrowDown');
    expect(await option.first().getAttribute('aria-selected')).toBe('true');
    await page.keyboard.press('Enter');
    await expect.poll(() => search().inputValue()).toBe('burner host:');
    await page.keyboard.type('past');
    await option.filter({ hasText: 'past-1' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await expect.poll(() => search().inputValue()).toContain('burner host:past-1');
    await expect.poll(() => new URL(page.url()).searchParams.get('q')).toContain('host:past-1');
  });

  test('at an instant, what ran then; the time is chosen, in the address, and undone by Back', async () => {
    await page.goto(`${procmon.url}/search?q=${encodeURIComponent('host:past-1 .exe')}&at=${before}`);
    const names = () => matches().locator('.match .name').allTextContents();
    await matches().waitFor();
    expect((await names()).map((name) => name.trim()).toSorted()).toEqual(['burner.exe', 'gone.exe']);
    await page.getByRole('combobox', { name: 'Time' }).selectOption('1h');
    await expect.poll(async () => (await names()).length).toBe(3);
    expect(new URL(page.url()).searchParams.get('range')).toBe('1h');
    await page.goBack();
    await expect.poll(async () => (await names()).length).toBe(2);
    expect(new URL(page.url()).searchParams.get('at')).toBe(before);
    await page.goto(`${procmon.url}/search?q=nothing-is-called-like-this`);
    await page.getByText('No process is like that').waitFor();
    await page.getByRole('button', { name: 'Search the last 24 hours' }).click();
    await page.getByText('Nothing matches in that time').waitFor();
  });

  test('more matches that cannot be read leave those that are there, and can be tried again', async () => {
    await page.goto(`${procmon.url}/search?q=many.exe`);
    const shown = page.getByRole('status').filter({ hasText: 'processes so far' });
    await shown.waitFor();
    await page.route('**/api/v1/search?*cursor=*', (route) => route.fulfill({ status: 503, json: { error: { code: 'busy', message: 'too many questions at a time' } } }));
    await page.getByRole('button', { name: 'Show more' }).click();
    const problem = page.getByRole('alert').filter({ hasText: 'too many questions at a time' });
    await problem.waitFor();
    await matches().waitFor();
    expect(await page.getByText('Connection lost').count(), 'the server answered').toBe(0);
    await page.unroute('**/api/v1/search?*cursor=*');
    await problem.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('status').filter({ hasText: '400 processes' }).waitFor();
    faults = faults.filter((fault) => !fault.includes('503'));
  });

  test('a wrong search is shown where it is wrong', async () => {
    await page.goto(`${procmon.url}/search`);
    await search().fill('name:a cpu:5 x');
    await page.getByText('Character 11: cpu takes').waitFor();
    expect(await page.locator('.fault mark').textContent(), 'the character').toBe(':');
    expect(await search().getAttribute('aria-invalid')).toBe('true');
    await search().fill(`"${hostile} --burn"`);
    await page.getByText('No process is like that').or(matches()).first().waitFor();
  });

  test('top answers what caused the spike', async () => {
    await page.goto(`${procmon.url}/top?host=past-1&from=${minutesAgo(25)}&to=${minutesAgo(5)}`);
    const first = page.getByRole('row').nth(1);
    await first.waitFor();
    expect(await first.textContent()).toContain('burner.exe');
    await page.getByRole('button', { name: 'Name', exact: true }).click();
    await expect.poll(() => page.getByRole('columnheader', { name: 'Hosts' }).count()).toBe(1);
    await page.getByRole('link', { name: 'burner.exe' }).click();
    await matches().getByRole('row').filter({ hasText: 'burner.exe' }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'Top' }).waitFor();
    expect(new URL(page.url()).searchParams.get('per')).toBe('name');
  });

  test.each([
    ['cpu', 'user', 'anna'], ['memory', 'name', 'burner.exe'], ['memory', 'host', 'past-1'], ['cpu', 'host', hostile],
  ])('top by %s, for each %s', async (by, per, want) => {
    await page.goto(`${procmon.url}/top?by=${by}&per=${per}&match=${encodeURIComponent('{job="push"}')}&from=${minutesAgo(25)}&to=${minutesAgo(5)}`);
    await page.getByRole('row').filter({ hasText: want }).first().waitFor();
    expect(await page.locator('th[aria-sort=descending]').textContent()).toBe(by === 'cpu' ? 'CPU time' : 'Memory peak');
    expect(await page.locator('img[src="x"]').count()).toBe(0);
  });

  test('a head of Top orders by its measure, and Back by the one before', async () => {
    await page.goto(`${procmon.url}/top?host=past-1&from=${minutesAgo(25)}&to=${minutesAgo(5)}`);
    const sorted = page.locator('th[aria-sort=descending]');
    await sorted.waitFor();
    await page.getByRole('columnheader', { name: 'I/O' }).getByRole('button').click();
    await expect.poll(() => sorted.textContent()).toBe('I/O');
    expect(new URL(page.url()).searchParams.get('by')).toBe('io');
    await page.goBack();
    await expect.poll(() => sorted.textContent()).toBe('CPU time');
  });

  test('compare tells what started, ended, and grew', async () => {
    await page.goto(`${procmon.url}/hosts/past-1/compare?a=${before}&b=${after}`);
    const table = page.getByRole('table', { name: 'Changes' });
    await table.waitFor();
    expect((await table.locator('.started.change').textContent())?.trim()).toContain('late.exe');
    expect((await table.locator('.ended.change').textContent())?.trim()).toContain('gone.exe');
    expect((await table.locator('.stayed.change').first().textContent())?.replace(/\s+/g, ' ')).toMatch(/burner\.exe.*6 min 20 s.*\+700 MiB/);
    await page.getByRole('button', { name: 'Before: one snapshot back' }).click();
    await expect.poll(() => new URL(page.url()).searchParams.get('a')).not.toBe(before);
    await page.goBack();
    await expect.poll(() => new URL(page.url()).searchParams.get('a')).toBe(before);
  });

  test.each(['/', '/search', '/search?q=cpu:5+x', '/search?q=burner&range=1h', '/top', '/top?per=host', `/hosts/${encodeURIComponent(hostile)}/compare?a=${before}&b=${after}`])('%s fits a phone and is accessible in both schemes', async (path) => {
    expect(await faultsOf(browser, procmon.url + path)).toEqual([]);
  });
});
