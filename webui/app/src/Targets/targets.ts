import type { Target } from '../api/client';
import { labelList } from '../format/format';

export const healths = ['up', 'down', 'unknown'] as const satisfies readonly Target['health'][];

export interface Job {
  readonly name: string;
  readonly up: number;
  readonly targets: readonly Target[];
}

export interface TargetsView {
  readonly text: string;
  readonly health: Target['health'] | undefined;
}

/** The targets that a view shows, by job; a job counts its healthy ones whatever is shown. */
export function jobs(targets: readonly Target[], view: TargetsView): Job[] {
  const words = view.text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = new Map<string, { up: number; targets: Target[] }>();
  for (const target of targets) {
    const job = found.get(target.job) ?? { up: 0, targets: [] };
    found.set(target.job, job);
    if (view.health && target.health !== view.health) continue;
    if (words.length > 0) {
      const text = [target.scrape_url, target.host, target.last_error, ...labelList(target.labels)].join('\n').toLowerCase();
      if (!words.every((word) => text.includes(word))) continue;
    }
    job.targets.push(target);
  }
  for (const target of targets) {
    if (target.health === 'up') found.get(target.job)!.up++;
  }
  return [...found]
    .map(([name, job]) => ({ name, ...job }))
    .filter((job) => job.targets.length > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function tally(targets: readonly Target[]): Record<Target['health'], number> {
  const counts = { up: 0, down: 0, unknown: 0 };
  for (const { health } of targets) counts[health]++;
  return counts;
}
