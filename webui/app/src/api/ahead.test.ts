import { expect, test, vi } from 'vitest';
import { askAhead, askEarly, takeAhead } from './ahead';
import { Api } from './client';

test('what was asked ahead is the first answer, and no later one', async () => {
  const answers = [{ hosts: [], now: 'first' }, { hosts: [], now: 'second' }];
  const request = vi.spyOn(globalThis, 'fetch').mockImplementation(() => Promise.resolve(Response.json(answers.shift())));
  await askAhead('/api/v1/hosts');
  expect(request).toHaveBeenCalledTimes(1);
  const api = new Api();
  expect(await api.hosts()).toMatchObject({ now: 'first' });
  expect(request).toHaveBeenCalledTimes(1);
  expect(await api.hosts()).toMatchObject({ now: 'second' });
});

test('a question that failed ahead fails as any', async () => {
  vi.spyOn(globalThis, 'fetch').mockRejectedValueOnce(new TypeError('refused'));
  await askAhead('/api/v1/targets');
  await expect(new Api().targets()).rejects.toThrow('The server cannot be reached.');
});

test('what came ahead and is no JSON fails as any', async () => {
  vi.spyOn(globalThis, 'fetch').mockResolvedValueOnce(new Response('<html>'));
  await askAhead('/api/v1/targets');
  await expect(new Api().targets()).rejects.toThrow('GET /api/v1/targets did not answer with JSON.');
});

test('what may be asked for is kept for a moment, if it is a good answer', async () => {
  vi.useFakeTimers();
  const request = vi.spyOn(globalThis, 'fetch').mockImplementation(async (path) => (path === '/no' ? new Response('', { status: 503 }) : Response.json({ hosts: [], now: 'early' })));
  await askEarly('/api/v1/hosts');
  vi.advanceTimersByTime(9_000);
  expect(await new Api().hosts()).toMatchObject({ now: 'early' });
  expect(request).toHaveBeenCalledTimes(1);
  await askEarly('/api/v1/hosts');
  vi.advanceTimersByTime(10_000);
  expect(takeAhead('/api/v1/hosts'), 'old').toBeUndefined();
  await askEarly('/no');
  expect(takeAhead('/no'), 'refused').toBeUndefined();
  request.mockRejectedValueOnce(new TypeError('refused'));
  await askEarly('/api/v1/hosts');
  expect(takeAhead('/api/v1/hosts'), 'unreachable').toBeUndefined();
  vi.useRealTimers();
});
