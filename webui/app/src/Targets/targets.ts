import type { Target } from '../api/client';
import { labelList } from '../format/format';

export const healths = ['up', 'down', 'unknown'] as const satisfies readonly Target['health'][];

export interface Job {
  readonly name: string;
  readonly size: number;
  readonly up: number;
  readonly down: number;
  /** Those that the view shows. */
  readonly targets: readonly Target[];
}

export interface TargetsView {
  readonly text: string;
  readonly health: Target['health'] | undefined;
}

/** The targets that a view shows, by job. A job without any is left out; counts are of all of it. */
export function jobs(targets: readonly Target[], view: TargetsView): Job[] {
  const words = view.text.toLowerCase().split(/\s+/).filter(Boolean);
  const shows = (target: Target) => {
    if (view.health && target.health !== view.health) return false;
    if (words.length === 0) return true;
    const text = [target.scrape_url, target.host, target.last_error, ...labelList(target.labels)].join('\n').toLowerCase();
    return words.every((word) => text.includes(word));
  };
  const byName = new Map<string, Target[]>();
  for (const target of targets) {
    const members = byName.get(target.job);
    if (members) members.push(target);
    else byName.set(target.job, [target]);
  }
  return [...byName]
    .map(([name, members]) => {
      const { up, down } = tally(members);
      return { name, size: members.length, up, down, targets: members.filter(shows) };
    })
    .filter((job) => job.targets.length > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function tally(targets: readonly Target[]): Record<Target['health'], number> {
  const counts = { up: 0, down: 0, unknown: 0 };
  for (const { health } of targets) counts[health]++;
  return counts;
}
