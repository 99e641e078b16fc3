import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { browse, freeAddress, Procmon, skip, visit } from './programs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const minute = 60_000;
const start = Math.floor(Date.now() / minute) * minute - 30 * minute;
const instant = (minutes: number) => new Date(start + minutes * minute).toISOString();
const iso = (ms: number) => new Date(ms).toISOString();

const hostile = '<img src=x onerror=alert(1)>';
const evil = '<svg onload=alert(3)>\u202Egpj.exe';
const endless = 'x'.repeat(32_000);

/** One snapshot a minute, but for 10 to 19; "late" is there from 20 on, "early" before. */
function snapshot(at: number) {
  const process = (pid: number, name: string, facts = {}) => ({
    pid, ppid: pid === 1 ? undefined : 1, name, start_time: iso(start - minute), working_set_bytes: (10 + at) * 2 ** 20, cpu_seconds: at * 6, threads: 3, ...facts,
  });
  return {
    hostname: 'columns', timestamp: instant(at), cpu: 10 + at, ram_gb: 16, used_ram_gb: 4, threads: 4,
    processes: [
      process(1, 'root.exe'),
      process(2, 'service.exe', { services: ['Dnscache', 'NlaSvc'], username: 'NT AUTHORITY\\SYSTEM' }),
      at < 20 ? process(3, 'early.exe') : process(4, 'late.exe', { start_time: instant(20) }),
    ],
  };
}

function hostileSnapshot(at: number) {
  const started = iso(start - minute);
  return {
    hostname: hostile, timestamp: instant(at), os: '<b>os</b>\u202E', ram_gb: 16, used_ram_gb: 4,
    processes: [
      { pid: 1, name: evil, cmdline: endless, exe: endless, username: hostile, start_time: started, cpu_seconds: at, working_set_bytes: at * 1e6, services: [hostile, endless], description: hostile, company: evil },
      { pid: 2, ppid: 1, name: endless, cmdline: evil, start_time: started, cpu_seconds: at },
      { pid: 3 + at, ppid: 1, name: `${evil} ${at}`, start_time: instant(at), cpu_seconds: 0 },
    ],
  };
}

