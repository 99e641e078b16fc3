// The host that the tests of its page look at.
import { hostOf, treeOf, type Given } from './build';
import type { Answers, Page } from './page';

export const given: Given[] = [
  { pid: 1, name: 'wininit.exe', cpu: 1, memory: 5, tree_cpu: 14, tree_memory: 30 },
  { pid: 2, name: 'services.exe', under: 1, cpu: 3, memory: 10 },
  { pid: 3, name: 'svchost.exe', under: 2, cpu: 10, cpu_seconds: 70, memory: 15, username: 'NT AUTHORITY\\SYSTEM', cmdline: 'svchost.exe -k netsvcs', services: ['Dnscache'] },
  { pid: 4, name: 'explorer.exe', cpu: 2, username: 'CONTOSO\\m.huber' },
];
/** A host and its tree; every second has a snapshot of its own. */
export const answersOf = (rows: Given[] = given, second = 0): Answers => {
  const timestamp = `2026-11-22T20:15:0${second}Z`;
  return {
    '/tree': treeOf(rows, { id: `win-07@${timestamp}`, timestamp }),
    '/hosts/WIN-07': hostOf('WIN-07', { cpu: 12.5, last_seen: timestamp }),
  };
};

export const names = (page: Page) => page.text('[role=treegrid] [data-index] .program');
export const selected = (page: Page) => page.text('[aria-selected=true] .program');
export const grid = '[role=treegrid]';
