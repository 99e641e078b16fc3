// How fast the pages are, by the browser's own clocks, with a real server. `make bench-ui` prints the
// medians beside the budget. As a test it fails when even the best round takes twice the budget, on the clock or of
// the page's main thread; a machine that is busy with something else gets a few rounds more.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { browse, freeAddress, Procmon, skip } from './programs';

const processes = 10_000;
const hosts = 2_000;
/** Pushes; the server answers 429 to many more. */
const atOnce = 16;
const names = Array.from({ length: hosts }, (_, i) => `host-${String(i).padStart(4, '0')}`);
const rounds = process.env.BENCH ? 9 : 3;
const mostRounds = process.env.BENCH ? rounds : 12;
const slack = 2;

/** Milliseconds. */
const budget = { paint: 200, open: 300, longTask: 50, step: 50 };
/** Of what a step brings, as it comes over the wire, by processes: kilobytes. */
const wire: Record<number, number> = { 250: 4, [processes]: 80 };
/** Snapshots of the hosts whose time is stepped, 15 s apart. */
const past = 24;

describe.skipIf(skip)('the budget of the pages', () => {
  const procmon = new Procmon();
  let browser: Browser;
  const report: string[] = [];

  beforeAll(async () => {
    await procmon.start(await freeAddress());
    browser = await browse();
    expect((await procmon.push(snapshot('huge', processes))).status).toBe(201);
    for (let i = 0; i < past; i++) {
      for (const [size, host] of [[250, 'steps'], [processes, 'steps-huge']] as const) {
        expect((await procmon.push(moved(snapshot(host, size), i))).status).toBe(201);
      }
    }
    for (let i = 0; i < names.length; i += atOnce) {
      const answers = await Promise.all(names.slice(i, i + atOnce).map((name) => procmon.push(snapshot(name, 3))));
      for (const answer of answers) if (answer.status !== 201) expect.fail(`${answer.status} ${await answer.text()}`);
    }
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await procmon.remove();
    console.log(['', `${`of ${rounds} rounds`.padEnd(44)}   median     best   budget`, ...report].join('\n'));
  });

  function tell(what: string, values: number[], limit: number) {
    const sorted = values.toSorted((a, b) => a - b);
    const [best, median] = [sorted[0]!, sorted[sorted.length >> 1]!];
    report.push([what.padEnd(44), ...[median, best, limit].map((ms) => `${ms.toFixed(0).padStart(6)} ms`)].join(''));
    return best;
  }

  /** Tells them, and holds the best of them to twice the budget. */
  function hold(what: string, values: number[], limit: number) {
    const best = tell(what, values, limit);
    expect(best, `${what}: ${values.map((v) => v.toFixed(0)).join(', ')} ms`).toBeLessThanOrEqual(limit * slack);
  }

  /** Runs `act` with a page of its own that notes when something that `selector` names, which holds text, is on the screen first. */
  async function fresh<T>(selector: string, act: (page: Page) => Promise<T>): Promise<T> {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    await page.addInitScript((wanted) => {
      const noted = globalThis as unknown as Noted;
      // When the browser has put it on the screen: https://w3c.github.io/element-timing/
      new PerformanceObserver((list) => {
        const at = list.getEntries()[0]!.startTime;
        if (noted.shownAt === undefined) noted.tell?.(`shown ${at}`);
        noted.shownAt ??= at;
      }).observe({ type: 'element', buffered: true });
      new MutationObserver((_, observer) => {
        const found = document.querySelector(wanted);
        if (!found) return;
        observer.disconnect();
        for (const element of [found, ...found.querySelectorAll('*')]) element.setAttribute('elementtiming', 'useful');
        requestAnimationFrame(() => setTimeout(() => noted.tell?.('made')));
      }).observe(document, { childList: true, subtree: true });
    }, selector);
    try {
      return await act(page);
    } finally {
      await context.close();
    }
  }

  /**
   * Tells how long a page takes until something is shown, and holds what its main thread works for it. `whole`
   * names what is there when all is that was asked for.
   */
  async function open(what: string, address: string, selector: string, limit: number, whole?: string) {
    const clock: number[] = [];
    const all: number[] = [];
    const work: number[] = [];
    const late = () => Math.min(...clock) > limit * slack;
    for (let i = 0; i <= rounds || (late() && i <= mostRounds); i++) {
      await fresh(selector, async (page) => {
        const session = await page.context().newCDPSession(page);
        await session.send('Performance.enable', { timeDomain: 'threadTicks' });
        // The page tells by itself: to look into it, Playwright loads a script into it, while its main thread is measured.
        await session.send('Runtime.enable');
        await session.send('Runtime.addBinding', { name: 'tell' });
        const told = (what: string) =>
          new Promise<string>((done) => {
            session.on('Runtime.bindingCalled', ({ payload }) => payload.startsWith(what) && done(payload.slice(what.length)));
          });
        const [worked, shown] = [told('made').then(() => session.send('Performance.getMetrics')), told('shown')];
        await page.goto(procmon.url + address);
        const { metrics } = await worked;
        const shownAt = Number(await shown);
        const wholeAt = whole && (await (await page.waitForFunction((whole) => document.querySelector(whole) && performance.now(), whole)).jsonValue());
        if (i === 0) return; // warms up
        clock.push(shownAt);
        if (wholeAt) all.push(wholeAt);
        work.push(metrics.find(({ name }) => name === 'TaskDuration')!.value * 1000);
      });
    }
    if (Math.min(...work) < 1) throw new Error(`the main thread worked for ${work.join(', ')} ms`);
    hold(what, clock, limit);
    hold('  of that its main thread', work, limit);
    if (whole) tell('  all of it there', all, limit);
  }

  test('first useful paint', async () => {
    await open('the floor: a page of fixed text', '/no-such-page', 'h1', budget.paint);
    await open('first useful paint, targets', '/targets', 'main [role=region], main section', budget.paint);
    await open('first useful paint, host of 3 processes', '/hosts/host-0000', '[role=treegrid] [data-index]', budget.paint);
  });

  test('2,000 hosts and 10,000 processes open', async () => {
    await open('2,000 hosts open', '/', 'main [role=row] .host:has(a)', budget.open);
    await open('10,000 processes open', '/hosts/huge?open=all', '[role=treegrid] [data-index]', budget.open, `[role=treegrid][aria-rowcount="${processes + 1}"]`);
  });

  test.each([[250, '/hosts/steps?open=all'], [processes, '/hosts/steps-huge?open=all']])('a step of time, %i processes', async (size, address) => {
    const clock: number[] = [];
    const work: number[] = [];
    const bytes: number[] = [];
    await stepping(`${address}&at=${new Date(pastBegan + (past / 2) * 15_000).toISOString()}`, async (page, told) => {
      const session = await page.context().newCDPSession(page);
      await session.send('Performance.enable', { timeDomain: 'threadTicks' });
      const worked = async () => (await session.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration')!.value * 1000;
      for (let i = 0; i <= 2 * rounds || (Math.min(...clock) > budget.step * slack && i <= 2 * mostRounds); i++) {
        const [workBefore, answers, received] = [await worked(), told.answers, told.received];
        // There and back, as the page asks early for a step in the same direction.
        const took = await step(page, i % 2 === 0 ? 'ArrowLeft' : 'ArrowRight');
        await expect.poll(() => told.answers).toBeGreaterThan(answers);
        if (i === 0) continue; // from here on the server has seen this page
        clock.push(took);
        work.push((await worked()) - workBefore);
        bytes.push((told.received - received) / 1000);
      }
    });
    if (Math.min(...work) < 1) throw new Error(`the main thread worked for ${work.join(', ')} ms`);
    hold(`a step of time, ${size.toLocaleString('en')} processes`, clock, budget.step);
    hold('  of that its main thread', work, budget.step);
    const least = Math.min(...bytes);
    report.push(`  over the wire${' '.repeat(29)}${least.toFixed(0).padStart(16)} kB${wire[size]!.toFixed(0).padStart(6)} kB`);
    expect(least).toBeGreaterThan(0);
    expect(least, 'kB over the wire').toBeLessThanOrEqual(wire[size]! * slack);
  });

  test.each([[250, '/hosts/steps?open=all'], [processes, '/hosts/steps-huge?open=all']])('the next step of time, %i processes', async (size, address) => {
    const clock: number[] = [];
    await stepping(`${address}&at=${new Date(pastBegan + 15_000).toISOString()}`, async (page, wire) => {
      for (let i = 0; i <= Math.min(2 * rounds, past - 4); i++) {
        const took = await step(page, 'ArrowRight');
        await expect.poll(() => wire.answers).toBe(i + 2); // that of the first step, and each time that of the next one
        if (i > 0) clock.push(took);
      }
    });
    hold(`the next step in its direction, ${size.toLocaleString('en')}`, clock, budget.step);
  });

  /** Opens a page of the past, and counts what it is told of its tree from then on. */
  async function stepping(address: string, act: (page: Page, wire: { answers: number; received: number }) => Promise<void>) {
    await fresh('[role=treegrid] [data-index]', async (page) => {
      await page.goto(procmon.url + address);
      await page.waitForFunction(() => (globalThis as unknown as Noted).shownAt);
      await page.waitForLoadState('networkidle');
      const session = await page.context().newCDPSession(page);
      await session.send('Network.enable');
      const wire = { answers: 0, received: 0 };
      const trees = new Set<string>();
      session.on('Network.requestWillBeSent', ({ requestId, request }) => request.url.includes('/tree?') && trees.add(requestId));
      session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
        wire.received += encodedDataLength;
        if (trees.has(requestId)) wire.answers++;
      });
      await act(page, wire);
    });
  }

  test('10,000 processes scroll without a long task', async () => {
    await holdTasks('/hosts/huge?open=all', '[role=treegrid] [data-index]', { 'tree scrolled': (page) => scroll(page, '[role=treegrid]') });
  });

  test('2,000 hosts scroll, are filtered and sorted without a long task, while they change', async () => {
    let stop = false;
    const changes = (async () => {
      for (let i = 0; !stop; i = (i + 10) % hosts) {
        await Promise.all(names.slice(i, i + 10).map((name) => procmon.push(snapshot(name, 3))));
        await new Promise((done) => setTimeout(done, 75)); // 2,000 hosts in 15 s
      }
    })();
    try {
      await holdTasks('/', 'main [role=row] .host:has(a)', { 'fleet scrolled': (page) => scroll(page, '.scroller'), 'fleet filtered': filter, 'fleet sorted': sort });
    } finally {
      stop = true;
      await changes;
    }
  }, 120_000);

  /** Holds the longest task of each of `acts`, which follow one another on a page of each round. */
  async function holdTasks(address: string, selector: string, acts: Record<string, (page: Page) => Promise<void>>) {
    const found = new Map<string, number[]>();
    for (let i = 0; i < rounds; i++) {
      await fresh(selector, async (page) => {
        await page.goto(procmon.url + address);
        await page.waitForFunction(() => (globalThis as unknown as Noted).shownAt && !document.querySelector('[aria-rowcount="-1"]'));
        await page.waitForLoadState('networkidle');
        for (const [what, act] of Object.entries(acts)) found.set(what, [...(found.get(what) ?? []), await longestTask(page, () => act(page))]);
      });
    }
    for (const [what, times] of found) hold(`longest task, ${what}`, times, budget.longTask);
  }
});

