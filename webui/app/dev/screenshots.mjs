// Makes the README's pictures: the real server, into which a fleet that does not exist is pushed,
// in Chromium. npm run screenshots, after make build.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';
import { fleet, windows } from './fixtures.mjs';
import { history, push as pushAll } from './history.mjs';

const root = resolve(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'procmon-screenshots-'));
const key = 'a-key-for-the-screenshots';
writeFileSync(join(folder, 'procmon.yaml'), `push: {tokens: [${key}], rate_limit: 10000}\n`);
const server = spawn(join(root, 'bin/procmon'), [
  'server', '--config.file', join(folder, 'procmon.yaml'), '--storage.path', join(folder, 'data'),
  '--web.listen-address', '127.0.0.1:0', '--log.level', 'warn',
], { stdio: ['ignore', 'pipe', 'inherit'] });

try {
  const url = await new Promise((done, fail) => {
    server.stdout.on('data', (chunk) => done(/http:\S+[^/\s]/.exec(String(chunk))?.[0]));
    server.once('exit', (code) => fail(new Error(`procmon ended with ${code}`)));
  });
  const push = async (host, timestamp, processes) => {
    const body = {
      ...host.system, hostname: host.host, timestamp: timestamp.toISOString(),
      processes,
    };
    const answer = await fetch(`${url}/api/process-data/`, {
      method: 'POST', body: JSON.stringify(body),
      headers: { Authorization: `Token ${key}`, 'Content-Type': 'application/json' },
    });
    if (answer.status !== 201) throw new Error(`push: ${answer.status} ${await answer.text()}`);
  };
  const processes = windows();
  const now = new Date();
  const past = 'WIN-07'; // the host that has a history
  await pushAll(url, key, history({ host: past, now: now.getTime(), hours: 1 }));
  const hosts = fleet(28).filter((host) => !/[<.]|huge/.test(host.host) && host.host !== past);
  for (const host of hosts) {
    // As the agent does, nothing is said of the CPU time of the idle process.
    const all = (host.processes?.length ? host.processes : processes.slice(0, host.count)).map((p) => (p.pid === 0 ? { ...p, cpu: undefined, cpu_seconds: undefined } : p));
    await push(host, now, all);
  }

  mkdirSync(join(root, 'docs/screenshots'), { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  const spell = new Date(now.getTime() - 15 * 60_000).toISOString(); // it was busy then
  const busiest = (await (await fetch(`${url}/api/v1/top?host=${past}&to=${spell}&from=${new Date(now.getTime() - 17 * 60_000).toISOString()}&limit=1`)).json()).rows[0];
  const chosen = encodeURIComponent(`${busiest.pid}@${busiest.start_time ?? ''}`);
  for (const [name, path, colorScheme] of [
    ['host', `/hosts/${past}?at=${spell}&sort=-tree_cpu&process=${chosen}&details=1`, 'light'],
    ['fleet', '/?sort=-cpu', 'dark'],
  ]) {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme });
    await page.goto(url + path);
    await page.getByRole('row').nth(5).waitFor();
    await page.waitForLoadState('networkidle');
    await page.screenshot({ path: join(root, 'docs/screenshots', `${name}.png`) });
  }
  await browser.close();
} finally {
  const ended = new Promise((done) => server.once('exit', done));
  server.kill();
  await ended;
  rmSync(folder, { recursive: true, force: true });
}
