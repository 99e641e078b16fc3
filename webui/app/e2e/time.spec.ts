import { hostname } from 'node:os';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { browse, freeAddress, marker, Procmon, skip, visit } from './programs';

const minute = 60_000;
// The filter of the addresses below, "l", finds these two among a crowd that fills the view.
const start = Math.floor(Date.now() / minute) * minute - 60 * minute;
const instant = (minutes: number) => new Date(start + minutes * minute).toISOString();

/** One snapshot a minute, but for 15 to 29; "late" is there from 10 on, "early" until 40. */
function snapshot(at: number) {
  const process = (pid: number, name: string, facts = {}) => ({
    pid, ppid: pid === 1 ? undefined : 1, name, start_time: new Date(start - minute).toISOString(), memory: 10 + at, cpu_seconds: at * 6, threads: 3, ...facts,
  });
  return {
    hostname: 'travelled', timestamp: instant(at), cpu: 10 + at, ram_gb: 16, used_ram_gb: 4, threads: 4,
    processes: [
      process(1, 'root.exe'),
      ...(at < 40 ? [process(2, 'early.exe')] : []),
      ...(at >= 10 ? [process(3, 'late.exe', { start_time: instant(10) })] : []),
      ...Array.from({ length: 200 }, (_, i) => process(100 + i, `crowd-${i}.exe`)),
    ],
  };
}

