import { expect, test } from 'vitest';
import { curve } from './sparkline';

test('one curve', () => expect(curve([0, 50, 100], 100)).toEqual({ line: 'M0 100L1 50L2 0', area: 'M0 100L0 100L1 50L2 0L2 100Z' }));
test('a gap parts it', () => expect(curve([10, 20, null, 30, 40], 100).line).toBe('M0 90L1 80M3 70L4 60'));
test('a value alone is a dash', () => expect(curve([null, 25, null], 100).line).toBe('M1 75L1.5 75'));
test('what is too much is cut', () => expect(curve([-5, 250], 100).line).toBe('M0 100L1 0'));
test('nothing', () => expect([curve([], 100), curve([null, null], 100)]).toEqual([{ line: '', area: '' }, { line: '', area: '' }]));
