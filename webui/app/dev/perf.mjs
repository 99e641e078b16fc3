// Measures the tree of ten thousand processes in Chromium: how long it takes to open, and how
// evenly it scrolls: node dev/perf.mjs. Needs a build.
import { chromium } from 'playwright-core';
import { serve } from './server.mjs';

const { server, url } = await serve({ size: 2000 });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });

await page.addInitScript(() => {
  new MutationObserver((_, observer) => {
    if (!document.querySelector('[data-index], [role=cell]')) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => (globalThis.shown = performance.now())));
  }).observe(document, { childList: true, subtree: true });
});

/** Milliseconds from navigation until rows are painted; and to then from the last byte of the answer. */
async function opened(address, answer) {
  await page.goto(address);
  await page.waitForFunction(() => globalThis.shown);
  return page.evaluate((part) => {
    const entry = performance.getEntriesByType('resource').find((resource) => resource.name.endsWith(part));
    return { sinceStart: shown, sinceAnswer: shown - entry.responseEnd, firstPaint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime };
  }, answer);
}

const session = await page.context().newCDPSession(page);
await session.send('Performance.enable', { timeDomain: 'threadTicks' });

/** Milliseconds of CPU that the page's main thread has used. */
async function cpu() {
  const { metrics } = await session.send('Performance.getMetrics');
  const of = (name) => metrics.find((metric) => metric.name === name).value * 1000;
  return { script: of('ScriptDuration'), style: of('RecalcStyleDuration'), layout: of('LayoutDuration'), all: of('TaskDuration') };
}

/**
 * Scrolls through a list, 140 pixels a frame, for some seconds: the times between frames (which a
 * busy machine spoils), the main thread's CPU per frame (which it does not), and how many rows were
 * in the page at most.
 */
async function scrolled(selector) {
  const before = await cpu();
  const result = await scroll(selector);
  const after = await cpu();
  const perFrame = Object.fromEntries(Object.keys(after).map((name) => [name, (after[name] - before[name]) / result.frames]));
  return { ...result, cpuPerFrame: perFrame };
}

async function scroll(selector) {
  return page.locator(selector).evaluate(async (element) => {
    const frames = [];
    let most = 0;
    let last = await new Promise(requestAnimationFrame);
    const begin = last;
    while (last - begin < 4000) {
      element.scrollTop += 140;
      if (element.scrollTop + element.clientHeight >= element.scrollHeight) element.scrollTop = 0;
      const now = await new Promise(requestAnimationFrame);
      frames.push(now - last);
      last = now;
      most = Math.max(most, element.querySelectorAll('[role=row]').length);
    }
    frames.sort((a, b) => a - b);
    return { frames: frames.length, median: frames[frames.length >> 1], p99: frames[Math.floor(frames.length * 0.99)], max: frames.at(-1), over34ms: frames.filter((ms) => ms > 34).length, rowsInPage: most };
  });
}

/** Milliseconds that an action keeps the page busy, to the next frame. */
const busy = (act, argument) => page.evaluate(`(async () => { const begin = performance.now(); await (${act})(${JSON.stringify(argument)}); await new Promise((done) => requestAnimationFrame(() => setTimeout(done))); return performance.now() - begin; })()`);

const round = (value) => JSON.parse(JSON.stringify(value, (_, part) => (typeof part === 'number' ? Math.round(part * 10) / 10 : part)));
await opened(`${url}/hosts/huge-1`, '/tree'); // warms the caches up
console.log('tree of 10,000, open:', round(await opened(`${url}/hosts/huge-1?open=all`, '/tree')));
console.log('tree of 10,000, scroll:', round(await scrolled('[role=treegrid]')));
console.log('tree of 10,000, sort ms:', round(await busy("() => document.querySelector('.head.memory button').click()")));
console.log('tree of 10,000, filter ms:', round(await busy("() => { const field = document.querySelector('input[type=search]'); field.value = 'queue=7'; field.dispatchEvent(new Event('input', { bubbles: true })); }")));
console.log('fleet of 2,000, open:', round(await opened(`${url}/`, '/hosts')));
console.log('fleet of 2,000, scroll:', round(await scrolled('.scroller')));
await browser.close();
server.close();
