// A procmon in which time stands still: a fixed history, looked at at a fixed instant.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { vi } from 'vitest';

export const now = Date.parse('2026-03-10T09:30:00Z');
const minute = 60_000;
const iso = (ms: number) => new Date(ms).toISOString();

interface FixtureHost {
  host: string;
  state: string;
  error?: string;
  count: number;
  labels: Record<string, string | undefined>;
  system: Record<string, number | string | undefined>;
  busiest?: { name: string; cpu: number };
}

/** What the server stores and shows, as lines of test/fixedtime. */
async function* lines(): AsyncGenerator<object> {
  // What is made up is relative to when it is.
  vi.useFakeTimers({ toFake: ['Date'], now });
  const { fleet, targets } = await import('../dev/fixtures.mjs');
  const { history } = await import('../dev/history.mjs');
  vi.useRealTimers();
  const hosts = (fleet(34) as FixtureHost[]).filter((host) => !host.host.startsWith('huge') && host.host !== '../../etc/passwd');
  for (const snapshot of history({ now, hours: 1, every: minute })) {
    yield { labels: hosts.find((host) => host.host === snapshot.hostname)!.labels, snapshot };
  }
  for (const [i, host] of hosts.entries()) if (host.host !== 'WIN-07') yield* lately(host, i);
  for (const target of targets(hosts, now)) {
    yield {
      target: {
        Job: target.job, ScrapeURL: target.scrape_url, Labels: target.labels, DiscoveredLabels: target.discovered_labels, Health: target.health, Host: target.host,
        LastScrape: target.last_scrape, LastDuration: Math.round((target.last_duration_seconds ?? 0) * 1e9), LastError: target.last_error, LastProcesses: target.last_processes,
        Interval: target.interval_seconds * 1e9, Timeout: target.timeout_seconds * 1e9,
      },
    };
  }
}

/** The last hour of a host, a snapshot each two minutes; one that is lost was seen last half an hour ago. */
function* lately(host: FixtureHost, i: number) {
  const end = host.state === 'down' || host.state === 'stale' ? now - 30 * minute : now - (i % 12) * 1000;
  const labels = host.state === 'pushed' ? { job: 'push', instance: host.host } : host.labels;
  const names = ['System', 'services.exe', 'svchost.exe', 'MsMpEng.exe', 'explorer.exe', 'chrome.exe', 'Teams.exe', 'OUTLOOK.EXE', 'sqlservr.exe', 'w3wp.exe'];
  for (let step = 30; step >= 0; step--) {
    const at = end - step * 2 * minute;
    const wave = 1 + 0.5 * Math.sin(step * 0.45 + i) + (step >> 1 === 6 && i % 5 === 0 ? 1.5 : 0);
    const processes = Array.from({ length: Math.min(host.count, 24) }, (_, k) => ({
      pid: 4 + 4 * k, ...(k > 0 ? { ppid: k < 6 ? 4 : 8 } : {}), name: k === 9 ? (host.busiest?.name ?? names[k % 10]!) : names[k % 10]!, start_time: iso(now - 86_400_000 + k * 1000),
      cpu_seconds: (30 - step) * 120 * (k === 9 ? (host.busiest?.cpu ?? 8) / 100 : 0.002 * ((i + k) % 7)), working_set_bytes: ((((i + 3) * (k + 11)) % 97) + 8) * 4 * 2 ** 20,
      username: k < 6 ? 'NT AUTHORITY\\SYSTEM' : 'CONTOSO\\m.huber', threads: 3 + k,
    }));
    const cpu = typeof host.system.cpu === 'number' ? { cpu: Math.min(100, host.system.cpu * wave) } : {};
    yield { labels, snapshot: { ...host.system, ...cpu, hostname: host.host, timestamp: iso(at), processes } };
  }
}

export class StillProcmon {
  readonly #folder = mkdtempSync(join(tmpdir(), 'procmon-still-'));
  #child?: ChildProcess;
  url = '';

  async start(): Promise<void> {
    const root = resolve(import.meta.dirname, '../../..');
    const program = join(this.#folder, 'fixedtime');
    execFileSync('go', ['build', '-o', program, './test/fixedtime'], { cwd: root, stdio: 'inherit' });
    const child = spawn(program, ['-now', iso(now), '-storage', join(this.#folder, 'data')], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    const url = new Promise<string>((done, fail) => {
      child.stdout.once('data', (text: Buffer) => done(String(text).trim()));
      child.once('exit', (code) => fail(new Error(`fixedtime ended with ${code}`)));
    });
    for await (const line of lines()) child.stdin.write(`${JSON.stringify(line)}\n`);
    child.stdin.end();
    this.url = await url;
  }

  async remove(): Promise<void> {
    const child = this.#child;
    if (child && child.exitCode === null) {
      const ended = new Promise((done) => child.once('exit', done));
      child.kill();
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
