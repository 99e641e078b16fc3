import type { ChildProcess } from 'node:child_process';
import { hostname } from 'node:os';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { faultsOf } from './accessible';
import { browse, freeAddress, marker, Procmon, skip, visit } from './programs';

const markerText = `procmon-e2e-marker-${process.pid}`;
const hostile = '<img src=x onerror=alert(1)>';
const traversal = '../../etc/passwd';
const here = encodeURIComponent(hostname());

describe.skipIf(skip)('the pages of a real server', () => {
  const procmon = new Procmon();
  let exporter: string;
  let child: ChildProcess;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let faults: string[];

  beforeAll(async () => {
    child = marker(markerText);
    exporter = await freeAddress();
    await procmon.start(exporter);
    browser = await browse();
    for (const host of [hostile, traversal]) expect((await procmon.push(hostileSnapshot(host))).status).toBe(201);
    expect((await procmon.push(hugeSnapshot('huge', 10_000))).status).toBe(201);
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

  const tree = () => page.getByRole('treegrid');
  const filter = () => page.getByRole('textbox', { name: 'Filter processes' }).or(page.getByRole('searchbox', { name: 'Filter processes' }));
  const row = (text: string) => tree().getByRole('row').filter({ hasText: text });

  test('the fleet leads to the host', async () => {
    await page.goto(`${procmon.url}/`);
    await page.getByRole('link', { name: hostname(), exact: true }).click();
    await tree().waitFor();
    expect(new URL(page.url()).pathname).toBe(`/hosts/${here}`);
    expect(await tree().getByRole('row').count()).toBeGreaterThan(3);
    await page.goBack();
    await page.getByRole('table', { name: 'Hosts' }).waitFor();
  });

  test('the filter finds a process by its command line, with its ancestors', async () => {
    await page.goto(`${procmon.url}/hosts/${here}`);
    await tree().waitFor();
    await page.keyboard.press('/');
    await filter().fill(markerText);
    await row(markerText).waitFor();
    const match = row(markerText);
    expect(await match.count()).toBe(1);
    const level = Number(await match.getAttribute('aria-level'));
    expect(level, 'stands below its ancestors').toBeGreaterThan(1);
    expect(await tree().locator('[role=row][aria-level]').count(), 'the match and its ancestors').toBe(level);
    expect(await match.textContent()).toContain(String(child.pid));
    await expect.poll(() => new URL(page.url()).searchParams.get('q')).toBe(markerText);

    await open();
    await page.goto(`${procmon.url}/hosts/${here}?q=${markerText}`);
    await row(markerText).waitFor();
  });

  test('a node closes and opens, by mouse and by keyboard', async () => {
    await page.goto(`${procmon.url}/hosts/${here}?q=${markerText}`);
    await row(markerText).waitFor();
    const parent = tree().locator('[role=row][aria-expanded=true]').last();
    await parent.getByRole('button', { name: 'Collapse' }).click();
    await row(markerText).waitFor({ state: 'detached' });
    await tree().locator('[role=row][aria-expanded=false]').last().getByRole('button', { name: 'Expand' }).click();
    await row(markerText).waitFor();

    await row(markerText).click();
    await page.keyboard.press('ArrowLeft'); // to the parent
    await page.keyboard.press('ArrowLeft'); // closes it
    await row(markerText).waitFor({ state: 'detached' });
    await page.keyboard.press('ArrowRight');
    await row(markerText).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const details = page.getByRole('region', { name: 'Process details' });
    await details.waitFor();
    expect(await details.textContent()).toContain(markerText);
    await page.keyboard.press('Escape');
    await details.waitFor({ state: 'detached' });
  });

  test('a process that starts appears, and one that ends leaves', async () => {
    const text = `${markerText}-late`;
    await page.goto(`${procmon.url}/hosts/${here}?q=${text}`);
    const late = marker(text);
    try {
      await row(text).waitFor();
    } finally {
      late.kill('SIGKILL');
    }
    await row(text).waitFor({ state: 'detached', timeout: 30_000 });
  });

  test('a sort orders siblings and keeps the tree', async () => {
    await page.goto(`${procmon.url}/hosts/huge`);
    await tree().waitFor();
    await page.getByRole('columnheader', { name: 'Memory', exact: true }).getByRole('button').first().click();
    await expect.poll(() => new URL(page.url()).search).toContain('sort=');
    const levels = await tree().locator('[role=row][aria-level]').evaluateAll((rows) => rows.map((r) => Number(r.getAttribute('aria-level'))));
    expect(levels[0]).toBe(1);
    levels.slice(1).forEach((level, i) => expect(level).toBeLessThanOrEqual(levels[i]! + 1));
  });

  test('of 10,000 processes only what is in view is in the page', async () => {
    await page.goto(`${procmon.url}/hosts/huge`);
    await page.getByRole('button', { name: 'Expand all' }).click();
    await expect.poll(async () => Number(await tree().getAttribute('aria-rowcount'))).toBeGreaterThanOrEqual(10_000);
    expect(await tree().getByRole('row').count()).toBeLessThan(120);
    await tree().focus();
    await page.keyboard.press('End');
    await tree().locator('[role=row][aria-rowindex="10001"]').waitFor();
    expect(await tree().getByRole('row').count()).toBeLessThan(120);
  });

  test.each([hostile, traversal])('%s is a name like any other', async (name) => {
    await page.goto(`${procmon.url}/`);
    await page.getByRole('link', { name, exact: true }).click();
    await tree().waitFor();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain(name);
    await row('<script>alert(2)</script>').waitFor();
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    await row('"quoted" & <b>bold</b>').waitFor();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBeLessThanOrEqual(1440);
  });

  test('targets say what is up, what is down, and why', async () => {
    await page.goto(`${procmon.url}/targets`);
    const gone = page.getByRole('region', { name: 'Job gone' });
    await gone.waitFor();
    await expect.poll(() => gone.textContent()).toContain('connection refused');
    expect(await page.getByRole('region', { name: 'Job here' }).textContent()).toContain(exporter);
  });

  test('the chosen colours are in the page as it is sent', async () => {
    await page.goto(`${procmon.url}/targets`);
    for (const [name, root] of [['Light', '<html data-theme="light"'], ['Dark', '<html data-theme="dark"'], ['System', '<html lang']] as const) {
      await page.getByRole('button', { name: 'Colours:' }).click();
      const answer = await page.reload();
      expect(await answer!.text()).toContain(root);
      await page.getByRole('button', { name: `Colours: ${name}` }).waitFor();
    }
  });

  test.each([`/hosts/${here}`, '/hosts/nobody', '/targets', '/?group=job'])('%s fits a phone and is accessible in both schemes', async (path) => {
    expect(await faultsOf(browser, procmon.url + path, path.includes('nobody') ? / 404 / : undefined)).toEqual([]);
  });

  test.each(['', '?open=roots', '?open=all&details=1', '?open=none&closed=7', '?q=img', '?sort=-cpu', '?flat=1', '?process=7@'])('what a host%s shows first is asked for once, by the page as the server expects', async (search) => {
    await page.goto(`${procmon.url}/hosts/${encodeURIComponent(hostile)}${search}`);
    await tree().or(page.getByText('No process is like that')).waitFor();
    const asked = await page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => name.includes('/tree')).length);
    expect(asked).toBe(1);
  });

  test('a server that goes away and comes back', async () => {
    await page.goto(`${procmon.url}/hosts/${here}?q=${markerText}`);
    await row(markerText).waitFor();
    expect(await procmon.stop('SIGINT'), 'a clean end').toBe(0);
    const lost = page.getByRole('status').filter({ hasText: /connection/i });
    await lost.waitFor();
    await row(markerText).waitFor();
    await procmon.start(exporter);
    await lost.waitFor({ state: 'detached' });
    await row(markerText).waitFor();
    faults = faults.filter((fault) => !/Failed to load resource|ERR_CONNECTION/.test(fault));
  });
});

function hostileSnapshot(hostname: string) {
  return {
    hostname,
    timestamp: new Date().toISOString(),
    processes: [
      { pid: 1, name: '<script>alert(2)</script>', cmdline: '"quoted" & <b>bold</b>', username: '{{7*7}}' },
      { pid: 2, ppid: 1, name: '\u202Egnp.exe', cmdline: 'x'.repeat(32_000) },
      { pid: 3, ppid: 3, name: 'own parent' },
      { pid: 4, ppid: 5, name: 'cycle a' },
      { pid: 5, ppid: 4, name: 'cycle b' },
    ],
  };
}

function hugeSnapshot(hostname: string, size: number) {
  const processes = Array.from({ length: size }, (_, pid) => ({
    pid,
    ppid: pid === 0 ? undefined : Math.floor((pid - 1) / 4),
    name: `process-${pid}.exe`,
    cpu: pid % 7,
    memory: (pid * 37) % 501,
    cmdline: `C:\\Program Files\\Vendor\\process-${pid}.exe --instance ${pid}`,
  }));
  return { hostname, timestamp: new Date().toISOString(), processes };
}