describe.skipIf(skip)('time travel and live updates', () => {
  const procmon = new Procmon();
  const here = encodeURIComponent(hostname());
  let exporter: string;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    exporter = await freeAddress();
    await procmon.start(exporter);
    for (let at = 0; at <= 59; at++) if (at < 15 || at >= 30) expect((await procmon.push(snapshot(at))).status).toBe(201);
    browser = await browse();
    await vi.waitUntil(async () => (await fetch(`${procmon.url}/api/v1/hosts/${here}`)).ok, { timeout: 20_000 });
  });
  afterAll(async () => {
    await browser?.close();
    await procmon.remove();
  });
  beforeEach(async () => void ({ context, page } = await visit(browser)));
  afterEach(() => context.close());

  const tree = () => page.getByRole('treegrid');
  const row = (text: string) => tree().getByRole('row').filter({ hasText: text });
  const slider = () => page.getByRole('slider', { name: 'Instant shown' });
  const shown = () => new URL(page.url()).searchParams.get('at');

  test('a link opened cold shows its instant; steps go over a gap; Back and Live return', async () => {
    await page.goto(`${procmon.url}/hosts/travelled?at=${instant(30)}&zoom=6h&q=l`);
    await row('early.exe').waitFor();
    await slider().focus();
    await page.keyboard.press('ArrowLeft');
    await expect.poll(shown).toBe(instant(14));
    await page.keyboard.press('Shift+ArrowLeft');
    await expect.poll(shown).toBe(instant(4));
    await row('late.exe').waitFor({ state: 'detached' });
    await page.keyboard.press('Shift+ArrowRight');
    await expect.poll(shown).toBe(instant(14));
    await page.keyboard.press('ArrowRight');
    await expect.poll(shown).toBe(instant(30));
    await row('late.exe').waitFor();
    await page.keyboard.press('End');
    await expect.poll(shown).toBe(null);
    await row('early.exe').waitFor({ state: 'detached' });
    await page.goBack();
    await expect.poll(shown).toBe(instant(30));
    await row('early.exe').waitFor();
    await page.keyboard.press('l');
    await expect.poll(shown).toBe(null);
  });

  test('an instant within a gap shows the snapshot before, and says so', async () => {
    await page.goto(`${procmon.url}/hosts/travelled?at=${instant(22)}&zoom=6h&q=l`);
    await page.getByRole('status').filter({ hasText: 'No snapshot then' }).waitFor();
    await row('late.exe').waitFor();
    await expect.poll(() => slider().getAttribute('aria-valuetext')).toContain('no snapshot');
    expect(await page.locator('.timeline rect.gap').count()).toBeGreaterThan(0);
    const runs = await page.locator('.timeline .cpu-area').getAttribute('d');
    expect(runs!.match(/M/g)!.length, 'no line over the gap').toBe(2);
  });

  test('the playhead is dragged, and the page follows', async () => {
    await page.goto(`${procmon.url}/hosts/travelled?at=${instant(55)}&zoom=1h&q=l`);
    await tree().waitFor();
    const box = (await slider().boundingBox())!;
    const from = await page.locator('.playhead line').getAttribute('x1');
    await row('late.exe').waitFor();
    await page.mouse.move(box.x + Number(from), box.y + 30);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.1, box.y + 30, { steps: 12 });
    await page.mouse.up();
    await row('late.exe').waitFor({ state: 'detached' });
    await expect.poll(() => Date.parse(shown()!)).toBeLessThan(start + 10 * minute);
  });

  test('a dragged range leads to the comparison of its ends', async () => {
    await page.goto(`${procmon.url}/hosts/travelled?zoom=6h&at=${instant(50)}`);
    await tree().waitFor();
    const box = (await slider().boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.5, box.y + 30);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 30, { steps: 6 });
    await page.mouse.up();
    await page.getByRole('link', { name: 'Compare the ends' }).click();
    const address = new URL(page.url());
    expect(address.pathname).toBe('/hosts/travelled/compare');
    expect(Date.parse(address.searchParams.get('a')!)).toBeLessThan(Date.parse(address.searchParams.get('b')!));
  });

  test('the details of a process that has ended open by a link, with charts of its life', async () => {
    const id = encodeURIComponent(`2@${new Date(start - minute).toISOString()}`);
    await page.goto(`${procmon.url}/hosts/travelled?process=${id}&details=1`);
    const details = page.getByRole('region', { name: 'Process details' });
    await details.getByRole('heading', { name: 'early.exe' }).waitFor();
    await details.getByText('This process has ended').waitFor();
    await details.locator('canvas').first().waitFor();
  });

  test('live updates leave place, closed branches and selection alone, also over a cut connection', async () => {
    const first = marker(`live-first-${process.pid}`);
    try {
      await page.setViewportSize({ width: 1440, height: 420 });
      await page.goto(`${procmon.url}/hosts/${here}`);
      await tree().waitFor();
      await tree().locator('[role=row][aria-expanded=true]').first().click();
      await page.keyboard.press('ArrowLeft');
      const closed = tree().locator('[role=row][aria-expanded=false][aria-selected=true]');
      await closed.waitFor();
      const id = await closed.getAttribute('id');
      const asof = () => page.locator('.asof time').getAttribute('datetime');
      const moved = async () => {
        const before = await asof();
        await expect.poll(asof, { timeout: 20_000 }).not.toBe(before);
      };
      await moved();
      expect(await page.locator(`[id="${id}"]`).getAttribute('aria-expanded')).toBe('false');
      await tree().evaluate((element) => (element.scrollTop = 40));
      const scrolled = await tree().evaluate((element) => element.scrollTop);
      await moved();
      expect(await tree().evaluate((element) => element.scrollTop)).toBe(scrolled);

      await procmon.stop('SIGINT');
      const lost = page.getByRole('status').filter({ hasText: /connection lost/i });
      await lost.waitFor();
      expect(await tree().getByRole('row').count()).toBeGreaterThan(2);
      await procmon.start(exporter);
      await lost.waitFor({ state: 'detached', timeout: 30_000 });
      await moved();
      expect(await page.locator(`[id="${id}"]`).getAttribute('aria-selected')).toBe('true');
      expect(await page.locator(`[id="${id}"]`).getAttribute('aria-expanded')).toBe('false');
    } finally {
      first.kill('SIGKILL');
    }
  });
});