describe.skipIf(skip)('the host page and the comparison', () => {
  const procmon = new Procmon();
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let faults: string[];

  beforeAll(async () => {
    await procmon.start(await freeAddress());
    browser = await browse();
    for (let at = 0; at <= 29; at++) if (at < 10 || at >= 20) expect((await procmon.push(snapshot(at))).status).toBe(201);
    for (const at of [25, 29]) expect((await procmon.push(hostileSnapshot(at))).status).toBe(201);
  });
  afterAll(async () => {
    await browser?.close();
    await procmon.remove();
  });
  beforeEach(() => open());
  afterEach(async () => {
    await context.close();
    expect(faults).toEqual([]);
  });

  async function open(options: Parameters<Browser['newContext']>[0] = {}) {
    await context?.close();
    ({ context, page, faults } = await visit(browser, options));
  }

  const tree = () => page.getByRole('treegrid');
  const row = (text: string) => tree().getByRole('row').filter({ hasText: text });
  const head = (name: string) => page.getByRole('columnheader', { name, exact: true });
  const heads = async () => (await page.getByRole('columnheader').allTextContents()).map((text) => text.trim());
  const param = (name: string) => new URL(page.url()).searchParams.get(name);
  const middle = async (name: string) => {
    const { x, y, width, height } = (await head(name).boundingBox())!;
    return { x: x + width / 2, y: y + height / 2, right: x + width };
  };

  test('columns move and change their width by the pointer, and stay so', async () => {
    await page.goto(`${procmon.url}/hosts/columns`);
    await tree().waitFor();
    const [user, pid] = [await middle('User'), await middle('PID')];
    await page.mouse.move(user.x, user.y);
    await page.mouse.down();
    await page.mouse.move(pid.x - 10, user.y, { steps: 8 });
    await page.mouse.up();
    expect((await heads()).slice(0, 3)).toEqual(['Name', 'User', 'PID']);
    expect(param('sort'), 'a drag is no click').toBe(null);

    const before = (await head('User').boundingBox())!;
    await page.mouse.move(before.x + before.width - 3, user.y);
    await page.mouse.down();
    await page.mouse.move(before.x + before.width + 57, user.y, { steps: 4 });
    await page.mouse.up();
    expect((await head('User').boundingBox())!.width).toBeCloseTo(before.width + 60, -0.5);
    await expect.poll(() => param('cols')).toContain('name.user-196.pid.');
    const link = page.url();

    await page.goto(`${procmon.url}/hosts/columns`);
    await tree().waitFor();
    expect((await heads()).slice(0, 3)).toEqual(['Name', 'User', 'PID']);
    await expect.poll(() => page.url(), { message: 'the address tells what was remembered' }).toBe(link);

    await open();
    await page.goto(link);
    await tree().waitFor();
    expect((await head('User').boundingBox())!.width, 'a link shows the same').toBe(196);
    await page.getByRole('button', { name: 'View' }).click();
    await page.getByRole('button', { name: 'Usual columns' }).click();
    expect((await heads()).slice(0, 3)).toEqual(['Name', 'PID', 'CPU %']);
  });

  test('columns move, change their width and go by the keyboard', async () => {
    await page.goto(`${procmon.url}/hosts/columns`);
    await tree().focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Shift+ArrowRight');
    expect((await heads()).slice(0, 4)).toEqual(['Name', 'CPU %', 'PID', 'Tree CPU']);
    const width = (await head('PID').boundingBox())!.width;
    await page.keyboard.press('+');
    expect((await head('PID').boundingBox())!.width).toBe(width + 16);
    await page.getByRole('status').filter({ hasText: `PID: ${width + 16} pixels wide` }).waitFor();
    await page.keyboard.press('Enter');
    await expect.poll(() => param('sort')).toBe('pid');
    await page.getByRole('button', { name: 'View' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('checkbox', { name: 'Private' }).focus();
    await page.keyboard.press('Space');
    await head('Private').waitFor();
  });

  test('a stretch of time is marked, leads to what used most in it, and Back finds it marked', async () => {
    await page.goto(`${procmon.url}/hosts/columns?zoom=1h&at=${instant(29)}`);
    await tree().waitFor();
    const box = (await page.getByRole('slider').boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.6, box.y + 30);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.75, box.y + 30, { steps: 6 });
    await page.mouse.up();
    await page.getByRole('link', { name: 'Top in it' }).click();
    await page.waitForURL('**/top?*');
    expect([param('host'), Date.parse(param('from')!) < Date.parse(param('to')!)]).toEqual(['columns', true]);
    await page.goBack();
    await page.getByRole('link', { name: 'Compare the ends' }).waitFor();
    expect(await page.locator('.plot .chosen').count()).toBe(1);
  });

  test('on a phone a finger moves the playhead, or marks a stretch when it is told to', async () => {
    await open({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    await page.goto(`${procmon.url}/hosts/columns?zoom=1h&at=${instant(29)}`);
    await tree().waitFor();
    const box = (await page.getByRole('slider').boundingBox())!;
    const touch = await context.newCDPSession(page);
    async function drag(from: number, to: number) {
      const at = (share: number) => [{ x: box.x + box.width * share, y: box.y + 30 }];
      await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: at(from) });
      for (let i = 1; i <= 6; i++) await touch.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: at(from + ((to - from) * i) / 6) });
      await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    }
    /** Taps until it does something: where the machine is slow, a tap lasts as long as a press, which does nothing. */
    const tap = (what: Locator, done: () => Promise<boolean>) =>
      expect.poll(async () => {
        if (!(await done())) await what.tap();
        return done();
      }).toBe(true);
    await drag(0.8, 0.6);
    await expect.poll(() => Date.parse(param('at')!)).toBeLessThan(start + 25 * minute);
    expect(param('from'), 'nothing is marked').toBe(null);

    const playhead = () => page.getByRole('slider').getAttribute('aria-valuenow');
    const shown = await playhead();
    const mark = page.getByRole('button', { name: 'Mark a stretch of time' });
    for (const target of [mark, page.getByRole('button', { name: 'Snapshot before' })]) {
      const size = (await target.boundingBox())!;
      expect(Math.min(size.width, size.height)).toBeGreaterThanOrEqual(36);
    }
    await tap(mark, async () => (await mark.getAttribute('aria-pressed')) === 'true');
    await page.getByRole('status').filter({ hasText: 'Drag over the time line' }).waitFor();
    await drag(0.7, 0.9);
    await page.getByRole('link', { name: 'Compare the ends' }).waitFor();
    expect(await mark.getAttribute('aria-pressed')).toBe('false');
    expect(await playhead(), 'the playhead stays').toBe(shown);
    await expect.poll(() => param('from')).not.toBe(null);
    const minutes = (Date.parse(param('to')!) - Date.parse(param('from')!)) / minute;
    expect(minutes).toBeGreaterThan(10);
    expect(minutes).toBeLessThan(14);
    const unmark = page.getByRole('button', { name: 'Unmark' });
    expect((await unmark.boundingBox())!.width).toBeGreaterThanOrEqual(36);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await tap(unmark, async () => (await unmark.count()) === 0);
    await expect.poll(() => param('from')).toBe(null);
  });

  test('a mouse has no need of a button to mark', async () => {
    await page.goto(`${procmon.url}/hosts/columns`);
    await tree().waitFor();
    expect(await page.getByRole('button', { name: 'Mark a stretch of time' }).count()).toBe(0);
  });

  test('nodes that are opened one by one are in the address; a link opened cold shows the same, and Back passes over them', async () => {
    await page.goto(`${procmon.url}/hosts/columns?at=${instant(29)}`);
    await row('service.exe').waitFor();
    await page.getByRole('button', { name: 'Collapse all' }).click();
    await row('service.exe').waitFor({ state: 'detached' });
    await row('root.exe').locator('.chevron').click();
    await row('late.exe').waitFor();
    await row('root.exe').locator('.chevron').click();
    await row('late.exe').waitFor({ state: 'detached' });
    await row('root.exe').locator('.chevron').click();
    await expect.poll(() => param('opened')).toMatch(/^1-[0-9a-z]+$/);
    const link = page.url();
    await page.goBack();
    await expect.poll(() => [param('open'), param('opened')]).toEqual([null, null]);
    await row('late.exe').waitFor();

    await open();
    await page.goto(link);
    await row('late.exe').waitFor();
    await page.goto(link.replace(/opened=[^&]*/, 'opened=99-zzz.2-tovm10'));
    await row('root.exe').waitFor();
    expect(await tree().locator('[data-index]').count()).toBe(1);
  });

  test('the ends of a comparison are dragged, stepped, put in order, and may fall into a gap', async () => {
    await page.goto(`${procmon.url}/hosts/columns/compare?a=${instant(28)}&b=${instant(5)}`);
    const changes = page.getByRole('table', { name: 'Changes' });
    await changes.getByRole('link', { name: 'late.exe' }).waitFor();
    await changes.getByRole('link', { name: 'early.exe' }).waitFor();
    const after = page.getByRole('slider', { name: 'After' });
    await after.focus();
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => [param('a'), param('b')].map((text) => Date.parse(text!))).toEqual([5, 27].map((at) => start + at * minute));

    // To the middle of the gap: the snapshot of minute 9 stands for it.
    const [from, to] = [(await page.getByRole('slider', { name: 'Before' }).boundingBox())!, (await after.boundingBox())!];
    const perMinute = (to.x - from.x) / 22;
    await page.mouse.move(to.x + to.width / 2, to.y + 30);
    await page.mouse.down();
    await page.mouse.move(to.x + to.width / 2 - 12 * perMinute, to.y + 30, { steps: 5 });
    await page.mouse.up();
    await page.getByRole('status').filter({ hasText: 'There is no snapshot of' }).waitFor();
    await changes.getByRole('link', { name: 'late.exe' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Newest' }).click();
    await changes.getByRole('link', { name: 'late.exe' }).waitFor();
  });

  test('services have a mark and their names', async () => {
    await page.goto(`${procmon.url}/hosts/columns`);
    const service = row('service.exe');
    await service.getByText('Dnscache, NlaSvc').waitFor();
    await service.locator('.service svg').waitFor();
    await open({ viewport: { width: 390, height: 844 } });
    await page.goto(`${procmon.url}/hosts/columns`);
    await row('service.exe').locator('.service svg').waitFor();
  });

  test.each([390, 1024, 1440])('hostile names are text in tree, details and comparison, %i pixels wide', async (width) => {
    await open({ viewport: { width, height: 844 } });
    const at = `/hosts/${encodeURIComponent(hostile)}`;
    const harmless = async () => {
      expect(await page.locator('img[src="x"], main svg[onload]').count()).toBe(0);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    };
    await page.goto(`${procmon.url}${at}?cols=name.company.description.exe.cmdline`);
    await tree().waitFor();
    await harmless();
    await tree().focus();
    for (const key of ['Home', 'Enter']) await page.keyboard.press(key);
    const details = page.getByRole('region', { name: 'Process details' });
    await details.locator('canvas').first().waitFor();
    expect(await details.getByRole('heading', { level: 2 }).textContent()).toBe(evil);
    expect(await details.getByRole('group', { name: 'Command line' }).textContent()).toBe(endless);
    await harmless();
    await page.goto(`${procmon.url}${at}/compare?a=${instant(25)}&b=${instant(29)}`);
    const name = (at: number) => page.getByRole('table', { name: 'Changes' }).getByRole('link').filter({ hasText: `${evil} ${at}` });
    await name(29).waitFor();
    expect(await name(25).count()).toBe(1);
    await harmless();
  });

  const states = [
    ['details', '/hosts/columns?details=1&process='],
    ['an instant in a gap, a stretch marked', `/hosts/columns?at=${instant(15)}&from=${instant(2)}&to=${instant(22)}`],
    ['columns', '/hosts/columns'],
    ['comparison', `/hosts/columns/compare?a=${instant(5)}&b=${instant(15)}`],
  ] as const;
  test.each(states)('%s: accessible and no wider than the page', async (what, path) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [390, 1440]) {
        await open({ viewport: { width, height: 844 }, colorScheme, bypassCSP: true, reducedMotion: 'reduce' }); // the policy, for axe alone
        await page.goto(`${procmon.url}${path}${what === 'details' ? encodeURIComponent(`1@${iso(start - minute)}`) : ''}`);
        await page.locator('main :is([role=treegrid], [role=table])').waitFor();
        if (what === 'details') await page.locator('.details canvas').first().waitFor();
        if (what === 'columns') await page.getByRole('button', { name: 'View' }).click();
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
        expect(await page.evaluate(() => document.getAnimations().length), 'nothing moves').toBe(0);
        await page.addScriptTag({ content: axe });
        const violations = await page.evaluate(async () => {
          const run = (window as unknown as { axe: { run(on: Document, options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } }).axe;
          const found = await run.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] });
          return found.violations.map((v) => `${v.id}: ${v.nodes[0]?.html}`);
        });
        expect(violations, `${colorScheme} ${width}`).toEqual([]);
      }
    }
  });
});
