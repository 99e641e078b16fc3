import { clip } from '../format/format';
import { codePoint, pieces } from './controls';

/**
 * Writes text that somebody else wrote into an element, a <bdi>, with characters that do not show made visible:
 * what is read from the page is the text unchanged. Of a text longer than `most` only as much is written.
 */
export function write(element: HTMLElement, text: string, most: number): void {
  const shown = clip(text, most);
  const parts = pieces(shown);
  if (!parts.some(({ control }) => control)) {
    if (element.childElementCount > 0 || element.textContent !== shown) element.textContent = shown;
    return;
  }
  element.replaceChildren(
    ...parts.map((part) => {
      if (!part.control) return part.text;
      const mark = document.createElement('span');
      mark.className = 'control-character';
      mark.dataset.code = codePoint(part.text);
      mark.textContent = part.text;
      return mark;
    }),
  );
}
