// Holds the first load to its budget: what index.html asks for, and what that imports, gzipped.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';

const budget = { js: 60 * 1024, css: 15 * 1024 };
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const html = readFileSync(`${dist}index.html`, 'utf8');
const loaded = [...html.matchAll(/(?:src|href)="\/([^"]+\.(?:js|css))"/g)].map((match) => match[1]);

// Static imports of chunks load with the first page; dynamic ones do not.
for (const name of loaded) {
  if (!name.endsWith('.js')) continue;
  const folder = name.includes('/') ? name.slice(0, name.lastIndexOf('/') + 1) : '';
  const source = readFileSync(dist + name, 'utf8');
  for (const [, chunk] of source.matchAll(/(?:import|from)\s*["']\.\/([^"']+\.js)["']/g)) {
    if (!loaded.includes(folder + chunk)) loaded.push(folder + chunk);
  }
}

const sizes = { js: 0, css: 0 };
for (const name of loaded) {
  sizes[name.endsWith('.js') ? 'js' : 'css'] += gzipSync(readFileSync(dist + name), { level: 9 }).length;
}
if (sizes.js === 0 || sizes.css === 0) {
  console.error(`size: index.html loads no ${sizes.js === 0 ? 'script' : 'style'}; run vite build first`);
  process.exit(1);
}
for (const kind of ['js', 'css']) {
  const line = `${kind}: ${(sizes[kind] / 1024).toFixed(1)} KiB gzip of ${budget[kind] / 1024} KiB`;
  if (sizes[kind] > budget[kind]) {
    console.error(`size: ${line}: too large`);
    process.exitCode = 1;
  } else {
    console.log(line);
  }
}
