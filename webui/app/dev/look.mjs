// Takes pictures of every page in light and dark, wide and narrow, and checks each with axe and
// for errors on the console: node dev/look.mjs [FOLDER] [ONLY]. Needs a build and Chromium.
// A page may have what acts on it, and the errors that its state brings to the console; any other is a fault.
// With LOOK_URL it looks at the history of a real server, into which dev/history.mjs has pushed.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import { chromium } from 'playwright-core';
import { serve } from './server.mjs';

const folder = process.argv[2] ?? '/tmp/procmon-look';
const only = process.argv[3]?.split(',');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
mkdirSync(folder, { recursive: true });

const { server, url } = await serve({ size: 200 });
const { server: large, url: largeUrl } = await serve({ size: 2000 });
const { server: empty, url: emptyUrl } = await serve({ size: 0 });
const hostile = encodeURIComponent('<img src=x onerror=alert(1)>');
const { LOOK_URL: real } = process.env; // a real server with dev/history.mjs in it
const then = (minutes) => encodeURIComponent(new Date(Date.now() - minutes * 60_000).toISOString());
const unknownHost = / 404 .*\/hosts\/nobody/;
/** Of an answer that is made to fail; see below. */
function failed(path) {
  return Object.assign(/ 500 /, { path: `**/api/v1${path}*` });
}
const pages = real ? realPages(real) : [
  ['fleet', `${url}/`],
  ['fleet-grouped', `${url}/?group=site&sort=-cpu`],
  ['fleet-filtered', `${url}/?q=srv&state=down`],
  ['fleet-empty', `${emptyUrl}/`],
  ['fleet-2000', `${largeUrl}/?sort=-cpu`],
  ['fleet-nothing', `${url}/?q=nothinglikethat`],
  ['fleet-lost', `${url}/`, lose, /ERR_FAILED.*\/api\//],
  ['fleet-failed', `${url}/`, undefined, failed('/hosts')],
  ['page-failed', `${url}/`, loseScripts, /ERR_FAILED.*\/assets\/|load preload assets/],
  ['search', `${url}/search`],
  ['search-now', `${url}/search?q=chrome.exe`],
  ['search-range', `${url}/search?q=svchost&range=24h`],
  ['search-all', `${largeUrl}/search?all=1`],
  ['search-complete', `${url}/search?q=name:x`, completeField],
  ['search-wrong', `${url}/search?q=${encodeURIComponent('name:svchost cpu:50 user:anna')}`],
  ['search-nothing', `${url}/search?q=nothinglikethat`],
  ['search-failed', `${url}/search?q=refused`, undefined, / 503 .*\/search\?/],
  ['search-part', `${largeUrl}/search?all=1`, failMore, / 503 .*\/search\?/],
  ['search-damaged', `${url}/search?q=svchost&range=24h`, damage],
  ['top-damaged', `${url}/top`, damage],
  ['compare-damaged', `${url}/hosts/WIN-07/compare`, damage],
  ['host-damaged', `${url}/hosts/WIN-07`, damage],
  ['search-empty', `${emptyUrl}/search?all=1`],
  ['search-hostile', `${url}/search?q=${encodeURIComponent('host:<img')}`],
  ['top', `${url}/top`],
  ['top-memory', `${url}/top?by=memory&per=name&range=24h`],
  ['top-users', `${url}/top?per=user&by=io`],
  ['top-hosts', `${url}/top?per=host&from=2026-11-22T03:00:00Z&to=2026-11-22T03:30:00Z`],
  ['top-hostile', `${url}/top?host=${hostile}`],
  ['top-nothing', `${url}/top?host=nobody`],
  ['top-empty', `${emptyUrl}/top`],
  ['top-failed', `${url}/top`, undefined, failed('/top')],
  ['compare', `${url}/hosts/WIN-07/compare`],
  ['compare-sorted', `${url}/hosts/WIN-07/compare?kind=stayed&sort=-memory`],
  ['compare-hostile', `${url}/hosts/${hostile}/compare`],
  ['compare-missing', `${url}/hosts/nobody/compare`, undefined, unknownHost],
  ['targets', `${url}/targets`],
  ['targets-empty', `${emptyUrl}/targets`],
  ['targets-nothing', `${url}/targets?q=nothinglikethat`],
  ['targets-failed', `${url}/targets`, undefined, failed('/targets')],
  ['targets-down', `${url}/targets?health=down`],
  ['host', `${url}/hosts/WIN-07`],
  ['host-sorted', `${url}/hosts/WIN-07?sort=-tree_cpu`],
  ['host-filtered', `${url}/hosts/WIN-07?q=esbuild`],
  ['host-flat', `${url}/hosts/WIN-07?flat=1&sort=-memory`],
  ['host-closed', `${url}/hosts/WIN-07?open=none`],
  ['host-details', `${url}/hosts/WIN-07?flat=1&sort=-memory&details=1`, selectFirst],
  ['host-linux', `${url}/hosts/db-01`],
  ['host-down', `${url}/hosts/WIN-13`],
  ['host-hostile', `${url}/hosts/${hostile}`],
  ['host-hostile-details', `${url}/hosts/${hostile}?details=1`, selectThird],
  ['host-empty', `${url}/hosts/${encodeURIComponent('../../etc/passwd')}`],
  ['host-huge', `${url}/hosts/huge-1`],
  ['host-missing', `${url}/hosts/nobody`, undefined, unknownHost],
  ['missing', `${url}/elsewhere`],
];

/** What only a real server shows: its history. */
function realPages(at) {
  return [
    ['real-live', `${at}/hosts/${hostname()}`],
    ['real-live-details', `${at}/hosts/${hostname()}?flat=1&sort=-memory&zoom=15m`, selectFirst],
    ['real-past', `${at}/hosts/WIN-07?zoom=6h&at=${then(30)}&sort=-tree_cpu`],
    ['real-past-details', `${at}/hosts/WIN-07?zoom=6h&at=${then(30)}&flat=1&sort=-memory`, selectFirst],
    ['real-gap', `${at}/hosts/WIN-07?zoom=6h&at=${then(62)}`],
    ['real-before', `${at}/hosts/WIN-07?at=2020-01-01T00:00:00Z`],
  ];
}

/** The server is gone, as far as the page can tell. */
async function lose(page) {
  await page.route('**/api/**', (route) => route.abort());
  await page.getByText('Connection lost').waitFor({ timeout: 15_000 });
}

async function loseScripts(page) {
  await page.route('**/assets/**', (route) => route.abort());
  await page.getByRole('link', { name: 'Top', exact: true }).click();
  await page.getByRole('alert').waitFor();
}

async function failMore(page) {
  await page.route('**/api/v1/search?*cursor=*', (route) => route.fulfill({ status: 503, json: { error: { code: 'busy', message: 'too many questions at a time; try again in a moment' } } }));
  await page.getByRole('button', { name: 'Show more' }).click();
  await page.getByRole('alert').waitFor();
}

/** Some of what is stored is damaged. */
async function damage(page) {
  const partial = { damaged: 2, hosts: ['WIN-07', '<b>db</b>', 'db-01', 'db-02'] };
  await page.route(/\/api\/v1\/(search\?|top\?|hosts\/[^/]+\/compare)/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), partial } });
  });
  const now = Math.floor(Date.now() / 15_000) * 15;
  const times = Array.from({ length: 200 }, (_, i) => now - (200 - i) * 15).filter((_, i) => i < 60 || i > 110);
  const values = { cpu: { avg: times.map((at) => 20 + 10 * Math.sin(at / 300)) }, memory: { avg: times.map(() => 9e9) } };
  await page.route('**/api/v1/hosts/*/series?*', (route) => route.fulfill({ json: { host: 'WIN-07', step: 0, times, values, partial } }));
  await page.reload();
  await page.getByText('Partial.').waitFor();
}

