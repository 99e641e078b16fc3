// Answers to questions about the past of hosts that do not exist: what they run now, and some
// that ended. The search knows no grammar here; its words are looked for in all of a process.

const iso = (ms) => new Date(ms).toISOString();
const minute = 60_000;

/** A number from 0 to 1 that goes with a text. */
function share(text) {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  return ((h ^ (h >>> 13)) >>> 0) / 2 ** 32;
}

/** The named hosts have processes; of the others what is busiest stands for all. */
function processesOf(host) {
  if (host.processes) return host.processes.slice(0, 400);
  return host.busiest ? [{ ...host.busiest, memory: 40 + share(host.host) * 900, username: 'CONTOSO\\svc', start_time: iso(Date.now() - 3 * 86_400_000), cmdline: `C:\\Program Files\\${host.busiest.name}` }] : [];
}

const plain = ({ cpu: _, memory: __, ...process }) => process;
const bytesOf = (p) => p.working_set_bytes ?? Math.round((p.memory ?? 0) * 2 ** 20);

function lifeOf(host, p, now) {
  const ended = share(`${host.host}${p.pid}`) < 0.2;
  const started = Date.parse(p.start_time ?? iso(now - 86_400_000));
  return {
    host: host.host, process: plain(p), first_seen: iso(started + 5000), last_seen: iso(ended ? now - 25 * minute : now - 3000), ended,
    ...(ended ? { gone_at: iso(now - 25 * minute + 15_000), ...(p.pid % 3 ? {} : { ended_at: iso(now - 25 * minute + 4000), exit_code: 0 }) } : {}),
    ...(p.cpu === undefined ? {} : { cpu: p.cpu }), memory_bytes: bytesOf(p),
  };
}

export function search(hosts, params, now) {
  const words = (params.get('q') ?? '').toLowerCase().replaceAll('"', '').split(/\s+/).filter(Boolean).map((word) => word.replace(/^\w+:=?/, ''));
  if (words.includes('refused')) return { status: 503, body: { error: { code: 'unavailable', message: 'the history is being moved; try again in a moment' } } };
  const ranged = params.has('from');
  const limit = Number(params.get('limit') ?? 200);
  const first = Number(params.get('cursor') ?? 0);
  const found = hosts.flatMap((host) =>
    processesOf(host)
      .filter((p) => words.every((word) => [host.host, p.name, p.username, p.cmdline].join('\n').toLowerCase().includes(word)))
      .map((p) => lifeOf(host, p, now))
      .filter((life) => ranged || !life.ended));
  return { status: 200, body: { matches: found.slice(first, first + limit), hosts: hosts.length, ...(found.length > first + limit ? { cursor: String(first + limit) } : {}) } };
}

export function top(hosts, params, now) {
  const [by, per] = [params.get('by') ?? 'cpu', params.get('per') ?? 'process'];
  const to = Date.parse(params.get('to') ?? iso(now));
  const from = Date.parse(params.get('from') ?? iso(to - 60 * minute));
  const seconds = (to - from) / 1000;
  const rows = new Map();
  for (const host of hosts.filter((host) => !params.get('host') || host.host.toLowerCase() === params.get('host').toLowerCase())) {
    for (const p of processesOf(host).filter((p) => p.pid !== 0)) {
      const key = { process: `${host.host}:${p.pid}`, name: p.name, user: p.username ?? '', host: host.host }[per];
      const row = rows.get(key) ?? {
        ...(per === 'process' || per === 'host' ? { host: host.host, peak_at: iso(from + share(key) * (to - from)) } : {}),
        ...(per === 'process' ? { pid: p.pid, start_time: p.start_time } : {}), ...(per === 'process' || per === 'name' ? { name: p.name } : {}),
        ...((per === 'process' || per === 'user') && p.username ? { user: p.username } : {}), cpu_seconds: 0, memory_bytes: 0, io_bytes: 0, processes: 0, on: new Set(),
      };
      row.cpu_seconds += ((p.cpu ?? 0) / 100) * seconds;
      row.memory_bytes += bytesOf(p);
      row.io_bytes += ((p.read_rate ?? 0) + (p.write_rate ?? 0)) * seconds;
      row.processes++;
      row.on.add(host.host);
      rows.set(key, row);
    }
  }
  const value = { cpu: (row) => row.cpu_seconds, memory: (row) => row.memory_bytes, io: (row) => row.io_bytes }[by];
  const list = [...rows.values()].sort((a, b) => value(b) - value(a)).slice(0, Number(params.get('limit') ?? 10));
  return { from: iso(from), to: iso(to), by, per, rows: list.map(({ on, ...row }) => ({ ...row, io_bytes: Math.round(row.io_bytes), hosts: on.size })) };
}

export function compare(host, params) {
  const [a, b] = [params.get('a'), params.get('b')];
  const lists = { started: [], ended: [], stayed: [] };
  for (const p of processesOf(host)) {
    const dice = share(`${p.pid}`);
    if (dice < 0.06) lists.started.push(p);
    else if (dice < 0.1) lists.ended.push(p);
    else {
      lists.stayed.push({
        ...p, cpu_seconds_used: ((p.cpu ?? 0) / 100) * 3600, read_bytes_used: Math.round((p.read_rate ?? 0) * 3600), write_bytes_used: Math.round((p.write_rate ?? 0) * 3600),
        memory_bytes_change: dice < 0.5 ? 0 : Math.round((dice - 0.65) * bytesOf(p)), threads_change: dice < 0.7 ? 0 : Math.round((dice - 0.8) * 20), handles_change: dice < 0.4 ? 0 : Math.round((dice - 0.6) * 300),
      });
    }
  }
  lists.stayed.sort((x, y) => y.cpu_seconds_used - x.cpu_seconds_used);
  const counts = Object.fromEntries(Object.entries(lists).map(([kind, list]) => [kind, list.length]));
  return { host: host.host, a, b, seconds: (Date.parse(b) - Date.parse(a)) / 1000, counts, ...lists };
}

/** The last hour in steps of two minutes; some hosts have a gap, and those that are lost an end. */
export function fleetCPU(hosts, now) {
  const step = 120;
  const from = Math.floor(now / 1000 / step) * step - 29 * step;
  const values = hosts.filter((host) => host.system.cpu !== undefined).map((host) => {
    const seed = share(host.host);
    return [host.host, Array.from({ length: 30 }, (_, i) => {
      if ((host.state === 'down' || host.state === 'stale') && i > 26) return null;
      if (seed < 0.1 && i > 8 && i < 13) return null;
      const wave = 0.75 + 0.25 * Math.sin(i * (0.3 + seed) + seed * 40) + (seed > 0.6 && i === Math.floor(seed * 29) ? 2 : 0);
      return Math.min(100, host.system.cpu * wave + 2 * share(`${host.host}${i}`));
    })];
  });
  return { from, step, hosts: Object.fromEntries(values) };
}
