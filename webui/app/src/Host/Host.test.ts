import { beforeEach, describe, expect, test, vi } from 'vitest';
import { hostOf, treeOf } from '../../test/build';
import { answersOf, given, grid, names, selected } from '../../test/host';
import { open, type Answers, type Page } from '../../test/page';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'], now: Date.parse('2026-11-22T20:15:04Z') }));

describe('the tree', () => {
  test('has the roles and places of a treegrid', async () => {
    const page = await open('/hosts/WIN-07', answersOf());
    expect(names(page)).toEqual(['wininit.exe', 'services.exe', 'svchost.exe', 'explorer.exe']);
    const row = page.all('[data-index]')[1]!;
    const facts = ['role', 'aria-level', 'aria-expanded', 'aria-posinset', 'aria-setsize', 'aria-rowindex'].map((name) => row.getAttribute(name));
    expect(facts).toEqual(['row', '2', 'true', '1', '1', '3']);
    expect(page.one(grid).getAttribute('aria-rowcount')).toBe('5');
    expect(page.all('[data-index]')[3]!.hasAttribute('aria-expanded')).toBe(false);
    expect(page.text('.services')).toEqual(['Services:Dnscache']);
  });
  test('opens and closes by the mouse, and counts children when closed', async () => {
    const page = await open('/hosts/WIN-07', answersOf());
    await page.click('[data-index="1"] .chevron');
    expect(names(page)).toEqual(['wininit.exe', 'services.exe', 'explorer.exe']);
    expect(page.text('[data-index="1"] .below')).toEqual(['1']);
    expect(selected(page)).toEqual([]);
  });
  test('goes by the keyboard', async () => {
    const page = await open('/hosts/WIN-07', answersOf());
    for (const [key, want] of [
      ['ArrowDown', 'wininit.exe'], ['ArrowRight', 'services.exe'], ['End', 'explorer.exe'], ['ArrowUp', 'svchost.exe'], ['ArrowLeft', 'services.exe'],
    ] as const) {
      await page.key(grid, key);
      expect(selected(page)).toEqual([want]);
    }
    expect(document.getElementById(page.one(grid).getAttribute('aria-activedescendant')!)?.textContent).toContain('services.exe');
    await page.key(grid, 'ArrowLeft');
    expect(names(page)).toEqual(['wininit.exe', 'services.exe', 'explorer.exe']);
    await page.key(grid, 'Home');
    await page.key(grid, '*');
    expect(names(page)).toHaveLength(4);
  });
  test('all closes and opens, and the address tells', async () => {
    const page = await open('/hosts/WIN-07', answersOf());
    await page.click('button[aria-label="Collapse all"]');
    expect(names(page)).toEqual(['wininit.exe', 'explorer.exe']);
    expect(location.search).toBe('?open=none');
    await page.click('button[aria-label="Expand all"]');
    expect(names(page)).toHaveLength(4);
  });
  test('sorts siblings by a column, and says so', async () => {
    const page = await open('/hosts/WIN-07', answersOf());
    await page.click('.head.cpu button');
    expect(names(page)).toEqual(['explorer.exe', 'wininit.exe', 'services.exe', 'svchost.exe']);
    expect(page.one('.head.cpu').getAttribute('aria-sort')).toBe('descending');
    expect(location.search).toBe('?sort=-cpu');
  });
  test('T makes it flat, but not while typing', async () => {
    const page = await open('/hosts/WIN-07?sort=-cpu', answersOf());
    await page.key('input[type=search]', 't');
    expect(names(page)[0]).toBe('explorer.exe');
    await page.key(grid, 't');
    expect(names(page)).toEqual(['svchost.exe', 'services.exe', 'explorer.exe', 'wininit.exe']);
    expect(page.all('.chevron')).toHaveLength(0);
  });
  test('shows the state that an address names', async () => {
    const address = `/hosts/WIN-07?q=&details=1&process=${encodeURIComponent('3@2026-11-22T20:00:03.000Z')}`;
    const page = await open(address, answersOf());
    expect(selected(page)).toEqual(['svchost.exe']);
    expect(page.text('.details h2')).toEqual(['svchost.exe']);
  });
  test('does not open what the address says is closed', async () => {
    const page = await open(`/hosts/WIN-07?open=none&details=1&process=${encodeURIComponent('3@2026-11-22T20:00:03.000Z')}`, answersOf());
    expect(names(page)).toEqual(['wininit.exe', 'explorer.exe']);
    expect(page.text('.details h2')).toEqual(['svchost.exe']);
  });
  describe('names in its address the nodes that are opened and closed one by one', () => {
    const address = () => {
      vi.advanceTimersByTime(200);
      return location.pathname + location.search;
    };
    test('and a link opened cold shows the same', async () => {
      const page = await open('/hosts/WIN-07', answersOf());
      const entries = history.length;
      await page.click('[data-index="1"] .chevron');
      expect(address()).toBe('/hosts/WIN-07?open=all&closed=2-tox682_000');
      await page.click('[data-index="1"] .chevron');
      expect(address(), 'as they are anyway').toBe('/hosts/WIN-07?open=all');
      await page.click('button[aria-label="Collapse all"]');
      await page.click('[data-index="0"] .chevron');
      const link = address();
      expect(link).toBe('/hosts/WIN-07?open=none&opened=1-tox681_000');
      expect(history.length, 'Back passes over single nodes').toBe(entries + 1);
      history.back();
      await vi.waitUntil(() => location.search === '?open=all');
      await page.settle();
      expect(names(page)).toHaveLength(4);
      const other = await open(link, answersOf());
      expect(other.text('[role=treegrid]:last-of-type [data-index] .program').slice(-3)).toEqual(['wininit.exe', 'services.exe', 'explorer.exe']);
    });
    test('passes over those that nobody knows', async () => {
      const page = await open('/hosts/WIN-07?open=none&opened=1-tox681_000.99-tox681.2-zzz.x.-.1-tox681_000_1&closed=77', answersOf());
      expect(names(page)).toEqual(['wininit.exe', 'services.exe', 'explorer.exe']);
    });
    test('and those among the matches of a filter, which go with it', async () => {
      const page = await open('/hosts/WIN-07?q=services', answersOf());
      expect(names(page)).toEqual(['wininit.exe', 'services.exe']);
      await page.click('[data-index="1"] .chevron');
      expect(names(page)).toEqual(['wininit.exe', 'services.exe', 'svchost.exe']);
      expect(address()).toBe('/hosts/WIN-07?q=services&open=all&shown=2-tox682_000');
      await page.type('input[type=search]', 'service');
      expect(names(page)).toEqual(['wininit.exe', 'services.exe']);
      expect(address()).toBe('/hosts/WIN-07?q=service&open=all');
    });
  });
});

