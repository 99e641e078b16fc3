import { describe, expect, test } from 'vitest';
import { treeOf, type Given } from '../../test/build';
import { anchorShift } from './anchor';
import { column, columnKeys, heat } from './columns';
import { allClosed, allOpen, initialExpansion, isOpen, openBelow, prune, reveal, setOpen } from './expansion';
import { parseFilter } from './filter';
import { ancestors, grow, type Forest, type Node } from './forest';
import { layOut, type Line, type View } from './lines';

const given: Given[] = [
  { pid: 1, name: 'init', cpu: 1, username: 'root' },
  { pid: 2, name: 'sshd', under: 1, cpu: 5, username: 'root', cmdline: '/usr/sbin/sshd -D' },
  { pid: 3, name: 'bash', under: 2, cpu: 0 },
  { pid: 4, name: 'vim', under: 3, cmdline: 'vim notes.txt' },
  { pid: 5, name: 'cron', under: 1, cpu: 9 },
  { pid: 6, name: 'nginx', cpu: 2, username: 'www-data', cmdline: 'nginx: master' },
  { pid: 7, name: 'nginx', under: 6, cpu: 7, username: 'www-data', cmdline: 'nginx: worker' },
];
const forest = grow(treeOf(given));
const at = (pid: number, of: Forest = forest): Node => [...of.byId.values()].find((node) => node.row.pid === pid)!;

const plain: View = { filter: undefined, below: false, flat: false, sort: undefined, expansion: allOpen, filtered: new Map() };

/** Lines as text: indented names, "-" open, "+" closed, and in brackets what is there for context. */
function picture(lines: readonly Line[]): string[] {
  return lines.map(({ node, depth, open, context }) => {
    const sign = open === undefined ? ' ' : open ? '-' : '+';
    const name = context ? `(${node.row.name})` : node.row.name;
    return `${'  '.repeat(depth)}${sign}${name}`;
  });
}
const show = (view: Partial<View>, of: Forest = forest) => picture(layOut(of, { ...plain, ...view }).lines);

describe('layOut', () => {
  test('everything open, in the order of the server', () => {
    expect(show({})).toEqual(['-init', '  -sshd', '    -bash', '       vim', '   cron', '-nginx', '   nginx']);
  });
  test('everything closed', () => {
    expect(show({ expansion: allClosed })).toEqual(['+init', '+nginx']);
  });
  test('one opened by hand', () => {
    expect(show({ expansion: setOpen(allClosed, [at(1)], true) })).toEqual(['-init', '  +sshd', '   cron', '+nginx']);
  });
  test('sorting orders siblings and keeps the tree; unknown comes last', () => {
    expect(show({ sort: { key: 'cpu', descending: true } })).toEqual(['-nginx', '   nginx', '-init', '   cron', '  -sshd', '    -bash', '       vim']);
  });
  test('the flat list sorts all alike', () => {
    expect(show({ flat: true, sort: { key: 'cpu', descending: true } })).toEqual([' cron', ' nginx', ' sshd', ' nginx', ' init', ' bash', ' vim']);
    expect(show({ flat: true, sort: { key: 'cpu', descending: false } }).at(-1)).toBe(' vim');
  });
  test('lines know their place among their siblings', () => {
    const { lines } = layOut(forest, plain);
    expect(lines.map((line) => `${line.position}/${line.siblings}`)).toEqual(['1/2', '1/2', '1/1', '1/1', '2/2', '2/2', '1/1']);
  });
  test('a chain of 20,000 parents is no problem', () => {
    const chain: Given[] = Array.from({ length: 20_000 }, (_, i) => ({ pid: i, children: 1, descendants: 1 }));
    const tree = treeOf([]);
    tree.rows = chain.map((row, i) => ({ name: 'x', depth: i, children: 1, descendants: 1, ...(i ? { parent: i - 1 } : {}), ...row }));
    expect(layOut(grow(tree), plain).lines).toHaveLength(20_000);
  });
});

