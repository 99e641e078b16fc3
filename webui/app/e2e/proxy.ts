import { connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a server that can be cut: what was open ends, and nothing new is let through until it is restored. */
export class Proxy {
  readonly #to: URL;
  readonly #open = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  constructor(to: string) {
    this.#to = new URL(to);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async restore(): Promise<void> {
    const server = createServer((from) => {
      const to = connect(Number(this.#to.port), this.#to.hostname);
      for (const [one, other] of [[from, to], [to, from]] as const) {
        this.#open.add(one);
        one.on('error', () => {}).on('close', () => {
          this.#open.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    this.#server = server;
    await new Promise<void>((done, fail) => server.once('error', fail).listen(this.#port, '127.0.0.1', done));
    const address = server.address();
    if (address && typeof address === 'object') this.#port = address.port;
  }

  async cut(): Promise<void> {
    const server = this.#server;
    if (!server?.listening) return;
    const closed = new Promise((done) => server.close(done));
    for (const socket of this.#open) socket.destroy();
    await closed;
  }
}
