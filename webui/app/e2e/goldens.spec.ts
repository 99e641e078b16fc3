// Pictures of the main pages of a fixed history, beside those in goldens/. After a change that is
// meant, UPDATE_GOLDENS=1 writes them anew: look at them before they are committed.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pixelmatch from 'pixelmatch';
import type { Browser, Page } from 'playwright-core';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encode, reduce } from './png';
import { browse, skip } from './programs';
import { now, StillProcmon } from './still';

const goldens = join(import.meta.dirname, 'goldens');
/** What failed is written here: NAME.actual.png and NAME.diff.png. */
const failed = join(import.meta.dirname, 'goldens.failed');
const update = process.env.UPDATE_GOLDENS === '1';
/** The share of pixels that may differ: of another machine's Chromium. On one machine none do. */
const tolerance = 0.001;

const at = (minutes: number) => new Date(now - minutes * 60_000).toISOString();
const sql = (page: Page) => page.getByRole('treegrid').getByRole('row').filter({ hasText: 'sqlservr.exe' }).first();

interface View {
  name: string;
  address: string;
  /** There when the page is whole. */
  whole: (page: Page) => Promise<unknown>;
  phone?: boolean;
}
const rows = (page: Page) => page.getByRole('row').nth(3).waitFor();
const charted = (page: Page) => page.locator('.timeline .cpu-area').waitFor({ state: 'attached' });
const views: View[] = [
  { name: 'fleet', address: '/', whole: (page) => page.getByRole('region', { name: 'Top by memory' }).getByRole('listitem').first().waitFor(), phone: true },
  { name: 'host', address: '/hosts/WIN-07', whole: charted, phone: true },
  {
    name: 'host-past', address: `/hosts/WIN-07?at=${at(15)}&sort=-tree_cpu&q=sql`, phone: true,
    whole: async (page) => {
      await charted(page);
      await sql(page).click();
      await page.keyboard.press('Enter');
      await page.getByRole('region', { name: 'Process details' }).locator('canvas').nth(3).waitFor({ state: 'attached' });
    },
  },
  { name: 'compare', address: `/hosts/WIN-07/compare?a=${at(40)}&b=${at(10)}`, whole: rows },
  { name: 'search', address: '/search?q=name%3Asvchost.exe', whole: rows },
  { name: 'top', address: '/top?range=1h&per=name', whole: rows },
  { name: 'targets', address: '/targets', whole: rows },
];

describe.skipIf(skip)('the pages look as they did', () => {
  const procmon = new StillProcmon();
  let browser: Browser;

  beforeAll(async () => {
    rmSync(failed, { recursive: true, force: true });
    mkdirSync(goldens, { recursive: true });
    await procmon.start();
    browser = await browse(['--lang=en-US', '--font-render-hinting=none', '--disable-lcd-text', '--force-color-profile=srgb']);
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await procmon.remove();
  });

  const shots = views.flatMap((view) => [[1440, 900] as const, ...(view.phone ? [[390, 844] as const] : [])].map(([width, height]) => ({ ...view, width, height })));

  test.each(shots)('$name, $width wide', async ({ name, address, whole, width, height }) => {
    const phone = width < 500;
    const context = await browser.newContext({
      viewport: { width, height }, colorScheme: 'light', isMobile: phone, hasTouch: phone, reducedMotion: 'reduce', locale: 'en-GB', timezoneId: 'Europe/Vienna',
    });
    try {
      const page = await context.newPage();
      await page.clock.setFixedTime(now);
      // Whatever other fonts a machine has.
      await page.addInitScript(() => addEventListener('DOMContentLoaded', () => {
        document.documentElement.style.setProperty('--sans', '"DejaVu Sans"');
        document.documentElement.style.setProperty('--mono', '"DejaVu Sans Mono"');
      }));
      await page.goto(procmon.url + address);
      await whole(page);
      await page.waitForLoadState('networkidle');
      await page.mouse.move(0, 0);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme }); // the page follows
        await page.evaluate(() => new Promise(requestAnimationFrame));
        compare(`${name}-${width}-${colorScheme}`, await page.screenshot({ animations: 'disabled', caret: 'hide' }));
      }
    } finally {
      await context.close();
    }
  });

  test('there is no golden without its page', () => {
    expect(readdirSync(goldens).sort()).toEqual(shots.flatMap(({ name, width }) => [`${name}-${width}-dark.png`, `${name}-${width}-light.png`]).sort());
  });
});

/** Holds a picture to its golden, or makes it the golden. */
function compare(name: string, taken: Buffer) {
  const path = join(goldens, `${name}.png`);
  const actual = PNG.sync.read(taken);
  reduce(actual);
  if (update) {
    writeFileSync(path, encode(actual));
    return;
  }
  const save = (kind: string, png: PNG) => {
    mkdirSync(failed, { recursive: true });
    const file = join(failed, `${name}.${kind}.png`);
    writeFileSync(file, PNG.sync.write(png));
    return file;
  };
  if (!existsSync(path)) expect.fail(`there is no ${path}; UPDATE_GOLDENS=1 makes it of ${save('actual', actual)}`);
  const golden = PNG.sync.read(readFileSync(path));
  const { width, height } = actual;
  if (golden.width !== width || golden.height !== height) expect.fail(`${golden.width} × ${golden.height} pixels became ${width} × ${height}; see ${save('actual', actual)}`);
  const diff = new PNG({ width, height });
  const share = pixelmatch(golden.data, actual.data, diff.data, width, height, { threshold: 0.15 }) / (width * height);
  if (share > tolerance) expect.fail(`${(share * 100).toFixed(2)} % of the pixels are others; see ${save('actual', actual)} and ${save('diff', diff)}`);
}
