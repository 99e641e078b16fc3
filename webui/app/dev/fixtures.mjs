// Hosts that do not exist, for looking at the pages: a workstation, a Linux server, hostile text,
// ten thousand processes, and a fleet. Figures move with time and repeat from run to run.

const GiB = 2 ** 30;
const MiB = 2 ** 20;

/** Pseudo-random numbers that are the same in every run. */
function random(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const boot = Date.now() - 3 * 86_400_000 - 4.2 * 3_600_000;
const iso = (ms) => new Date(ms).toISOString();

/** Makes the rows of a tree from processes, each with a ppid, as the server does. */
export function rowsOf(processes) {
  const byPid = new Map(processes.map((p) => [p.pid, p]));
  const children = new Map();
  const roots = [];
  const age = (a, b) => (a.start_time ?? '').localeCompare(b.start_time ?? '') || a.pid - b.pid;
  for (const p of [...processes].sort(age)) {
    const parent = p.ppid === undefined || p.ppid === p.pid ? undefined : byPid.get(p.ppid);
    if (!parent || (parent.start_time ?? '') > (p.start_time ?? '')) roots.push(p);
    else children.set(parent.pid, [...(children.get(parent.pid) ?? []), p]);
  }
  const rows = [];
  const visit = (p, parent, depth) => {
    const own = children.get(p.pid) ?? [];
    const row = { ...p, depth, children: own.length, descendants: 0, tree_cpu: p.cpu, tree_memory: p.memory };
    if (parent !== undefined) row.parent = parent;
    const index = rows.push(row) - 1;
    for (const child of own) {
      const below = visit(child, index, depth + 1);
      row.descendants += 1 + below.descendants;
      if (below.tree_cpu !== undefined) row.tree_cpu = (row.tree_cpu ?? 0) + below.tree_cpu;
      if (below.tree_memory !== undefined) row.tree_memory = (row.tree_memory ?? 0) + below.tree_memory;
    }
    return row;
  };
  for (const root of roots) visit(root, undefined, 0);
  return rows;
}

function builder(seed) {
  const next = random(seed);
  const processes = [];
  let pid = 4;
  const add = (ppid, name, facts = {}) => {
    pid += 4 * (1 + Math.floor(next() * 40));
    const memory = facts.memory ?? 3 + next() ** 3 * 90;
    const started = facts.started ?? boot + 1000 * processes.length;
    const process = {
      pid, ppid, name, cpu: facts.cpu ?? (next() < 0.75 ? 0 : next() ** 4 * 6), memory,
      working_set_bytes: Math.round(memory * MiB), private_bytes: Math.round(memory * MiB * 0.8),
      cmdline: facts.cmdline ?? `C:\\Windows\\System32\\${name}`, exe: facts.exe ?? `C:\\Windows\\System32\\${name}`,
      username: facts.username ?? 'NT AUTHORITY\\SYSTEM', start_time: iso(started), cpu_seconds: next() * 400,
      threads: facts.threads ?? 2 + Math.floor(next() * 30), handles: facts.handles ?? 80 + Math.floor(next() * 900),
      read_bytes: Math.floor(next() * GiB), write_bytes: Math.floor(next() * GiB),
      read_rate: next() < 0.85 ? 0 : next() ** 4 * 20 * MiB, write_rate: next() < 0.85 ? 0 : next() ** 4 * 8 * MiB,
      session_id: facts.session ?? 0, ...(facts.services ? { services: facts.services } : {}),
      // Not from next(): what came before these facts stays as it was.
       read_operations: pid * 31, write_operations: pid * 7, bits: pid % 16 ? 64 : 32,
      integrity: facts.username ? 'medium' : 'system', elevated: !facts.username,
      company: facts.company ?? 'Microsoft Corporation', description: facts.description ?? name.replace('.exe', ''),
    };
    process.kernel_seconds = process.cpu_seconds * 0.3;
    processes.push(process);
    return process.pid;
  };
  return { add, processes, next };
}

const serviceNames = [
  'BrokerInfrastructure', 'RpcSs', 'RpcEptMapper', 'LSM', 'gpsvc', 'ProfSvc', 'Schedule', 'EventLog', 'nsi', 'Dhcp', 'Dnscache', 'NlaSvc', 'LanmanWorkstation',
  'LanmanServer', 'AudioEndpointBuilder', 'Audiosrv', 'BFE', 'mpssvc', 'CryptSvc', 'DPS', 'SENS', 'Themes', 'UserManager', 'Winmgmt', 'WpnService', 'BITS', 'wuauserv',
  'iphlpsvc', 'SysMain', 'TrkWks', 'DoSvc', 'LicenseManager', 'TokenBroker', 'StorSvc', 'WdiSystemHost', 'SSDPSRV', 'FDResPub', 'PcaSvc', 'DusmSvc', 'CDPSvc',
];

/** A workstation with some 250 processes. */
export function windows() {
  const { add, processes, next } = builder(7);
  processes.push(
    { pid: 0, name: 'System Idle Process', cpu: 692.4, memory: 0.01, working_set_bytes: 8192, threads: 8, start_time: iso(boot) },
    { pid: 4, ppid: 0, name: 'System', cpu: 1.6, memory: 0.15, working_set_bytes: 155_648, threads: 312, handles: 7841, username: 'NT AUTHORITY\\SYSTEM', start_time: iso(boot), read_rate: 0, write_rate: 412_000 },
  );
  add(4, 'Registry', { memory: 84, cmdline: '' });
  add(4, 'smss.exe', { memory: 1.1 });
  const wininit = add(undefined, 'wininit.exe', { memory: 6 });
  const services = add(wininit, 'services.exe', { memory: 12 });
  add(wininit, 'lsass.exe', { memory: 28, cpu: 0.3, services: ['KeyIso', 'SamSs', 'VaultSvc'] });
  serviceNames.forEach((name, i) => {
    const list = i % 9 === 0 ? [name, 'DcomLaunch', 'PlugPlay', 'Power', 'SystemEventsBroker'] : [name];
    const pid = add(services, 'svchost.exe', {
      services: list, cmdline: `C:\\Windows\\system32\\svchost.exe -k ${i % 3 ? 'netsvcs' : 'LocalServiceNetworkRestricted'} -p -s ${name}`,
      username: ['NT AUTHORITY\\SYSTEM', 'NT AUTHORITY\\LOCAL SERVICE', 'NT AUTHORITY\\NETWORK SERVICE'][i % 3],
    });
    if (name === 'BrokerInfrastructure') {
      for (const child of ['RuntimeBroker.exe', 'StartMenuExperienceHost.exe', 'SearchHost.exe', 'TextInputHost.exe', 'WmiPrvSE.exe', 'dllhost.exe'])
        add(pid, child, { session: 1, username: 'CONTOSO\\m.huber', memory: 20 + next() * 120 });
    }
  });
  add(services, 'MsMpEng.exe', { memory: 311, cpu: 14.8, services: ['WinDefend'], handles: 1204 });
  add(services, 'spoolsv.exe', { memory: 11, services: ['Spooler'] });
  add(services, 'procmon-exporter.exe', { memory: 14, cpu: 0.2, exe: 'C:\\Program Files\\procmon\\procmon-exporter.exe', cmdline: '"C:\\Program Files\\procmon\\procmon-exporter.exe" --config.file exporter.yaml' });
  const sql = add(services, 'sqlservr.exe', { memory: 4213, cpu: 86.3, threads: 118, handles: 2412, services: ['MSSQLSERVER'], username: 'NT SERVICE\\MSSQLSERVER', cmdline: '"C:\\Program Files\\Microsoft SQL Server\\MSSQL16\\MSSQL\\Binn\\sqlservr.exe" -sMSSQLSERVER' });
  add(sql, 'conhost.exe', {});
  const winlogon = add(undefined, 'winlogon.exe', { memory: 9, session: 1 });
  add(winlogon, 'dwm.exe', { memory: 96, cpu: 4.2, session: 1, username: 'Window Manager\\DWM-1' });
  add(winlogon, 'fontdrvhost.exe', { session: 1, username: 'Font Driver Host\\UMFD-1' });
  const user = { session: 1, username: 'CONTOSO\\m.huber' };
  const explorer = add(undefined, 'explorer.exe', { ...user, memory: 164, cpu: 1.1, cmdline: 'C:\\Windows\\Explorer.EXE' });
  const browser = (name, path, n) => {
    const main = add(explorer, name, { ...user, memory: 320, cpu: 3.7, exe: path, cmdline: `"${path}"` });
    for (let i = 0; i < n; i++) {
      const kind = i === 0 ? 'gpu-process' : i < 4 ? 'utility --utility-sub-type=network.mojom.NetworkService' : 'renderer --lang=de --device-scale-factor=1.25';
      add(main, name, { ...user, exe: path, memory: 30 + next() ** 2 * 480, cpu: i === 7 ? 38.2 : undefined, cmdline: `"${path}" --type=${kind} --field-trial-handle=2044,i,${Math.floor(next() * 1e15)},262144 --variations-seed-version --mojo-platform-channel-handle=${2000 + i * 4} /prefetch:1` });
    }
  };
  browser('msedge.exe', 'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe', 34);
  browser('chrome.exe', 'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe', 46);
  const teams = add(explorer, 'ms-teams.exe', { ...user, memory: 412, cpu: 2.2 });
  for (let i = 0; i < 7; i++) add(teams, 'msedgewebview2.exe', { ...user, memory: 40 + next() * 200 });
  add(explorer, 'OUTLOOK.EXE', { ...user, memory: 388, cpu: 0.8, cmdline: '"C:\\Program Files\\Microsoft Office\\root\\Office16\\OUTLOOK.EXE"' });
  const code = add(explorer, 'Code.exe', { ...user, memory: 190, cpu: 1.4 });
  for (let i = 0; i < 9; i++) add(code, 'Code.exe', { ...user, memory: 60 + next() * 400 });
  const terminal = add(explorer, 'WindowsTerminal.exe', { ...user, memory: 92 });
  const pwsh = add(terminal, 'pwsh.exe', { ...user, memory: 118 });
  const node = add(pwsh, 'node.exe', { ...user, memory: 742, cpu: 101.3, cmdline: '"C:\\Program Files\\nodejs\\node.exe" node_modules\\vite\\bin\\vite.js build --watch' });
  add(node, 'esbuild.exe', { ...user, memory: 61, cpu: 22.6 });
  for (let i = 0; processes.length < 249; i++) add(services, i % 2 ? 'svchost.exe' : 'dllhost.exe', { services: i % 2 ? [`CDPUserSvc_${(i * 7919).toString(16)}`] : undefined });
  return processes;
}

/** A Linux server: systemd, kernel threads, a web stack. */
export function linux() {
  const { add, processes } = builder(11);
  const root = { username: 'root', session: undefined };
  processes.push(
    { pid: 1, ppid: 0, name: 'systemd', cpu: 0.1, memory: 12.4, cmdline: '/sbin/init', exe: '/usr/lib/systemd/systemd', username: 'root', start_time: iso(boot), threads: 1, handles: 214, cpu_seconds: 31.2 },
    { pid: 2, ppid: 0, name: 'kthreadd', cpu: 0, memory: 0, username: 'root', start_time: iso(boot), threads: 1 },
  );
  for (let i = 0; i < 60; i++) processes.push({ pid: 3 + i, ppid: 2, name: `kworker/${i % 8}:${i}-events`, cpu: 0, memory: 0, username: 'root', start_time: iso(boot), threads: 1 });
  for (const name of ['systemd-journald', 'systemd-udevd', 'cron', 'dbus-daemon', 'rsyslogd', 'sshd']) add(1, name, { ...root, cmdline: `/usr/sbin/${name}`, exe: `/usr/sbin/${name}` });
  const nginx = add(1, 'nginx', { ...root, cmdline: 'nginx: master process /usr/sbin/nginx', exe: '/usr/sbin/nginx' });
  for (let i = 0; i < 8; i++) add(nginx, 'nginx', { username: 'www-data', cmdline: 'nginx: worker process', exe: '/usr/sbin/nginx', memory: 21, cpu: 2 + i });
  const postgres = add(1, 'postgres', { username: 'postgres', cmdline: '/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main', memory: 148 });
  for (let i = 0; i < 24; i++) add(postgres, 'postgres', { username: 'postgres', cmdline: `postgres: app orders 10.0.3.${i}(5${i}123) ${i % 5 ? 'idle' : 'SELECT'}`, memory: 40 + i, cpu: i % 5 ? 0 : 31 });
  return processes;
}

/** Text that tries to break the page. */
export function hostile() {
  const at = iso(boot);
  const p = (pid, ppid, name, more = {}) => ({ pid, ppid, name, cpu: 1, memory: 5, start_time: at, ...more });
  return [
    p(1, undefined, '<img src=x onerror=alert(1)>', { cmdline: '<script>document.title="broken"</script>', username: '"><svg onload=alert(2)>' }),
    p(2, 1, 'photo\u202egpj.exe', { cmdline: 'C:\\tmp\\photo\u202egpj.exe', username: '\u202eadmin' }),
    p(3, 1, 'x'.repeat(32_000), { cmdline: 'a long one '.repeat(3000), username: 'u'.repeat(5000), exe: '/'.repeat(32_000) }),
    p(4, 1, '../../etc/passwd', { cmdline: '../../etc/passwd\n\n\u0000\u001b[31mred\u001b[0m' }),
    p(5, 1, '', { cmdline: '' }),
    p(6, 1, '😀'.repeat(200), { username: 'مدير النظام', cmdline: 'שלום עולם --flag=value' }),
    p(7, 1, '${jndi:ldap://x} {{7*7}} %s%n', { cpu: 799.99, memory: 1e7, services: ['<b>svc</b>', 'a'.repeat(3000)] }),
    p(4294967295, 7, 'no facts at all', { cpu: undefined, memory: undefined, start_time: undefined }),
    p(9, 1, 'Ｆｕｌｌ　ｗｉｄｔｈ', { handles: 4294967295, threads: 4294967295, read_rate: 1e15, write_rate: 1, read_bytes: 1.8e19 }),
    ...Array.from({ length: 60 }, (_, i) => p(100 + i, i === 0 ? 1 : 99 + i, `deep-${i}`)),
  ];
}

/** Ten thousand processes. */
export function huge() {
  const { add, processes, next } = builder(3);
  const root = add(undefined, 'init', { cmdline: '/sbin/init' });
  const parents = [root];
  while (processes.length < 10_000) {
    const parent = parents[Math.floor(next() ** 2 * parents.length)];
    const pid = add(parent, ['worker', 'java', 'python3', 'bash', 'node', 'sidecar'][Math.floor(next() * 6)], { cmdline: `/srv/app/bin/run --shard=${processes.length} --queue=${Math.floor(next() * 90)}`, username: `app${Math.floor(next() * 20)}` });
    if (next() < 0.08) parents.push(pid);
  }
  return processes;
}

const system = (facts = {}) => ({
  os: 'Microsoft Windows 11 Enterprise 10.0.26100', processor: '13th Gen Intel(R) Core(TM) i7-1365U', cores: 4, threads: 8, ram_gb: 31.7, used_ram_gb: 19.4, free_ram_gb: 12.3,
  storage_total_gb: 475.8, storage_used_gb: 301.2, storage_free_gb: 174.6, boot_time: iso(boot), cpu: 34.6, agent_version: '1.0.0', ...facts,
});

const named = [
  { host: 'WIN-07', state: 'up', processes: windows(), system: system(), labels: { job: 'windows', instance: '10.0.0.7:9910', site: 'vienna', role: 'workstation' } },
  { host: 'db-01', state: 'up', processes: linux(), system: system({ os: 'Debian GNU/Linux 12 (bookworm) 6.1.0-28-amd64', processor: 'AMD EPYC 9354', cores: 32, threads: 64, ram_gb: 251.6, used_ram_gb: 228, free_ram_gb: 23.6, cpu: 6.1 }), labels: { job: 'linux', instance: 'db-01:9910', site: 'graz', role: 'db' } },
  { host: '<img src=x onerror=alert(1)>', state: 'pushed', processes: hostile(), system: system({ os: '<b>bold</b> \u202eOS', processor: 'p'.repeat(3000) }), labels: { job: '<i>job</i>', note: 'y'.repeat(2000) } },
  { host: '../../etc/passwd', state: 'stale', processes: [], system: {}, labels: {} },
  { host: 'huge-1', state: 'up', processes: huge(), system: system({ os: 'Ubuntu 24.04.1 LTS', threads: 192, ram_gb: 1007 }), labels: { job: 'linux', instance: 'huge-1:9910', site: 'vienna', role: 'batch' } },
  { host: 'WIN-13', state: 'down', error: 'Get "http://10.0.0.13:9910/snapshot": dial tcp 10.0.0.13:9910: connect: connection refused', processes: windows().slice(0, 90), system: system(), labels: { job: 'windows', instance: '10.0.0.13:9910', site: 'graz', role: 'kiosk' } },
];

/** A fleet: the named hosts, and as many more as make `size`. */
export function fleet(size) {
  const next = random(42);
  const hosts = named.map((host) => ({ ...host, count: host.processes.length }));
  for (let i = 0; hosts.length < size; i++) {
    const dice = next();
    const total = [7.8, 15.9, 31.7, 63.9][Math.floor(next() * 4)];
    const used = total * (0.25 + next() * 0.7);
    const disk = [237.1, 475.8, 952.9, 1907.2][Math.floor(next() * 4)];
    const filled = disk * (0.2 + next() * 0.78);
    const server = next() < 0.3;
    hosts.push({
      host: server ? `srv-${['app', 'web', 'file', 'print'][i % 4]}-${String(i).padStart(3, '0')}` : `PC-${['VIE', 'GRZ', 'LNZ'][i % 3]}-${String(1000 + i)}`,
      state: dice < 0.93 ? 'up' : dice < 0.95 ? 'down' : dice < 0.97 ? 'stale' : 'pushed',
      error: dice >= 0.93 && dice < 0.95 ? 'context deadline exceeded' : undefined,
      count: 120 + Math.floor(next() * 220),
      labels: { job: server ? 'servers' : 'windows', instance: `10.1.${i >> 8}.${i & 255}:9910`, site: ['vienna', 'graz', 'linz'][i % 3], role: server ? 'server' : 'workstation' },
      system: system({
        os: server ? 'Microsoft Windows Server 2022 Standard' : i % 4 ? 'Microsoft Windows 11 Pro 10.0.22631' : 'Microsoft Windows 10 Pro 10.0.19045', threads: [4, 8, 12, 16][i % 4],
        ram_gb: total, used_ram_gb: used, free_ram_gb: total - used, storage_total_gb: disk, storage_used_gb: filled, storage_free_gb: disk - filled, cpu: next() ** 3 * 100,
      }),
      busiest: { pid: 400 + i, name: ['MsMpEng.exe', 'chrome.exe', 'sqlservr.exe', 'Teams.exe', 'svchost.exe', 'w3wp.exe'][Math.floor(next() * 6)], cpu: next() ** 2 * 140 },
    });
  }
  return hosts;
}

/** The targets that would deliver a fleet. */
export function targets(hosts, now) {
  return hosts
    .filter((host) => host.state !== 'pushed' && host.labels.instance)
    .map((host, i) => ({
      job: host.labels.job, scrape_url: `http://${host.labels.instance}/snapshot`, labels: host.labels,
      discovered_labels: { __address__: host.labels.instance, __metrics_path__: '/snapshot', __scheme__: 'http', __scrape_interval__: '15s', __scrape_timeout__: '10s', job: host.labels.job },
      health: host.state === 'up' ? 'up' : 'down', host: host.host, last_scrape: iso(now - ((i * 379) % 15_000)), last_duration_seconds: 0.008 + ((i * 13) % 97) / 1000,
      ...(host.state === 'up' ? { last_processes: host.count } : { last_error: host.error ?? 'server returned HTTP status 503 Service Unavailable' }),
      interval_seconds: 15, timeout_seconds: 10,
    }))
    .concat({ job: 'new', scrape_url: 'http://10.9.9.9:9910/snapshot', labels: { job: 'new', instance: '10.9.9.9:9910' }, discovered_labels: { __address__: '10.9.9.9:9910', job: 'new' }, health: 'unknown', interval_seconds: 15, timeout_seconds: 10 });
}
