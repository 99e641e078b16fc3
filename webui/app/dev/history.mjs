// A made-up past of a made-up host, pushed into a real server, for looking at the time line and at
// charts: node dev/history.mjs URL KEY [HOURS]. It has a gap, a busy spell, and processes that
// come and go; CPU comes from counters, as agents send it.
import { fileURLToPath } from 'node:url';
import { windows } from './fixtures.mjs';

const minute = 60_000;
const iso = (ms) => new Date(ms).toISOString();

/** The snapshots of `host` that end now: every 30 s over so many hours, but for 12 minutes in their middle. */
export function* history({ host = 'WIN-07', now = Date.now(), hours = 2, every = 30_000 } = {}) {
  const from = now - hours * 60 * minute;
  const processes = windows().filter((p) => p.pid !== 0);
  const counters = new Map(processes.map((p) => [p.pid, { cpu: p.cpu_seconds ?? 0, read: p.read_bytes ?? 0, write: p.write_bytes ?? 0 }]));
  for (let at = from; at <= now; at += every) {
    const part = (at - from) / (now - from);
    if (part > 0.45 && part < 0.45 + (12 * minute) / (now - from)) continue;
    const spell = part > 0.7 && part < 0.78;
    const rows = processes.map((p, i) => {
      const busy = (p.cpu ?? 0) * (0.6 + 0.5 * Math.sin(at / 90_000 + i) ** 2) * (spell && p.name === 'MsMpEng.exe' ? 14 : 1);
      const sums = counters.get(p.pid);
      sums.cpu += (busy / 100) * (every / 1000);
      sums.read += (p.read_rate ?? 0) * (every / 1000);
      sums.write += (p.write_rate ?? 0) * (every / 1000);
      const memory = p.memory * (1 + 0.25 * Math.sin(at / 600_000 + i) + (p.name === 'node.exe' ? part : 0));
      const { read_rate, write_rate, ...facts } = p;
      return { ...facts, cpu: busy, memory, working_set_bytes: Math.round(memory * 2 ** 20), private_bytes: Math.round(memory * 0.8 * 2 ** 20),
        cpu_seconds: sums.cpu, read_bytes: Math.round(sums.read), write_bytes: Math.round(sums.write), handles: (p.handles ?? 100) + Math.round(20 * Math.sin(at / 300_000 + i)) };
    });
    const turn = Math.floor(at / (4 * minute));
    rows.push({ pid: 90_000 + (turn % 5000), ppid: rows[40].pid, name: 'backup-task.exe', cpu: 12, memory: 31, cpu_seconds: ((at % (4 * minute)) / 1000) * 0.12,
      cmdline: `backup-task.exe --run ${turn}`, username: 'CONTOSO\\svc-backup', start_time: iso(turn * 4 * minute), threads: 4, handles: 88 });
    const used = 19 + 3 * Math.sin(at / 900_000) + (spell ? 4 : 0);
    yield {
      hostname: host, timestamp: iso(at), os: 'Microsoft Windows 11 Enterprise 10.0.26100', processor: '13th Gen Intel(R) Core(TM) i7-1365U', cores: 4, threads: 8,
      ram_gb: 31.7, used_ram_gb: used, free_ram_gb: 31.7 - used, storage_total_gb: 475.8, storage_used_gb: 301.2, storage_free_gb: 174.6,
      boot_time: iso(from - 86_400_000), cpu: (spell ? 62 : 24) + 8 * Math.sin(at / 120_000), agent_version: '1.0.0', processes: rows,
    };
  }
}

/** Pushes snapshots, oldest first; ends with an error when one is refused. */
export async function push(url, key, snapshots) {
  let count = 0;
  for (const snapshot of snapshots) {
    const answer = await fetch(`${url}/api/process-data/`, {
      method: 'POST', body: JSON.stringify(snapshot), headers: { Authorization: `Token ${key}`, 'Content-Type': 'application/json' },
    });
    if (answer.status !== 201) throw new Error(`push: ${answer.status} ${await answer.text()}`);
    count++;
  }
  return count;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [url, key, hours = '2'] = process.argv.slice(2);
  console.log(`${await push(url, key, history({ hours: Number(hours) }))} snapshots`);
}
