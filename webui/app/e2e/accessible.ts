import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What is seriously wrong with a page: for axe at two widths in both schemes, on the console, and where it scrolls sideways. */
export async function faultsOf(browser: Browser, address: string, expected?: RegExp): Promise<string[]> {
  const faults: string[] = [];
  for (const width of [390, 1440]) {
    const context = await browser.newContext({ viewport: { width, height: 844 }, colorScheme: 'light', reducedMotion: 'reduce', bypassCSP: true }); // for axe alone
    try {
      const page = await context.newPage();
      page.on('console', (message) => message.type() === 'error' && !expected?.test(message.text()) && faults.push(`console: ${message.text()}`));
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('dialog', (dialog) => faults.push(`a dialog: ${dialog.message()}`));
      await page.goto(address);
      await page.getByRole('main').waitFor();
      await page.waitForLoadState('networkidle');
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > width) faults.push(`${wide} pixels are wider than ${width}`);
      if ((await page.locator('img[src="x"]').count()) > 0) faults.push('text became an image');
      await page.addScriptTag({ content: axe });
      faults.push(...(await violations(page, [])).map((fault) => `light ${width}: ${fault}`));
      await page.emulateMedia({ colorScheme: 'dark' });
      // Of all rules this one alone looks at colours.
      faults.push(...(await violations(page, ['color-contrast'])).map((fault) => `dark ${width}: ${fault}`));
    } finally {
      await context.close();
    }
  }
  return faults;
}

interface Axe {
  run(context: Document, options: object): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
}

function violations(page: Page, rules: string[]): Promise<string[]> {
  return page.evaluate(async (only) => {
    const found = await (window as unknown as { axe: Axe }).axe.run(document, { resultTypes: ['violations'], ...(only.length > 0 ? { runOnly: only } : {}) });
    return found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map((v) => `${v.id}: ${v.nodes[0]?.html}`);
  }, rules);
}
