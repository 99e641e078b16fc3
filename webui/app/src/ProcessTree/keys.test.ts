import { describe, expect, test } from 'vitest';
import { treeOf } from '../../test/build';
import { allOpen, setOpen } from './expansion';
import { grow } from './forest';
import { keyMove } from './keys';
import { layOut } from './lines';

// 0 root, 1 closed child with a child of its own, 2 leaf, 3 second root
const forest = grow(treeOf([{ pid: 1 }, { pid: 2, under: 1 }, { pid: 3, under: 2 }, { pid: 4, under: 1 }, { pid: 5 }]));
const closed = [...forest.byId.values()].find((node) => node.row.pid === 2)!;
const { lines } = layOut(forest, { filter: undefined, below: false, flat: false, sort: undefined, expansion: setOpen(allOpen, [closed], false), filtered: new Map() });

describe('keyMove', () => {
  test.each([
    ['ArrowDown', -1, { do: 'select', index: 0 }],
    ['ArrowDown', 0, { do: 'select', index: 1 }],
    ['ArrowDown', 3, { do: 'select', index: 3 }],
    ['ArrowUp', 0, { do: 'select', index: 0 }],
    ['ArrowUp', -1, { do: 'select', index: 3 }],
    ['Home', 2, { do: 'select', index: 0 }],
    ['End', 0, { do: 'select', index: 3 }],
    ['PageDown', 0, { do: 'select', index: 2 }],
    ['PageDown', 3, { do: 'select', index: 3 }],
    ['PageUp', 3, { do: 'select', index: 1 }],
    ['ArrowRight', 0, { do: 'select', index: 1 }],
    ['ArrowRight', 1, { do: 'open', index: 1 }],
    ['ArrowRight', 2, undefined],
    ['ArrowLeft', 0, { do: 'close', index: 0 }],
    ['ArrowLeft', 1, { do: 'select', index: 0 }],
    ['ArrowLeft', 2, { do: 'select', index: 0 }],
    ['ArrowLeft', 3, undefined],
    ['*', 1, { do: 'openBelow', index: 1 }],
    ['Enter', 2, { do: 'details', index: 2 }],
    ['Enter', -1, undefined],
    ['x', 0, undefined],
  ])('%s at %i', (key, at, want) => expect(keyMove(key, lines, at, 2)).toEqual(want));
  test('an empty tree has no moves', () => expect(keyMove('ArrowDown', [], -1, 2)).toBeUndefined());
});
