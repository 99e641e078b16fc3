/** What every request of the API says. */
const asking = { headers: { Accept: 'application/json' }, cache: 'no-cache' } as const;

/** Milliseconds until a request counts as unanswered. */
export const patience = 20_000;

/** An answer, and what it holds if it is a good one. */
export interface Answer {
  response: Response;
  json: Promise<unknown> | undefined;
}

export async function ask(path: string, signal: AbortSignal, request = fetch): Promise<Answer> {
  const response = await request(path, { ...asking, signal });
  return { response, json: response.ok ? response.json() : undefined };
}

const begun = new Map<string, Promise<Answer>>();

/** Asks for what a page will ask for, while that page still loads. Tells when the answer is there and read. */
export async function askAhead(path: string): Promise<void> {
  const answer = ask(path, AbortSignal.timeout(patience));
  begun.set(path, answer);
  try {
    await (await answer).json;
  } catch {
    // Whoever takes it sees that.
  }
}

/** The answer to a question that was asked ahead, once. */
export function takeAhead(path: string): Promise<Answer> | undefined {
  const answer = begun.get(path);
  begun.delete(path);
  return answer;
}

/** How long an answer to what may be asked for is kept. Milliseconds. */
const kept = 10_000;

/** Asks for what will probably be asked for next. An answer that is a good one is kept for a moment. */
export async function askEarly(path: string): Promise<void> {
  const answer = ask(path, AbortSignal.timeout(patience));
  begun.set(path, answer);
  const forget = () => {
    if (begun.get(path) === answer) begun.delete(path);
  };
  try {
    const { json } = await answer;
    if (!json) return forget();
    await json;
    setTimeout(forget, kept);
  } catch {
    forget();
  }
}
