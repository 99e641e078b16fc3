// Serves the built pages with made-up hosts, under the same Content-Security-Policy as the real
// server: node dev/server.mjs [--port 8099] [--hosts 200]. --hosts 0 is a first run.
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fleet, rowsOf, targets } from './fixtures.mjs';
import { compare, fleetCPU, search, top } from './queries.mjs';

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const iso = (ms) => new Date(ms).toISOString();

/** One snapshot each five seconds; a few processes come and go, and CPU moves. */
function treeOf(host, now) {
  const step = Math.floor(now / 5000);
  const moved = (host.processes ?? []).map((p, i) => (p.cpu ? { ...p, cpu: p.cpu * (0.7 + 0.6 * Math.abs(Math.sin(step + i))) } : p));
  const extra = [];
  if (host.processes?.length > 20) {
    const parent = host.processes[Math.min(30, host.processes.length - 1)];
    for (const k of [step, step - 1]) {
      extra.push({ pid: 90_000 + (k % 1000), ppid: parent.pid, name: 'backup-task.exe', cpu: 12, memory: 31, cmdline: `backup-task.exe --run ${k}`, username: 'CONTOSO\\svc-backup', start_time: iso(k * 5000) });
    }
  }
  const lost = host.state === 'down' || host.state === 'stale';
  const at = lost ? Date.now() - 400_000 - (Date.now() % 5000) : step * 5000;
  return {
    id: `${host.host.toLowerCase()}@${iso(at)}`, host: host.host, previous: iso(at - 5000), stale: lost, labels: host.labels,
    hostname: host.host, timestamp: iso(at), system: host.system, rows: rowsOf([...moved, ...extra]),
  };
}

function hostOf(host, now) {
  const lost = host.state === 'down' || host.state === 'stale';
  const busiest = host.busiest ?? [...(host.processes ?? [])].filter((p) => p.pid !== 0).sort((a, b) => (b.cpu ?? 0) - (a.cpu ?? 0))[0];
  return {
    host: host.host, state: host.state, ...(host.error ? { error: host.error } : {}), labels: host.labels, first_seen: iso(now - 9 * 86_400_000),
    last_seen: iso(lost ? now - 400_000 : Math.floor(now / 5000) * 5000), system: host.system, processes: host.count,
    ...(host.system.cpu === undefined ? {} : { cpu: host.system.cpu }),
    ...(busiest ? { busiest: { pid: busiest.pid, start_time: busiest.start_time, name: busiest.name, cpu: busiest.cpu ?? 0 } } : {}),
  };
}

/** Starts a server; the port is chosen when it is 0. */
export function serve({ port = 0, size = 200 } = {}) {
  const hosts = size === 0 ? [] : fleet(size);
  const find = (name) => hosts.find((host) => host.host.toLowerCase() === name.toLowerCase());
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://localhost');
    const now = Date.now();
    const json = (status, body) => {
      response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
      response.end(JSON.stringify(body));
    };
    const part = url.pathname.match(/^\/api\/v1\/hosts\/([^/]+)(\/tree|\/compare)?$/);
    if (url.pathname === '/api/v1/hosts') return json(200, { now: iso(now), hosts: hosts.map((host) => hostOf(host, now)) });
    if (url.pathname === '/api/v1/targets') return json(200, { now: iso(now), targets: hosts.length ? targets(hosts, now) : [] });
    if (url.pathname === '/api/v1/search') {
      const { status, body } = search(hosts, url.searchParams, now);
      return json(status, body);
    }
    if (url.pathname === '/api/v1/top') return json(200, top(hosts, url.searchParams, now));
    if (url.pathname === '/api/v1/fleet/cpu') return json(200, fleetCPU(hosts, now));
    if (part) {
      const host = find(decodeURIComponent(part[1]));
      if (!host) return json(404, { error: { code: 'not_found', message: 'host: not known' } });
      if (part[2] === '/compare') return json(200, compare(host, url.searchParams));
      return json(200, part[2] ? treeOf(host, now) : hostOf(host, now));
    }
    if (url.pathname.startsWith('/api/')) return json(404, { error: { code: 'not_found', message: 'no such route' } });
    const file = join(dist, normalize(url.pathname));
    const found = extname(file) in types && file.startsWith(dist) && existsSync(file) ? file : join(dist, 'index.html');
    response.writeHead(200, { 'Content-Type': types[extname(found)], 'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff' });
    createReadStream(found).pipe(response);
  });
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve({ server, url: `http://127.0.0.1:${server.address().port}` })));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '8099' }, hosts: { type: 'string', default: '200' } } });
  const { url } = await serve({ port: Number(values.port), size: Number(values.hosts) });
  console.log(url);
}