describe('a large tree', () => {
  const whole = treeOf(given, { previous: '2026-11-22T20:00:02.5Z' });
  const top = treeOf(given.slice(0, 2), { processes: 4, previous: whole.previous! });
  top.rows[0]!.descendants = 2;
  top.rows[1]!.children = top.rows[1]!.descendants = 1;

  test('is shown from its top, before the rest is there', async () => {
    const page = await open('/hosts/WIN-07', { '/tree?limit=300': top }, { live: true });
    expect(names(page)).toEqual(['wininit.exe', 'services.exe']);
    expect(page.one(grid).getAttribute('aria-rowcount'), 'not known').toBe('-1');
    expect(page.text('.found')).toEqual(['4 processes']);
    expect(page.one('[data-index="1"]').getAttribute('aria-expanded')).toBe('true');
    await page.click('[data-index="1"] .chevron');
    expect(page.text('[data-index="1"] .below')).toEqual(['1']);
    await page.key(grid, 'End');

    expect(page.sockets[0]!.said, 'no delta from the top').toEqual([{ subscribe: 'host', host: 'WIN-07' }]);
    page.sockets[0]!.tell({ tree: whole });
    await page.settle();
    expect(names(page)).toEqual(['wininit.exe', 'services.exe', 'explorer.exe']);
    expect(page.one(grid).getAttribute('aria-rowcount')).toBe('4');
    expect([selected(page), page.text('.row.new .program')]).toEqual([['services.exe'], ['explorer.exe']]);
  });
  test('is asked for when its top is there', async () => {
    const page = await open('/hosts/WIN-07?open=roots', { '/tree?limit=300&open=roots': top, '/tree': whole });
    expect(names(page)).toEqual(['wininit.exe', 'services.exe', 'explorer.exe']);
    expect(page.asked.filter((path) => path.includes('/tree'))).toEqual(['/api/v1/hosts/WIN-07/tree?limit=300&open=roots', '/api/v1/hosts/WIN-07/tree']);
  });
  test.each(['q=svc', 'sort=-cpu', 'flat=1', 'process=3', 'opened=1-tox681', 'open=none&closed=77'])('is asked for whole where all of it tells what comes first: %s', async (search) => {
    const page = await open(`/hosts/WIN-07?${search}`, answersOf());
    expect(page.asked.filter((path) => path.includes('/tree'))).toEqual(['/api/v1/hosts/WIN-07/tree']);
  });
});

