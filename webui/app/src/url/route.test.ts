import { describe, expect, test } from 'vitest';
import { formatSort, hostPath, nextSort, parseRoute, parseSort, withParams, type Sort } from './route';

describe('parseRoute', () => {
  test.each([
    ['/', { page: 'fleet' }],
    ['/targets', { page: 'targets' }],
    ['/targets/', { page: 'targets' }],
    ['/hosts/WIN-07', { page: 'host', host: 'WIN-07' }],
    ['/hosts/..%2F..%2Fetc%2Fpasswd', { page: 'host', host: '../../etc/passwd' }],
    ['/hosts/%3Cimg%20src%3Dx%3E', { page: 'host', host: '<img src=x>' }],
    ['/search', { page: 'search' }],
    ['/top/', { page: 'top' }],
    ['/hosts/a%2Fb/compare', { page: 'compare', host: 'a/b' }],
    ['/hosts/a/compare/b', { page: 'missing' }],
    ['/search/x', { page: 'missing' }],
    ['/hosts/', { page: 'missing' }],
    ['/hosts/a/b', { page: 'missing' }],
    ['/hosts/%E0%A4%A', { page: 'missing' }],
    ['/elsewhere', { page: 'missing' }],
  ])('%s', (path, want) => expect(parseRoute(path)).toEqual(want));
});

describe('hostPath comes back from an address', () => {
  test.each(['WIN-07', '../../etc/passwd', '<img src=x onerror=alert(1)>', 'a?b#c', '100%', 'ünï/cödé', '\u202eevil', ' '])('%s', (host) => {
    const url = new URL(hostPath(host, { q: 'a b' }), 'http://localhost');
    expect(parseRoute(url.pathname)).toEqual({ page: 'host', host });
    expect(url.searchParams.get('q')).toBe('a b');
  });
});

test('withParams changes, adds and removes', () => {
  const now = new URLSearchParams('q=x&flat=1');
  expect(withParams(now, { q: 'y', flat: undefined, sort: '-cpu' })).toBe('?q=y&sort=-cpu');
  expect(withParams(now, { q: '', flat: undefined })).toBe('');
  expect(now.toString()).toBe('q=x&flat=1');
});

describe('sort', () => {
  const keys = ['name', 'cpu'] as const;
  test.each([
    ['cpu', { key: 'cpu', descending: false }],
    ['-cpu', { key: 'cpu', descending: true }],
    ['-nonsense', undefined],
    ['', undefined],
    [null, undefined],
  ])('parse %s', (text, want) => {
    expect(parseSort(text, keys)).toEqual(want);
    if (want) expect(formatSort(want)).toBe(text);
  });
  test('clicks go once around', () => {
    let sort: Sort<'name' | 'cpu'> | undefined;
    const seen = [0, 1, 2].map(() => formatSort((sort = nextSort(sort, 'cpu', true))));
    expect(seen).toEqual(['-cpu', 'cpu', undefined]);
    expect(nextSort({ key: 'cpu', descending: true }, 'name', false)).toEqual({ key: 'name', descending: false });
  });
});
