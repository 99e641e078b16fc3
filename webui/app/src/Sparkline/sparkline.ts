/** The curve of a small chart, as paths of SVG in a box of (values − 1) × 100. Where there is no value there is a gap. */
export interface Curve {
  readonly line: string;
  readonly area: string;
}

/** Values from 0 to `top`; what is more is cut. A value between two gaps is a short dash. */
export function curve(values: readonly (number | null)[], top: number): Curve {
  let line = '';
  let area = '';
  const y = (value: number) => round(100 - (100 * Math.max(0, Math.min(top, value))) / top);
  for (let i = 0; i < values.length; ) {
    if (values[i] == null) {
      i++;
      continue;
    }
    const points: string[] = [];
    const start = i;
    for (let value = values[i]; value != null; value = values[++i]) points.push(`${i} ${y(value)}`);
    if (points.length === 1) points.push(`${round(start + 0.5)} ${y(values[start]!)}`);
    const end = points.at(-1)!.split(' ')[0];
    line += `M${points.join('L')}`;
    area += `M${start} 100L${points.join('L')}L${end} 100Z`;
  }
  return { line, area };
}

function round(n: number): number {
  return Math.round(n * 10) / 10;
}
