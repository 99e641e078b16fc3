import { expect, test } from 'vitest';
import { targetOf } from '../../test/build';
import { jobs, tally } from './targets';

const targets = [
  targetOf({ job: 'b', scrape_url: 'http://b1/', health: 'down', last_error: 'connection refused' }),
  targetOf({ job: 'a', scrape_url: 'http://a1/', labels: { site: 'graz' } }),
  targetOf({ job: 'a', scrape_url: 'http://a2/', health: 'unknown' }),
];
const shown = (text: string, health?: 'up' | 'down' | 'unknown') =>
  jobs(targets, { text, health }).map((job) => `${job.name} ${job.up}/${job.size}: ${job.targets.map((target) => target.scrape_url).join(' ')}`);

test('jobs in order, with counts of all of them whatever is shown', () => {
  expect(shown('')).toEqual(['a 1/2: http://a1/ http://a2/', 'b 0/1: http://b1/']);
  expect(shown('', 'unknown')).toEqual(['a 1/2: http://a2/']);
  expect(shown('refused')).toEqual(['b 0/1: http://b1/']);
  expect(shown('site=graz')).toEqual(['a 1/2: http://a1/']);
  expect(shown('nothing')).toEqual([]);
});

test('tally', () => expect(tally(targets)).toEqual({ up: 1, down: 1, unknown: 1 }));