/** Milliseconds that the longest task of the page's main thread takes while `act` runs. */
async function longestTask(page: Page, act: () => Promise<void>): Promise<number> {
  interface TraceEvent { name: string; ph: string; pid: number; tid: number; tdur?: number; args?: { name?: string } }
  const session = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  const complete = new Promise((done) => session.once('Tracing.tracingComplete', done));
  await session.send('Tracing.start', { traceConfig: { includedCategories: ['toplevel'] }, transferMode: 'ReportEvents' });
  await act();
  await session.send('Tracing.end');
  await complete;
  const mains = new Set(events.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain').map(({ pid, tid }) => `${pid} ${tid}`));
  const tasks = events.filter(({ name, ph, pid, tid }) => name.endsWith('RunTask') && ph === 'X' && mains.has(`${pid} ${tid}`));
  if (tasks.length < 10) throw new Error(`${tasks.length} tasks were traced`);
  return Math.max(...tasks.map(({ tdur = 0 }) => tdur / 1000));
}

/** Presses a key on the time line; milliseconds until the page shows another snapshot, painted. */
async function step(page: Page, key: string): Promise<number> {
  return page.evaluate(async (key) => {
    const slider = document.querySelector<HTMLElement>('[role=slider]')!;
    const time = document.querySelector('.asof time')!;
    slider.focus();
    const shown = new Promise<number>((done) => {
      new MutationObserver((_, observer) => {
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => done(performance.now())));
      }).observe(time, { attributeFilter: ['datetime'] });
    });
    const began = performance.now();
    slider.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
    return (await shown) - began;
  }, key);
}