async function completeField(page) {
  await page.getByRole('combobox', { name: 'Search processes' }).focus();
  await page.keyboard.press('End');
  await page.keyboard.type(' c');
  await page.keyboard.press('ArrowDown');
}

async function selectFirst(page) {
  await page.getByRole('treegrid').focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
}

async function selectThird(page) {
  await page.getByRole('treegrid').focus();
  for (const key of ['Home', 'ArrowDown', 'ArrowDown', 'Enter']) await page.keyboard.press(key);
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
// What the made-up server does not have: live updates, and the history of a host.
const absent = /WebSocket connection|404 .*\/hosts\/[^/]+\/(timeline|events|processes|series)\b/;
let faults = 0;
const fault = (text) => {
  faults++;
  console.error(text);
};
for (const [width, height] of [[1440, 900], [390, 844]]) {
  for (const colorScheme of ['light', 'dark']) {
    // axe is not the page's own script, so it goes past the policy; violations of it still show on the console.
    const context = await browser.newContext({ viewport: { width, height }, colorScheme, hasTouch: width < 500, isMobile: width < 500, reducedMotion: 'reduce' });
    for (const [name, address, act, expected] of pages.filter(([name]) => !only || only.includes(name))) {
      const page = await context.newPage();
      const label = `${name}-${width}-${colorScheme}`;
      page.on('console', (message) => {
        const text = `${message.text()} ${message.location().url}`;
        if (['error', 'warning'].includes(message.type()) && !expected?.test(text) && !(absent.test(text) && !real)) fault(`${label}: console: ${text}`);
      });
      page.on('pageerror', (error) => fault(`${label}: ${error.stack}`));
      page.on('dialog', (dialog) => fault(`${label}: dialog: ${dialog.message()}`));
      if (expected?.path) await page.route(expected.path, (route) => route.fulfill({ status: 500, json: { error: { code: 'internal', message: 'the server could not read its store; its log says why' } } }));
      await page.goto(address);
      await page.locator('main :is([role=treegrid], [role=table], table, .message, .fault:not(:empty))').first().waitFor();
      await act?.(page);
      await page.waitForTimeout(150);
      await page.screenshot({ path: `${folder}/${label}.png` });
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (sideways > 0) fault(`${label}: the page scrolls sideways by ${sideways} px`);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
      for (const violation of violations) {
        fault(`${label}: ${violation.id}: ${violation.help}`);
        for (const node of violation.nodes.slice(0, 3)) console.error(`    ${node.html.slice(0, 200)}\n    ${node.failureSummary?.split('\n').slice(1, 3).join(' ')}`);
      }
      await page.close();
    }
    await context.close();
  }
}
await browser.close();
server.close();
large.close();
empty.close();
console.log(`${folder}: ${faults} faults`);
process.exitCode = faults > 0 ? 1 : 0;
