import { describe, expect, test } from 'vitest';
import { dropPlace } from './heads';
import { defaultLayout, formatLayout, moveColumn, narrowed, parseLayout, placeColumn, resizeColumn, showColumn, tracksOf, type ColumnLayout } from './layout';

const layout = (text: string) => parseLayout(text)!;

describe('the layout of columns', () => {
  test.each([
    ['name.pid.cpu', 'name.pid.cpu'],
    ['pid.name-320.cpu-90', 'name-320.pid.cpu-90'],
    ['pid.pid-80.pid-90', 'name.pid-80'],
    ['nonsense.<b>.pid', 'name.pid'],
    ['pid-3.name-99999.cpu-', 'name-1600.pid-40'],
    ['name', 'name'],
  ])('%s is read as %s', (text, want) => expect(formatLayout(layout(text))).toBe(want));

  test('what is usual has no text', () => {
    expect(formatLayout(defaultLayout)).toBeUndefined();
    expect([parseLayout(''), parseLayout(null), parseLayout(undefined)]).toEqual([undefined, undefined, undefined]);
    expect(formatLayout(layout(defaultLayout.shown.join('.')))).toBeUndefined();
  });

  const few = layout('name.pid.cpu.memory');
  test.each<[string, ColumnLayout, string]>([
    ['right', moveColumn(few, 'pid', 1), 'name.cpu.pid.memory'],
    ['left', moveColumn(few, 'memory', -1), 'name.pid.memory.cpu'],
    ['not before the name', moveColumn(few, 'pid', -1), 'name.pid.cpu.memory'],
    ['not beyond the last', moveColumn(few, 'memory', 1), 'name.pid.cpu.memory'],
    ['never the name', moveColumn(few, 'name', 1), 'name.pid.cpu.memory'],
    ['to a place', placeColumn(few, 'memory', 'pid'), 'name.memory.pid.cpu'],
    ['to the end', placeColumn(few, 'pid', undefined), 'name.cpu.memory.pid'],
    ['not onto itself', placeColumn(few, 'pid', 'pid'), 'name.pid.cpu.memory'],
    ['shown where it usually is', showColumn(few, 'tree_cpu', true), 'name.pid.cpu.tree_cpu.memory'],
    ['shown behind what it usually follows', showColumn(layout('name.memory.pid'), 'cpu', true), 'name.memory.pid.cpu'],
    ['hidden, and its width with it', showColumn(layout('name.pid-90'), 'pid', false), 'name'],
    ['resized', resizeColumn(few, 'cpu', 81.6), 'name.pid.cpu-82.memory'],
    ['usual again', resizeColumn(layout('name.pid-90'), 'pid', undefined), 'name.pid'],
  ])('%s', (_, changed, want) => expect(formatLayout(changed)).toBe(want));

  test('a narrow page has what matters first, unless somebody has ordered', () => {
    expect(narrowed(layout('name.pid.cpu.memory.private')).shown).toEqual(['name', 'cpu', 'memory', 'pid', 'private']);
    expect(narrowed(layout('name.memory.pid')).shown).toEqual(['name', 'memory', 'pid']);
  });
  test('the last column takes what is left', () => {
    expect(tracksOf(layout('name.pid-90.cmdline-300'))).toBe('minmax(var(--name-width), 1fr) 90px minmax(300px, 1fr)');
  });
  test('a column lands before the one in whose left half it is let go', () => {
    const heads = [0, 100, 200].map((left) => ({ left, right: left + 100 }));
    expect([-5, 20, 149, 151, 249, 251, 900].map((x) => dropPlace(heads, x))).toEqual([1, 1, 1, 2, 2, 3, 3]);
  });
});
