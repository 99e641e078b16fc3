const begun = new Map<string, Promise<Response>>();

/** What every request of the API says. */
export const asking = { headers: { Accept: 'application/json' }, cache: 'no-cache' } as const;

/** Milliseconds until a request counts as unanswered. */
export const patience = 20_000;

/** Asks for what a page will ask for, while that page still loads. */
export function askAhead(path: string): void {
  const answer = fetch(path, { ...asking, signal: AbortSignal.timeout(patience) });
  answer.catch(() => {}); // whoever takes it sees that
  begun.set(path, answer);
}

/** The answer to a question that was asked ahead, once. */
export function takeAhead(path: string): Promise<Response> | undefined {
  const answer = begun.get(path);
  begun.delete(path);
  return answer;
}
