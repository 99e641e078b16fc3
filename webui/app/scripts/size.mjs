// Holds the first load to its budget, gzipped: what index.html asks for and that imports, and of
// the pages, which are loaded when they are asked for, the largest.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';

const budget = { js: 60_000, css: 15_000 };
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const html = readFileSync(`${dist}index.html`, 'utf8');
const first = [...html.matchAll(/(?:src|href)="\/([^"]+\.(?:js|css))"/g)].map((match) => match[1]);
const source = (name) => readFileSync(dist + name, 'utf8');

/** Adds what scripts import statically, which loads with them. */
function withImports(names) {
  const all = [...names];
  for (const name of all) {
    if (!name.endsWith('.js')) continue;
    const folder = name.slice(0, name.lastIndexOf('/') + 1);
    for (const [, chunk] of source(name).matchAll(/(?:import|from)\s*["']\.\/([^"']+\.js)["']/g)) {
      if (!all.includes(folder + chunk)) all.push(folder + chunk);
    }
  }
  return all;
}

function sizeOf(names) {
  const sizes = { js: 0, css: 0 };
  for (const name of names) sizes[name.endsWith('.js') ? 'js' : 'css'] += gzipSync(readFileSync(dist + name), { level: 9 }).length;
  return sizes;
}

const shared = withImports(first);
const entry = shared.find((name) => /\/index-/.test(name) && name.endsWith('.js'));
// Vite lists what dynamic imports need, style sheets too, in one array, and names its indexes at each import.
const listed = JSON.parse(/m\.f=(\[[^\]]*\])|__vite__mapDeps=.*?(\[["'][^\]]*\])/.exec(source(entry))?.slice(1).find(Boolean) ?? '[]');
const pages = [...source(entry).matchAll(/import\([`"']\.\/([^`"']+\.js)[`"']\)(?:,__vite__mapDeps\(\[([\d,]*)\]\))?/g)].map(([, chunk, needs]) => ({
  name: chunk,
  files: withImports([...new Set([...shared, `assets/${chunk}`, ...(needs ?? '').split(',').filter(Boolean).map((i) => listed[Number(i)])])]),
}));
if (pages.length === 0) throw new Error('size: the entry imports no pages; scripts/size.mjs does not know this build');

const sizes = { js: 0, css: 0 };
for (const { name, files } of pages) {
  const { js, css } = sizeOf(files);
  console.log(`${name.replace(/-[\w-]{8}\.js$/, '')}: ${(js / 1000).toFixed(1)} kB of script, ${(css / 1000).toFixed(1)} kB of style`);
  sizes.js = Math.max(sizes.js, js);
  sizes.css = Math.max(sizes.css, css);
}
if (sizes.js === 0 || sizes.css === 0) {
  console.error(`size: index.html loads no ${sizes.js === 0 ? 'script' : 'style'}; run vite build first`);
  process.exit(1);
}
for (const kind of ['js', 'css']) {
  const line = `${kind}: ${(sizes[kind] / 1000).toFixed(1)} kB gzip of ${budget[kind] / 1000} kB`;
  if (sizes[kind] > budget[kind]) {
    console.error(`size: ${line}: too large`);
    process.exitCode = 1;
  } else {
    console.log(line);
  }
}
