import { describe, expect, test, vi } from 'vitest';
import { treeOf } from '../../test/build';
import { Api, ApiError } from './client';

function answering(status: number, body: string, headers: Record<string, string> = {}) {
  const fetch = vi.fn(async (_path: string | URL | Request, _init?: RequestInit) => new Response(body, { status, headers }));
  const onAnswer = vi.fn();
  return { api: new Api({ fetch, onAnswer }), fetch, onAnswer };
}
const caught = (promise: Promise<unknown>) => promise.then(() => undefined, (error: unknown) => error as ApiError);

describe('Api', () => {
  test('reads, and tells the time of the server', async () => {
    const { api, onAnswer } = answering(200, '{"now":"x","hosts":[]}', { Date: 'Sun, 22 Nov 2026 20:15:00 GMT' });
    expect(await api.hosts()).toEqual({ now: 'x', hosts: [] });
    expect(onAnswer).toHaveBeenCalledWith(true, Date.parse('2026-11-22T20:15:00Z'));
  });
  test('hostile names stay one segment of the path', async () => {
    const { api, fetch } = answering(200, '{}');
    await api.tree('../../etc/passwd', '2026-11-22T20:15:00+01:00');
    expect(fetch.mock.calls[0]![0]).toBe('/api/v1/hosts/..%2F..%2Fetc%2Fpasswd/tree?at=2026-11-22T20%3A15%3A00%2B01%3A00');
  });
  describe('the tree of who holds one', () => {
    const held = treeOf([{ pid: 1 }, { pid: 2, under: 1 }], { previous: '2026-11-22T20:14:00Z' });
    const { rows: _, ...facts } = { ...held, id: 'next', from: held.id };
    const delta = { ...facts, rows: [[0, 2]], changes: { 1: { cpu: 5 } } };
    const whole = treeOf([{ pid: 7 }]);
    const asking = async (first: object) => {
      const bodies = [first, whole];
      const fetch = vi.fn(async (_path: string | URL | Request) => new Response(JSON.stringify(bodies.shift())));
      return { tree: await new Api({ fetch }).tree('a', '5', undefined, -1, held), asked: fetch.mock.calls.map(([path]) => String(path)) };
    };
    test('comes as what differs, and shares what is the same', async () => {
      const { tree, asked } = await asking(delta);
      expect(asked).toEqual([`/api/v1/hosts/a/tree?at=5&offset=-1&${new URLSearchParams({ have: held.id, previous: held.previous! })}`]);
      expect(tree.id).toBe('next');
      expect([tree.rows[0] === held.rows[0], tree.rows[1]!.cpu]).toEqual([true, 5]);
    });
    test('comes whole where the server does not know that one any more', async () => {
      expect((await asking(whole)).tree).toEqual(whole);
    });
    test('is asked for whole where what differs is not from it', async () => {
      const { tree, asked } = await asking({ ...delta, from: 'another' });
      expect(asked[1]).toBe('/api/v1/hosts/a/tree?at=5&offset=-1');
      expect(tree).toEqual(whole);
    });
  });
  test('refusals carry the message of the server', async () => {
    const { api, onAnswer } = answering(404, '{"error":{"code":"not_found","message":"host: not known"}}');
    const error = await caught(api.host('x'));
    expect(error).toBeInstanceOf(ApiError);
    expect([error!.status, error!.code, error!.message, error!.unreachable]).toEqual([404, 'not_found', 'host: not known', false]);
    expect(onAnswer).toHaveBeenCalledWith(true, undefined);
  });
  test.each([
    [502, '<html>bad gateway', 'The server answered with status 502.', true],
    [503, '{"error":{"code":"busy","message":"too many questions"}}', 'too many questions', false],
    [500, '', 'The server answered with status 500.', false],
    [400, '{"error":"no object"}', 'The server answered with status 400.', false],
  ])('%i with %j', async (status, body, message, unreachable) => {
    const { api, onAnswer } = answering(status, body);
    const error = await caught(api.targets());
    expect([error!.message, error!.unreachable]).toEqual([message, unreachable]);
    expect(onAnswer).toHaveBeenCalledWith(!unreachable, undefined);
  });
  test('what is not JSON is an error', async () => {
    expect((await caught(answering(200, '<!doctype html>').api.hosts()))!.message).toBe('GET /api/v1/hosts did not answer with JSON.');
  });
  test('no answer is unreachable; a request that was abandoned is not', async () => {
    const onAnswer = vi.fn();
    const api = new Api({ onAnswer, fetch: () => Promise.reject(new TypeError('failed')) });
    expect((await caught(api.hosts()))!.unreachable).toBe(true);
    expect(onAnswer).toHaveBeenCalledTimes(1);
    await caught(api.hosts(AbortSignal.abort()));
    expect(onAnswer).toHaveBeenCalledTimes(1);
  });
  test('waits only so long', async () => {
    const hanging = (_: unknown, init?: RequestInit) =>
      new Promise<Response>((_resolve, reject) => init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason as Error)));
    const error = await caught(new Api({ fetch: hanging, timeout: 5 }).hosts());
    expect(error!.message).toBe('The server did not answer in time.');
  });
});