describe('the filter', () => {
  test('keeps dimmed ancestors and tells how many it found', async () => {
    const page = await open('/hosts/WIN-07', answersOf());
    await page.type('input[type=search]', 'netsvcs');
    expect(names(page)).toEqual(['wininit.exe', 'services.exe', 'svchost.exe']);
    expect(page.text('.row.context .program')).toEqual(['wininit.exe', 'services.exe']);
    expect(page.text('.found')).toEqual(['1 of 4 processes']);
    vi.advanceTimersByTime(200);
    expect(location.search).toBe('?q=netsvcs');
  });
  test('shows what is below matches on demand', async () => {
    const page = await open('/hosts/WIN-07?q=services.exe', answersOf());
    expect(names(page)).toEqual(['wininit.exe', 'services.exe']);
    await page.click('.check input');
    expect(names(page)).toEqual(['wininit.exe', 'services.exe', 'svchost.exe']);
  });
  test('says when nothing is found, and clears', async () => {
    const page = await open('/hosts/WIN-07?q=zzz', answersOf());
    expect(page.text('.message .title')).toEqual(['No process is like that']);
    await page.click('.message button');
    expect(names(page)).toHaveLength(4);
  });
  test('the slash key goes there', async () => {
    const page = await open('/hosts/WIN-07', answersOf());
    await page.key(grid, '/');
    expect(document.activeElement).toBe(page.one('input[type=search]'));
    await page.key('input[type=search]', 'ArrowDown');
    expect(document.activeElement).toBe(page.one(grid));
  });
});

describe('the details', () => {
  test('of a process that nobody knows say so', async () => {
    const page = await open('/hosts/WIN-07?details=1&process=77%402020-01-01T00:00:00Z', answersOf());
    await page.settle();
    expect(page.text('.unheard')).toEqual(['Nothing is kept of the process that the address names.']);
    expect(page.all('.details')).toHaveLength(0);
  });
  test('lead to the instants at which it was seen first and last', async () => {
    const process = '4@2026-11-22T20:00:04.000Z';
    const life = { host: 'WIN-07', process: { pid: 4, name: 'explorer.exe' }, first_seen: '2026-11-22T20:00:05Z', last_seen: '2026-11-22T20:10:00Z', ended: true };
    const page = await open(`/hosts/WIN-07?sort=-cpu&details=1&process=${encodeURIComponent(process)}`, { ...answersOf(), [`/processes/${encodeURIComponent(process)}`]: life });
    const buttons = page.all('.others button');
    expect(buttons.map((button) => button.textContent)).toEqual(['The host when it was first seen', 'The host when it was last seen']);
    buttons[1]!.click();
    await page.settle();
    const now = new URLSearchParams(location.search);
    expect([now.get('at'), now.get('sort'), now.get('process')]).toEqual(['2026-11-22T20:10:00.000Z', '-cpu', process]);
  });
  test('open by Enter with parents, children and the command line, and close by Escape', async () => {
    const page = await open('/hosts/WIN-07', answersOf());
    await page.key(grid, 'End');
    await page.key(grid, 'ArrowUp');
    await page.key(grid, 'Enter');
    expect(page.text('.details h2')).toEqual(['svchost.exe']);
    expect(page.text('.command')).toEqual(['svchost.exe -k netsvcs']);
    expect(page.text('.details ol li')).toEqual(['wininit.exe 1', 'services.exe 2']);
    page.all('.details ol button')[1]!.click();
    await page.settle();
    expect([selected(page), page.text('.details h2')]).toEqual([['services.exe'], ['services.exe']]);
    expect(page.text('.details ul li')).toEqual(['svchost.exe 3']);
    await page.key('.details', 'Escape');
    expect(page.all('.details')).toHaveLength(0);
  });
  test('outlive the process', async () => {
    const answers = answersOf();
    const page = await open(`/hosts/WIN-07?details=1&process=${encodeURIComponent('4@2026-11-22T20:00:04.000Z')}`, answers);
    Object.assign(answers, answersOf(given.slice(0, 3), 5));
    await vi.advanceTimersByTimeAsync(5000);
    await page.settle();
    await vi.advanceTimersByTimeAsync(10_100);
    await page.settle();
    expect(names(page)).not.toContain('explorer.exe');
    expect(page.text('.details .ended')).toEqual(['This process has ended. These are its last known facts.']);
  });
});

