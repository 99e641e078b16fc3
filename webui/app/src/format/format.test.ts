import { describe, expect, test } from 'vitest';
import { ago, bytes, clip, count, fullTime, gibibytes, labelList, localTime, percent, plural, shareOf, shortOS, shortUser, span, took, usedOf, utcTime } from './format';

describe('bytes', () => {
  test.each([
    [undefined, '–'],
    [0, '0'],
    [1, '<0.1 KiB'],
    [512, '0.5 KiB'],
    [1024, '1.0 KiB'],
    [99.94 * 1024, '99.9 KiB'],
    [99.96 * 1024, '100 KiB'],
    [999.6 * 1024, '1.0 MiB'],
    [412 * 2 ** 20, '412 MiB'],
    [1.5 * 2 ** 30, '1.5 GiB'],
    [2 ** 50, '1.0 PiB'],
    [1.8e19, '15.6 EiB'],
    [1e30, '867361737988 EiB'],
  ])('%s is %s', (value, want) => expect(bytes(value)).toBe(want));
});

test('gibibytes', () => expect([gibibytes(31.7), gibibytes(0.25), gibibytes(undefined)]).toEqual(['31.7 GiB', '256 MiB', '–']));

describe('usedOf', () => {
  test.each([
    [8.1, 15.9, '8.1 / 15.9 GiB'],
    [228, 251.6, '228 / 252 GiB'],
    [512, 2048, '0.5 / 2.0 TiB'],
    [19.4, 1007, '19.4 GiB / 1.0 TiB'],
    [0, 0, '0 / 0'],
    [undefined, 16, '–'],
    [4, undefined, '–'],
  ])('%s of %s is %s', (used, total, want) => expect(usedOf(used, total)).toBe(want));
});

test('shareOf does not divide by nothing', () => {
  expect([shareOf(4, 16), shareOf(0, 16), shareOf(4, 0), shareOf(undefined, 16)]).toEqual([0.25, 0, undefined, undefined]);
});

test('percent and count', () => {
  expect([percent(undefined), percent(0), percent(12.345), percent(799.99)]).toEqual(['–', '0.0', '12.3', '800.0']);
  expect([count(undefined), count(0), count(54249)]).toEqual(['–', '0', '54,249']);
  expect([plural(1, 'host'), plural(1200, 'host'), plural(2, 'process', 'processes')]).toEqual(['1 host', '1,200 hosts', '2 processes']);
});

describe('ago', () => {
  test.each([
    [-5000, 'now'],
    [999, 'now'],
    [12_400, '12 s ago'],
    [119_999, '119 s ago'],
    [120_000, '2 min ago'],
    [7_200_000, '2 h ago'],
    [2 * 86_400_000, '2 d ago'],
    [3e12, '34,722 d ago'],
  ])('%s ms is %s', (value, want) => expect(ago(value)).toBe(want));
});

test('span keeps the two largest units', () => {
  expect([0, 5_000, 725_000, 3_600_000, 86_400_000 * 4 + 3_600_000 * 3 + 59_000, 86_400_000 + 59_000].map(span)).toEqual([
    '0 s', '5 s', '12 min 5 s', '1 h', '4 d 3 h', '1 d',
  ]);
});

test('took', () => expect([undefined, 0.0004, 0.012, 0.9994, 1.25].map(took)).toEqual(['–', '0.4 ms', '12 ms', '999 ms', '1.25 s']));

describe('times, in Berlin', () => {
  const now = Date.parse('2026-11-22T21:00:00Z');
  test.each([
    ['2026-11-22T20:15:00.123456789Z', '21:15:00'],
    ['2026-11-21T23:30:00Z', '00:30:00'],
    ['2026-11-21T20:15:00Z', '11-21 21:15'],
    ['2025-03-01T00:00:00Z', '2025-03-01'],
    ['nonsense', '–'],
    [undefined, '–'],
  ])('%s is %s', (instant, want) => expect(localTime(instant, now)).toBe(want));
  test('in full', () => {
    expect(fullTime('2026-07-22T20:15:00Z')).toBe('2026-07-22 22:15:00');
    expect(utcTime('2026-07-22T20:15:00.9Z')).toBe('2026-07-22 20:15:00 UTC');
    expect(utcTime(undefined)).toBe('');
  });
});

test('clip cuts long text, but no character in half', () => {
  expect(clip('short', 5)).toBe('short');
  expect(clip('longer', 5)).toBe('longe…');
  expect(clip('ab😀😀', 3)).toBe('ab…');
  expect(clip('x'.repeat(32_000), 400)).toHaveLength(401);
});

test('labelList is in order and leaves out what it is told to', () => {
  expect(labelList({ site: 'graz', job: 'a', host: 'h' }, ['host'])).toEqual(['job=a', 'site=graz']);
});

test('narrow names', () => {
  expect(shortOS('Microsoft Windows 11 Pro')).toBe('Windows 11 Pro');
  expect(shortOS('Microsoft Windows 11 Pro 10.0.22631')).toBe('Windows 11 Pro');
  expect(shortOS('Debian GNU/Linux 12')).toBe('Debian GNU/Linux 12');
  expect(shortOS('Debian GNU/Linux 12 (bookworm) 6.1.0-28-amd64')).toBe('Debian GNU/Linux 12');
  expect(shortOS('Ubuntu 24.04.1 LTS')).toBe('Ubuntu 24.04.1 LTS');
  expect(shortOS('')).toBe('');
  expect(shortOS(undefined)).toBe('–');
  expect(shortUser('NT AUTHORITY\\SYSTEM')).toBe('SYSTEM');
  expect(shortUser('CONTOSO\\m.huber')).toBe('CONTOSO\\m.huber');
  expect(shortUser('NT AUTHORITY\\')).toBe('NT AUTHORITY\\');
});
