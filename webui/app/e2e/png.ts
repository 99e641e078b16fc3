// PNG files of few colours, which are a third of those that pngjs writes.
import { crc32, deflateSync } from 'node:zlib';
import type { PNG } from 'pngjs';

const most = 256;

/** Takes a picture down to 256 colours: the most frequent ones, and for each other the nearest of them. */
export function reduce(png: PNG): void {
  const pixels = new Uint32Array(png.data.buffer, png.data.byteOffset, png.data.length / 4);
  const counts = new Map<number, number>();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const kept = [...counts].sort(([a, m], [b, n]) => n - m || a - b).slice(0, most).map(([colour]) => colour);
  const nearest = new Map(kept.map((colour) => [colour, colour]));
  const parts = (c: number) => [c & 255, (c >> 8) & 255, (c >> 16) & 255] as const;
  for (const colour of counts.keys()) {
    if (nearest.has(colour)) continue;
    const [r, g, b] = parts(colour);
    let [best, least] = [kept[0]!, Infinity];
    for (const other of kept.slice(0, most)) {
      const [x, y, z] = parts(other);
      const far = (r - x) ** 2 + (g - y) ** 2 + (b - z) ** 2;
      if (far < least) [best, least] = [other, far];
    }
    nearest.set(colour, best);
  }
  for (let i = 0; i < pixels.length; i++) pixels[i] = nearest.get(pixels[i]!)!;
}

/** Writes an opaque picture of at most 256 colours with a palette (https://www.w3.org/TR/png-3/#5DataRep). */
export function encode({ width, height, data }: PNG): Buffer {
  const palette = new Map<number, number>();
  const rows = Buffer.alloc((width + 1) * height); // each begins with its filter, none
  for (let i = 0; i < width * height; i++) {
    const colour = data.readUIntBE(4 * i, 3);
    let index = palette.get(colour);
    if (index === undefined) palette.set(colour, (index = palette.size));
    rows[i + Math.floor(i / width) + 1] = index;
  }
  if (palette.size > most) throw new Error(`${palette.size} colours are too many`);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8); // bits, palette, deflate, filters, not interlaced
  const colours = Buffer.alloc(3 * palette.size);
  [...palette.keys()].forEach((colour, i) => colours.writeUIntBE(colour, 3 * i, 3));
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', head), chunk('PLTE', colours), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