async function scroll(page: Page, selector: string) {
  await page.locator(selector).evaluate(async (element) => {
    for (let frame = 0; frame < 120; frame++) {
      element.scrollTop += 140;
      await new Promise(requestAnimationFrame);
    }
    if (element.scrollTop < 10_000) throw new Error(`scrolled to ${element.scrollTop}`);
  });
}

async function filter(page: Page) {
  const rows = page.getByRole('table', { name: 'Hosts' });
  await page.getByRole('searchbox', { name: 'Filter hosts' }).focus();
  await page.keyboard.type('host-19', { delay: 30 });
  await expect.poll(() => rows.getAttribute('aria-rowcount')).toBe('101');
  for (let i = 0; i < 7; i++) await page.keyboard.press('Backspace', { delay: 30 });
  await expect.poll(async () => Number(await rows.getAttribute('aria-rowcount'))).toBeGreaterThan(hosts);
}

async function sort(page: Page) {
  for (const column of ['State', 'Host', 'CPU %', 'Memory', 'Last seen', 'Labels']) {
    const head = page.getByRole('columnheader', { name: column, exact: true });
    await head.getByRole('button').click();
    await expect.poll(() => head.getAttribute('aria-sort')).not.toBe('none');
  }
}

interface Noted {
  /** Says that the main thread has done its part of what is shown, and when that is on the screen; where anybody listens. */
  tell?: (what: string) => void;
  /** Milliseconds since the navigation began. */
  shownAt?: number;
}

