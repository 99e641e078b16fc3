import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { browse, freeAddress, Procmon, skip, visit } from './programs';
import { Proxy } from './proxy';

const size = 130; // more than a page asks for first
const name = (i: number) => `web-${String(i).padStart(3, '0')}`;

function snapshot(hostname: string, i: number, more = 0) {
  const memory = 4 + (i % 12);
  return {
    hostname, timestamp: new Date().toISOString(), os: i % 2 ? 'Debian GNU/Linux 12' : 'Microsoft Windows Server 2022', threads: 1 + (i % 32), cpu: (i * 37) % 100,
    ram_gb: 16, used_ram_gb: memory, storage_total_gb: 100, storage_used_gb: (i * 13) % 90,
    processes: Array.from({ length: 2 + (i % 5) + more }, (_, pid) => ({ pid, name: `worker-${(i * 7 + pid) % 30}`, cpu: ((i * 11 + pid) % 400) / 4, memory: 10 })),
  };
}

describe.skipIf(skip)('the fleet', () => {
  const procmon = new Procmon();
  let proxy: Proxy;
  let exporter: string;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    exporter = await freeAddress();
    await procmon.start(exporter);
    proxy = new Proxy(procmon.url);
    await proxy.restore();
    for (let i = 0; i < size; i++) expect((await procmon.push(snapshot(name(i), i))).status).toBe(201);
    browser = await browse();
  });
  afterAll(async () => {
    await browser?.close();
    await proxy?.cut();
    await procmon.remove();
  });
  beforeEach(async () => void ({ context, page } = await visit(browser, { viewport: { width: 1440, height: 620 } })));
  afterEach(() => context.close());

  const table = () => page.getByRole('table', { name: 'Hosts' });
  const row = (host: string) => table().getByRole('row').filter({ has: page.getByRole('link', { name: host, exact: true }) });
  const cells = (column: string) => table().locator(`[role=cell].${column}`).allTextContents();
  const lost = () => page.getByRole('status').filter({ hasText: 'Connection lost' });
  const scroller = () => page.locator('.scroller');
  const param = (of: string) => new URL(page.url()).searchParams.get(of);

  /** Opens the fleet scrolled, filtered and sorted, with one host's link in focus; returns what holds that to be as it was. */
  async function placed(at: string) {
    await page.goto(`${at}/?q=web&sort=-host`);
    await row(name(size - 1)).waitFor();
    await scroller().evaluate((element) => (element.scrollTop = 560));
    const link = page.getByRole('link', { name: name(size - 24), exact: true });
    await link.focus();
    const scrolled = await scroller().evaluate((element) => element.scrollTop);
    expect(scrolled).toBeGreaterThan(500);
    return async () => {
      expect(await scroller().evaluate((element) => element.scrollTop)).toBe(scrolled);
      expect(await link.evaluate((element) => element === document.activeElement), 'the focus').toBe(true);
      expect([param('q'), param('sort')]).toEqual(['web', '-host']);
    };
  }

  test('changes by itself, without asking', async () => {
    const hold = await placed(procmon.url);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    const seen = name(size - 22);
    const count = row(seen).locator('.processes');
    const before = Number(await count.textContent());
    expect((await procmon.push(snapshot(seen, size - 22, 9))).status).toBe(201);
    await expect.poll(async () => Number(await count.textContent())).toBe(before + 9);
    expect(asked.filter((path) => path === '/api/v1/hosts')).toEqual([]);
    await hold();
  });

  test('a connection that is cut and restored leaves place, focus and filter alone', async () => {
    const hold = await placed(proxy.url);
    await proxy.cut();
    await lost().waitFor();
    await hold();
    const seen = name(size - 23);
    const count = row(seen).locator('.processes');
    const before = Number(await count.textContent());
    expect((await procmon.push(snapshot(seen, size - 23, 5))).status).toBe(201);
    await proxy.restore();
    await lost().waitFor({ state: 'detached', timeout: 30_000 });
    await expect.poll(async () => Number(await count.textContent())).toBe(before + 5);
    await hold();
    // And it is live again, not only read once.
    expect((await procmon.push(snapshot(seen, size - 23, 6))).status).toBe(201);
    await expect.poll(async () => Number(await count.textContent())).toBe(before + 6);
  });

  test('a server that restarts; what was not loaded meanwhile can be tried again', async () => {
    const hold = await placed(procmon.url);
    await procmon.stop('SIGINT');
    await lost().waitFor();
    await hold();
    await page.getByRole('link', { name: 'Top', exact: true }).click();
    const failed = page.getByRole('alert').filter({ hasText: 'The page could not be loaded' });
    await failed.waitFor();
    await procmon.start(exporter);
    await failed.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { name: 'Top' }).waitFor();
    await page.goBack();
    await lost().waitFor({ state: 'detached', timeout: 30_000 });
    await row(name(size - 24)).waitFor();
    expect([param('q'), param('sort')]).toEqual(['web', '-host']);
    await expect.poll(() => scroller().evaluate((element) => element.scrollTop)).toBeGreaterThan(500);
  });

  describe('shows its first hosts, and what is true of all,', () => {
    const asked = () =>
      page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name.replace(location.origin, '')).filter((path) => /hosts(\?|$)/.test(path)));
    const count = () => page.getByRole('search', { name: 'Hosts' }).getByRole('status').textContent();
    const all = async () => {
      expect(await table().getAttribute('aria-rowcount')).toBe(String(size + 2)); // the heads, and the host of the server
      expect(await count()).toContain(`${size + 1} hosts`);
    };

    test('until the live connection brings the others, which moves nothing', async () => {
      const held: (() => void)[] = []; // all, then what changed
      await page.routeWebSocket('**/api/v1/live', (socket) => {
        const server = socket.connectToServer();
        server.onMessage((message) => void held.push(() => socket.send(message)));
      });
      await page.goto(`${procmon.url}/`);
      await row(name(0)).waitFor();
      await all();
      await expect.poll(() => held.length).toBeGreaterThan(0);
      await scroller().evaluate((element) => (element.scrollTop = 560));
      const link = page.getByRole('link', { name: name(25), exact: true });
      await link.focus();
      const place = () => Promise.all([scroller().evaluate((element) => [element.scrollTop, element.scrollHeight]), link.boundingBox()]);
      const before = await place();
      const processes = row(name(25)).locator('.processes');
      const now = Number(await processes.textContent());
      expect((await procmon.push(snapshot(name(25), 25, 9))).status).toBe(201);
      await expect.poll(() => {
        while (held.length > 0) held.shift()!();
        return processes.textContent();
      }).toBe(String(now + 9));
      expect(await asked()).toEqual(['/api/v1/hosts?limit=100']);
      await all();
      expect(await place()).toEqual(before);
      expect(await link.evaluate((element) => element === document.activeElement), 'the focus').toBe(true);
      await scroller().evaluate((element) => (element.scrollTop = element.scrollHeight));
      await row(name(size - 1)).waitFor();
    });

    test('and without a live connection asks for the others', async () => {
      await page.routeWebSocket('**/api/v1/live', (socket) => void socket.close());
      await page.goto(`${procmon.url}/`);
      await expect.poll(asked).toEqual(['/api/v1/hosts?limit=100', '/api/v1/hosts']);
      await all();
      await scroller().evaluate((element) => (element.scrollTop = element.scrollHeight));
      await row(name(size - 1)).waitFor();
    });

    test('but asks for all where it has to choose', async () => {
      await page.goto(`${procmon.url}/?sort=-host`);
      await row(name(size - 1)).waitFor();
      expect(await asked()).toEqual(['/api/v1/hosts']);
      await all();
    });
  });

  test('every column sorts, in both directions, and the address says so', async () => {
    await page.goto(`${procmon.url}/?q=web`);
    await row(name(0)).waitFor();
    const heads = table().getByRole('columnheader');
    expect(await heads.count()).toBe(11);
    for (let i = 0; i < (await heads.count()); i++) {
      const head = heads.nth(i);
      const directions: (string | null)[] = [];
      const firsts: string[] = [];
      for (let click = 0; click < 2; click++) {
        await head.getByRole('button').click();
        directions.push(await head.getAttribute('aria-sort'));
        firsts.push((await table().getByRole('row').nth(1).textContent())!);
      }
      expect(directions.toSorted(), `column ${i}`).toEqual(['ascending', 'descending']);
      await expect.poll(() => param('sort')).toBeTruthy();
      if (!/state|labels/.test((await head.getAttribute('class'))!)) expect(firsts[0], `the first row by column ${i}`).not.toBe(firsts[1]);
    }
    await page.goto(`${procmon.url}/?q=web&sort=-cpu`);
    await row(name(27)).waitFor(); // the one of 99 %
    const figures = (await cells('cpu')).map(Number);
    expect(figures).toEqual(figures.toSorted((a, b) => b - a));
    expect(figures[0]).toBe(99);
    expect(await row(name(27)).locator('.cpu path.line').getAttribute('d'), 'its sparkline').toMatch(/^M/);
  });

  test('groups by a label; Back and a link opened cold show the same', async () => {
    await page.goto(`${procmon.url}/`);
    await page.getByRole('combobox', { name: 'Group by' }).selectOption('job');
    const groups = table().locator('.row.group');
    await expect.poll(() => groups.allTextContents()).toEqual([expect.stringMatching(/^here\s+1 host/), expect.stringMatching(new RegExp(`^push\\s+${size} hosts\\s*$`))]);
    expect(param('group')).toBe('job');
    await page.goBack();
    await expect.poll(() => groups.count()).toBe(0);
    await page.goto(`${procmon.url}/?group=job&state=pushed`);
    await expect.poll(() => groups.allTextContents()).toEqual([expect.stringMatching(new RegExp(`^push\\s+${size} hosts\\s*$`))]);
    expect(await page.getByRole('button', { name: /Pushed/ }).getAttribute('aria-pressed')).toBe('true');
  });

  test('the top names by CPU and by memory lead to the search', async () => {
    await page.goto(`${procmon.url}/`);
    for (const by of ['CPU', 'memory']) await page.getByRole('region', { name: `Top by ${by}` }).getByRole('listitem').nth(4).waitFor();
    const link = page.getByRole('region', { name: 'Top by memory' }).getByRole('listitem').first().getByRole('link');
    const program = (await link.textContent())!;
    await link.click();
    await page.getByRole('table', { name: 'Matches' }).getByRole('row').filter({ hasText: program }).first().waitFor();
    expect(param('q')).toContain(program);
  });
});