test('a link to a process that ended long ago shows what the history knows', async () => {
  const id = '77@2026-11-20T08:00:00Z';
  const life = {
    host: 'WIN-07', process: { pid: 77, name: 'gone.exe', start_time: '2026-11-20T08:00:00Z', cmdline: 'gone.exe --once' },
    first_seen: '2026-11-20T08:00:05Z', last_seen: '2026-11-20T09:00:00Z', gone_at: '2026-11-20T09:00:05Z', ended: true, ended_at: '2026-11-20T09:00:02Z', exit_code: 3221225477,
  };
  const page = await open(`/hosts/WIN-07?details=1&process=${encodeURIComponent(id)}`, { ...answersOf(), [`/processes/${encodeURIComponent(id)}`]: life });
  await page.settle();
  expect(page.text('.details h2')).toEqual(['gone.exe']);
  expect(page.text('.command')).toEqual(['gone.exe --once']);
  expect(page.text('.facts dd').join(' ')).toContain('2026-11-20 10:00:02');
  expect(page.text('.facts dd').join(' ')).toContain('3221225477 0xC0000005');
  const links = page.all('.others a').map((a) => new URLSearchParams(a.getAttribute('href')!.split('?')[1]).get('q'));
  expect(links).toEqual(['name:="gone.exe" host:="WIN-07"', 'name:="gone.exe" -host:="WIN-07"']);
});

describe('hostile text', () => {
  test('is text', async () => {
    const name = '<img src=x onerror=alert(1)>';
    const page = await open(`/hosts/${encodeURIComponent(name)}`, {
      '/tree': treeOf([{ pid: 1, name, cmdline: 'x'.repeat(32_000), username: '\u202eadmin' }], { host: name, labels: { '<b>': '</b>' } }),
      [`/hosts/${encodeURIComponent(name)}`]: hostOf(name),
    });
    expect(page.all('img, main b')).toHaveLength(0);
    expect(page.text('h1')).toEqual([name]);
    expect(names(page)).toEqual([name]);
    expect(page.one('[role=gridcell].code').textContent!.trim().length).toBeLessThan(500);
    expect(page.text('.control-character')[0]).toBe('\u202e');
    await page.key(grid, 'Home');
    await page.key(grid, 'Enter');
    expect(page.one('.command').textContent).toHaveLength(32_000);
  });
});

describe('states', () => {
  test('a host that is down says why, over its last snapshot', async () => {
    const page = await open('/hosts/WIN-07', { ...answersOf(), '/hosts/WIN-07': hostOf('WIN-07', { state: 'down', error: 'connection refused' }) });
    expect(page.text('.banner')).toEqual(['Down. connection refused. You see its last snapshot, 4 s ago.']);
    expect(names(page)).toHaveLength(4);
  });
  test('an unknown host is not found', async () => {
    const page = await open('/hosts/nobody', {});
    expect(page.text('.message .title')).toEqual(['No host of this name is known']);
  });
  test('a failure offers to try again', async () => {
    const answers: Answers = { '/tree': 500, '/hosts/WIN-07': 500 };
    const page = await open('/hosts/WIN-07', answers);
    expect(page.text('.message .title')).toEqual(['The host could not be read']);
    Object.assign(answers, answersOf());
    await page.click('.message button');
    expect(names(page)).toHaveLength(4);
  });
  test('a step that fails keeps what is shown, says why and offers to try again', async () => {
    const answers: Answers = { ...answersOf(), '/series': 500 };
    const page = await open('/hosts/WIN-07?at=2026-11-22T20:15:00Z', answers);
    expect(page.text('.timeline [role=status]')).toEqual([expect.stringContaining('The time line could not be read')]);
    answers['/tree'] = 500;
    await page.key('[role=slider]', 'ArrowLeft');
    await page.settle();
    expect(page.text('.banner')).toEqual([expect.stringMatching(/^Not read\. .*Try again$/)]);
    expect(names(page)).toHaveLength(4);
    Object.assign(answers, answersOf(), { '/series': { host: 'WIN-07', step: 0, times: [], values: {} } });
    await page.click('.banner button');
    await page.click('.timeline .buttons > button:first-child');
    expect([page.text('.banner'), page.all('.timeline [role=status]')]).toEqual([[], []]);
  });
  test('an agent that is too old says what it lacks', async () => {
    const page = await open('/hosts/WIN-07', answersOf([{ pid: 1, name: 'a', start_time: undefined, cpu: 3, memory: 2 }]));
    expect(page.text('.banner')).toEqual(['Agent too old. It does not tell start times, CPU time, threads, handles, I/O, programs. Update procmon-exporter on this host.']);
    await page.key(grid, 'End');
    await page.key(grid, 'Enter');
    expect(page.text('.details')[0]).toContain('It can\'t be followed');
    expect(page.asked.filter((path) => path.includes('/processes/'))).toEqual([]);
  });
  test('an empty snapshot is no error', async () => {
    const page = await open('/hosts/WIN-07', answersOf([]));
    expect(page.text('.message .title')).toEqual(['No processes']);
  });
});

