// Starts the programs under test as a user would, and the browser that looks at them.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

const binary = resolve(import.meta.dirname, '../../../bin/procmon');
const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Why the tests can't run here; nothing is skipped when CI=true. */
export const missing = [binary, chromiumPath].filter((path) => !existsSync(path));
export const skip = missing.length > 0 && process.env.CI !== 'true';
if (skip) console.warn(`Skipped: ${missing.join(' and ')} not there. Run make build, and install Chromium.`);

export const pushKey = 'a-key-for-the-end-to-end-tests';

/** A procmon in standalone mode: exporter of this machine and server, on ports of their own. */
export class Procmon {
  private readonly folder = mkdtempSync(join(tmpdir(), 'procmon-e2e-'));
  private child?: ChildProcess;
  private address = '127.0.0.1:0';
  url = '';

  /** Starts, or starts again on the same port and data. */
  async start(exporter: string): Promise<void> {
    const config = join(this.folder, 'procmon.yaml');
    writeFileSync(
      config,
      `global: {scrape_interval: 1s, scrape_timeout: 1s}
push: {tokens: [${pushKey}], rate_limit: 10000}
scrape_configs:
  - job_name: here
    static_configs: [{targets: ["${exporter}"]}]
  - job_name: gone
    static_configs: [{targets: ["127.0.0.1:1"]}]
`,
    );
    const child = spawn(binary, [
      'standalone', '--config.file', config, '--storage.path', join(this.folder, 'data'),
      '--web.listen-address', this.address, '--exporter.listen-address', exporter, '--log.level', 'warn',
    ]);
    this.child = child;
    this.url = await new Promise<string>((done, fail) => {
      let printed = '';
      const listen = (chunk: Buffer) => {
        printed += chunk;
        const url = /procmon serves (http:\S+)\//.exec(printed)?.[1];
        if (url) done(url);
      };
      child.stdout.on('data', listen);
      child.stderr.on('data', listen);
      child.once('exit', (code) => fail(new Error(`procmon ended with ${code}: ${printed}`)));
    });
    this.address = new URL(this.url).host;
  }

  /** Ends procmon with a signal and waits until it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.child;
    if (!child || child.exitCode !== null) return child?.exitCode ?? null;
    return new Promise((done) => {
      child.once('exit', (code) => done(code));
      child.kill(signal);
    });
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  async push(snapshot: object): Promise<Response> {
    return fetch(`${this.url}/api/process-data/`, {
      method: 'POST',
      headers: { Authorization: `Token ${pushKey}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(snapshot),
    });
  }
}

/** A program with a command line that no other has; it waits until it is killed. */
export function marker(text: string): ChildProcess {
  return spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', text], { stdio: 'ignore' });
}

// Every new window loads two pages for its address bar, which work for a second of CPU while the page under test
// loads. The flag stands in place of Playwright's own, so that what that names is named again.
const unwanted = [
  'WebUIOmniboxPopup', 'WebUIOmniboxAimPopup',
  'AimEnabled', 'AvoidCorsURLLoaderRestartOnRedirect', 'AvoidUnnecessaryBeforeUnloadCheckSync', 'DestroyProfileOnBrowserClose',
  'HttpsFirstBalancedModeAutoEnable', 'HttpsUpgrades', 'LensOverlay', 'MediaRouter', 'NetworkTimeServiceQuerying',
  'OptimizationHints', 'PaintHolding', 'PreconnectToSearch', 'ThirdPartyStoragePartitioning',
];

export function browse(more: string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', `--disable-features=${unwanted.join()}`,
      '--disable-background-networking', '--disable-component-update', '--disable-sync', ...more,
    ],
  });
}

/** A page of its own, and all that goes wrong in it: errors on the console, exceptions, dialogs. */
export async function visit(browser: Browser, options: Parameters<Browser['newContext']>[0] = {}): Promise<{ context: BrowserContext; page: Page; faults: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('dialog', (dialog) => faults.push(`a dialog: ${dialog.message()}`));
  return { context, page, faults };
}

/** An address of the loopback interface that nobody listens on at this moment. */
export async function freeAddress(): Promise<string> {
  const { createServer } = await import('node:net');
  return new Promise((done, fail) => {
    const server = createServer().once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address && typeof address === 'object' ? done(`127.0.0.1:${address.port}`) : fail(new Error('no port'))));
    });
  });
}
