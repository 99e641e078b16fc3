import { expect, test } from 'vitest';
import { treeOf } from '../../test/build';
import { drawCells } from './cells';
import { column } from './columns';

const system = { threads: 8, ram_gb: 16 };
const now = Date.parse('2026-11-22T20:15:00Z');
const hot = treeOf([{ pid: 7, cpu: 80, username: 'CONTOSO\\eve\u202e', cmdline: '<img src=x onerror=alert(1)>' }]).rows[0]!;
const cold = treeOf([{ pid: 8, name: 'idle', cpu: 0, cmdline: 'idle -x' }]).rows[0]!;

test('a row that shows another process keeps nothing of the one before', () => {
  const line = document.createElement('div');
  line.append('the name has a cell of its own', document.createElement('div'));
  const cells = () => [...line.children].slice(1).map((cell) => [cell.className, cell.textContent, cell.getAttribute('data-heat'), cell.getAttribute('title')]);
  drawCells(line, (['cpu', 'user', 'cmdline'] as const).map(column), hot, system, now);
  expect(cells()).toEqual([
    ['figure', '80.0', '4', '80.00 % of one core · 10.00 % of the host'],
    ['text', 'CONTOSO\\eve\u202e', null, 'CONTOSO\\eve\u202e'],
    ['code', hot.cmdline, null, hot.cmdline],
  ]);
  expect([line.querySelectorAll('img').length, line.querySelector('.control-character')?.getAttribute('data-code')]).toEqual([0, 'U+202E']);
  drawCells(line, (['cmdline', 'cpu'] as const).map(column), cold, system, now);
  expect(cells()).toEqual([
    ['code', 'idle -x', null, 'idle -x'],
    ['figure faint', '0.0', null, '0.00 % of one core · 0.00 % of the host'],
  ]);
  expect(line.querySelector('.control-character')).toBeNull();
});