describe('columns', () => {
  const heads = (page: Page) => page.text('[role=columnheader]').map((text) => text.trim());
  const settled = () => vi.advanceTimersByTime(200);
  const boxOf = (page: Page, title: string) => page.all('.menu li').find((item) => item.querySelector('label')!.textContent!.trim() === title)!;

  test('are hidden, and the address and the next visit know', async () => {
    const page = await open('/hosts/WIN-07', answersOf());
    await page.click('.menu > button');
    boxOf(page, 'Handles').querySelector('input')!.click();
    await page.settle();
    expect(page.all('.head.handles')).toHaveLength(0);
    settled();
    const columns = new URLSearchParams(location.search).get('cols');
    expect(columns).toBe('name.pid.cpu.tree_cpu.memory.tree_memory.threads.read.write.user.started.cmdline');
    expect(localStorage.getItem('procmon.columns')).toBe(columns);
    await page.click('.menu .control:not([aria-expanded])');
    settled();
    expect([location.search, page.all('.head.handles').length]).toEqual(['', 1]);
  });
  test('what was remembered is shown, and told by the address', async () => {
    localStorage.setItem('procmon.columns', 'name.memory.pid');
    const page = await open('/hosts/WIN-07', answersOf());
    expect(heads(page)).toEqual(['Name', 'Memory', 'PID']);
    settled();
    expect(location.search).toBe('?cols=name.memory.pid');
  });
  test('an address goes before what is remembered, and shows what is usually hidden', async () => {
    localStorage.setItem('procmon.columns', 'name.memory.pid');
    const page = await open('/hosts/WIN-07?cols=name-300.private.session.nonsense', answersOf());
    expect(heads(page)).toEqual(['Name', 'Private', 'Session']);
    expect(page.one(grid).style.getPropertyValue('--tracks')).toBe('min(300px, var(--name-most)) 80px 72px');
    expect(localStorage.getItem('procmon.columns')).toBe('name.memory.pid');
  });
  test('move and change their width by the keyboard, one stop of Tab for all', async () => {
    const page = await open('/hosts/WIN-07?cols=name.pid.cpu.memory', answersOf());
    expect(page.all('[role=columnheader] button').map((button) => button.tabIndex)).toEqual([0, -1, -1, -1]);
    const press = async (key: string, shiftKey = false) => {
      document.activeElement!.dispatchEvent(new KeyboardEvent('keydown', { key, shiftKey, bubbles: true, cancelable: true }));
      await page.settle();
    };
    page.one('.head.name button').focus();
    await press('ArrowRight');
    await press('ArrowRight', true);
    expect(heads(page)).toEqual(['Name', 'CPU %', 'PID', 'Memory']);
    expect(document.activeElement).toBe(page.one('.head.pid button'));
    await press('End', false);
    await press('ArrowRight', true);
    await press('+');
    settled();
    // Nothing has a width in this test's page; the least is taken.
    expect(new URLSearchParams(location.search).get('cols')).toBe('name.cpu.pid.memory-40');
    await press('0');
    settled();
    expect(new URLSearchParams(location.search).get('cols')).toBe('name.cpu.pid.memory');
    expect(page.text('.said')).toEqual(['Memory: 0 pixels wide']);
  });
  test('move by the menu, which keeps the focus', async () => {
    const page = await open('/hosts/WIN-07?cols=name.pid.cpu', answersOf());
    await page.click('.menu > button');
    const button = boxOf(page, 'PID').querySelector<HTMLElement>('[aria-label="PID: to the right"]')!;
    button.click();
    await page.settle();
    expect(heads(page)).toEqual(['Name', 'CPU %', 'PID']);
    expect(document.activeElement?.closest('li')?.textContent).toContain('PID');
  });
});
