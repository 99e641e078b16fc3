import { expect, test } from 'vitest';
import { hostOf, treeOf } from '../../test/build';
import { open } from '../../test/page';

const partial = { damaged: 3, hosts: ['db', '<b>win</b>', 'c', 'd'] };
const said = 'Partial. Some of what is stored of db, <b>win</b>, c and others is damaged and was passed over; what stood there is missing here.';

const search = { matches: [], hosts: 2 };
const top = { from: '2026-11-22T03:00:00Z', to: '2026-11-22T04:00:00Z', by: 'cpu', per: 'process', rows: [] };
const comparison = { host: 'a', a: '2026-11-22T19:15:00Z', b: '2026-11-22T20:15:00Z', seconds: 3600, counts: { started: 0, ended: 0, stayed: 0 }, started: [], ended: [], stayed: [] };
const series = { host: 'a', step: 0, times: [1], values: {} };

test.each<[string, string, object]>([
  ['the search', '/search?q=x', search],
  ['top', '/top', top],
  ['the comparison', '/hosts/a/compare?a=2026-11-22T19:15:00Z&b=2026-11-22T20:15:00Z', comparison],
  ['the time line', '/hosts/a', series],
])('%s says that it is partial, why, and what to do', async (_, address, answer) => {
  for (const whole of [true, false]) {
    const body = { ...answer, ...(whole ? {} : { partial }) };
    const page = await open(address, { '/search': body, '/top': body, '/compare': body, '/series': answer === series ? body : series, '/tree': treeOf([{ pid: 1 }]), '/hosts/a': hostOf('a') });
    const texts = page.text('.partial[role=status]').map((text) => text.replace(/\s+/g, ' '));
    if (whole) expect(texts).toEqual([]);
    else {
      expect(texts).toHaveLength(1);
      expect(texts[0]).toContain(said);
      expect(texts[0]).toContain('procmon storage verify');
    }
  }
});

test('pages of a search are partial together', async () => {
  const match = { host: 'a', process: { pid: 1, name: 'p' }, first_seen: '2026-11-22T20:00:05Z', last_seen: '2026-11-22T20:15:00Z', ended: false };
  const answers: Record<string, unknown> = { '/search': { matches: [match], hosts: 1, cursor: 'next', partial: { damaged: 1, hosts: ['a'] } } };
  const page = await open('/search?q=p', answers);
  answers['/search'] = { matches: [{ ...match, host: 'b' }], hosts: 1, partial: { damaged: 1, hosts: ['b'] } };
  await page.click('.more');
  expect(page.text('.partial')[0]!.replace(/\s+/g, ' ')).toContain('stored of a, b is damaged');
});