describe('filter', () => {
  const filter = (text: string) => ({ filter: parseFilter(text) });
  test('keeps ancestors, also of what is closed', () => {
    expect(show({ ...filter('notes'), expansion: allClosed })).toEqual(['-(init)', '  -(sshd)', '    -(bash)', '       vim']);
  });
  test('counts what it found', () => {
    expect(layOut(forest, { ...plain, ...filter('nginx') }).found).toBe(2);
    expect(layOut(forest, plain).found).toBe(7);
  });
  test('shows what is below matches on demand', () => {
    expect(show(filter('sshd'))).toEqual(['-(init)', '  +sshd']);
    expect(show({ ...filter('sshd'), below: true })).toEqual(['-(init)', '  -sshd', '    -(bash)', '       (vim)']);
    expect(show({ ...filter('sshd'), filtered: new Map([[at(2).id, true]]) })).toEqual(['-(init)', '  -sshd', '    +(bash)']);
  });
  test('a branch with matches can be closed', () => {
    expect(show({ ...filter('vim'), filtered: new Map([[at(2).id, false]]) })).toEqual(['-(init)', '  +(sshd)']);
  });
  test('in the flat list there is no context', () => {
    expect(show({ ...filter('vim'), flat: true })).toEqual([' vim']);
  });
  test.each<[string, number[]]>([
    ['NGINX', [6, 7]],
    ['www-data', [6, 7]],
    ['nginx worker', [7]],
    ['5', [5]],
    ['.*', []],
    ['nginx: (', []],
    ['/usr/sbin', [2]],
    ['   ', [1, 2, 3, 4, 5, 6, 7]],
  ])('%j finds %j', (text, want) => {
    const test = parseFilter(text);
    expect([...forest.byId.values()].filter((node) => !test || test(node.row)).map((node) => node.row.pid)).toEqual(want);
  });
  test('a service is found by its name', () => {
    const finds = (services?: string[]) => parseFilter('dnsc')!({ pid: 1, name: 'svchost.exe', services, depth: 0, children: 0, descendants: 0 });
    expect([finds(['Nsi', 'Dnscache']), finds(['Nsi']), finds()]).toEqual([true, false, false]);
  });
  test('a number finds pids that begin with it', () => {
    const test = parseFilter('12')!;
    const finds = (pid: number) => test({ pid, name: 'x', depth: 0, children: 0, descendants: 0 });
    expect([12, 1234, 312].map(finds)).toEqual([true, true, false]);
  });
});

describe('expansion', () => {
  test('small trees begin open, large ones with their roots', () => {
    expect(initialExpansion(250)).toEqual(allOpen);
    const large = initialExpansion(10_000);
    expect([isOpen(large, at(1)), isOpen(large, at(2))]).toEqual([true, false]);
  });
  test('openBelow opens all below and nothing else', () => {
    expect(show({ expansion: openBelow(allClosed, at(1)) })).toEqual(['-init', '  -sshd', '    -bash', '       vim', '   cron', '+nginx']);
  });
  test('reveal opens what hides a node, and is at rest when nothing does', () => {
    const revealed = reveal(allClosed, at(4));
    expect(show({ expansion: revealed })).toContain('       vim');
    expect(reveal(revealed, at(4))).toBe(revealed);
  });
  test('follows identities: a reused pid is another process', () => {
    const closed = setOpen(allOpen, [at(2)], false);
    const reused = grow(treeOf(given.map((row) => (row.pid === 2 ? { ...row, start_time: '2027-01-01T00:00:00Z' } : row))));
    expect(isOpen(closed, at(2, reused))).toBe(true);
    expect(prune(closed, reused).changed.size).toBe(0);
    expect(prune(closed, forest)).toBe(closed);
  });
});

test('ancestors go from the root down', () => {
  expect(ancestors(at(4)).map((node) => node.row.name)).toEqual(['init', 'sshd', 'bash']);
});

describe('anchorShift', () => {
  const before = layOut(forest, plain).lines;
  const more = grow(treeOf([{ pid: 8, name: 'new' }, ...given]));
  const after = layOut(more, plain).lines;
  test('rows that come above move the list', () => expect(anchorShift(before, after, 3, undefined)).toBe(1));
  test('rows that go from the top are passed over', () => {
    const less = layOut(grow(treeOf(given.filter(({ pid }) => pid !== 7 && pid !== 5))), plain).lines;
    expect(anchorShift(before, less, 4, 'name')).toBe(-1);
  });
  test('where order never rests, nothing is held', () => expect(anchorShift(before, after, 3, 'cpu')).toBe(0));
  test('nothing in common is no move', () => expect(anchorShift(before, [], 3, undefined)).toBe(0));
});

describe('columns', () => {
  test('every key has one, with values for a full row and none for a bare one', () => {
    const bare = at(4).row;
    for (const key of columnKeys) {
      expect(column(key).key).toBe(key);
      expect(typeof column(key).text(bare, 0)).toBe('string');
    }
    expect(column('memory').value({ ...bare, memory: 2 })).toBe(2 * 2 ** 20);
    expect(column('memory').value({ ...bare, memory: 2, working_set_bytes: 5 })).toBe(5);
    expect(column('cpu').text(bare, 0)).toBe('–');
  });
  test('heat', () => {
    expect([undefined, 0, NaN, 0.01, 0.02, 0.3, 1, 40].map(heat)).toEqual([0, 0, 0, 0, 1, 3, 5, 5]);
  });
  test('idle time is not hot', () => {
    const { share } = column('cpu');
    const row = { ...at(4).row, cpu: 700 };
    expect([share!({ ...row, pid: 0 }, {}), share!({ ...row, pid: 4 }, {})]).toEqual([undefined, 7]);
  });
  test('memory without a total has no tint', () => expect(column('memory').share!({ ...at(4).row, memory: 5 }, {})).toBeUndefined());
});