const pastBegan = Date.now() - past * 15_000;

/** What a host was at the i-th snapshot of its past: one of five processes does something, one of a hundred is new. */
function moved(of: ReturnType<typeof snapshot>, i: number) {
  of.timestamp = new Date(pastBegan + i * 15_000).toISOString();
  for (const process of of.processes) {
    const { pid } = process;
    // Those at the ends of the branches come and go.
    const comes = pid % 100 === 99 && pid * 4 + 1 >= of.processes.length ? Math.floor((i + pid) / 10) * 10 - pid : undefined;
    process.start_time = new Date(pastBegan + (comes === undefined ? -3_600_000 : comes * 15_000 - pid)).toISOString();
    const acts = pid % 5 === 1 ? i : Math.floor((i + pid) / 20); // the others once in a while
    process.cpu_seconds += acts * 0.5 * (1 + (pid % 3));
    process.working_set_bytes += ((acts * 7919 + pid) % 64) * 4096;
    process.handles += acts % 3;
  }
  return of;
}

function snapshot(hostname: string, size: number) {
  const started = new Date(Date.now() - 3_600_000).toISOString();
  return {
    hostname,
    timestamp: new Date().toISOString(),
    os: 'Windows Server 2022',
    threads: 8,
    ram_gb: 32,
    used_ram_gb: 12,
    processes: Array.from({ length: size }, (_, pid) => ({
      pid,
      ppid: pid === 0 ? undefined : Math.floor((pid - 1) / 4),
      name: `process-${pid}.exe`,
      start_time: started,
      cpu_seconds: pid % 7,
      working_set_bytes: ((pid * 37) % 501) * 1_048_576,
      threads: 4 + (pid % 20),
      handles: 100 + (pid % 900),
      username: 'CONTOSO\\service',
      cmdline: `C:\\Program Files\\Vendor\\process-${pid}.exe --instance ${pid}`,
    })),
  };
}
